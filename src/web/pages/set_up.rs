//! The first start: whoever has the set-up link makes the first administrator, and is signed in.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;

use crate::account::link::{self, Link as OneTime};
use crate::account::user::NewUser;
use crate::account::{self, password};
use crate::app::App;
use crate::web::form::Fields;
use crate::web::format::sentence;
use crate::web::pages::sign_in::one_time;
use crate::web::pages::{PageError, show};
use crate::web::session;
use crate::web::view::Frame;
use crate::web::view::sign_in::{Field, Setup};

/// `/set-up/{token}`.
pub fn router() -> Router<App> {
    Router::new().route("/set-up/{token}", get(form).post(make))
}

async fn form(State(app): State<App>, Path(token): Path<String>) -> Result<Response, PageError> {
    match link::find(&app.db, &token, app.clock.now()).await? {
        Some(OneTime::SetUp) => page(&app, StatusCode::OK, &token, &Fields::default(), ""),
        Some(OneTime::SignIn(_)) | None => one_time(&app, None, String::new()),
    }
}

async fn make(
    State(app): State<App>,
    headers: HeaderMap,
    Path(token): Path<String>,
    fields: Fields,
) -> Result<Response, PageError> {
    let user = NewUser {
        login: fields.get("login").to_owned(),
        name: fields.get("name").to_owned(),
        roles: Vec::new(),
        password: Some(fields.raw("password").to_owned()),
    };
    let (now, device) = (app.clock.now(), session::device(&headers));
    let passwords = app.doorkeeper.passwords();
    match link::set_up(&app.db, passwords, &token, user, &device, now).await {
        Ok(opened) => session::enter(&app, &headers, opened, "/").await,
        Err(account::Error::Refused(error)) => page(
            &app,
            StatusCode::UNPROCESSABLE_ENTITY,
            &token,
            &fields,
            &sentence(&error),
        ),
        Err(account::Error::NotFound(_)) => one_time(&app, None, String::new()),
        Err(error) => Err(error.into()),
    }
}

fn page(
    app: &App,
    status: StatusCode,
    token: &str,
    typed: &Fields,
    error: &str,
) -> Result<Response, PageError> {
    let page = Setup {
        page: Frame::new(&app.config.organisation.name, "Set up"),
        action: format!("/set-up/{token}"),
        fields: account_fields(typed, "Your name", true),
        error: error.to_owned(),
    };
    show(status, &page)
}

/// Name, sign-in name and password of an account, filled with what was typed but the password.
pub(super) fn account_fields(typed: &Fields, name: &str, is_password_required: bool) -> Vec<Field> {
    let login = Field {
        hint: "Small letters, digits and . _ - @".to_owned(),
        autocomplete: "username".to_owned(),
        ..Field::text("login", "Sign-in name", typed.get("login"))
    };
    let hint = format!(
        "At least {} characters. A sentence is easy to keep in mind.",
        password::SHORTEST
    );
    let password = Field {
        hint: if is_password_required {
            hint
        } else {
            format!("{hint} Leave it empty to hand out a one-time link instead.")
        },
        kind: "password".to_owned(),
        autocomplete: "new-password".to_owned(),
        required: is_password_required,
        ..Field::text("password", "Password", "")
    };
    let name = Field {
        autocomplete: if is_password_required { "name" } else { "off" }.to_owned(),
        ..Field::text("name", name, typed.get("name"))
    };
    vec![name, login, password]
}
