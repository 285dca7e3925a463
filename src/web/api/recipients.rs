//! The people of an alert, each with every message, every answer and why.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::alerts::{readable, time};
use super::input::{Query, number, parsed};
use super::page::{self, Page};
use crate::alert::words::Category;
use crate::app::App;
use crate::call_out::{Place, Says};
use crate::channel::{Address, Channel};
use crate::ids::{ContactId, DeliveryId, RecipientId};
use crate::report::call_out::why_not_asked;
use crate::report::reasons;
use crate::report::written::{self, Written};
use crate::response::AnswerClass;
use crate::storage::call_out::{self, Standing};
use crate::storage::deliveries::DeliveryState;
use crate::storage::responses::{self, Response, Via};
use crate::storage::standing::{self, Delivery, Filter, Person, PersonState};
use crate::web::problem::Problem;
use crate::web::token::Bearer;

/// Which people of an alert.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct RecipientQuery {
    /// Only people who stand so: one of the names of `counts`, without `recipients`.
    #[serde(deserialize_with = "parsed")]
    pub state: Option<PersonState>,
    /// Entries on the page: 1 to 1000, else 200. More than 1000 gives 1000.
    #[serde(deserialize_with = "number")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// One person of an alert.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecipientBody {
    /// The person's place in the alert.
    pub id: RecipientId,
    /// Who it is in the directory.
    pub contact: ContactId,
    /// The name, as it was at launch.
    pub name: String,
    /// What the person is to the organisation.
    pub category: Category,
    /// How the person stands: one of the names of `counts`.
    pub state: PersonState,
    /// Why, when the person was not reached or may not have been; else null.
    pub reason: Option<String>,
    /// The key of the latest answer.
    pub answer: Option<String>,
    /// When the person first answered (RFC 3339).
    #[schema(format = DateTime)]
    pub answered_at: Option<String>,
    /// In a call-out: `coming`, `standby` or `not_asked`; null for those who were asked and did not
    /// say yes, and in every other alert.
    pub standing: Option<&'static str>,
    /// The place on the standby list, from 1.
    pub standby: Option<i64>,
    /// Every message, by step and channel.
    pub deliveries: Vec<DeliveryBody>,
    /// Every answer, oldest first.
    pub responses: Vec<ResponseBody>,
    /// What the person wrote that is no answer, oldest first: someone must read it.
    pub messages: Vec<MessageBody>,
}

/// One message to one person, or the reason why there is none.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeliveryBody {
    /// Its number.
    pub id: DeliveryId,
    /// The step of the plan, from 0. In a call-out each wave of people has steps of its own.
    pub step: i32,
    /// The alert's message, or what a call-out said later.
    pub says: Says,
    /// The channel.
    pub channel: Channel,
    /// The gateway of the last try; null before the first.
    pub gateway: Option<String>,
    /// The gateway's name for it.
    pub gateway_id: Option<String>,
    /// The number or address, masked; null when there is none.
    pub to: Option<String>,
    /// How it stands.
    pub state: DeliveryState,
    /// Why.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// It was sent again although it may have gone out before.
    pub possible_duplicate: bool,
    /// The recipient whose message to the same number or address tells this person too.
    pub same_as: Option<RecipientId>,
    /// When it was written down (RFC 3339).
    #[schema(format = DateTime)]
    pub queued_at: String,
    /// When the last try began.
    #[schema(format = DateTime)]
    pub sending_at: Option<String>,
    /// When the gateway took it.
    #[schema(format = DateTime)]
    pub accepted_at: Option<String>,
    /// When it left towards the carrier.
    #[schema(format = DateTime)]
    pub sent_at: Option<String>,
    /// When it arrived.
    #[schema(format = DateTime)]
    pub delivered_at: Option<String>,
    /// When it reached its last state.
    #[schema(format = DateTime)]
    pub closed_at: Option<String>,
}

/// One answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ResponseBody {
    /// The option's key.
    pub answer: String,
    /// What it means.
    pub class: AnswerClass,
    /// How it came.
    pub via: Via,
    /// When (RFC 3339).
    #[schema(format = DateTime)]
    pub at: String,
    /// It came after the alert was over.
    pub late: bool,
    /// It came so soon after an e-mail that a mail scanner may have given it.
    pub maybe_automatic: bool,
    /// Who entered it on the person's behalf.
    pub recorded_by: Option<String>,
}

/// Something that a person wrote by SMS and that is no answer.
#[derive(Clone, Serialize, ToSchema)]
pub struct MessageBody {
    /// When it came (RFC 3339).
    #[schema(format = DateTime)]
    pub at: String,
    /// The words.
    #[schema(example = "I am trapped on floor 2")]
    pub text: String,
    /// An answer came after it, or someone marked one: it is no longer on the board.
    pub settled: bool,
}

impl std::fmt::Debug for MessageBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessageBody")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// The people of an alert in the order of its audience, each with every message and why.
#[utoipa::path(
    get, path = "/api/v1/alerts/{id}/recipients", tag = "alerts", operation_id = "list_recipients",
    params(("id" = String, Path, format = Uuid, description = "The alert's id"), RecipientQuery),
    responses(
        (status = 200, description = "A page of people", body = Page<RecipientBody>),
        (status = 403, description = "The token may not read this alert"),
        (status = 404, description = "There is no such alert"),
        (status = 422, description = "A parameter is wrong"),
    )
)]
pub async fn list(
    State(app): State<App>,
    bearer: Bearer,
    Path(alert): Path<String>,
    query: Result<Query<RecipientQuery>, Problem>,
) -> Result<Json<Page<RecipientBody>>, Problem> {
    let alert = readable(&app, &bearer, &alert).await?;
    let Query(query) = query?;
    let limit = page::limit(query.limit)?;
    let after = match &query.cursor {
        None => None,
        Some(cursor) => {
            let id = RecipientId(cursor.parse().map_err(|_cause| page::unknown_cursor())?);
            if id.alert() != alert.number || !responses::is_recipient(&app.db, id).await? {
                return Err(page::unknown_cursor());
            }
            Some(id)
        }
    };
    let filter = Filter {
        state: query.state,
        class: None,
        after,
    };
    let wanted = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let mut people = standing::list(&app.db, alert.number, filter, wanted).await?;
    let more = people.len() > limit;
    people.truncate(limit);
    let next = people
        .last()
        .filter(|_| more)
        .map(|person| person.id.to_string());
    let (Some(first), Some(last)) = (people.first(), people.last()) else {
        return Ok(Json(Page {
            items: Vec::new(),
            next: None,
        }));
    };
    let deliveries = standing::list_deliveries(&app.db, first.id, last.id).await?;
    let mut deliveries = sorted(deliveries, |delivery| delivery.recipient);
    let answers = responses::list_between(&app.db, first.id, last.id).await?;
    let mut answers = sorted(answers, |response| response.recipient);
    let messages = written::between(&app, &alert, first.id, last.id).await?;
    let mut messages = sorted(messages, |message| message.recipient);
    let call_out = call_out::standing(&app.db, alert.number).await?;
    let places = call_out.as_ref().map(Standing::places).unwrap_or_default();
    let items = people
        .into_iter()
        .map(|person| {
            let deliveries = deliveries.remove(&person.id).unwrap_or_default();
            let answers = answers.remove(&person.id).unwrap_or_default();
            let messages = messages.remove(&person.id).unwrap_or_default();
            let why = why_not_asked(&alert, call_out.as_ref(), person.id);
            let place = places.get(&person.id).copied();
            let mut body = body(&app, person, &deliveries, answers, messages);
            body.standing = match (place, &why) {
                (Some(Place::In), _) => Some("coming"),
                (Some(Place::Standby(_)), _) => Some("standby"),
                (None, Some(_)) => Some("not_asked"),
                (None, None) => None,
            };
            body.standby = match place {
                Some(Place::Standby(number)) => Some(number),
                _ => None,
            };
            body.reason = why.map(|(why, _)| why).or(body.reason);
            body
        })
        .collect();
    Ok(Json(Page { items, next }))
}

fn sorted<T>(rows: Vec<T>, of: impl Fn(&T) -> RecipientId) -> HashMap<RecipientId, Vec<T>> {
    let mut sorted: HashMap<RecipientId, Vec<T>> = HashMap::new();
    for row in rows {
        sorted.entry(of(&row)).or_default().push(row);
    }
    sorted
}

fn body(
    app: &App,
    person: Person,
    deliveries: &[Delivery],
    answers: Vec<Response>,
    messages: Vec<Written>,
) -> RecipientBody {
    let needs_a_reason = matches!(
        person.state,
        PersonState::Failed
            | PersonState::Unreachable
            | PersonState::Excluded
            | PersonState::InDoubt
    );
    RecipientBody {
        id: person.id,
        contact: person.contact_id,
        name: person.name,
        category: person.category,
        state: person.state,
        reason: needs_a_reason.then(|| reasons::of(person.state, deliveries).0),
        answer: person.answer,
        answered_at: person.answered_at.map(time),
        standing: None,
        standby: None,
        deliveries: deliveries
            .iter()
            .map(|delivery| delivery_body(app, delivery))
            .collect(),
        responses: answers.into_iter().map(response_body).collect(),
        messages: messages.into_iter().map(message_body).collect(),
    }
}

fn delivery_body(app: &App, delivery: &Delivery) -> DeliveryBody {
    let address = delivery.point_id.zip(delivery.address.as_deref());
    let to = address.and_then(|(point, sealed)| {
        let clear = app.keys.open_text(point.0.as_bytes(), sealed).ok()?;
        Some(Address::new(clear).masked())
    });
    DeliveryBody {
        id: delivery.id,
        step: delivery.step,
        says: delivery.says,
        channel: delivery.channel,
        gateway: delivery.gateway.clone(),
        gateway_id: delivery.gateway_id.clone(),
        to,
        state: delivery.state,
        reason: delivery.reason.clone(),
        attempts: delivery.attempts,
        possible_duplicate: delivery.possible_duplicate,
        same_as: delivery.same_as,
        queued_at: time(delivery.queued_at),
        sending_at: delivery.sending_at.map(time),
        accepted_at: delivery.accepted_at.map(time),
        sent_at: delivery.sent_at.map(time),
        delivered_at: delivery.delivered_at.map(time),
        closed_at: delivery.closed_at.map(time),
    }
}

fn message_body(message: Written) -> MessageBody {
    MessageBody {
        at: time(message.at),
        text: message.text,
        settled: message.settled,
    }
}

fn response_body(response: Response) -> ResponseBody {
    ResponseBody {
        answer: response.answer,
        class: response.answer_class,
        via: response.via,
        at: time(response.at),
        late: response.late,
        maybe_automatic: response.maybe_automatic,
        recorded_by: response.recorded_by,
    }
}
