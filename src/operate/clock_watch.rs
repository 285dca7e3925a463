//! Raises the alarm when a clock jumps, and sets room on the disk aside again once there is some:
//! what must be noticed within seconds.

use std::time::Duration;

use tracing::{error, info};

use crate::app::App;
use crate::storage::Reserve;

/// How often.
const EVERY: Duration = Duration::from_secs(2);

/// Runs until the service stops.
pub(super) async fn run(app: App) {
    let mut off = 0;
    loop {
        off = turn(&app, off);
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {} // paces the look at clock and disk
        }
    }
}

/// One look. `off` is how far the clock was off at the last one; answers how far it is now.
fn turn(app: &App, off: i64) -> i64 {
    let now_off = app.clock.off();
    if (now_off == 0) != (off == 0) {
        if let Some(problem) = problem(app) {
            error!(off_ms = now_off, "{problem}");
        } else {
            info!("The clock agrees again with the time that Muster goes by");
        }
        app.tell();
    }
    if app.db.reserve().is_some_and(Reserve::renew) {
        app.tell();
    }
    now_off
}

/// What is wrong with the clock, if anything is: a sentence for whoever looks after the service.
pub fn problem(app: &App) -> Option<String> {
    let off = app.clock.off();
    let span = jiff::SignedDuration::from_millis(off.saturating_abs());
    let span = format!("{span:#}");
    let which = if app.db.is_shared() {
        "This server’s clock and the database’s"
    } else {
        "The server’s clock"
    };
    match off {
        0 => None,
        _ if app.db.is_shared() => Some(format!(
            "{which} are {span} apart. Muster goes on by its own steady time, so that no alert ends or \
             goes on because of it. Set the wrong one right{}.",
            match app.clock.offered() {
                Some(_) => "; or say under Service that the new time is right",
                None => "",
            }
        )),
        _ => Some(format!(
            "{which} has jumped {} by {span}. Muster goes on by its own steady time, so that no alert \
             ends or goes on because of it. Set the clock right; or say under Service that its new time \
             is right.",
            if off > 0 { "ahead" } else { "back" }
        )),
    }
}
