//! What is going on already and should make one think twice before sending.

use super::Place;
use crate::alert::words::Mode;
use crate::clock::Timestamp;
use crate::storage::alerts::{self, Alert};
use crate::web::format::{self, Times};
use crate::web::pages::PageError;
use crate::web::view::{Link, Notice, Tone, people};

/// That someone has just sent the same: a person then decides whether it is the same event.
pub(super) fn sent_a_moment_ago(place: &Place<'_>, alert: &Alert, now: Timestamp) -> Notice {
    let language = place.app.config.organisation.language();
    let text = format!(
        "{} sent “{}” to {} {} ago. Send it again only if it is about something else.",
        format::actor(&alert.launched_by),
        alert.title_in(&language),
        people(format::count(alert.recipients)),
        format::span(now.since(alert.launched_at)),
    );
    let link = Some(Link::new("See its board", format!("/alerts/{}", alert.id)));
    Notice {
        tone: Tone::Careful,
        text,
        link,
    }
}

/// What runs already, but for what is said of `but`.
pub(super) async fn running(
    place: &Place<'_>,
    but: &[Alert],
    now: Timestamp,
) -> Result<Vec<Notice>, PageError> {
    let times = Times::new(&place.app.config, now);
    let language = place.app.config.organisation.language();
    let running = alerts::list_running(&place.app.db).await?;
    let is_said = |alert: &&Alert| but.iter().any(|one| one.number == alert.number);
    let new = running.iter().filter(|alert| !is_said(alert));
    let worrying = new.filter(|alert| match place.mode {
        Mode::Actual => alert.mode == Mode::Actual && alert.template == place.template.name,
        Mode::Exercise => alert.mode == Mode::Actual,
    });
    Ok(worrying
        .take(3)
        .map(|alert| {
            let title = alert.title_in(&language);
            let since = times.near(alert.launched_at);
            let text = match place.mode {
                Mode::Actual => format!("“{title}” is running already, since {since}."),
                Mode::Exercise => {
                    format!("A LIVE alert is running since {since}: “{title}”. A drill may confuse people.")
                }
            };
            let link = Some(Link::new("See its board", format!("/alerts/{}", alert.id)));
            Notice { tone: Tone::Careful, text, link }
        })
        .collect())
}
