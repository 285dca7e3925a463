//! `muster serve`: the service, until it is told to end.

use serde_json::json;
use tracing::warn;

use super::failure::{Failure, said};
use super::{Shared, logging, terminal};
use crate::account::link;
use crate::app::{App, ServerLock};
use crate::clock::Clock;
use crate::operate::service::{self, End};
use crate::storage::{Access, approvals};

pub(super) async fn serve(shared: &Shared) -> Result<(), Failure> {
    let mut config = shared.read_config()?;
    logging::start(config.log_format, logging::USUAL)?;
    let _lock = ServerLock::take(&config)?;
    let (listener, address) = service::bind(&config.listen).await?;
    // With port 0 the links must name the port that was found.
    config.listen = address.to_string();
    config
        .public_url
        .get_or_insert_with(|| format!("http://{}", service::reachable(address)));
    let app = App::open(config, Clock::system(), Access::Migrate).await?;
    let set_up = link::make_set_up(&app.db, app.clock.now()).await?;
    let set_up = set_up.map(|token| format!("{}/set-up/{token}", app.public_url));
    // From here on a moment without the database ends nothing.
    service::start(&app, listener).await?;
    announce(shared, &app, set_up.as_deref()).await?;
    run(&app).await
}

/// Runs until a signal ends it; the second one cuts it short.
pub(super) async fn run(app: &App) -> Result<(), Failure> {
    match service::run_until_signal(app).await? {
        End::Finished => Ok(()),
        End::Broken(reason) => Err(said(reason)),
        End::CutShort => Err(said(
            "stopped at once: the next start looks after what was under way",
        )),
    }
}

/// Says where the service is. A closed stdout does not keep it from running.
async fn announce(shared: &Shared, app: &App, set_up: Option<&str>) -> Result<(), Failure> {
    let listen = format!("http://{}", app.config.listen);
    if shared.json {
        let facts = json!({
            "listening": listen, "public_url": app.public_url, "set_up_url": set_up,
        });
        return unless_nobody_listens(terminal::json(&facts));
    }
    let mut lines = vec![format!(
        "Muster {} listens on {listen}",
        env!("CARGO_PKG_VERSION")
    )];
    if app.public_url != listen {
        lines.push(format!("Phones reach it at {}", app.public_url));
    }
    if let Some(set_up) = set_up {
        lines.push(
            "There is no account yet. This link makes the first one, once, within 30 minutes:"
                .into(),
        );
        lines.push(format!("Set up: {set_up}"));
    }
    if approvals::list(&app.db)
        .await
        .is_ok_and(|all| all.is_empty())
    {
        lines.push(format!(
            "No message is approved yet, so nothing can be sent: read them at {}/templates and approve \
             them there, or with `muster templates approve --all`",
            app.public_url
        ));
    }
    for warning in app.config.warnings() {
        warn!("{warning}");
    }
    unless_nobody_listens(lines.iter().try_for_each(terminal::say))
}

fn unless_nobody_listens(done: Result<(), Failure>) -> Result<(), Failure> {
    match done {
        Err(Failure::NobodyListens) => Ok(()),
        done => done,
    }
}
