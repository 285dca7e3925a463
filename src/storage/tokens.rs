//! API tokens: what scripts show instead of a password.

use super::{Conn, Db, Error, Json, Tx};
use crate::clock::Timestamp;
use crate::ids::TokenId;

/// A token, without its secret.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct TokenRow {
    /// Its key.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// Its first characters, to tell tokens apart.
    pub prefix: String,
    /// What it may do.
    pub scopes: Json<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Since when it opens nothing.
    pub revoked_at: Option<Timestamp>,
}

/// Every token, the newest first, revoked ones included.
pub async fn list(db: &Db) -> Result<Vec<TokenRow>, Error> {
    db.sql(
        "SELECT id, name, prefix, scopes, created_at, created_by, last_used_at, revoked_at
         FROM api_token ORDER BY created_at DESC, id DESC",
    )
    .fetch_all()
    .await
}

/// The token of this hash, if it is not revoked.
pub async fn find_in_use(on: impl Conn<'_>, token_hash: &[u8]) -> Result<Option<TokenRow>, Error> {
    on.sql(
        "SELECT id, name, prefix, scopes, created_at, created_by, last_used_at, revoked_at
         FROM api_token WHERE token_hash = $1 AND revoked_at IS NULL",
    )
    .bind(token_hash)
    .fetch_optional()
    .await
}

/// Keeps a token.
pub async fn insert(tx: &mut Tx, token: &TokenRow, token_hash: &[u8]) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO api_token (id, name, prefix, token_hash, scopes, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(token.id)
    .bind(&token.name)
    .bind(&token.prefix)
    .bind(token_hash)
    .bind(&token.scopes)
    .bind(token.created_at)
    .bind(&token.created_by)
    .execute()
    .await?;
    Ok(())
}

/// Notes that it was used.
pub async fn touch(tx: &mut Tx, id: TokenId, now: Timestamp) -> Result<u64, Error> {
    tx.sql("UPDATE api_token SET last_used_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute()
        .await
}

/// Closes it for good. Answers 0 if there is none or it was closed before.
pub async fn revoke(tx: &mut Tx, id: TokenId, now: Timestamp) -> Result<u64, Error> {
    tx.sql("UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await
}
