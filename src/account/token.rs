//! API tokens: what a script may do, and whose token this is.

mod scope;

use std::time::Duration;

use futures::FutureExt;
use tracing::warn;

use super::{Error, refused};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::TokenId;
use crate::keys::{random_token, token_hash};
use crate::storage::tokens::{self, TokenRow};
use crate::storage::{self, Db};

pub use scope::{Need, Scope, Scopes};

/// What every token begins with, so that a leaked one is recognised.
const BEGINNING: &str = "muster_";

/// Characters of a token that are kept in clear: [`BEGINNING`] and five more.
const PREFIX: usize = 12;

/// How exactly the last use is kept: a busy script must not cost a write per request.
const TOUCH: Duration = Duration::from_mins(1);

/// A token that was just made: the only moment its text exists.
#[derive(Clone)]
pub struct NewToken {
    /// Its row.
    pub id: TokenId,
    /// The secret itself: show it once.
    pub token: String,
    /// What lists show of it.
    pub prefix: String,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewToken")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Whose token a request shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOwner {
    /// Its row.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
}

impl TokenOwner {
    /// How the audit chain names it.
    pub fn actor(&self) -> Actor {
        Actor::token(&self.name)
    }
}

/// Makes a token. Refuses a name that is empty or longer than 100 characters, and a token without
/// any scope.
pub async fn create(
    db: &Db,
    name: &str,
    scopes: &Scopes,
    now: Timestamp,
    actor: &Actor,
) -> Result<NewToken, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(refused(
            "give the token a name of 1 to 100 characters: what it is for",
        ));
    }
    if scopes.list().is_empty() {
        return Err(refused(format!(
            "give the token at least one scope: {}",
            scope::POSSIBLE
        )));
    }
    let token = format!("{BEGINNING}{}", random_token());
    let hash = token_hash(&token);
    let row = TokenRow {
        id: TokenId::new(),
        name: name.to_owned(),
        prefix: token.chars().take(PREFIX).collect(),
        scopes: scopes.words().into(),
        created_at: now,
        created_by: actor.as_str().to_owned(),
        last_used_at: None,
        revoked_at: None,
    };
    let made = NewToken {
        id: row.id,
        token,
        prefix: row.prefix.clone(),
    };
    let actor = actor.clone();
    db.write("create a token", move |tx| {
        async move {
            let detail = serde_json::json!({"name": row.name, "scopes": row.scopes.0});
            audit::append(
                tx,
                now,
                &actor,
                "token.create",
                &row.id.to_string(),
                &detail,
            )
            .await?;
            tokens::insert(tx, &row, &hash).await
        }
        .boxed()
    })
    .await?;
    Ok(made)
}

/// Every token without its secret, the newest first, revoked ones included.
pub async fn list(db: &Db) -> Result<Vec<TokenRow>, Error> {
    Ok(tokens::list(db).await?)
}

/// Closes a token for good. Fails if there is none, or if it was closed before.
pub async fn revoke(db: &Db, id: TokenId, now: Timestamp, actor: &Actor) -> Result<(), Error> {
    let actor = actor.clone();
    db.write("revoke a token", move |tx| {
        async move {
            audit::append(tx, now, &actor, "token.revoke", &id.to_string(), &()).await?;
            match tokens::revoke(tx, id, now).await? {
                0 => Err(Error::NotFound("there is no such token in use")),
                _ => Ok(()),
            }
        }
        .boxed()
    })
    .await
}

/// Whose token this is; nobody's if it is unknown, revoked or no token at all.
pub async fn authenticate(
    db: &Db,
    token: &str,
    now: Timestamp,
) -> Result<Option<TokenOwner>, Error> {
    if !token.starts_with(BEGINNING) {
        return Ok(None);
    }
    let Some(row) = tokens::find_in_use(db, &token_hash(token)).await? else {
        return Ok(None);
    };
    if row.last_used_at.is_none_or(|last| now.since(last) >= TOUCH) {
        let id = row.id;
        let noted: Result<_, storage::Error> = db
            .write("note a token's use", move |tx| {
                tokens::touch(tx, id, now).boxed()
            })
            .await;
        // Nothing that the token is used for may fail because of that.
        if let Err(error) = noted {
            warn!(%error, "A token's use could not be noted");
        }
    }
    Ok(Some(TokenOwner {
        id: row.id,
        name: row.name,
        scopes: Scopes::from_stored(&row.scopes.0),
    }))
}
