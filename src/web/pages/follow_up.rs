//! Acts on a running alert, each with a page that says beforehand what it will do: correct, all
//! clear, update, remind the silent, stop.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;

use crate::account::role::Act;
use crate::alert::follow_up::{self, FollowUpRequest};
use crate::alert::words::{AlertKind, AlertState};
use crate::alert::{Refusal, draft};
use crate::app::App;
use crate::clock::Timestamp;
use crate::storage::alerts::{self, Alert};
use crate::storage::deliveries::DeliveryState;
use crate::storage::standing;
use crate::template::Template;
use crate::web::form::Fields;
use crate::web::format::{self, sentence};
use crate::web::pages::preview::{self, Readers};
use crate::web::pages::reading::{self, Reading};
use crate::web::pages::{PageError, asked, board, check, draft_view, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::check::Blank;
use crate::web::view::follow_up::{FollowUp, FollowUpKind};
use crate::web::view::{Fact, Link, Notice, Section, Severity, Tone, people};

/// `/alerts/ID/{correct,all-clear,update,remind,stop}`.
pub fn router() -> Router<App> {
    Router::new().route("/alerts/{id}/{act}", get(page).post(carry_out))
}

/// The act that an address names.
fn act_of(path: &str) -> Result<FollowUpKind, PageError> {
    Ok(match path {
        "correct" => FollowUpKind::Correction,
        "all-clear" => FollowUpKind::AllClear,
        "update" => FollowUpKind::Update,
        "remind" => FollowUpKind::Reminder,
        "stop" => FollowUpKind::Stop,
        _ => return Err(PageError::not_found()),
    })
}

/// What a kind of page sends: a new alert that follows, or nothing new.
fn sends(kind: FollowUpKind) -> Option<AlertKind> {
    match kind {
        FollowUpKind::Correction => Some(AlertKind::Correction),
        FollowUpKind::AllClear => Some(AlertKind::AllClear),
        FollowUpKind::Update => Some(AlertKind::Update),
        FollowUpKind::Reminder | FollowUpKind::Stop => None,
    }
}

/// The page of one act on one alert, for one person.
struct Place<'a> {
    app: &'a App,
    by: &'a SignedIn,
    alert: Alert,
    kind: FollowUpKind,
    path: String,
    /// The template of what is sent; none for a reminder and a stop.
    template: Option<Template>,
}

impl Place<'_> {
    fn about(&self) -> String {
        format!("{} {}", self.path, self.alert.id)
    }

    fn board(&self) -> String {
        format!("/alerts/{}", self.alert.id)
    }
}

async fn place<'a>(
    app: &'a App,
    by: &'a SignedIn,
    (id, path): (String, String),
) -> Result<Place<'a>, PageError> {
    by.require(Act::FollowUp)?;
    let kind = act_of(&path)?;
    let mut alert = board::find(app, &id).await?;
    if sends(kind).is_some() && alert.number != alert.thread {
        // People know the closure, not the update that followed it.
        alert = alerts::get(&app.db, alert.thread).await?;
    }
    let template = match sends(kind) {
        Some(kind) => {
            let name = follow_up::default_template(kind);
            Some(draft::readable_template(app, name)?)
        }
        None => None,
    };
    Ok(Place {
        app,
        by,
        alert,
        kind,
        path,
        template,
    })
}

/// What the form asks for, and the same in one word.
fn asked_for(place: &Place<'_>, fields: &Fields) -> (BTreeMap<String, String>, String) {
    let template = place.template.as_ref();
    let variables = template
        .map(|one| asked::variables(one, fields))
        .unwrap_or_default();
    let canonical = serde_json::json!(variables).to_string();
    (variables, canonical)
}

async fn page(
    State(app): State<App>,
    by: SignedIn,
    Path(path): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let place = place(&app, &by, path).await?;
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let page = view(&place, &fields, Vec::new()).await?;
    show(StatusCode::OK, &page)
}

/// Does it, once; only what was read is sent.
async fn carry_out(
    State(app): State<App>,
    by: SignedIn,
    Path(path): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, PageError> {
    let place = place(&app, &by, path).await?;
    if place.kind == FollowUpKind::Stop {
        return match follow_up::stop(&app, place.alert.id, by.actor()).await {
            // Whoever presses twice, or comes too late, sees how it stands.
            Ok(_) | Err(Refusal::NotRunning) => Ok(Redirect::to(&place.board()).into_response()),
            Err(refusal) => Err(refusal.into()),
        };
    }
    let (variables, canonical) = asked_for(&place, &fields);
    let word = fields.get(reading::FIELD);
    let reader = by.user.id;
    let read = Reading::open(&app, reader, &place.about(), &canonical, word);
    let now = app.clock.now();
    let Some(read) = read.filter(|read| !read.is_stale(now)) else {
        return again(&place, &fields, changed()).await;
    };
    let key = read.key(reader, &place.about(), &canonical);
    let kept = alerts::find_launch(&app.db, &key.scope, &key.key).await?;
    if let Some(kept) = kept {
        return Ok(Redirect::to(&format!("/alerts/{}", kept.alert_id)).into_response());
    }
    let (count, hash) = standing_now(&place, &variables, read.composed_at).await?;
    // Of a reminder the number falls while one reads, because people answer: that is no surprise.
    let is_as_read = place.template.is_none() || count == read.people;
    if !is_as_read || hash != read.template_hash {
        return again(&place, &fields, changed()).await;
    }
    let done = match sends(place.kind) {
        None => follow_up::remind_once(&app, place.alert.id, by.actor(), Some(key))
            .await
            .map(|()| place.alert.id),
        Some(kind) => {
            let request = FollowUpRequest {
                alert: place.alert.id,
                kind,
                template: place
                    .template
                    .as_ref()
                    .map(|template| template.name.clone()),
                variables,
                hold: Duration::ZERO,
                composed_at: Some(read.composed_at),
                actor: by.actor(),
            };
            let launched = follow_up::follow_up_once(&app, request, Some(key)).await;
            launched.map(|launched| launched.alert.id)
        }
    };
    match done {
        Ok(id) => Ok(Redirect::to(&format!("/alerts/{id}")).into_response()),
        Err(Refusal::Storage(error)) => Err(error.into()),
        Err(refusal) => {
            let text = format!("{} Nothing was sent.", sentence(&refusal.to_string()));
            again(&place, &fields, Notice::new(Tone::Wrong, text)).await
        }
    }
}

fn changed() -> Notice {
    let text = "Something changed: read it again. What would be sent is no longer what you had read. \
                Nothing has been sent.";
    Notice::new(Tone::Careful, text)
}

async fn again(place: &Place<'_>, fields: &Fields, notice: Notice) -> Result<Response, PageError> {
    show(
        StatusCode::UNPROCESSABLE_ENTITY,
        &view(place, fields, vec![notice]).await?,
    )
}

/// How many people it is for now, and the version of what would be said.
async fn standing_now(
    place: &Place<'_>,
    variables: &BTreeMap<String, String>,
    at: Timestamp,
) -> Result<(u64, String), PageError> {
    let Some(template) = &place.template else {
        return Ok((silent(place).await?, String::new()));
    };
    let look = draft_view::look_at_follow_up(place.app, &place.alert, template, variables, at);
    Ok((look.await?.people, template.hash.clone()))
}

/// People who have not answered, and to whom something can be sent.
async fn silent(place: &Place<'_>) -> Result<u64, PageError> {
    use standing::PersonState::{Acknowledged, Excluded, Unreachable};
    let counts = standing::count(&place.app.db, place.alert.number).await?;
    let silent = counts
        .iter()
        .filter(|(state, _)| !matches!(state, Acknowledged | Excluded | Unreachable));
    Ok(silent.map(|(_, number)| format::count(*number)).sum())
}

/// The part of the page that differs between the acts.
#[derive(Default)]
struct Content {
    severity: Option<Severity>,
    blanks: Vec<Blank>,
    problems: Vec<Notice>,
    missing: Vec<String>,
    previews: Vec<crate::web::view::check::Preview>,
    facts: Vec<Fact>,
    count: u64,
    hash: String,
}

async fn view(
    place: &Place<'_>,
    fields: &Fields,
    notices: Vec<Notice>,
) -> Result<FollowUp, PageError> {
    let app = place.app;
    let language = app.config.organisation.language();
    let now = app.clock.now();
    let (variables, canonical) = asked_for(place, fields);
    let content = match (&place.template, place.kind) {
        (Some(template), _) => message(place, template, &variables, now).await?,
        (None, FollowUpKind::Stop) => stop(place).await?,
        (None, _) => reminder(place).await?,
    };
    let read = Reading::new(now, content.count, &content.hash);
    let word = read.seal(app, place.by.user.id, &place.about(), &canonical);
    let title = board::title(&place.alert, &language);
    let mut page = FollowUp {
        page: frame(app, &place.by.user, "", Section::Alerts)
            .in_mode(place.alert.mode.into(), ribbon(place)),
        mode: place.alert.mode.into(),
        kind: place.kind,
        alert: title.clone(),
        back: Link::new(format!("Board of {title}"), place.board()),
        severity: content
            .severity
            .unwrap_or_else(|| Severity::of(place.alert.kind, place.alert.severity)),
        action: format!("{}/{}", place.board(), place.path),
        hidden: vec![(reading::FIELD.to_owned(), word)],
        blanks: content.blanks,
        problems: notices.into_iter().chain(content.problems).collect(),
        missing: content.missing,
        previews: content.previews,
        facts: content.facts,
        count: content.count,
    };
    page.page.title = page.heading();
    Ok(page)
}

/// What is known of the alert itself must not sound as if it had not been sent.
fn ribbon(place: &Place<'_>) -> String {
    match place.kind {
        FollowUpKind::Stop => format!("Alert {}: not stopped yet.", place.alert.number),
        _ => "Nothing of this has been sent yet.".to_owned(),
    }
}

/// A correction, an all-clear or an update.
async fn message(
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
    facts.extend(preview::cost_and_time(app, place.alert.mode, &look.shown));
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
async fn reminder(place: &Place<'_>) -> Result<Content, PageError> {
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
async fn stop(place: &Place<'_>) -> Result<Content, PageError> {
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
