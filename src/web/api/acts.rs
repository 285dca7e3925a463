//! Acts on an alert: stop, update, correct, all-clear, remind.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alerts::governable;
use super::input::MaybeBody;
use super::launch::{LaunchedBody, accepted, request_key};
use super::templates;
use crate::alert::follow_up::{self, FollowUpRequest};
use crate::alert::launch::RequestKey;
use crate::alert::words::{AlertKind, AlertState};
use crate::app::App;
use crate::ids::AlertId;
use crate::web::problem::Problem;
use crate::web::token::Bearer;

/// What a follow-up says. An absent body is an empty one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FollowUpBody {
    /// The blanks of the follow-up's template.
    #[schema(example = json!({"note": "It was a test of the fire panel."}))]
    pub variables: BTreeMap<String, String>,
    /// A template of the right kind; absent: `update`, `correction` or `all-clear`.
    pub template: Option<String>,
}

/// An act that says nothing. An absent body is an empty one.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ActBody {
    /// Nothing is filled: takes no variables.
    pub variables: BTreeMap<String, String>,
}

/// What a stop did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StoppedBody {
    /// The alert.
    pub id: AlertId,
    /// `stopped`.
    pub state: AlertState,
    /// Messages that had not left and will not.
    pub called_off: u64,
}

/// What a reminder did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RemindedBody {
    /// The alert.
    pub id: AlertId,
    /// `running`.
    pub state: AlertState,
}

/// Stops an alert: nothing that has not left leaves. Messages on the wire cannot be called back;
/// answers still count.
#[utoipa::path(
    post, path = "/api/v1/alerts/{id}/stop", tag = "alerts", operation_id = "stop_alert",
    params(("id" = String, Path, format = Uuid, description = "The alert's id")),
    request_body(content = Option<ActBody>),
    responses(
        (status = 200, description = "It is stopped", body = StoppedBody),
        (status = 403, description = "The token may not act on this alert"),
        (status = 404, description = "There is no such alert"),
        (status = 409, description = "It is over already"),
    )
)]
pub async fn stop(
    State(app): State<App>,
    bearer: Bearer,
    Path(alert): Path<String>,
    body: Result<MaybeBody<ActBody>, Problem>,
) -> Result<Json<StoppedBody>, Problem> {
    let alert = governable(&app, &bearer, &alert).await?;
    refuse_variables(&body?.0)?;
    let stopped = follow_up::stop(&app, alert.id, bearer.actor()).await?;
    let called_off = stopped.called_off;
    Ok(Json(StoppedBody {
        id: alert.id,
        state: AlertState::Stopped,
        called_off,
    }))
}

/// Sends the message once more to those who have not answered.
///
/// The same `Idempotency-Key` is the same reminder, however often it is asked for.
#[utoipa::path(
    post, path = "/api/v1/alerts/{id}/remind", tag = "alerts", operation_id = "remind_silent",
    params(
        ("id" = String, Path, format = Uuid, description = "The alert's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters that name this reminder"),
    ),
    request_body(content = Option<ActBody>),
    responses(
        (status = 202, description = "The reminder goes out", body = RemindedBody),
        (status = 403, description = "The token may not act on this alert"),
        (status = 404, description = "There is no such alert"),
        (status = 409, description = "It is over already"),
        (status = 422, description = "A variable was given, or the key belongs to another request"),
    )
)]
pub async fn remind(
    State(app): State<App>,
    bearer: Bearer,
    Path(alert): Path<String>,
    headers: HeaderMap,
    body: Result<MaybeBody<ActBody>, Problem>,
) -> Result<(StatusCode, Json<RemindedBody>), Problem> {
    let alert = governable(&app, &bearer, &alert).await?;
    refuse_variables(&body?.0)?;
    let key = request_key(&bearer, &headers, &("remind", alert.id))?;
    follow_up::remind_once(&app, alert.id, bearer.actor(), key).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(RemindedBody {
            id: alert.id,
            state: alert.state,
        }),
    ))
}

fn refuse_variables(body: &ActBody) -> Result<(), Problem> {
    match body.variables.keys().next() {
        None => Ok(()),
        Some(name) => Err(Problem::invalid(format!(
            "there is nothing to fill here, so \"{name}\" cannot be given"
        ))
        .field(format!("variables.{name}"))),
    }
}

macro_rules! follow_up {
    ($(#[$doc:meta])* $name:ident, $path:literal, $operation:literal, $kind:expr) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "alerts", operation_id = $operation,
            params(
                ("id" = String, Path, format = Uuid, description = "The id of the alert that it follows"),
                ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters that name this follow-up"),
            ),
            request_body(content = Option<FollowUpBody>),
            responses(
                (status = 202, description = "The follow-up is an alert of its own, is on disk and goes out", body = LaunchedBody),
                (status = 403, description = "The token may not act on this alert"),
                (status = 404, description = "There is no such alert"),
                (status = 409, description = "It is over already"),
                (status = 422, description = "Nothing was sent: the template is unapproved or unfilled, nobody was contacted, or the key belongs to another request"),
            )
        )]
        pub async fn $name(
            State(app): State<App>,
            bearer: Bearer,
            Path(alert): Path<String>,
            headers: HeaderMap,
            body: Result<MaybeBody<FollowUpBody>, Problem>,
        ) -> Result<Response, Problem> {
            let alert = governable(&app, &bearer, &alert).await?;
            let MaybeBody(body) = body?;
            let key = request_key(&bearer, &headers, &($kind, alert.id, &body))?;
            follow(&app, &bearer, alert.id, $kind, body, key).await
        }
    };
}

follow_up! {
    /// Tells everyone whom the alert has told, or is about to, what is new.
    ///
    /// The same `Idempotency-Key` with the same body is the same update, however often it is asked
    /// for; the same key with another body is refused with 422.
    update, "/api/v1/alerts/{id}/update", "update_alert", AlertKind::Update
}
follow_up! {
    /// Tells everyone whom the alert has told that it was a false alarm, and stops it.
    ///
    /// The same `Idempotency-Key` with the same body is the same correction, however often it is
    /// asked for; the same key with another body is refused with 422.
    correct, "/api/v1/alerts/{id}/correct", "correct_alert", AlertKind::Correction
}
follow_up! {
    /// Tells everyone whom the alert has told that it is over, and stops it.
    ///
    /// The same `Idempotency-Key` with the same body is the same all-clear, however often it is
    /// asked for; the same key with another body is refused with 422.
    all_clear, "/api/v1/alerts/{id}/all-clear", "give_all_clear", AlertKind::AllClear
}

async fn follow(
    app: &App,
    bearer: &Bearer,
    alert: AlertId,
    kind: AlertKind,
    body: FollowUpBody,
    key: Option<RequestKey>,
) -> Result<Response, Problem> {
    templates::read_again(app).await;
    let request = FollowUpRequest {
        alert,
        kind,
        template: body.template,
        variables: body.variables,
        hold: Duration::ZERO,
        composed_at: None,
        actor: bearer.actor(),
    };
    let launched = follow_up::follow_up_once(app, request, key).await?;
    Ok(accepted(app, &launched))
}
