//! The doors: sign-in with a password, sign-in by a one-time link, and the way out.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::account::link::{self, Link as OneTime};
use crate::account::sign_in::Error as Refused;
use crate::account::{self, user};
use crate::app::App;
use crate::web::form::Fields;
use crate::web::pages::{PageError, house_frame, show};
use crate::web::session::{self, SignedIn, safe_next};
use crate::web::view::Link;
use crate::web::view::sign_in::{SignIn, SignInLink};

/// `/sign-in`, `/sign-in/{token}` and `/sign-out`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/sign-in", get(form).post(enter))
        .route("/sign-in/{token}", get(link_page).post(enter_by_link))
        .route("/sign-out", post(leave))
}

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
}

async fn form(
    State(app): State<App>,
    signed_in: Option<SignedIn>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    let next = safe_next(&wanted.next).unwrap_or_default();
    if signed_in.is_some() {
        let next = if next.is_empty() { "/" } else { next };
        return Ok(Redirect::to(next).into_response());
    }
    door(&app, StatusCode::OK, "", "", next)
}

fn door(
    app: &App,
    status: StatusCode,
    login: &str,
    error: &str,
    next: &str,
) -> Result<Response, PageError> {
    let page = SignIn {
        page: house_frame(app, "Sign in"),
        login: login.to_owned(),
        error: error.to_owned(),
        next: next.to_owned(),
        help: help(app),
    };
    show(status, &page)
}

/// Whom to call when a door does not open; none if the house has no number.
pub(super) fn help(app: &App) -> Option<Link> {
    let phone = app.config.organisation.phone.trim();
    let dialled: String = phone
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    (!dialled.is_empty()).then(|| Link::new(phone, format!("tel:{dialled}")))
}

async fn enter(
    State(app): State<App>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    let login = fields.get("login").chars().take(100).collect::<String>();
    let next = safe_next(fields.get("next")).unwrap_or_default();
    let now = app.clock.now();
    match app
        .doorkeeper
        .sign_in(&app.db, &login, fields.raw("password"), now)
        .await
    {
        Ok(opened) => session::enter(&app, &headers, opened, next).await,
        Err(Refused::Wrong) => {
            let error = "The sign-in name or the password is wrong. Nobody has been signed in.";
            door(&app, StatusCode::UNPROCESSABLE_ENTITY, &login, error, next)
        }
        Err(Refused::Locked(wait)) => {
            let minutes = wait.as_secs().div_ceil(60).max(1);
            let unit = if minutes == 1 { "minute" } else { "minutes" };
            let error = format!(
                "Too many wrong passwords. Wait {minutes} {unit}, then try again, or ask an \
                 administrator for a sign-in link."
            );
            let mut response = door(&app, StatusCode::TOO_MANY_REQUESTS, &login, &error, next)?;
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            Ok(response)
        }
        Err(Refused::Account(error)) => Err(error.into()),
    }
}

async fn link_page(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    let now = app.clock.now();
    match link::find(&app.db, &token, now).await? {
        Some(OneTime::SignIn(id)) => {
            let user = user::find(&app.db, id).await?;
            let name = user
                .filter(|user| user.disabled_at.is_none())
                .map(|user| user.name);
            one_time(&app, name, format!("/sign-in/{token}"))
        }
        Some(OneTime::SetUp) => Ok(Redirect::to(&format!("/set-up/{token}")).into_response()),
        None => one_time(&app, None, String::new()),
    }
}

/// The page of a link; without a name it says kindly that the link cannot be used.
pub(super) fn one_time(
    app: &App,
    name: Option<String>,
    action: String,
) -> Result<Response, PageError> {
    let status = if name.is_some() {
        StatusCode::OK
    } else {
        StatusCode::GONE
    };
    let page = SignInLink {
        page: house_frame(app, "Sign in"),
        name,
        action,
        help: help(app),
    };
    show(status, &page)
}

async fn enter_by_link(
    State(app): State<App>,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    match link::sign_in(&app.db, &token, app.clock.now()).await {
        Ok(opened) => session::enter(&app, &headers, opened, "/").await,
        Err(account::Error::NotFound(_)) => one_time(&app, None, String::new()),
        Err(error) => Err(error.into()),
    }
}

async fn leave(State(app): State<App>, headers: HeaderMap) -> Result<Response, PageError> {
    session::leave(&app, &headers).await
}
