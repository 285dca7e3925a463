//! Where gateways post receipts and replies. The gateway's adapter decides whether it was the
//! gateway that posted; nothing changes before that.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::sync::Semaphore;
use tracing::error;

use crate::app::App;
use crate::callback::{self, CallbackFailure};
use crate::channel::callback::serde_urlencoded_pairs;
use crate::channel::{Callback, CallbackError};

/// The largest body, in bytes.
const LARGEST: usize = 64 * 1024;

/// Receipts that are written at once. They come by the hundred, and must not take every connection to
/// the database from the people who answer: gateways can wait a moment.
const AT_ONCE: usize = 6;

/// `/callbacks/{gateway}/status` and `/callbacks/{gateway}/inbound`. Some gateways ask by GET, most
/// post.
pub fn router() -> Router<App> {
    Router::new()
        .route("/callbacks/{gateway}/status", get(status).post(status))
        .route("/callbacks/{gateway}/inbound", get(inbound).post(inbound))
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(Extension(Arc::new(Semaphore::new(AT_ONCE))))
}

async fn status(
    State(app): State<App>,
    Extension(room): Extension<Arc<Semaphore>>,
    Path(gateway): Path<String>,
    request: Result<Posted, StatusCode>,
) -> Response {
    let posted = match request {
        Ok(posted) => posted,
        Err(status) => return status.into_response(),
    };
    // Never closed; without a permit it would only be slower for others.
    let _permit = room.acquire().await.ok();
    match callback::status(&app, &gateway, &posted.0).await {
        Ok(()) => "ok".into_response(),
        Err(failure) => refused(&failure),
    }
}

async fn inbound(
    State(app): State<App>,
    Path(gateway): Path<String>,
    request: Result<Posted, StatusCode>,
) -> Response {
    let posted = match request {
        Ok(posted) => posted,
        Err(status) => return status.into_response(),
    };
    match callback::inbound(&app, &gateway, &posted.0).await {
        Ok(()) => thanks(&app, &gateway),
        Err(failure) => refused(&failure),
    }
}

/// An empty instruction where the provider would otherwise send our words to the person.
fn thanks(app: &App, gateway: &str) -> Response {
    let is_twilio = app
        .gateway(gateway)
        .is_some_and(|one| one.common.kind == "twilio");
    if is_twilio {
        return ([(header::CONTENT_TYPE, "text/xml")], "<Response/>").into_response();
    }
    "ok".into_response()
}

fn refused(failure: &CallbackFailure) -> Response {
    let status = match failure {
        CallbackFailure::UnknownGateway | CallbackFailure::Refused(CallbackError::Unsupported) => {
            StatusCode::NOT_FOUND
        }
        CallbackFailure::Refused(CallbackError::Forged) => StatusCode::FORBIDDEN,
        CallbackFailure::Refused(CallbackError::Unreadable(_)) => StatusCode::BAD_REQUEST,
        CallbackFailure::Storage(cause) => {
            error!(error = %cause, "A callback could not be kept; the gateway was asked to repeat it");
            let again = [(header::RETRY_AFTER, "5")];
            return (StatusCode::SERVICE_UNAVAILABLE, again, failure.to_string()).into_response();
        }
    };
    (status, failure.to_string()).into_response()
}

/// A request as the gateway's adapter wants to see it.
struct Posted(Callback);

impl FromRequest<App> for Posted {
    type Rejection = StatusCode;

    async fn from_request(request: Request, app: &App) -> Result<Self, StatusCode> {
        let method = request.method().clone();
        let uri = request.uri().clone();
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, app)
            .await
            .map_err(|cause| cause.status())?;
        Ok(Self(to_callback(app, &method, &uri, &headers, &body)))
    }
}

fn to_callback(
    app: &App,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Callback {
    // As it was asked for, not as we would write it: signatures are over its very characters.
    let asked = uri.path_and_query().map_or("", |asked| asked.as_str());
    let readable = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    Callback {
        method: method.to_string(),
        url: format!("{}{asked}", app.public_url),
        headers: readable.collect(),
        query: serde_urlencoded_pairs(uri.query().unwrap_or_default().as_bytes()),
        body: body.to_vec(),
        at: app.clock.now(),
    }
}
