//! `POST /api/v1/alerts`: launches an alert, once for each idempotency key.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::alerts::{Mode, url};
use super::input::Body;
use super::templates;
use crate::account::token::Need;
use crate::alert::launch::RequestKey;
use crate::alert::words::AlertState;
use crate::alert::{LaunchRequest, Launched, launch as launches};
use crate::app::App;
use crate::call_out::Wanted;
use crate::ids::{AlertId, AlertNumber, ContactId};
use crate::keys::hex;
use crate::web::problem::Problem;
use crate::web::token::Bearer;

const KEY: &str = "idempotency-key";
/// Characters of an idempotency key.
const LONGEST_KEY: usize = 255;

/// What is to be sent, and to whom.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchBody {
    /// The name of an approved template that begins a thread.
    #[schema(example = "closure")]
    pub template: String,
    /// Live or drill: always said, never assumed.
    pub mode: Mode,
    /// Who is told.
    #[serde(default)]
    pub audience: Audience,
    /// The template's blanks.
    #[serde(default)]
    #[schema(example = json!({"reason": "burst pipe"}))]
    pub variables: BTreeMap<String, String>,
    /// A plan of the configuration, or `all-at-once`; absent: the template's own.
    #[serde(default)]
    #[schema(example = "all-at-once")]
    pub plan: Option<String>,
    /// Seconds after which nothing more goes out: 1 to 2592000 (30 days); absent: as the template
    /// says.
    #[serde(default)]
    #[schema(example = 3600, minimum = 1, maximum = 2_592_000)]
    pub expires_in: Option<u64>,
    /// Makes it a call-out: people are asked in turn, fairly, until so many have said yes; the rest
    /// hears that it is filled. Absent: everyone is told at once. 1 to 10000; the template must be
    /// written for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 5, minimum = 1, maximum = 10_000)]
    pub needed: Option<u32>,
    /// Of a call-out: seconds without an answer after which the next one is asked too, 10 to 86400;
    /// absent: as the template says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 600, minimum = 10, maximum = 86_400)]
    pub answer_within: Option<u64>,
    /// Of a call-out: how many more than are needed are asked at a time, 0 to 1000; absent: as the
    /// template says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 0, maximum = 1000)]
    pub ahead: Option<u32>,
}

impl LaunchBody {
    /// The call-out that it asks for.
    fn call_out(&self) -> Result<Option<Wanted>, Problem> {
        let Some(needed) = self.needed else {
            if self.answer_within.is_none() && self.ahead.is_none() {
                return Ok(None);
            }
            let sentence =
                "answer_within and ahead are for a call-out: say how many people are needed";
            return Err(Problem::invalid(sentence).field("needed"));
        };
        Ok(Some(Wanted {
            needed,
            answer_within: self.answer_within.map(Duration::from_secs),
            ahead: self.ahead,
        }))
    }
}

/// Who is told: everyone in the groups and everyone named, each once.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audience {
    /// Groups by name.
    #[schema(example = json!(["all-staff"]))]
    pub groups: Vec<String>,
    /// Contacts by id.
    pub contacts: Vec<ContactId>,
}

/// An alert that is on disk.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LaunchedBody {
    /// What the API calls it.
    pub id: AlertId,
    /// What people call it: "alert 17".
    pub number: AlertNumber,
    /// Live or drill.
    pub mode: Mode,
    /// How it stands.
    pub state: AlertState,
    /// How many people it goes to.
    pub recipients: i64,
    /// Its board, for people.
    pub url: String,
}

/// Launches an alert. The answer comes after it is on disk; the messages leave behind it.
///
/// The same `Idempotency-Key` with the same body is the same alert, however often and however
/// parallel it is asked for; the same key with another body is refused with 422.
#[utoipa::path(
    post, path = "/api/v1/alerts", tag = "alerts", operation_id = "launch_alert",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters that name this launch")),
    request_body = LaunchBody,
    responses(
        (status = 202, description = "The alert is on disk and goes out", body = LaunchedBody,
         headers(("Location" = String, description = "The alert's address in the API"))),
        (status = 400, description = "The body is not JSON"),
        (status = 403, description = "The token may not send this template"),
        (status = 413, description = "The body is larger than 1 MB"),
        (status = 415, description = "The body is not announced as JSON"),
        (status = 422, description = "Nothing was sent: the template is unknown, unapproved or unfilled, the audience is empty or unknown, or the key belongs to another request"),
        (status = 503, description = "The database cannot be used at the moment: try again with the same key"),
        (status = 507, description = "The server's disk is full: nothing was sent"),
    )
)]
pub async fn launch(
    State(app): State<App>,
    bearer: Bearer,
    headers: HeaderMap,
    body: Result<Body<LaunchBody>, Problem>,
) -> Result<Response, Problem> {
    bearer.require_some_sending()?;
    let Body(body) = body?;
    bearer.require(&Need::Send(&body.template))?;
    let key = request_key(&bearer, &headers, &body)?;
    let call_out = body.call_out()?;
    templates::read_again(&app).await;
    let request = LaunchRequest {
        template: body.template,
        mode: body.mode.into(),
        groups: body.audience.groups,
        contacts: body.audience.contacts,
        variables: body.variables,
        plan: body.plan,
        expires_in: body.expires_in.map(Duration::from_secs),
        call_out,
        hold: Duration::ZERO,
        warn_of_similar: false,
        composed_at: None,
        actor: bearer.actor(),
        key,
    };
    let launched = launches(&app, request).await?;
    Ok(accepted(&app, &launched))
}

/// 202 for an alert that is on disk, new or made by the same key before.
pub(super) fn accepted(app: &App, launched: &Launched) -> Response {
    let alert = &launched.alert;
    let body = LaunchedBody {
        id: alert.id,
        number: alert.number,
        mode: alert.mode.into(),
        state: alert.state,
        recipients: alert.recipients,
        url: url(app, alert.id),
    };
    let location = format!("/api/v1/alerts/{}", alert.id);
    (
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(body),
    )
        .into_response()
}

/// The request's own key, if it has one. `asked` is everything else that makes it what it is.
pub(super) fn request_key(
    bearer: &Bearer,
    headers: &HeaderMap,
    asked: &impl Serialize,
) -> Result<Option<RequestKey>, Problem> {
    let mut given = headers.get_all(KEY).iter();
    let Some(value) = given.next() else {
        return Ok(None);
    };
    let key = value.to_str().map(str::trim).unwrap_or_default();
    let is_plain = !key.is_empty() && key.len() <= LONGEST_KEY;
    if !is_plain || given.next().is_some() {
        let sentence = "the header Idempotency-Key must be given once and have 1 to 255 visible \
                        ASCII characters";
        return Err(Problem::invalid(sentence).field("Idempotency-Key"));
    }
    // Written out from what was understood: spaces and the order of fields make no difference.
    let canonical = serde_json::to_vec(asked)
        .map_err(|_cause| crate::storage::Error::Broken("a request is no JSON"))?;
    Ok(Some(RequestKey {
        scope: format!("token:{}", bearer.0.id),
        key: key.to_owned(),
        request_hash: hex(&Sha256::digest(&canonical)),
    }))
}
