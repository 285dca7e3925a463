//! One person in one alert: everything that happened, and what someone can do for them now.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use crate::account::role::Act;
use crate::account::user::User;
use crate::alert::words::AlertState;
use crate::app::App;
use crate::audit;
use crate::channel::Address;
use crate::directory::contact::{self, Contact, PointKind};
use crate::ids::RecipientId;
use crate::report::call_out::{place_in_words, why_not_asked};
use crate::report::words::{self, Event, Mood};
use crate::report::written::{self, Written};
use crate::response::{self, AnswerClass, OnBehalf};
use crate::storage::alerts::Alert;
use crate::storage::responses::{self, Via};
use crate::storage::standing::{self, Delivery, Person};
use crate::storage::{self, Error};
use crate::web::form::Fields;
use crate::web::format::{self, Times};
use crate::web::pages::{PageError, board, frame, live, show, written as shown};
use crate::web::session::SignedIn;
use crate::web::view::person::{MarkAnswer, PersonEvent, PersonInAlert};
use crate::web::view::{Act as Button, Choice, Link, Section, Tone, Weight};

/// What they wrote says it.
const BY_TEXT: &str = "text";
/// How someone can know what a person answered.
const WAYS: &[(&str, &str)] = &[
    ("phone", "By phone"),
    (BY_TEXT, "By text"),
    ("in person", "In person"),
    ("radio", "By radio"),
    ("other", "Otherwise"),
];
/// Characters of a note.
const LONGEST_NOTE: usize = 200;

/// `/alerts/ID/people/RECIPIENT` and what can be done there.
pub fn router() -> Router<App> {
    Router::new()
        .route("/alerts/{id}/people/{recipient}", get(page))
        .route("/alerts/{id}/people/{recipient}/calling", post(calling))
        .route("/alerts/{id}/people/{recipient}/answer", post(answer))
}

async fn find(app: &App, (id, recipient): (String, String)) -> Result<(Alert, Person), PageError> {
    let alert = board::find(app, &id).await?;
    let recipient: i64 = recipient.parse().map_err(|_| PageError::not_found())?;
    let recipient = RecipientId(recipient);
    if recipient.alert() != alert.number {
        return Err(PageError::not_found());
    }
    let person = standing::get(&app.db, recipient).await?;
    Ok((alert, person))
}

fn href(alert: &Alert, person: &Person) -> String {
    format!("/alerts/{}/people/{}", alert.id, person.id)
}

async fn page(
    State(app): State<App>,
    by: SignedIn,
    Path(path): Path<(String, String)>,
) -> Result<Response, PageError> {
    by.require(Act::SeeBoards)?;
    let (alert, person) = find(&app, path).await?;
    let language = app.config.organisation.language();
    let times = Times::new(&app.config, app.clock.now());
    let title = board::title(&alert, &language);
    let contact = contact::find(&app.db, &app.keys, person.contact_id).await?;
    let wrote = written::between(&app, &alert, person.id, person.id).await?;
    let events = events(&app, &by.user, &alert, &person, &wrote).await?;
    let (mut state, mut state_tone) = state(&alert, &person, &times, &language);
    let turns = storage::call_out::standing(&app.db, alert.number).await?;
    if let Some((why, _)) = why_not_asked(&alert, turns.as_ref(), person.id) {
        (state, state_tone) = (why, Tone::Plain);
    } else if let Some(place) = turns.and_then(|turns| turns.place(person.id)) {
        state = format!("{}. {state}", place_in_words(place));
    }
    let place = [
        live::place(&person),
        person.category.word().to_owned(),
        format::language(&person.language).to_owned(),
    ];
    let mut place: Vec<String> = place.into_iter().collect();
    place.dedup();
    show(
        StatusCode::OK,
        &PersonInAlert {
            page: frame(&app, &by.user, &person.name, Section::Alerts).in_mode(
                alert.mode.into(),
                format!("{title}, alert {}.", alert.number),
            ),
            back: Link::new(title, format!("/alerts/{}", alert.id)),
            place: place.join(" · "),
            state,
            state_tone,
            acts: acts(&by.user, &alert, &person, contact.as_ref()),
            events: events
                .into_iter()
                .map(|event| PersonEvent {
                    time: times.near(event.at),
                    tone: tone(event.mood),
                    text: event.text,
                    detail: event.detail,
                })
                .collect(),
            mark: by
                .user
                .may(Act::RecordForOthers)
                .then(|| mark(&alert, &person, &language, shown::waiting(&wrote, &times))),
            contact_href: contact
                .filter(|_| by.user.may(Act::SeeDirectory))
                .map(|contact| format!("/people/{}", contact.id)),
            name: person.name,
        },
    )
}

fn tone(mood: Mood) -> Tone {
    match mood {
        Mood::Plain => Tone::Plain,
        Mood::Good => Tone::Good,
        Mood::Careful => Tone::Careful,
        Mood::Wrong => Tone::Wrong,
    }
}

fn state(
    alert: &Alert,
    person: &Person,
    times: &Times,
    language: &crate::alert::words::Language,
) -> (String, Tone) {
    if let (Some(key), Some(at)) = (&person.answer, person.answered_at) {
        let option = alert.options.iter().find(|option| option.key == *key);
        let label = option.map_or(key.as_str(), |option| option.label_in(language));
        let via = person.answer_via.map(words::via).unwrap_or_default();
        let tone = match person.answer_class {
            Some(AnswerClass::Help) => Tone::Wrong,
            Some(AnswerClass::Negative) => Tone::Careful,
            _ => Tone::Good,
        };
        return (
            format!("“{label}” {via}. First answer {}.", times.near(at)),
            tone,
        );
    }
    let calling = match (&person.calling_by, person.calling_at) {
        (Some(by), Some(at)) => {
            format!(
                " {} is calling since {}.",
                format::actor(by),
                times.near(at)
            )
        }
        _ => String::new(),
    };
    let text = match person.state {
        standing::PersonState::Delivered => "Silent: a message arrived, and no answer came.",
        standing::PersonState::Accepted => {
            "Silent: a message was handed over, and nobody confirmed that it arrived."
        }
        standing::PersonState::Sending | standing::PersonState::Queued => {
            "Silent: a message is on its way."
        }
        standing::PersonState::InDoubt => "Nobody knows whether a message reached this person.",
        standing::PersonState::Failed => "Not reached: every message failed.",
        standing::PersonState::Unreachable => "Not reached: no message can be sent to this person.",
        standing::PersonState::Excluded => "Not told: nothing was sent to this person.",
        standing::PersonState::Acknowledged => "Answered.",
    };
    (format!("{text}{calling}"), Tone::Careful)
}

/// Call, claim, give back.
fn acts(user: &User, alert: &Alert, person: &Person, contact: Option<&Contact>) -> Vec<Button> {
    if !user.may(Act::CallPeople) {
        return Vec::new();
    }
    let mut acts = Vec::new();
    let may_see = alert.state == AlertState::Running || user.may(Act::SeeNumbers);
    let points = contact
        .map(|contact| contact.points.as_slice())
        .unwrap_or_default();
    for point in points
        .iter()
        .filter(|point| point.kind != PointKind::Email && may_see)
    {
        let number = point.address.reveal();
        let extension = match point.extension.as_str() {
            "" => String::new(),
            digits => format!(", extension {digits}"),
        };
        let label = format!("Call {number}{extension}");
        let button = Button::go(label, format!("tel:{number}"));
        let weight = if acts.is_empty() {
            Weight::Strong
        } else {
            Weight::Plain
        };
        acts.push(button.weight(weight));
    }
    let calling = format!("{}/calling", href(alert, person));
    let is_mine = person.calling_by.as_deref() == Some(user.actor().as_str());
    if is_mine {
        acts.push(Button::post("I am no longer calling", calling).field("do", "release"));
    } else if person.answered_at.is_none() {
        acts.push(Button::post("I am calling", calling).field("do", "claim"));
    }
    acts
}

fn mark(
    alert: &Alert,
    person: &Person,
    language: &crate::alert::words::Language,
    wrote: Vec<String>,
) -> MarkAnswer {
    let options = alert
        .options
        .iter()
        .map(|option| Choice::new(&option.key, option.label_in(language)))
        .collect();
    MarkAnswer {
        action: format!("{}/answer", href(alert, person)),
        options,
        ways: WAYS
            .iter()
            .map(|(value, label)| {
                let chosen = *value == BY_TEXT && !wrote.is_empty();
                Choice::new(*value, *label).chosen(chosen)
            })
            .collect(),
        wrote,
    }
}

/// Everything that is known, oldest first.
async fn events(
    app: &App,
    user: &User,
    alert: &Alert,
    person: &Person,
    wrote: &[Written],
) -> Result<Vec<Event>, PageError> {
    let deliveries = standing::list_deliveries(&app.db, person.id, person.id).await?;
    let attempts = standing::list_attempts(&app.db, person.id).await?;
    let receipts = standing::list_receipts(&app.db, person.id).await?;
    let answers = responses::list_of(&app.db, &[person.id]).await?;
    let language = app.config.organisation.language();
    let mut events = Vec::new();
    for delivery in &deliveries {
        let own: Vec<_> = attempts
            .iter()
            .filter(|one| one.delivery == delivery.id)
            .cloned()
            .collect();
        let said: Vec<_> = receipts
            .iter()
            .filter(|one| one.delivery == Some(delivery.id))
            .cloned()
            .collect();
        let shared = match delivery.same_as {
            Some(other) => Some(standing::get(&app.db, other).await?.name),
            None => None,
        };
        let to = address(app, user, delivery);
        events.extend(words::of_delivery(
            delivery,
            &own,
            &said,
            &to,
            shared.as_deref(),
        ));
    }
    events.extend(
        answers
            .iter()
            .map(|one| words::of_response(one, &alert.options, &language)),
    );
    events.extend(wrote.iter().map(words::of_written));
    events.sort_by_key(|event| event.at);
    Ok(events)
}

/// The address of a message as this person may see it; empty where there is none.
fn address(app: &App, user: &User, delivery: &Delivery) -> String {
    let (Some(point), Some(sealed)) = (delivery.point_id, &delivery.address) else {
        return String::new();
    };
    let Ok(clear) = app.keys.open_text(point.0.as_bytes(), sealed) else {
        return String::new();
    };
    let address = Address::new(clear);
    if user.may(Act::SeeNumbers) {
        address.reveal().to_owned()
    } else {
        address.masked()
    }
}

/// Takes note that someone is on the phone to this person, or no longer is.
async fn calling(
    State(app): State<App>,
    by: SignedIn,
    Path(path): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, PageError> {
    by.require(Act::CallPeople)?;
    let (alert, person) = find(&app, path).await?;
    let is_claim = fields.get("do") != "release";
    let now = app.clock.now();
    let actor = by.actor();
    let (number, recipient) = (alert.number, person.id);
    app.db
        .write("person.calling", move |tx| {
            Box::pin(async move {
                let caller = is_claim.then(|| actor.as_str().to_owned());
                if !standing::set_calling(tx, recipient, caller.as_deref(), now).await? {
                    return Ok(());
                }
                let action = if is_claim {
                    "call.claim"
                } else {
                    "call.release"
                };
                let detail = serde_json::json!({ "recipient": recipient });
                audit::append(tx, now, &actor, action, &format!("alert {number}"), &detail).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    app.tell();
    let to = if is_claim {
        href(&alert, &person)
    } else {
        format!("/alerts/{}", alert.id)
    };
    Ok(Redirect::to(&to).into_response())
}

async fn has_written(app: &App, alert: &Alert, person: &Person) -> Result<bool, Error> {
    let wrote = written::between(app, alert, person.id, person.id).await?;
    Ok(wrote.iter().any(|one| !one.settled))
}

/// Records what someone heard from this person.
async fn answer(
    State(app): State<App>,
    by: SignedIn,
    Path(path): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, PageError> {
    by.require(Act::RecordForOthers)?;
    let (alert, person) = find(&app, path).await?;
    let board = format!("/alerts/{}", alert.id);
    let given = fields.get("answer");
    let is_same =
        person.answer.as_deref() == Some(given) && person.answer_via == Some(Via::Manager);
    // The same answer again says of what they wrote since that somebody has read it.
    if is_same && !has_written(&app, &alert, &person).await? {
        return Ok(Redirect::to(&board).into_response());
    }
    let how = WAYS
        .iter()
        .find(|(value, _)| *value == fields.get("how"))
        .map(|(_, label)| *label);
    let said: String = fields.get("note").chars().take(LONGEST_NOTE).collect();
    let note: Vec<&str> = how
        .into_iter()
        .chain([said.as_str()])
        .filter(|part| !part.is_empty())
        .collect();
    let entered = OnBehalf {
        recipient: person.id,
        answer: given.to_owned(),
        via: Via::Manager,
        actor: by.actor(),
        note: Some(note.join(": ")).filter(|note| !note.is_empty()),
    };
    response::on_behalf(&app, entered)
        .await
        .map_err(|refusal| {
            PageError::from(refusal).next(Link::new("Back", href(&alert, &person)))
        })?;
    Ok(Redirect::to(&board).into_response())
}
