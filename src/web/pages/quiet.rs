//! Says on pages that phones are left alone for now, and until when.

use crate::alert::words::Severity;
use crate::app::App;
use crate::channel::Channel;
use crate::plan::Plan;
use crate::web::format::Times;

/// "Quiet hours until 06:30: text messages wait until then." None where nothing waits.
pub fn words(app: &App, severity: Severity, plan: &Plan) -> Option<String> {
    let quiet = app.quiet_channels();
    let used = plan.channels();
    let until = app.quiet_until(severity, &used)?;
    let waiting: Vec<&str> = quiet
        .into_iter()
        .filter(|channel| used.contains(channel))
        .map(messages)
        .collect();
    let times = Times::new(&app.config, app.clock.now());
    Some(format!(
        "Quiet hours until {}: {} wait until then.",
        times.near_minute(until),
        waiting.join(" and ")
    ))
}

fn messages(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "text messages",
        Channel::Email => "e-mails",
        Channel::Voice => "calls",
        Channel::Push => "messages to apps",
    }
}
