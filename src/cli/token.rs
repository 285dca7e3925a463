//! `muster token`: makes, lists and revokes what scripts show the API.

use clap::Subcommand;
use serde_json::json;

use super::failure::Failure;
use super::{Shared, terminal};
use crate::account::token::{self, Scopes};
use crate::audit::Actor;
use crate::ids::TokenId;
use crate::storage::tokens::TokenRow;

#[derive(Subcommand)]
pub(super) enum Tokens {
    /// Make a token and print it: this once only
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do: admin, read, alerts:send, alerts:send:TEMPLATE, contacts:write,
        /// templates:write, hooks:send
        #[arg(long, value_name = "SCOPE", num_args = 1.., required = true, value_delimiter = ',')]
        scope: Vec<String>,
    },
    /// List the tokens, without their secrets
    List,
    /// Close a token for good
    Revoke {
        /// Its id, or the beginning that the list shows
        token: String,
    },
}

impl Tokens {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        match self {
            Self::Create { name, scope } => create(shared, name, scope).await,
            Self::List => list(shared).await,
            Self::Revoke { token } => revoke(shared, token).await,
        }
    }
}

async fn create(shared: &Shared, name: &str, scopes: &[String]) -> Result<(), Failure> {
    let scopes = Scopes::parse(scopes).map_err(Failure::Usage)?;
    let app = shared.open_or_make().await?;
    let (now, by) = (app.clock.now(), Actor::command_line());
    let made = token::create(&app.db, name, &scopes, now, &by).await?;
    app.db.close().await;
    if shared.json {
        return terminal::json(&json!({
            "token": made.token, "id": made.id, "name": name, "scopes": scopes.words(),
        }));
    }
    terminal::remark("Keep it now: it is shown this once only.");
    terminal::say(made.token)
}

async fn list(shared: &Shared) -> Result<(), Failure> {
    let app = shared.open().await?;
    let tokens = token::list(&app.db).await?;
    app.db.close().await;
    let when = |time: Option<crate::clock::Timestamp>| time.map(|time| time.to_string());
    if shared.json {
        let tokens = tokens.iter().map(|token| {
            json!({
                "id": token.id, "name": token.name, "prefix": token.prefix,
                "scopes": token.scopes.0, "created_at": token.created_at.to_string(),
                "created_by": token.created_by, "last_used_at": when(token.last_used_at),
                "revoked_at": when(token.revoked_at),
            })
        });
        return terminal::json(&tokens.collect::<Vec<_>>());
    }
    let row = |token: &TokenRow| {
        let state = match (when(token.revoked_at), when(token.last_used_at)) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) => format!("last used {at}"),
            (None, None) => "never used".to_owned(),
        };
        vec![
            format!("{}…", token.prefix),
            token.name.clone(),
            token.scopes.0.join(" "),
            state,
        ]
    };
    terminal::table(&tokens.iter().map(row).collect::<Vec<_>>())
}

async fn revoke(shared: &Shared, wanted: &str) -> Result<(), Failure> {
    let app = shared.open().await?;
    let id = match wanted.parse::<TokenId>() {
        Ok(id) => id,
        Err(_) => find(&token::list(&app.db).await?, wanted.trim_end_matches('…'))?,
    };
    token::revoke(&app.db, id, app.clock.now(), &Actor::command_line()).await?;
    app.db.close().await;
    if shared.json {
        return terminal::json(&json!({ "revoked": id }));
    }
    terminal::say("The token is closed: nothing that shows it is believed any more.")
}

/// The one token in use with this beginning or this name.
fn find(tokens: &[TokenRow], wanted: &str) -> Result<TokenId, Failure> {
    let fits = |token: &&TokenRow| {
        token.revoked_at.is_none()
            && (token.name == wanted || (!wanted.is_empty() && wanted.starts_with(&token.prefix)))
    };
    let mut found = tokens.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.id),
        (None, _) => Err(Failure::Said(format!(
            "there is no token \"{wanted}\" in use"
        ))),
        (Some(_), Some(_)) => Err(Failure::Said(format!(
            "there are several tokens \"{wanted}\": name the id that `muster token list --json` shows"
        ))),
    }
}
