//! People who sign in, and their one-time links.

use super::{Conn, Error, Json, Tx};
use crate::account::role::Role;
use crate::clock::Timestamp;
use crate::ids::UserId;

/// Someone who signs in.
#[derive(Clone, sqlx::FromRow)]
pub struct UserRow {
    /// Its key.
    pub id: UserId,
    /// What the person types, in lower case.
    pub login: String,
    /// What others read.
    pub name: String,
    /// Argon2id in PHC form; `None` until a password is set.
    pub password_hash: Option<String>,
    /// What the person may do.
    pub roles: Json<Vec<Role>>,
    /// Since when the person may not sign in.
    pub disabled_at: Option<Timestamp>,
    /// Wrong passwords since the last right one.
    pub failures: i32,
    /// When the last of them was.
    pub failed_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// How many accounts there are, disabled ones included.
pub async fn count(on: impl Conn<'_>) -> Result<i64, Error> {
    let (count,): (i64,) = on
        .sql("SELECT count(*) FROM user_account")
        .fetch_one()
        .await?;
    Ok(count)
}

/// Every account, by login.
pub async fn list(on: impl Conn<'_>) -> Result<Vec<UserRow>, Error> {
    on.sql("SELECT * FROM user_account ORDER BY login")
        .fetch_all()
        .await
}

/// One account by its key.
pub async fn find(on: impl Conn<'_>, id: UserId) -> Result<Option<UserRow>, Error> {
    on.sql("SELECT * FROM user_account WHERE id = $1")
        .bind(id)
        .fetch_optional()
        .await
}

/// One account by its login.
pub async fn find_by_login(on: impl Conn<'_>, login: &str) -> Result<Option<UserRow>, Error> {
    on.sql("SELECT * FROM user_account WHERE login = $1")
        .bind(login)
        .fetch_optional()
        .await
}

/// One account, held against every other writer until this transaction ends.
pub async fn lock(tx: &mut Tx, id: UserId) -> Result<Option<UserRow>, Error> {
    tx.sql("UPDATE user_account SET failures = failures WHERE id = $1 RETURNING *")
        .bind(id)
        .fetch_optional()
        .await
}

/// Makes an account. [`Error::Conflict`] if the login is taken.
pub async fn insert(tx: &mut Tx, user: &UserRow) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO user_account (id, login, name, password_hash, roles, disabled_at, failures,
                                   failed_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(user.id)
    .bind(&user.login)
    .bind(&user.name)
    .bind(&user.password_hash)
    .bind(&user.roles)
    .bind(user.disabled_at)
    .bind(user.failures)
    .bind(user.failed_at)
    .bind(user.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Sets the password's hash and forgets the failures.
pub async fn set_password(tx: &mut Tx, id: UserId, hash: &str) -> Result<u64, Error> {
    tx.sql(
        "UPDATE user_account SET password_hash = $2, failures = 0, failed_at = NULL WHERE id = $1",
    )
    .bind(id)
    .bind(hash)
    .execute()
    .await
}

/// Sets what the person may do.
pub async fn set_roles(tx: &mut Tx, id: UserId, roles: &Json<Vec<Role>>) -> Result<u64, Error> {
    tx.sql("UPDATE user_account SET roles = $2 WHERE id = $1")
        .bind(id)
        .bind(roles)
        .execute()
        .await
}

/// Keeps the person from signing in, or lets the person in again.
pub async fn set_disabled(
    tx: &mut Tx,
    id: UserId,
    disabled_at: Option<Timestamp>,
) -> Result<u64, Error> {
    tx.sql("UPDATE user_account SET disabled_at = $2 WHERE id = $1")
        .bind(id)
        .bind(disabled_at)
        .execute()
        .await
}

/// Sets how often the password was wrong, and when last.
pub async fn set_failures(
    tx: &mut Tx,
    id: UserId,
    failures: i32,
    failed_at: Option<Timestamp>,
) -> Result<u64, Error> {
    tx.sql("UPDATE user_account SET failures = $2, failed_at = $3 WHERE id = $1")
        .bind(id)
        .bind(failures)
        .bind(failed_at)
        .execute()
        .await
}

/// Keeps a one-time link; without a person it is the set-up link.
pub async fn insert_link(
    tx: &mut Tx,
    token_hash: &[u8],
    user_id: Option<UserId>,
    expires_at: Timestamp,
) -> Result<(), Error> {
    tx.sql("INSERT INTO sign_in_link (token_hash, user_id, expires_at) VALUES ($1, $2, $3)")
        .bind(token_hash)
        .bind(user_id)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(())
}

/// Whose link this is, if it can still be used.
pub async fn find_link(
    on: impl Conn<'_>,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<(Option<UserId>,)>, Error> {
    on.sql(
        "SELECT user_id FROM sign_in_link
         WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2",
    )
    .bind(token_hash)
    .bind(now)
    .fetch_optional()
    .await
}

/// Uses a link up; nothing if it was used, has run out or never was.
pub async fn use_link(
    tx: &mut Tx,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<(Option<UserId>,)>, Error> {
    tx.sql(
        "UPDATE sign_in_link SET used_at = $2
         WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING user_id",
    )
    .bind(token_hash)
    .bind(now)
    .fetch_optional()
    .await
}

/// Throws away the links of a person.
pub async fn delete_links_of(tx: &mut Tx, id: UserId) -> Result<u64, Error> {
    tx.sql("DELETE FROM sign_in_link WHERE user_id = $1")
        .bind(id)
        .execute()
        .await
}

/// Throws away the set-up links: a new one replaces them, the first account ends them.
pub async fn delete_setup_links(tx: &mut Tx) -> Result<u64, Error> {
    tx.sql("DELETE FROM sign_in_link WHERE user_id IS NULL")
        .execute()
        .await
}
