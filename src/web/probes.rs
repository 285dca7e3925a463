//! Says to watchers whether the service lives, is ready, sends, and how much: no personal data.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::operate::metrics;
use crate::storage::meta;

/// How long the engine may take for its next turn; each part of it takes one each second.
const TURN: Duration = Duration::from_secs(3);
/// How long the database may take for a small question.
const DATABASE: Duration = Duration::from_secs(3);

/// `/livez`, `/readyz`, `/healthz/engine`, `/metrics`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/healthz/engine", get(engine))
        .route("/metrics", get(figures))
}

/// The process answers. Never fails because something else does.
async fn alive() -> &'static str {
    "alive\n"
}

/// Requests can be served: the database answers, we may send, and we are not about to stop.
async fn ready(State(app): State<App>) -> Response {
    if app.stopping.is_cancelled() {
        return no("stopping\n");
    }
    if app.is_fenced() {
        return no(
            "cannot send here: this server does not reach its database, and others have taken over\n",
        );
    }
    match tokio::time::timeout(DATABASE, meta::key_fingerprint(&app.db)).await {
        Ok(Ok(_)) => "ready\n".into_response(),
        _ => no("the database does not answer\n"),
    }
}

/// Every part of the engine finished its next turn: plans, messages in doubt, each gateway's lane. It
/// answers only after that, so that a stuck one is noticed.
async fn engine(State(app): State<App>) -> Response {
    match app.pulse.next(TURN).await {
        Ok(()) => "the engine turns\n".into_response(),
        Err(late) => {
            let sentence = format!("not within 3 s: {}\n", late.join(", "));
            (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response()
        }
    }
}

fn no(sentence: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response()
}

/// Figures in the text form that Prometheus reads. It answers when the database does not: silence would
/// look as if the whole service were away.
async fn figures(State(app): State<App>) -> Response {
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, metrics::text(&app).await).into_response()
}
