//! Reads the API token of a request and says what it may do.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::account::token::{self, Need, Scope, TokenOwner};
use crate::app::App;
use crate::audit::Actor;
use crate::web::problem::Problem;

const NO_TOKEN: &str = "Bearer realm=\"muster\"";
const WRONG_TOKEN: &str = "Bearer realm=\"muster\", error=\"invalid_token\"";

/// Whose token the request shows. As an argument of a handler it turns away requests without a
/// valid one, with 401.
#[derive(Clone, Debug)]
pub struct Bearer(pub TokenOwner);

impl Bearer {
    /// Lets the token through that may do it; 403 for any other, naming the scope it needs.
    pub fn require(&self, need: &Need<'_>) -> Result<(), Problem> {
        if self.allows(need) {
            Ok(())
        } else {
            Err(Problem::scope(need.to_string()))
        }
    }

    /// Whether the token may do it.
    pub fn allows(&self, need: &Need<'_>) -> bool {
        self.0.scopes.allows(need)
    }

    /// Lets the token through that may send any template at all: the first look, before the
    /// request is read.
    pub fn require_some_sending(&self) -> Result<(), Problem> {
        let sends =
            |scope: &Scope| matches!(scope, Scope::Admin | Scope::Send | Scope::SendTemplate(_));
        if self.0.scopes.list().iter().any(sends) {
            Ok(())
        } else {
            Err(Problem::scope("alerts:send".to_owned()))
        }
    }

    /// Lets the token through that may read some alerts, if not all.
    pub fn require_some_alerts(&self) -> Result<(), Problem> {
        if self.allows(&Need::Read) || self.require_some_sending().is_ok() {
            Ok(())
        } else {
            Err(Problem::scope(Need::Read.to_string()))
        }
    }

    /// How the audit chain names the caller.
    pub fn actor(&self) -> Actor {
        self.0.actor()
    }
}

impl FromRequestParts<App> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Some(given) = parts.headers.get(header::AUTHORIZATION) else {
            return Err(Problem::unauthenticated(
                NO_TOKEN,
                "no API token was sent: add the header Authorization: Bearer TOKEN",
            ));
        };
        let token = given
            .to_str()
            .ok()
            .and_then(|text| text.trim().split_once(' '));
        let owner = match token {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                token::authenticate(&app.db, token.trim(), app.clock.now()).await?
            }
            _ => None,
        };
        owner.map(Self).ok_or_else(|| {
            let sentence = "the API token is unknown or was revoked: make one with \
                            `muster token create`";
            Problem::unauthenticated(WRONG_TOKEN, sentence)
        })
    }
}
