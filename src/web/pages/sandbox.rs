//! The wall of simulated phones: what everybody received, and buttons to answer for them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::account::role::Act;
use crate::app::App;
use crate::channel::Channel;
use crate::channel::sandbox::{Phone as Simulated, SandboxMessage};
use crate::ids::DeliveryId;
use crate::storage::deliveries;
use crate::web::form::Fields;
use crate::web::format::Times;
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::sandbox::{Mail, Phone, PhoneMessage, Sandbox, SandboxLive};
use crate::web::view::{Act as Button, Link, Mode, Notice, Section, Tone, counted};

/// Phones shown, and e-mails: those that were written to last.
const SHOWN: usize = 48;

/// Phones and mailboxes looked at for them.
const LOOKED_AT: usize = 400;

/// `/sandbox`, its moving part, and what one can do for a simulated person.
pub fn router() -> Router<App> {
    Router::new()
        .route("/sandbox", get(look))
        .route("/sandbox/wall", get(show_wall))
        .route("/sandbox/{serial}/reply", post(reply))
        .route("/sandbox/{serial}/tap", post(tap))
}

fn require(app: &App, signed_in: &SignedIn, act: Act) -> Result<(), PageError> {
    signed_in.require(act)?;
    if app.has_sandbox() {
        Ok(())
    } else {
        Err(PageError::not_found())
    }
}

async fn look(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    require(&app, &signed_in, Act::SeeBoards)?;
    let live = wall(&app, signed_in.user.may(Act::RecordForOthers)).await?;
    show(
        StatusCode::OK,
        &Sandbox {
            page: frame(&app, &signed_in.user, "Simulated phones", Section::Phones),
            live_href: "/sandbox/wall".to_owned(),
            live,
        },
    )
}

async fn show_wall(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    require(&app, &signed_in, Act::SeeBoards)?;
    show(
        StatusCode::OK,
        &wall(&app, signed_in.user.may(Act::RecordForOthers)).await?,
    )
}

async fn wall(app: &App, may_answer: bool) -> Result<SandboxLive, PageError> {
    let looked_at = app.phones.wall(LOOKED_AT);
    let times = Times::new(&app.config, app.clock.now());
    let mails = mails(app, &looked_at, &times);
    let mut phones = looked_at;
    phones.retain(|phone| phone.channels != [Channel::Email]);
    phones.truncate(SHOWN);
    let names = names(app, &phones).await?;
    let text = format!(
        "{}, the one that was written to last first. Nothing here reaches a real person.",
        counted(phones.len() as u64, "simulated phone", "simulated phones"),
    );
    let link = Link::new(counted(mails.len() as u64, "e-mail", "e-mails"), "#mail");
    Ok(SandboxLive {
        summary: Notice {
            link: (!mails.is_empty()).then_some(link),
            ..Notice::new(Tone::Plain, text)
        },
        phones: phones
            .iter()
            .map(|phone| simulated(app, phone, &names, may_answer, &times))
            .collect(),
        mails,
    })
}

/// The newest e-mails.
fn mails(app: &App, phones: &[Simulated], times: &Times) -> Vec<Mail> {
    let mut mails: Vec<&Arc<SandboxMessage>> = phones
        .iter()
        .flat_map(|phone| &phone.messages)
        .filter(|message| message.channel == Channel::Email)
        .collect();
    mails.sort_by_key(|message| std::cmp::Reverse(message.serial));
    mails
        .into_iter()
        .take(SHOWN)
        .map(|message| mail(app, message, times))
        .collect()
}

/// Whose message each is, for the name above the phone.
async fn names(app: &App, phones: &[Simulated]) -> Result<HashMap<DeliveryId, String>, PageError> {
    let newest = phones.iter().filter_map(|phone| phone.messages.last());
    let ids: Vec<DeliveryId> = newest.map(|message| message.delivery).collect();
    Ok(deliveries::names(&app.db, &ids)
        .await?
        .into_iter()
        .collect())
}

fn simulated(
    app: &App,
    phone: &Simulated,
    names: &HashMap<DeliveryId, String>,
    may_answer: bool,
    times: &Times,
) -> Phone {
    let number = phone.address.reveal().to_owned();
    let received = phone
        .messages
        .iter()
        .filter(|message| message.channel != Channel::Email);
    let received = received.map(|message| (message.at, bubble(app, message, times)));
    let sent = phone.sent.iter().map(|deed| {
        let text = deed
            .text
            .clone()
            .unwrap_or_else(|| "opened the link and answered".to_owned());
        let bubble = PhoneMessage {
            time: times.near(deed.at),
            text,
            link: None,
            sent: true,
            spoken: false,
            mode: None,
        };
        (deed.at, bubble)
    });
    let mut messages: Vec<_> = received.chain(sent).collect();
    messages.sort_by_key(|(at, _)| *at);
    let newest = phone.messages.last();
    let name = newest.and_then(|message| names.get(&message.delivery));
    Phone {
        name: name.cloned().unwrap_or_else(|| number.clone()),
        number,
        state: String::new(),
        messages: messages.into_iter().map(|(_, bubble)| bubble).collect(),
        replies: newest
            .filter(|_| may_answer)
            .map(replies)
            .unwrap_or_default(),
    }
}

fn bubble(app: &App, message: &Arc<SandboxMessage>, times: &Times) -> PhoneMessage {
    PhoneMessage {
        time: times.near(message.at),
        text: message.text.clone(),
        link: path_of(app, &message.link),
        sent: false,
        spoken: message.channel == Channel::Voice,
        mode: Some(Mode::from(message.mode)),
    }
}

fn mail(app: &App, message: &Arc<SandboxMessage>, times: &Times) -> Mail {
    Mail {
        time: times.near(message.at),
        to: message.to.reveal().to_owned(),
        subject: message.subject.clone().unwrap_or_default(),
        text: message.text.clone(),
        link: path_of(app, &message.link),
    }
}

/// The link as a path on this service, so that it opens whatever name the service is reached by.
fn path_of(app: &App, link: &str) -> Option<String> {
    link.strip_prefix(&app.public_url)
        .filter(|path| path.starts_with("/a/"))
        .map(str::to_owned)
}

/// The answers that the newest message offers.
fn replies(message: &Arc<SandboxMessage>) -> Vec<Button> {
    let offers = message.offers();
    let button = |digit: u8, words: &str| {
        let label = format!("{digit} {words}");
        Button::post(
            label.trim().to_owned(),
            format!("/sandbox/{}/reply", message.serial),
        )
        .field("text", digit.to_string())
    };
    offers
        .iter()
        .map(|offer| button(offer.digit, &offer.words))
        .collect()
}

async fn reply(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(serial): Path<u64>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    require(&app, &signed_in, Act::RecordForOthers)?;
    let text: String = fields.get("text").chars().take(200).collect();
    if text.is_empty() {
        return Err(PageError::refused("type what the phone should reply"));
    }
    match app.phones.reply(serial, &text) {
        Ok(()) => Ok(back(&headers)),
        Err(error) => Err(PageError::refused(&error.to_string())),
    }
}

async fn tap(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(serial): Path<u64>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    require(&app, &signed_in, Act::RecordForOthers)?;
    let button = fields.get("button").parse().unwrap_or(0);
    match app.phones.tap(serial, button) {
        Ok(()) => Ok(back(&headers)),
        Err(error) => Err(PageError::refused(&error.to_string())),
    }
}

/// To the wall; a script that asks for the moving part alone gets that.
fn back(headers: &HeaderMap) -> Response {
    let to = if headers.contains_key("hx-request") {
        "/sandbox/wall"
    } else {
        "/sandbox"
    };
    Redirect::to(to).into_response()
}
