//! What the simulated phones received; only while a sandbox gateway is configured.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::alerts::{Mode, time};
use super::input::{Query, number};
use super::page::Page;
use crate::account::token::Need;
use crate::alert::words::Language;
use crate::app::App;
use crate::channel::Channel;
use crate::channel::sandbox::SandboxMessage;
use crate::ids::DeliveryId;
use crate::web::problem::Problem;
use crate::web::token::Bearer;

/// Messages of a page that asks for no number, and at most.
const USUAL: u32 = 2000;
const MOST: u32 = 5000;

/// Which messages.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxQuery {
    /// Only messages behind this serial: for a reader who waits for more.
    #[serde(deserialize_with = "number")]
    pub after: Option<u64>,
    /// Messages on the page: 1 to 5000, else 2000.
    #[serde(deserialize_with = "number")]
    #[param(minimum = 1, maximum = 5000)]
    pub limit: Option<u32>,
    /// The `next` of the page before: a serial too.
    #[serde(deserialize_with = "number")]
    pub cursor: Option<u64>,
}

/// One message as it arrived at a simulated phone, mailbox or call, unchanged.
#[derive(Clone, Serialize, ToSchema)]
pub struct SandboxMessageBody {
    /// Counts the messages of this process from 1.
    pub serial: u64,
    /// The gateway that took it.
    pub gateway: String,
    /// The channel it came on.
    pub channel: Channel,
    /// Whom it was for, in full: these people do not exist.
    pub to: String,
    /// E-mail only.
    pub subject: Option<String>,
    /// The text, or the plain part, or what was spoken.
    pub text: String,
    /// E-mail only.
    pub html: Option<String>,
    /// The recipient's answer link.
    pub link: String,
    /// The language of the text.
    pub language: Language,
    /// Whose message it is.
    pub delivery: DeliveryId,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// When the gateway took it (RFC 3339).
    #[schema(format = DateTime)]
    pub at: String,
    /// Live or drill.
    pub mode: Mode,
}

/// The messages that simulated phones received, oldest first: the newest 20,000 of this process.
#[utoipa::path(
    get, path = "/api/v1/sandbox/messages", tag = "sandbox", operation_id = "list_sandbox_messages",
    params(SandboxQuery),
    responses(
        (status = 200, description = "A page of messages", body = Page<SandboxMessageBody>),
        (status = 403, description = "The token lacks the scope `read`"),
        (status = 404, description = "No sandbox gateway is configured"),
        (status = 422, description = "A parameter is wrong"),
    )
)]
pub async fn messages(
    State(app): State<App>,
    bearer: Bearer,
    query: Result<Query<SandboxQuery>, Problem>,
) -> Result<Json<Page<SandboxMessageBody>>, Problem> {
    bearer.require(&Need::Read)?;
    if !app.has_sandbox() {
        return Err(Problem::not_found(
            "there are no simulated phones: no gateway of kind \"sandbox\" is configured",
        ));
    }
    let Query(query) = query?;
    let limit = match query.limit.unwrap_or(USUAL) {
        0 => return Err(Problem::invalid("limit must be 1 or more").field("limit")),
        asked => usize::try_from(asked.min(MOST)).unwrap_or(usize::MAX),
    };
    let after = query.cursor.max(query.after);
    let mut messages = app.phones.messages(after, limit.saturating_add(1));
    let more = messages.len() > limit;
    messages.truncate(limit);
    let next = messages
        .last()
        .filter(|_| more)
        .map(|message| message.serial.to_string());
    Ok(Json(Page {
        items: messages.iter().map(|message| body(message)).collect(),
        next,
    }))
}

fn body(message: &SandboxMessage) -> SandboxMessageBody {
    SandboxMessageBody {
        serial: message.serial,
        gateway: message.gateway.clone(),
        channel: message.channel,
        to: message.to.reveal().to_owned(),
        subject: message.subject.clone(),
        text: message.text.clone(),
        html: message.html.clone(),
        link: message.link.clone(),
        language: message.language.clone(),
        delivery: message.delivery,
        attempt: message.attempt,
        at: time(message.at),
        mode: message.mode.into(),
    }
}
