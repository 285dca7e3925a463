//! One's own account: the authenticator app, recovery codes, and where one is signed in.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine as _;

use crate::account::sign_in::Error as Refused;
use crate::account::{self, second_factor, session as sessions};
use crate::app::App;
use crate::ids::SessionId;
use crate::web::form::Fields;
use crate::web::format::{Times, sentence};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::{self, SignedIn};
use crate::web::view::own_account::{App as AppView, OwnAccount, SessionRow};
use crate::web::view::sign_in::Field;
use crate::web::view::{Act as Button, Section, counted};

/// `/account` and its forms.
pub fn router() -> Router<App> {
    Router::new()
        .route("/account", get(look))
        .route("/account/app", post(begin))
        .route("/account/app/confirm", post(confirm))
        .route("/account/app/remove", post(remove))
        .route("/account/codes", post(renew_codes))
        .route("/account/sessions/{id}/end", post(end))
        .route("/account/sessions/end-others", post(end_others))
}

async fn look(State(app): State<App>, by: SignedIn) -> Result<Response, PageError> {
    show(StatusCode::OK, &page(&app, &by).await?)
}

async fn page(app: &App, by: &SignedIn) -> Result<OwnAccount, PageError> {
    let now = app.clock.now();
    let times = Times::new(&app.config, now);
    let open = sessions::list(&app.db, by.user.id, now).await?;
    let others = open.iter().any(|one| one.id != by.session.id);
    let rows = open.iter().map(|one| SessionRow {
        device: one.device.clone(),
        seen: format!(
            "Since {}; last used {}",
            times.near_minute(one.created_at),
            times.near_minute(one.last_seen_at)
        ),
        act: (one.id != by.session.id).then(|| {
            Button::post(
                "Sign out there",
                format!("/account/sessions/{}/end", one.id),
            )
        }),
    });
    Ok(OwnAccount {
        page: frame(app, &by.user, "My account", Section::Nowhere),
        login: by.user.login.clone(),
        error: String::new(),
        codes: Vec::new(),
        app: app_view(app, by).await?,
        sessions: rows.collect(),
        end_others: others
            .then(|| Button::post("Sign out everywhere else", "/account/sessions/end-others")),
    })
}

async fn app_view(app: &App, by: &SignedIn) -> Result<AppView, PageError> {
    let factors = second_factor::of(&app.db, by.user.id).await?;
    if factors.has_app {
        let left = counted(
            u64::try_from(factors.codes_left).unwrap_or_default(),
            "recovery code is",
            "recovery codes are",
        );
        let proof = code_field("proof", "The code that it shows now, or a recovery code");
        let left = format!("{left} left.");
        return Ok(AppView::Active { left, proof });
    }
    let name = &app.config.organisation.name;
    let pending = second_factor::pending(&app.db, &app.keys, &by.user, name).await?;
    Ok(match pending {
        Some(enrolment) => AppView::Pending {
            picture: picture(&enrolment.address),
            secret: enrolment.secret,
            code: code_field("code", "The six digits"),
        },
        None => AppView::None(by.user.has_password.then(|| Field {
            kind: "password".to_owned(),
            autocomplete: "current-password".to_owned(),
            ..Field::text("password", "Your password", "")
        })),
    })
}

fn code_field(name: &str, label: &str) -> Field {
    Field {
        autocomplete: "one-time-code".to_owned(),
        ..Field::text(name, label, "")
    }
}

/// The picture of an address for an app's camera, as an `img` takes it.
fn picture(address: &str) -> Option<String> {
    use qrcode::render::svg;

    let code = qrcode::QrCode::new(address).ok()?;
    let drawn = code
        .render::<svg::Color<'_>>()
        .min_dimensions(220, 220)
        .build();
    let encoded = base64::engine::general_purpose::STANDARD.encode(drawn);
    Some(format!("data:image/svg+xml;base64,{encoded}"))
}

async fn refused(app: &App, by: &SignedIn, why: &str) -> Result<Response, PageError> {
    let mut view = page(app, by).await?;
    view.error = format!("{} Nothing was changed.", sentence(why));
    show(StatusCode::UNPROCESSABLE_ENTITY, &view)
}

fn done() -> Response {
    Redirect::to("/account").into_response()
}

/// An open browser is no licence to lock its owner out: the password is asked for.
async fn begin(
    State(app): State<App>,
    by: SignedIn,
    fields: Fields,
) -> Result<Response, PageError> {
    let now = app.clock.now();
    if by.user.has_password {
        let (login, password) = (&by.user.login, fields.raw("password"));
        match app.doorkeeper.compare(&app.db, login, password, now).await {
            Ok(_) => {}
            Err(Refused::Account(error)) => return Err(error.into()),
            Err(Refused::Wrong) => return refused(&app, &by, "that is not your password").await,
            Err(locked) => return refused(&app, &by, &locked.to_string()).await,
        }
    }
    match second_factor::begin(&app.db, &app.keys, &by.user, now).await {
        Ok(()) => Ok(done()),
        Err(account::Error::Refused(why)) => refused(&app, &by, &why).await,
        Err(error) => Err(error.into()),
    }
}

/// The first code: this session now has the second factor, and gets a new cookie; all others end.
async fn confirm(
    State(app): State<App>,
    headers: HeaderMap,
    by: SignedIn,
    fields: Fields,
) -> Result<Response, PageError> {
    let token = session::token(&app, &headers).unwrap_or_default();
    let (typed, now) = (fields.get("code"), app.clock.now());
    let confirmed = second_factor::confirm(&app.db, &app.keys, &by.user, &token, typed, now);
    match confirmed.await {
        Ok(confirmed) => {
            let mut view = page(&app, &by).await?;
            view.codes = confirmed.recovery_codes;
            let cookie = session::renewed(&app, confirmed.token);
            Ok((cookie, show(StatusCode::OK, &view)?).into_response())
        }
        Err(account::Error::Refused(why)) => refused(&app, &by, &why).await,
        Err(error) => Err(error.into()),
    }
}

/// Takes a code as a fresh proof; `Err` is the page that says why it was not taken.
async fn proven(
    app: &App,
    headers: &HeaderMap,
    by: &SignedIn,
    fields: &Fields,
    act: &[u8],
) -> Result<Result<String, Response>, PageError> {
    let token = session::token(app, headers).unwrap_or_default();
    let (typed, now) = (fields.get("proof"), app.clock.now());
    let proven = app
        .doorkeeper
        .prove(&app.db, &app.keys, &token, typed, act, now);
    match proven.await {
        Ok(token) => Ok(Ok(token)),
        Err(Refused::Account(error)) => Err(error.into()),
        Err(Refused::Wrong) => {
            let why =
                "that is not a code of this moment, or it was used before: wait for the next one";
            Ok(Err(refused(app, by, why).await?))
        }
        Err(locked) => Ok(Err(refused(app, by, &locked.to_string()).await?)),
    }
}

async fn renew_codes(
    State(app): State<App>,
    headers: HeaderMap,
    by: SignedIn,
    fields: Fields,
) -> Result<Response, PageError> {
    let token = match proven(&app, &headers, &by, &fields, b"new recovery codes").await? {
        Ok(token) => token,
        Err(page) => return Ok(page),
    };
    let codes = second_factor::renew_recovery_codes(&app.db, &by.user, app.clock.now()).await?;
    let mut view = page(&app, &by).await?;
    view.codes = codes;
    let cookie = session::renewed(&app, token);
    Ok((cookie, show(StatusCode::OK, &view)?).into_response())
}

async fn remove(
    State(app): State<App>,
    headers: HeaderMap,
    by: SignedIn,
    fields: Fields,
) -> Result<Response, PageError> {
    if let Err(page) = proven(&app, &headers, &by, &fields, b"take the app away").await? {
        return Ok(page);
    }
    // The person signs in anew, with what is left.
    let (now, actor) = (app.clock.now(), by.actor());
    second_factor::remove(&app.db, by.user.id, now, &actor).await?;
    session::leave(&app, &headers).await
}

async fn end(
    State(app): State<App>,
    by: SignedIn,
    Path(id): Path<SessionId>,
) -> Result<Response, PageError> {
    sessions::end(&app.db, &by.user, id, app.clock.now()).await?;
    Ok(done())
}

async fn end_others(State(app): State<App>, by: SignedIn) -> Result<Response, PageError> {
    let (id, now) = (by.user.id, app.clock.now());
    sessions::end_all(&app.db, id, Some(by.session.id), now, &by.actor()).await?;
    Ok(done())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_for_the_app_is_an_svg_that_an_img_takes() {
        let picture = picture("otpauth://totp/Riverside:ana?secret=AAAA").unwrap();
        assert!(picture.starts_with("data:image/svg+xml;base64,"));
    }
}
