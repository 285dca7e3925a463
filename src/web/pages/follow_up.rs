//! Acts on a running alert, each with a page that says beforehand what it will do: correct, all
//! clear, update, remind the silent, stop.

mod content;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::cookie::CookieJar;

use crate::account::role::Act;
use crate::alert::follow_up::{self, FollowUpRequest};
use crate::alert::words::AlertKind;
use crate::alert::{Refusal, draft};
use crate::app::App;
use crate::clock::Timestamp;
use crate::storage::alerts::{self, Alert};
use crate::template::Template;
use crate::web::form::Fields;
use crate::web::format::sentence;
use crate::web::pages::proof::{self, Proven};
use crate::web::pages::reading::{self, Reading};
use crate::web::pages::{PageError, asked, board, draft_view, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::follow_up::{FollowUp, FollowUpKind};
use crate::web::view::{Link, Notice, Section, Severity, Tone};

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
    if sends(kind).is_some() {
        alert = follow_up::first_of_thread(app, alert).await?;
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
    headers: HeaderMap,
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
    let cookies = if place.kind == FollowUpKind::Update {
        match proof::take(&app, &headers, &by, &fields, word.as_bytes()).await? {
            Proven::Yes(cookies) => cookies,
            Proven::No(why) => return again(&place, &fields, why).await,
        }
    } else {
        CookieJar::new()
    };
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
        Ok(id) => Ok((cookies, Redirect::to(&format!("/alerts/{id}"))).into_response()),
        Err(Refusal::Storage(error)) => Err(error.into()),
        Err(refusal) => {
            let text = format!("{} Nothing was sent.", sentence(&refusal.to_string()));
            let page = again(&place, &fields, Notice::new(Tone::Wrong, text)).await?;
            Ok((cookies, page).into_response())
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
        return Ok((content::silent(place).await?, String::new()));
    };
    let look = draft_view::look_at_follow_up(place.app, &place.alert, template, variables, at);
    Ok((look.await?.people, template.hash.clone()))
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
        (Some(template), _) => content::message(place, template, &variables, now).await?,
        (None, FollowUpKind::Stop) => content::stop(place).await?,
        (None, _) => content::reminder(place).await?,
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
        proof: match place.kind {
            FollowUpKind::Update => proof::field(app, place.by).await?,
            // To take back or to call off must never wait for a password.
            _ => None,
        },
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
