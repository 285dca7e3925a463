//! The doors: sign-in with a password, sign-in by a one-time link, and the way out.

use std::time::Duration;

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
use crate::web::view::own_account::SignInCode;
use crate::web::view::sign_in::{SignIn, SignInLink};

/// `/sign-in`, `/sign-in/code`, `/sign-in/{token}` and `/sign-out`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/sign-in", get(form).post(enter))
        .route("/sign-in/code", get(code_form).post(finish))
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
        .sign_in(
            &app.db,
            &login,
            fields.raw("password"),
            &session::device(&headers),
            now,
        )
        .await
    {
        Ok(opened) => session::enter(&app, &headers, opened, next).await,
        Err(Refused::Wrong) => {
            let error = "The sign-in name or the password is wrong. Nobody has been signed in.";
            door(&app, StatusCode::UNPROCESSABLE_ENTITY, &login, error, next)
        }
        Err(Refused::Locked(wait)) => {
            let error = locked("passwords", wait);
            let response = door(&app, StatusCode::TOO_MANY_REQUESTS, &login, &error, next)?;
            Ok(after(response, wait))
        }
        Err(Refused::Account(error)) => Err(error.into()),
    }
}

fn locked(what: &str, wait: Duration) -> String {
    let minutes = wait.as_secs().div_ceil(60).max(1);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!(
        "Too many wrong {what}. Wait {minutes} {unit}, then try again, or ask an administrator for a \
         sign-in link."
    )
}

fn after(mut response: Response, wait: Duration) -> Response {
    let seconds = HeaderValue::from(wait.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

/// The second step, for whoever has done the first within the last minutes.
async fn code_form(
    State(app): State<App>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    let half = session::token(&app, &headers).unwrap_or_default();
    let now = app.clock.now();
    if account::session::half(&app.db, &half, now).await?.is_none() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    let next = safe_next(&wanted.next).unwrap_or_default();
    code_page(&app, StatusCode::OK, "", next)
}

fn code_page(
    app: &App,
    status: StatusCode,
    error: &str,
    next: &str,
) -> Result<Response, PageError> {
    let page = SignInCode {
        page: house_frame(app, "Your code"),
        error: error.to_owned(),
        next: next.to_owned(),
        help: help(app),
    };
    show(status, &page)
}

async fn finish(
    State(app): State<App>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    let next = safe_next(fields.get("next")).unwrap_or_default();
    let half = session::token(&app, &headers).unwrap_or_default();
    let (device, now) = (session::device(&headers), app.clock.now());
    let (typed, keys) = (fields.get("code"), &app.keys);
    let finished = app
        .doorkeeper
        .finish(&app.db, keys, &half, typed, &device, now);
    match finished.await {
        Ok(opened) => session::enter(&app, &headers, opened, next).await,
        Err(Refused::Wrong) => {
            let error = "That is not the code of this moment, or it was used before. Wait until the app \
                         shows the next one. Nobody has been signed in.";
            code_page(&app, StatusCode::UNPROCESSABLE_ENTITY, error, next)
        }
        Err(Refused::Locked(wait)) => {
            let error = locked("codes", wait);
            let response = code_page(&app, StatusCode::TOO_MANY_REQUESTS, &error, next)?;
            Ok(after(response, wait))
        }
        Err(Refused::Account(account::Error::NotFound(_))) => {
            let error = "That took too long. Begin again with the password.";
            door(&app, StatusCode::UNPROCESSABLE_ENTITY, "", error, next)
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
    match link::sign_in(&app.db, &token, &session::device(&headers), app.clock.now()).await {
        Ok(opened) => session::enter(&app, &headers, opened, "/").await,
        Err(account::Error::NotFound(_)) => one_time(&app, None, String::new()),
        Err(error) => Err(error.into()),
    }
}

async fn leave(State(app): State<App>, headers: HeaderMap) -> Result<Response, PageError> {
    session::leave(&app, &headers).await
}
