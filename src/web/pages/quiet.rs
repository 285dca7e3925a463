//! Says on pages that phones are left alone for now, and until when.

use crate::alert::words::Severity;
use crate::app::App;
use crate::plan::Plan;
use crate::web::format::Times;
use crate::web::pages::preview;

/// "Quiet hours until 06:30: text messages wait until then." None where nothing waits.
pub fn words(app: &App, severity: Severity, plan: &Plan) -> Option<String> {
    let quiet = app.quiet_channels();
    let used = plan.channels();
    let until = app.quiet_until(severity, &used)?;
    let waiting: Vec<&str> = quiet
        .into_iter()
        .filter(|channel| used.contains(channel))
        .map(preview::many_of)
        .collect();
    let times = Times::new(&app.config, app.clock.now());
    Some(format!(
        "Quiet hours until {}: {} wait until then.",
        times.near_minute(until),
        waiting.join(" and ")
    ))
}
