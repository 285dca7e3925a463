//! One's own password: asked for the old one, and set; every other session ends.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;

use crate::account::sign_in::Error as Refused;
use crate::account::{self, password, user};
use crate::app::App;
use crate::web::form::Fields;
use crate::web::format::sentence;
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::Section;
use crate::web::view::sign_in::{ChangePassword, Field};

/// `/password`.
pub fn router() -> Router<App> {
    Router::new().route("/password", get(form).post(change))
}

async fn form(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    page(&app, &signed_in, StatusCode::OK, "")
}

fn page(
    app: &App,
    signed_in: &SignedIn,
    status: StatusCode,
    error: &str,
) -> Result<Response, PageError> {
    let field = |name: &str, label: &str, autocomplete: &str| Field {
        kind: "password".to_owned(),
        autocomplete: autocomplete.to_owned(),
        ..Field::text(name, label, "")
    };
    let mut fields = Vec::new();
    if signed_in.user.has_password {
        fields.push(field("current", "Password of now", "current-password"));
    }
    let hint = format!(
        "At least {} characters. A sentence is easy to keep in mind.",
        password::SHORTEST
    );
    fields.push(Field {
        hint,
        ..field("password", "New password", "new-password")
    });
    let view = ChangePassword {
        page: frame(app, &signed_in.user, "Change my password", Section::Nowhere),
        fields,
        error: error.to_owned(),
    };
    show(status, &view)
}

async fn change(
    State(app): State<App>,
    signed_in: SignedIn,
    fields: Fields,
) -> Result<Response, PageError> {
    let user = &signed_in.user;
    let now = app.clock.now();
    let refuse = |status, words: &str| page(&app, &signed_in, status, words);
    if user.has_password {
        // Counted and slowed down like any sign-in: an open browser is no licence to guess.
        let current = fields.raw("current");
        match app
            .doorkeeper
            .compare(&app.db, &user.login, current, now)
            .await
        {
            Ok(_) => {}
            Err(Refused::Wrong) => {
                let words = "The password of now is wrong. Nothing was changed.";
                return refuse(StatusCode::UNPROCESSABLE_ENTITY, words);
            }
            Err(locked @ Refused::Locked(_)) => {
                return refuse(
                    StatusCode::TOO_MANY_REQUESTS,
                    &sentence(&locked.to_string()),
                );
            }
            Err(Refused::Account(error)) => return Err(error.into()),
        }
    }
    let new = fields.raw("password");
    let passwords = app.doorkeeper.passwords();
    let but = Some(signed_in.session.id);
    match user::set_password(&app.db, passwords, user.id, new, but, now, &user.actor()).await {
        Ok(()) => Ok(Redirect::to("/account").into_response()),
        Err(account::Error::Refused(why)) => {
            refuse(StatusCode::UNPROCESSABLE_ENTITY, &sentence(&why))
        }
        Err(error) => Err(error.into()),
    }
}
