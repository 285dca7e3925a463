//! What every request passes through: the log without secrets, time limits, headers, panics.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{debug, error, info, warn};

use crate::app::App;
use crate::web::problem::Problem;

/// How long an answer may take to begin.
const USUAL: Duration = Duration::from_secs(30);
/// The same for files of people.
const IMPORT: Duration = Duration::from_mins(3);

/// What the pages may load and do. The answer page has its own, stricter still.
const CONTENT_SECURITY: &str = "default-src 'self'; style-src 'self'; img-src 'self' data:; \
     script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Writes one line for each request: the method, the address without tokens and query, the status.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = without_tokens(request.uri().path());
    let begun = Instant::now();
    let response = next.run(request).await;
    let status = response.status();
    let wait_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if status.is_server_error() {
        warn!(%method, path, status = status.as_u16(), wait_ms, "Answered a request with a failure");
    } else if method == Method::GET || method == Method::HEAD {
        debug!(%method, path, status = status.as_u16(), wait_ms, "Answered a request");
    } else {
        info!(%method, path, status = status.as_u16(), wait_ms, "Answered a request");
    }
    response
}

/// The address as it may stand in a log: whoever reads it must not be able to answer for a person,
/// open a caller's list or sign in.
fn without_tokens(path: &str) -> String {
    const SECRET: [&str; 4] = ["/a/", "/call/", "/sign-in/", "/set-up/"];
    match SECRET
        .iter()
        .find(|beginning| path.starts_with(**beginning))
    {
        Some(beginning) => {
            // An answer link has nothing behind its token: whatever stands there may be part of it.
            let rest = path[beginning.len()..]
                .split_once('/')
                .filter(|(token, _)| *beginning != "/a/" && !token.is_empty())
                .map_or("", |(_, rest)| rest);
            if rest.is_empty() {
                format!("{beginning}[token]")
            } else {
                format!("{beginning}[token]/{rest}")
            }
        }
        None => path.to_owned(),
    }
}

/// Answers 503 when a handler takes too long to begin its answer. What it was writing is written
/// all the same; a stream that has begun is not cut.
pub(super) async fn limit_time(request: Request, next: Next) -> Response {
    let limit = if request.uri().path().ends_with("/import") {
        IMPORT
    } else {
        USUAL
    };
    let is_api = request.uri().path().starts_with("/api/");
    let answered = tokio::time::timeout(limit, next.run(request)).await;
    answered.unwrap_or_else(|_elapsed| {
        if is_api {
            return Problem::of_status(StatusCode::SERVICE_UNAVAILABLE, "").into_response();
        }
        let sentence = "It took too long. Look how things stand before you send it again.";
        (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response()
    })
}

/// Adds the headers that keep a page to itself, where a handler has not set its own.
pub(super) async fn protect(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let always: [(HeaderName, &'static str); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in always {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if app.public_url.starts_with("https://") {
        let year = HeaderValue::from_static("max-age=31536000");
        headers
            .entry(header::STRICT_TRANSPORT_SECURITY)
            .or_insert(year);
    }
    response
}

/// Makes the answer to a request that panicked.
type AnswerPanic = fn(Box<dyn Any + Send + 'static>) -> Response<Body>;

/// A panic ends its request and nothing else.
pub(super) fn catch_panic() -> CatchPanicLayer<AnswerPanic> {
    CatchPanicLayer::custom(answer_panic as AnswerPanic)
}

fn answer_panic(_: Box<dyn Any + Send + 'static>) -> Response<Body> {
    error!("A request handler panicked; its request was answered with 500");
    let sentence = "The server failed: this is a defect of ours.";
    (StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_reaches_the_log() {
        assert_eq!(without_tokens("/a/Zk3secret"), "/a/[token]");
        assert_eq!(without_tokens("/a/Zk3/secret"), "/a/[token]");
        assert_eq!(without_tokens("/call//Zk3secret"), "/call/[token]");
        assert_eq!(
            without_tokens("/call/Zk3secret/outcome"),
            "/call/[token]/outcome"
        );
        assert_eq!(without_tokens("/sign-in/Zk3secret"), "/sign-in/[token]");
        assert_eq!(without_tokens("/sign-in"), "/sign-in");
        assert_eq!(without_tokens("/alerts/17"), "/alerts/17");
    }
}
