//! What the page before an act shows: whom it reaches, what they will read, what stands in the way.

use std::collections::BTreeMap;

use super::Place;
use crate::alert::words::{AlertKind, AlertState};
use crate::clock::Timestamp;
use crate::storage::alerts;
use crate::storage::deliveries::DeliveryState;
use crate::storage::standing;
use crate::template::Template;
use crate::web::format;
use crate::web::pages::preview::{self, Readers};
use crate::web::pages::{PageError, check, draft_view};
use crate::web::view::check::Blank;
use crate::web::view::{Fact, Notice, Severity, Tone, people};

/// People who have not answered, and to whom something can be sent.
pub(super) async fn silent(place: &Place<'_>) -> Result<u64, PageError> {
    use standing::PersonState::{Acknowledged, Excluded, Unreachable};
    let counts = standing::count(&place.app.db, place.alert.number).await?;
    let silent = counts
        .iter()
        .filter(|(state, _)| !matches!(state, Acknowledged | Excluded | Unreachable));
    Ok(silent.map(|(_, number)| format::count(*number)).sum())
}

/// The part of the page that differs between the acts.
#[derive(Default)]
pub(super) struct Content {
    pub(super) severity: Option<Severity>,
    pub(super) blanks: Vec<Blank>,
    pub(super) problems: Vec<Notice>,
    pub(super) missing: Vec<String>,
    pub(super) previews: Vec<crate::web::view::check::Preview>,
    pub(super) facts: Vec<Fact>,
    pub(super) count: u64,
    pub(super) hash: String,
}

/// A correction, an all-clear or an update.
pub(super) async fn message(
    place: &Place<'_>,
    template: &Template,
    variables: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<Content, PageError> {
    let app = place.app;
    let language = app.config.organisation.language();
    let look = draft_view::look_at_follow_up(app, &place.alert, template, variables, now).await?;
    let mut problems = look.problems;
    if template.kind == AlertKind::Update && place.alert.state != AlertState::Running {
        problems.push(Notice::new(
            Tone::Wrong,
            "The alert is over: an update can no longer be sent.",
        ));
    }
    let whom = format!("{}: exactly those who were contacted", people(look.people));
    let mut facts = vec![Fact::new("Who gets it", whom)];
    let severity = place.alert.severity.min(template.severity);
    let (mode, shown) = (place.alert.mode, &look.shown);
    facts.extend(preview::cost_and_time(app, mode, severity, shown));
    if template.kind != AlertKind::Update {
        facts.push(Fact::new(
            "The alert itself",
            "is stopped: nothing more of it goes out",
        ));
    }
    Ok(Content {
        severity: Some(Severity::of(template.kind, template.severity)),
        blanks: check::blanks(template, variables, &language),
        problems,
        missing: look.missing,
        previews: look.shown.into_iter().map(|one| one.preview).collect(),
        facts,
        count: look.people,
        hash: template.hash.clone(),
    })
}

/// The same message once more.
pub(super) async fn reminder(place: &Place<'_>) -> Result<Content, PageError> {
    let app = place.app;
    let alert = &place.alert;
    let count = silent(place).await?;
    let texts = alerts::list_texts(&app.db, alert.number).await?;
    let channels = draft_view::first_channels(&alert.plan);
    let shelf = app.shelf();
    let readers: Vec<Readers> = Vec::new();
    let mut shown = preview::shown(
        app,
        shelf.find(&alert.template),
        &texts,
        &channels,
        &readers,
    );
    for one in &mut shown {
        one.preview.people = None;
    }
    let mut problems = Vec::new();
    if alert.state != AlertState::Running {
        problems.push(Notice::new(
            Tone::Wrong,
            "The alert is over: nobody can be reminded of it.",
        ));
    }
    Ok(Content {
        problems,
        previews: shown.into_iter().map(|one| one.preview).collect(),
        facts: vec![Fact::new(
            "Who gets it",
            format!("{} who have not answered", people(count)),
        )],
        count,
        ..Content::default()
    })
}

/// Nothing more goes out.
pub(super) async fn stop(place: &Place<'_>) -> Result<Content, PageError> {
    let deliveries = standing::count_deliveries(&place.app.db, place.alert.number).await?;
    let of = |wanted: &[DeliveryState]| -> u64 {
        let of = deliveries
            .iter()
            .filter(|(_, state, _)| wanted.contains(state));
        of.map(|(.., number)| format::count(*number)).sum()
    };
    let gone = of(&[
        DeliveryState::Accepted,
        DeliveryState::Sent,
        DeliveryState::Delivered,
    ]);
    let on_the_wire = of(&[DeliveryState::Sending]);
    let waiting = of(&[DeliveryState::Queued]);
    let mut facts = vec![Fact::new("Messages already handed over", gone.to_string())];
    if on_the_wire > 0 {
        facts.push(Fact::new(
            "Being handed over now, cannot be called back",
            on_the_wire.to_string(),
        ));
    }
    facts.push(Fact::new("Not yet sent", waiting.to_string()));
    let mut problems = Vec::new();
    if place.alert.state != AlertState::Running {
        problems.push(Notice::new(Tone::Plain, "The alert is over already."));
    }
    Ok(Content {
        problems,
        facts,
        count: waiting,
        ..Content::default()
    })
}
