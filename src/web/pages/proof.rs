//! A fresh proof of who it is, asked for on the very form that sends: no page in between, and nothing that
//! was filled in is lost.

use axum::http::HeaderMap;
use axum_extra::extract::cookie::CookieJar;

use crate::account::second_factor;
use crate::account::sign_in::Error as Refused;
use crate::app::App;
use crate::web::form::Fields;
use crate::web::format::sentence;
use crate::web::pages::PageError;
use crate::web::session::{self, SignedIn};
use crate::web::view::sign_in::Field;
use crate::web::view::{Notice, Tone};

/// The form's name for it. Has a hyphen, which no blank of a template can have.
const FIELD: &str = "your-proof";

/// What came of it.
#[derive(Debug)]
pub enum Proven {
    /// It is the person: go on, and give the browser these cookies.
    Yes(CookieJar),
    /// It is not shown: nothing was done, and this says why.
    No(Notice),
}

/// The field that the form must have; none while the last proof is fresh, and for whoever came by a link
/// and has neither a password nor an app to prove anything with.
pub async fn field(app: &App, by: &SignedIn) -> Result<Option<Field>, PageError> {
    if !by.is_stale(app) {
        return Ok(None);
    }
    let (label, complete, kind) = if second_factor::of(&app.db, by.user.id).await?.has_app {
        (
            "The code that your authenticator app shows",
            "one-time-code",
            "text",
        )
    } else if by.user.has_password {
        ("Your password", "current-password", "password")
    } else {
        return Ok(None);
    };
    Ok(Some(Field {
        kind: kind.to_owned(),
        autocomplete: complete.to_owned(),
        hint: "This browser has been open for a while: show that it is still you.".to_owned(),
        ..Field::text(FIELD, label, "")
    }))
}

/// Takes what was typed into [`field`] for one act, which may be sent twice; asks for nothing where there is
/// no field.
pub async fn take(
    app: &App,
    headers: &HeaderMap,
    by: &SignedIn,
    fields: &Fields,
    act: &[u8],
) -> Result<Proven, PageError> {
    if field(app, by).await?.is_none() {
        return Ok(Proven::Yes(CookieJar::new()));
    }
    let token = session::token(app, headers).unwrap_or_default();
    let typed = fields.raw(FIELD);
    let now = app.clock.now();
    let proven = app
        .doorkeeper
        .prove(&app.db, &app.keys, &token, typed, act, now);
    match proven.await {
        Ok(token) => Ok(Proven::Yes(session::renewed(app, token))),
        Err(Refused::Wrong) => {
            let text = "That is not your password, or not the code of this moment. Nothing was sent: type \
                        it again.";
            Ok(Proven::No(Notice::new(Tone::Careful, text)))
        }
        Err(locked @ Refused::Locked(_)) => {
            let text = format!("{} Nothing was sent.", sentence(&locked.to_string()));
            Ok(Proven::No(Notice::new(Tone::Careful, text)))
        }
        Err(Refused::Account(error)) => Err(error.into()),
    }
}
