//! The call list: for whoever manages the alert, and for callers who have a link and no account.
//!
//! Both see the same page. A caller's shows one part of the list, and no way to anything else.

mod list;
mod person;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::account::role::Act;
use crate::app::App;
use crate::clock::Timestamp;
use crate::ids::{AlertId, AlertNumber, RecipientId};
use crate::phone_tree::calling::{self, Call, Came};
use crate::phone_tree::link::{self, For};
use crate::phone_tree::{Caller, NotDone};
use crate::storage::alerts::{self, Alert};
use crate::storage::calls::Whose;
use crate::web::form::Fields;
use crate::web::pages::sign_in::help;
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::error::ErrorPage;
use crate::web::view::{Frame, Notice, Section, Tone};
use list::{Made, Reader};

/// `/alerts/{id}/calls` with its acts, and `/call/{token}`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/alerts/{id}/calls", get(look).post(note))
        .route("/alerts/{id}/calls/fill", post(fill))
        .route("/alerts/{id}/calls/link", post(make_link))
        .route("/call/{token}", get(show_caller).post(note_caller))
}

/// Which person is to be called first, and what was just done.
#[derive(Clone, Debug, Default, Deserialize)]
struct Asked {
    person: Option<RecipientId>,
    #[serde(default)]
    done: String,
}

/// The alert by its id, or by the number that people say aloud.
async fn find(app: &App, id: &str) -> Result<Alert, PageError> {
    if let Ok(id) = id.parse::<AlertId>() {
        return Ok(alerts::get_by_id(&app.db, id).await?);
    }
    let number = id
        .parse()
        .map(AlertNumber)
        .map_err(|_| PageError::not_found())?;
    Ok(alerts::get(&app.db, number).await?)
}

fn manager(signed_in: &SignedIn) -> Caller {
    Caller {
        actor: signed_in.actor(),
        whose: Whose::All,
    }
}

async fn look(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    signed_in.require(Act::CallPeople)?;
    let alert = find(&app, &id).await?;
    let reader = managing(&app, &signed_in, &alert);
    let page = list::page(&app, reader, asked.person, notice_of(&asked.done), None).await?;
    show(StatusCode::OK, &page)
}

fn managing(app: &App, signed_in: &SignedIn, alert: &Alert) -> Reader {
    let title = format!("People to call: {}", list::title(app, alert));
    Reader {
        alert: alert.clone(),
        caller: manager(signed_in),
        path: format!("/alerts/{}/calls", alert.id),
        is_manager: true,
        frame: frame(app, &signed_in.user, title, Section::Alerts),
    }
}

/// What was just done, as a sentence; an unknown word says nothing.
fn notice_of(done: &str) -> Option<Notice> {
    let (tone, text) = match done {
        "spoke" => (Tone::Good, "Noted. Thank you."),
        "voicemail" => (
            Tone::Plain,
            "Noted: a message was left. They have not answered yet.",
        ),
        "no_answer" => (Tone::Plain, "Noted. They are at the end of the list now."),
        "wrong_number" => (
            Tone::Careful,
            "Noted: wrong number. Someone will look for another.",
        ),
        "again" => (Tone::Plain, "Back on the list."),
        "filled" => (Tone::Good, "Everyone who is silent is on the list now."),
        "released" => (Tone::Plain, "Given back. Somebody else can call them."),
        _ => return None,
    };
    Some(Notice::new(tone, text))
}

async fn note(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::RecordForOthers)?;
    let alert = find(&app, &id).await?;
    let reader = managing(&app, &signed_in, &alert);
    act(&app, reader, &fields).await
}

/// Carries out what a form of the list asks for, and goes back to the list.
async fn act(app: &App, reader: Reader, fields: &Fields) -> Result<Response, PageError> {
    let word = fields.get("outcome").to_owned();
    let Ok(recipient) = fields.get("recipient").parse::<i64>().map(RecipientId) else {
        return Err(PageError::refused("the form does not say who was called"));
    };
    if recipient.alert() != reader.alert.number {
        return Err(PageError::not_found());
    }
    let (done, next) = match word.as_str() {
        "claim" => (
            calling::claim(app, &reader.caller, recipient).await,
            Some(recipient),
        ),
        "release" => (calling::release(app, &reader.caller, recipient).await, None),
        _ => {
            let Some(came) = Came::from_word(&word) else {
                return Err(PageError::refused(
                    "the form does not say what came of the call",
                ));
            };
            let seen = fields.get("seen").parse().ok().map(Timestamp);
            let note = Some(fields.get("note").to_owned());
            let call = Call {
                recipient,
                came,
                seen,
                note,
            };
            (calling::report(app, &reader.caller, call).await, None)
        }
    };
    match done {
        Ok(()) => Ok(back(&reader.path, &word, next)),
        Err(NotDone::Refused(refusal)) => Err(refusal.into()),
        Err(not_done) => {
            let text = crate::web::format::sentence(&not_done.to_string());
            let notice = Some(Notice::new(Tone::Careful, text));
            let page = list::page(app, reader, None, notice, None).await?;
            show(StatusCode::CONFLICT, &page)
        }
    }
}

fn back(path: &str, word: &str, next: Option<RecipientId>) -> Response {
    let word = if word == "release" { "released" } else { word };
    let word = word.split('.').next().unwrap_or_default();
    let to = match next {
        Some(recipient) => format!("{path}?person={recipient}"),
        None => format!("{path}?done={word}"),
    };
    Redirect::to(&to).into_response()
}

async fn fill(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    signed_in.require(Act::FollowUp)?;
    let alert = find(&app, &id).await?;
    match calling::call_the_silent(&app, alert.number, &signed_in.actor()).await {
        Ok(_) => Ok(back(&format!("/alerts/{}/calls", alert.id), "filled", None)),
        Err(NotDone::Refused(refusal)) => Err(refusal.into()),
        Err(other) => Err(PageError::refused(&other.to_string())),
    }
}

async fn make_link(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::FollowUp)?;
    let alert = find(&app, &id).await?;
    let name = fields.get("name").to_owned();
    let whom = match fields.get("caller").parse() {
        Ok(caller) => For::Caller(caller),
        Err(_) => For::Helper(name.clone()),
    };
    let reader = managing(&app, &signed_in, &alert);
    match link::make(&app, alert.number, whom, &signed_in.actor()).await {
        Ok(token) => {
            let address = format!("{}/call/{token}", app.public_url);
            let made = Some(Made { name, address });
            show(
                StatusCode::OK,
                &list::page(&app, reader, None, None, made).await?,
            )
        }
        Err(NotDone::Refused(refusal)) => Err(refusal.into()),
        Err(not_done) => {
            let text = crate::web::format::sentence(&not_done.to_string());
            let notice = Some(Notice::new(
                Tone::Wrong,
                format!("No link was made. {text}"),
            ));
            let page = list::page(&app, reader, None, notice, None).await?;
            show(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

async fn show_caller(
    State(app): State<App>,
    Path(token): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    match opened(&app, &token).await? {
        Some(reader) => {
            let page = list::page(&app, reader, asked.person, notice_of(&asked.done), None).await?;
            show(StatusCode::OK, &page)
        }
        None => closed(&app),
    }
}

async fn note_caller(
    State(app): State<App>,
    Path(token): Path<String>,
    fields: Fields,
) -> Result<Response, PageError> {
    match opened(&app, &token).await? {
        Some(reader) => act(&app, reader, &fields).await,
        None => closed(&app),
    }
}

async fn opened(app: &App, token: &str) -> Result<Option<Reader>, PageError> {
    let Some(opened) = link::open(app, token).await? else {
        return Ok(None);
    };
    let title = format!("People to call: {}", list::title(app, &opened.alert));
    let mut frame = Frame::new(&app.config.organisation.name, title);
    frame = frame.notice(Notice::new(
        Tone::Plain,
        format!("This list is for {}.", opened.name),
    ));
    Ok(Some(Reader {
        alert: opened.alert,
        caller: opened.caller,
        path: format!("/call/{token}"),
        is_manager: false,
        frame,
    }))
}

/// The kind page for a link that opens nothing: the same for every reason.
fn closed(app: &App) -> Result<Response, PageError> {
    let page = ErrorPage {
        page: Frame::new(&app.config.organisation.name, "Call list"),
        heading: "This call list is not open".to_owned(),
        happened: "The link is not complete, was replaced by a newer one, or its alert is over. \
                   Thank you for helping."
            .to_owned(),
        not_done: "Nobody needs to be called from here.".to_owned(),
        next: help(app)
            .into_iter()
            .map(|link| crate::web::view::Link {
                label: format!("Call us: {}", link.label),
                href: link.href,
            })
            .collect(),
        reference: String::new(),
    };
    show(StatusCode::NOT_FOUND, &page)
}
