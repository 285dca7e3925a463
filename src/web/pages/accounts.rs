//! Who may sign in and do what, and the tokens of scripts.

mod tokens;

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::account::role::{Act, Role};
use crate::account::token;
use crate::account::user::{self, NewUser, User};
use crate::account::{self, link, second_factor};
use crate::app::App;
use crate::ids::UserId;
use crate::web::form::Fields;
use crate::web::format::{Times, sentence};
use crate::web::pages::set_up::account_fields;
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::accounts::{Accounts, ChangeUser, NewSecret, UserRow};
use crate::web::view::sign_in::Field;
use crate::web::view::{Act as Button, Choice, Notice, Section, Tone};

/// How long a sign-in link that was handed out can be used.
const LINK_VALID: Duration = Duration::from_hours(24);

/// `/accounts` and its forms.
pub fn router() -> Router<App> {
    Router::new()
        .route("/accounts", get(look))
        .route("/accounts/users", post(add_user))
        .route("/accounts/users/{id}/roles", post(set_roles))
        .route("/accounts/users/{id}/password", post(set_password))
        .route("/accounts/users/{id}/link", post(make_link))
        .route("/accounts/users/{id}/remove-app", post(remove_app))
        .route("/accounts/users/{id}/close", post(close))
        .route("/accounts/users/{id}/open", post(open))
        .route("/accounts/tokens", post(tokens::make_token))
        .route("/accounts/tokens/{id}/revoke", post(tokens::revoke))
}

async fn look(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    signed_in.require(Act::ManageAccounts)?;
    show(
        StatusCode::OK,
        &page(&app, &signed_in, &Fields::default()).await?,
    )
}

/// The page, its forms filled with what was typed.
async fn page(app: &App, signed_in: &SignedIn, typed: &Fields) -> Result<Accounts, PageError> {
    let times = Times::new(&app.config, app.clock.now());
    let users = user::list(&app.db).await?;
    let made = token::list(&app.db).await?;
    Ok(Accounts {
        page: frame(app, &signed_in.user, "Accounts", Section::Accounts),
        users: users
            .iter()
            .map(|user| user_row(user, signed_in.user.id, &times))
            .collect(),
        user_action: "/accounts/users".to_owned(),
        user_fields: account_fields(typed, "Name", false),
        roles: roles(
            &typed
                .all("role")
                .filter_map(|word| word.parse().ok())
                .collect::<Vec<_>>(),
        ),
        tokens: made
            .iter()
            .map(|token| tokens::token_row(token, &times))
            .collect(),
        token_action: "/accounts/tokens".to_owned(),
        token_fields: tokens::token_fields(),
        scopes: tokens::SCOPES
            .iter()
            .map(|(scope, hint)| Choice::new(*scope, *scope).hint(*hint))
            .collect(),
        made: None,
    })
}

fn roles(own: &[Role]) -> Vec<Choice> {
    let choice = |role: &Role| {
        Choice::new(role.word(), role_in_words(*role))
            .hint(may(*role))
            .chosen(own.contains(role))
    };
    Role::ALL.iter().map(choice).collect()
}

fn role_in_words(role: Role) -> &'static str {
    match role {
        Role::Sender => "sender",
        Role::Approver => "approver",
        Role::DirectoryAdmin => "directory admin",
        Role::SystemAdmin => "system admin",
        Role::Auditor => "auditor",
    }
}

fn may(role: Role) -> &'static str {
    match role {
        Role::Sender => "Sends approved messages and follows them up",
        Role::Approver => "Approves templates; sends too",
        Role::DirectoryAdmin => "Keeps people and groups",
        Role::SystemAdmin => "Keeps accounts and tokens; sends nothing",
        Role::Auditor => "Reads everything; changes nothing",
    }
}

fn user_row(user: &User, own: UserId, times: &Times) -> UserRow {
    let path = format!("/accounts/users/{}", user.id);
    let seen = match user.disabled_at {
        Some(at) => format!("Closed on {}", times.day(at)),
        None if user.has_password => format!("Since {}", times.day(user.created_at)),
        None => "No password yet: needs a sign-in link".to_owned(),
    };
    let names: Vec<&str> = user.roles.iter().map(|role| role_in_words(*role)).collect();
    let act = match user.disabled_at {
        Some(_) => Some(Button::post("Open again", format!("{path}/open"))),
        None if user.id == own => None,
        None => Some(Button::post("Close", format!("{path}/close"))),
    };
    let password = Field {
        kind: "password".to_owned(),
        autocomplete: "new-password".to_owned(),
        ..Field::text(&format!("password-{}", user.login), "New password", "")
    };
    let change = ChangeUser {
        roles_action: format!("{path}/roles"),
        roles: roles(&user.roles),
        password_action: format!("{path}/password"),
        password,
        link: Button::post("Make a one-time sign-in link", format!("{path}/link")),
        remove_app: Button::post(
            "Take the authenticator app away",
            format!("{path}/remove-app"),
        ),
    };
    UserRow {
        name: user.name.clone(),
        login: user.login.clone(),
        roles: if names.is_empty() {
            "no role yet".to_owned()
        } else {
            names.join(", ")
        },
        seen,
        act,
        change: user.disabled_at.is_none().then_some(change),
    }
}

/// Shows the page again with why nothing was done.
async fn refused(
    app: &App,
    signed_in: &SignedIn,
    typed: &Fields,
    error: account::Error,
) -> Result<Response, PageError> {
    let account::Error::Refused(why) = error else {
        return Err(error.into());
    };
    let mut view = page(app, signed_in, typed).await?;
    let text = format!("Nothing was changed. {}", sentence(&why));
    view.page = view.page.notice(Notice::new(Tone::Wrong, text));
    show(StatusCode::UNPROCESSABLE_ENTITY, &view)
}

/// Shows the page with a secret that is shown once.
async fn made(
    app: &App,
    signed_in: &SignedIn,
    words: String,
    secret: String,
) -> Result<Response, PageError> {
    let mut view = page(app, signed_in, &Fields::default()).await?;
    view.made = Some(NewSecret { words, secret });
    show(StatusCode::OK, &view)
}

fn done() -> Response {
    Redirect::to("/accounts").into_response()
}

async fn add_user(
    State(app): State<App>,
    signed_in: SignedIn,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::ManageAccounts)?;
    let password = Some(typed.raw("password").to_owned()).filter(|text| !text.is_empty());
    let needs_link = password.is_none();
    let new = NewUser {
        login: typed.get("login").to_owned(),
        name: typed.get("name").to_owned(),
        roles: typed
            .all("role")
            .filter_map(|word| word.parse().ok())
            .collect(),
        password,
    };
    let (now, actor) = (app.clock.now(), signed_in.actor());
    match user::create(&app.db, app.doorkeeper.passwords(), new, now, &actor).await {
        Ok(user) if needs_link => hand_out(&app, &signed_in, user.id).await,
        Ok(_) => Ok(done()),
        Err(error) => refused(&app, &signed_in, &typed, error).await,
    }
}

async fn hand_out(app: &App, signed_in: &SignedIn, id: UserId) -> Result<Response, PageError> {
    let now = app.clock.now();
    let token = link::make_sign_in(&app.db, id, LINK_VALID, now, &signed_in.actor()).await?;
    let words = "A one-time sign-in link. Hand it over now: it is shown once, works once, and ends \
                 after a day.";
    made(
        app,
        signed_in,
        words.to_owned(),
        format!("{}/sign-in/{token}", app.public_url),
    )
    .await
}

async fn make_link(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<UserId>,
) -> Result<Response, PageError> {
    signed_in.require(Act::ManageAccounts)?;
    hand_out(&app, &signed_in, id).await
}

/// For whoever has lost the phone and the recovery codes, and has convinced the administrator.
async fn remove_app(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<UserId>,
) -> Result<Response, PageError> {
    signed_in.require(Act::ManageAccounts)?;
    second_factor::remove(&app.db, id, app.clock.now(), &signed_in.actor()).await?;
    Ok(done())
}

async fn set_roles(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<UserId>,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::ManageAccounts)?;
    let roles = typed
        .all("role")
        .filter_map(|word| word.parse().ok())
        .collect();
    match user::set_roles(&app.db, id, roles, app.clock.now(), &signed_in.actor()).await {
        Ok(()) => Ok(done()),
        Err(error) => refused(&app, &signed_in, &Fields::default(), error).await,
    }
}

async fn set_password(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<UserId>,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::ManageAccounts)?;
    let Some(user) = user::find(&app.db, id).await? else {
        return Err(PageError::not_found());
    };
    let password = typed.raw(&format!("password-{}", user.login)).to_owned();
    let (now, actor) = (app.clock.now(), signed_in.actor());
    let passwords = app.doorkeeper.passwords();
    match user::set_password(&app.db, passwords, id, &password, None, now, &actor).await {
        Ok(()) => Ok(done()),
        Err(error) => refused(&app, &signed_in, &Fields::default(), error).await,
    }
}

async fn close(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<UserId>,
) -> Result<Response, PageError> {
    signed_in.require(Act::ManageAccounts)?;
    match user::disable(&app.db, id, app.clock.now(), &signed_in.actor()).await {
        Ok(()) => Ok(done()),
        Err(error) => refused(&app, &signed_in, &Fields::default(), error).await,
    }
}

async fn open(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<UserId>,
) -> Result<Response, PageError> {
    signed_in.require(Act::ManageAccounts)?;
    user::enable(&app.db, id, app.clock.now(), &signed_in.actor()).await?;
    Ok(done())
}
