//! The page behind a recipient's link. GET only shows; POST records.
//!
//! Mail scanners and chat previews open links, some run a page's scripts: so opening changes
//! nothing, and the answer is a plain form. Whoever has the link may answer for the person, and
//! sees nothing but the message and that answer.

mod limit;
mod page;
mod text;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tracing::error;

use crate::app::App;
use crate::ids::RecipientId;
use crate::response::{self, Answered, Sheet};
use crate::storage;
use crate::web::door::Peer;
use crate::web::view::answer::{AnswerUnknown, STYLE};
use crate::web::view::answer_words::AnswerWords;
use limit::Misses;

/// The largest form, in bytes: an answer has about thirty.
const LARGEST_FORM: usize = 2048;

/// `/a/{token}`. A link that a message program cut short or lengthened is an unknown one: its reader
/// needs the clinic's number, not the console.
pub fn router() -> Router<App> {
    Router::new()
        .route("/a/{*token}", get(show).post(record))
        .route("/a/", get(show).post(record))
        .route("/a", get(show).post(record))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(Extension(Arc::new(Misses::default())))
}

async fn show(
    State(app): State<App>,
    Extension(misses): Extension<Arc<Misses>>,
    Caller(caller): Caller,
    token: Result<Path<String>, PathRejection>,
) -> Response {
    let token = token.map(|Path(token)| token).unwrap_or_default();
    let response = match response::open(&app, &token).await {
        Ok(Some(sheet)) => shown(&app, &sheet),
        Ok(None) => missed(&app, &misses, caller),
        Err(cause) => failed(&app, &cause),
    };
    private(response)
}

async fn record(
    State(app): State<App>,
    Extension(misses): Extension<Arc<Misses>>,
    Caller(caller): Caller,
    token: Result<Path<String>, PathRejection>,
    form: Result<Bytes, BytesRejection>,
) -> Response {
    let token = token.map(|Path(token)| token).unwrap_or_default();
    let form = form
        .map(|form| Form::read(&form))
        .map_err(|rejection| rejection.status());
    private(answered(&app, &misses, caller, &token, form).await)
}

/// `form` is what was sent, or the status of what cannot be read.
async fn answered(
    app: &App,
    misses: &Misses,
    caller: IpAddr,
    token: &str,
    form: Result<Form, StatusCode>,
) -> Response {
    let form = match form {
        Ok(form) => form,
        Err(status) => {
            return match response::open(app, token).await {
                Ok(Some(sheet)) => not_recorded(app, &sheet, status),
                Ok(None) => missed(app, misses, caller),
                Err(cause) => failed(app, &cause),
            };
        }
    };
    let given = match response::link(app, token, &form.answer, form.who).await {
        Ok(given) => given,
        Err(cause) => return failed(app, &cause),
    };
    match (given.answered, given.sheet) {
        // It is on disk: whatever happens now, "recorded" is the truth.
        (Answered::Recorded(_), Some(sheet)) => shown(app, &sheet),
        (Answered::NotOffered, Some(sheet)) => {
            not_recorded(app, &sheet, StatusCode::UNPROCESSABLE_ENTITY)
        }
        (_, _) => missed(app, misses, caller),
    }
}

/// What the form sends.
struct Form {
    answer: String,
    who: Option<RecipientId>,
}

impl Form {
    fn read(bytes: &[u8]) -> Self {
        let mut form = Self {
            answer: String::new(),
            who: None,
        };
        for (name, value) in form_urlencoded::parse(bytes) {
            match name.as_ref() {
                "o" => form.answer = value.into_owned(),
                // What is no number is nobody's: the answer is then refused, not given to another.
                "w" => form.who = Some(RecipientId(value.parse().unwrap_or_default())),
                _ => {}
            }
        }
        form
    }
}

fn shown(app: &App, sheet: &Sheet) -> Response {
    html(StatusCode::OK, page::build(app, sheet).render())
}

/// The link is unknown or too old. Only such requests are counted: a clinic's people share one
/// address, and none of them may be kept from answering.
fn missed(app: &App, misses: &Misses, caller: IpAddr) -> Response {
    let words = house_words(app);
    if misses.note(caller, app.clock.elapsed()) {
        plain_page(app, StatusCode::NOT_FOUND, words, words.expired)
    } else {
        plain_page(app, StatusCode::TOO_MANY_REQUESTS, words, words.too_many)
    }
}

/// Says so in the reader's own language.
fn not_recorded(app: &App, sheet: &Sheet, status: StatusCode) -> Response {
    let words = page::words(sheet);
    plain_page(app, status, words, words.not_recorded)
}

/// The database cannot be used. Nothing is shown as recorded.
fn failed(app: &App, cause: &storage::Error) -> Response {
    error!(error = %cause, "An answer page could not be made; it was answered with 503");
    let words = house_words(app);
    let mut response = plain_page(app, StatusCode::SERVICE_UNAVAILABLE, words, words.not_now);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn plain_page(
    app: &App,
    status: StatusCode,
    words: &'static AnswerWords,
    sentence: &'static str,
) -> Response {
    let page = AnswerUnknown {
        words,
        sentence,
        organisation: app.config.organisation.name.clone(),
        phone: page::phone(app),
    };
    html(status, page.render())
}

fn house_words(app: &App) -> &'static AnswerWords {
    AnswerWords::of(app.config.organisation.language().as_str())
}

fn html(status: StatusCode, rendered: askama::Result<String>) -> Response {
    match rendered {
        Ok(text) => (status, Html(text)).into_response(),
        Err(cause) => {
            error!(%cause, "An answer page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Allows the page's one style and nothing else.
static CONTENT_SECURITY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("a hash in base64 fits a header")
});

/// The link is a secret of one person: no copy of the page is kept, no other site hears of it.
fn private(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 3] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY.clone());
    response
}

/// Where a request comes from. A proxy on this machine is believed when it says who asked it.
struct Caller(IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<Peer>>()
            .map(|info| info.0.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        if !peer.is_loopback() {
            return Ok(Self(peer));
        }
        // The last entry is the proxy's own; those before it are the client's to invent.
        let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
        let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next());
        Ok(Self(
            last.and_then(|text| text.trim().parse().ok())
                .unwrap_or(peer),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_without_an_answer_names_none() {
        let form = Form::read(b"x=1");
        assert_eq!((form.answer.as_str(), form.who), ("", None));
    }

    #[test]
    fn a_person_that_is_no_number_is_nobody() {
        let form = Form::read(b"w=Ana&o=safe");
        assert_eq!(
            (form.answer.as_str(), form.who),
            ("safe", Some(RecipientId(0)))
        );
    }
}
