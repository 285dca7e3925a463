//! The tokens of scripts: made, shown once, revoked.

use axum::extract::{Path, State};
use axum::response::Response;

use super::{done, made, refused};
use crate::account;
use crate::account::role::Act;
use crate::account::token::{self, Scopes};
use crate::app::App;
use crate::ids::TokenId;
use crate::storage::tokens::TokenRow as Token;
use crate::web::form::Fields;
use crate::web::format::Times;
use crate::web::pages::PageError;
use crate::web::session::SignedIn;
use crate::web::view::Act as Button;
use crate::web::view::accounts::TokenRow;
use crate::web::view::sign_in::Field;

/// What a script may be allowed, with what it means.
pub(super) const SCOPES: [(&str, &str); 6] = [
    ("read", "Read alerts, people (masked), groups and templates"),
    (
        "alerts:send",
        "Send approved templates, and follow up what it sent",
    ),
    (
        "contacts:write",
        "Import and change people; see their numbers",
    ),
    ("templates:write", "Approve templates"),
    ("hooks:send", "Report events of monitoring"),
    ("admin", "Everything"),
];

/// The name of a new token, and what it is held to.
pub(super) fn token_fields() -> Vec<Field> {
    let template = Field {
        required: false,
        hint: "Instead of alerts:send: the script may send this one only. For example: closure"
            .to_owned(),
        ..Field::text("template", "Only this template", "")
    };
    let hint = "What it is for: “alertmanager”".to_owned();
    vec![
        Field {
            hint,
            ..Field::text("token_name", "Name", "")
        },
        template,
    ]
}

/// One token of the list.
pub(super) fn token_row(token: &Token, times: &Times) -> TokenRow {
    let seen = match (token.revoked_at, token.last_used_at) {
        (Some(at), _) => format!("Revoked on {}", times.day(at)),
        (None, Some(at)) => format!("Used {}", times.near_minute(at)),
        (None, None) => "Never used".to_owned(),
    };
    TokenRow {
        name: token.name.clone(),
        scopes: token.scopes.join(", "),
        seen: format!("{}…, {seen}", token.prefix),
        act: token
            .revoked_at
            .is_none()
            .then(|| Button::post("Revoke", format!("/accounts/tokens/{}/revoke", token.id))),
    }
}

pub(super) async fn make_token(
    State(app): State<App>,
    signed_in: SignedIn,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::ManageTokens)?;
    let mut words: Vec<String> = typed.all("scope").map(str::to_owned).collect();
    let template = typed.get("template");
    if !template.is_empty() {
        words.push(format!("alerts:send:{template}"));
    }
    let scopes = match Scopes::parse(&words) {
        Ok(scopes) => scopes,
        Err(why) => {
            return refused(
                &app,
                &signed_in,
                &Fields::default(),
                account::Error::Refused(why),
            )
            .await;
        }
    };
    let (now, actor) = (app.clock.now(), signed_in.actor());
    match token::create(&app.db, typed.get("token_name"), &scopes, now, &actor).await {
        Ok(token) => {
            let words = "The new token. Copy it now: it is shown once and kept nowhere.";
            made(&app, &signed_in, words.to_owned(), token.token).await
        }
        Err(error) => refused(&app, &signed_in, &Fields::default(), error).await,
    }
}

pub(super) async fn revoke(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<TokenId>,
) -> Result<Response, PageError> {
    signed_in.require(Act::ManageTokens)?;
    match token::revoke(&app.db, id, app.clock.now(), &signed_in.actor()).await {
        // Twice is fine: it is closed, as was wanted.
        Ok(()) | Err(account::Error::NotFound(_)) => Ok(done()),
        Err(error) => Err(error.into()),
    }
}
