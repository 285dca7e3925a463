//! Authenticator apps and recovery codes of people who sign in.

use super::{Conn, Error, Tx};
use crate::clock::Timestamp;
use crate::ids::UserId;

/// The authenticator app of a person.
#[derive(Clone, sqlx::FromRow)]
pub struct AuthenticatorRow {
    /// What its codes are made from, sealed.
    pub secret: Vec<u8>,
    /// When a first code has shown that the app has it; `None` until then.
    pub confirmed_at: Option<Timestamp>,
    /// The step of time of the last code that was taken.
    pub last_step: i64,
}

/// A person's authenticator app, confirmed or not.
pub async fn authenticator(
    on: impl Conn<'_>,
    user: UserId,
) -> Result<Option<AuthenticatorRow>, Error> {
    on.sql("SELECT secret, confirmed_at, last_step FROM authenticator WHERE user_id = $1")
        .bind(user)
        .fetch_optional()
        .await
}

/// Keeps a secret that no code has confirmed yet, in place of an earlier one; nothing changes where one is
/// confirmed.
pub async fn begin(tx: &mut Tx, user: UserId, secret: &[u8]) -> Result<u64, Error> {
    tx.sql(
        "INSERT INTO authenticator (user_id, secret, confirmed_at, last_step) VALUES ($1, $2, NULL, 0)
         ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret
         WHERE authenticator.confirmed_at IS NULL",
    )
    .bind(user)
    .bind(secret)
    .execute()
    .await
}

/// The first code was right.
pub async fn confirm(tx: &mut Tx, user: UserId, step: i64, now: Timestamp) -> Result<u64, Error> {
    tx.sql(
        "UPDATE authenticator SET confirmed_at = $3, last_step = $2
         WHERE user_id = $1 AND confirmed_at IS NULL",
    )
    .bind(user)
    .bind(step)
    .bind(now)
    .execute()
    .await
}

/// Takes the code of a step of time: nothing changes if a later one was taken before, or this one for
/// something else.
pub async fn take_step(tx: &mut Tx, user: UserId, step: i64, act: &[u8]) -> Result<u64, Error> {
    tx.sql(
        "UPDATE authenticator SET last_step = $2, last_use = $3
         WHERE user_id = $1 AND confirmed_at IS NOT NULL
           AND (last_step < $2 OR (last_step = $2 AND last_use = $3))",
    )
    .bind(user)
    .bind(step)
    .bind(act)
    .execute()
    .await
}

/// Takes the authenticator app away.
pub async fn delete_authenticator(tx: &mut Tx, user: UserId) -> Result<u64, Error> {
    tx.sql("DELETE FROM authenticator WHERE user_id = $1")
        .bind(user)
        .execute()
        .await
}

/// Replaces a person's recovery codes; with none, it takes them away.
pub async fn set_recovery_codes(
    tx: &mut Tx,
    user: UserId,
    hashes: &[Vec<u8>],
) -> Result<(), Error> {
    tx.sql("DELETE FROM recovery_code WHERE user_id = $1")
        .bind(user)
        .execute()
        .await?;
    for hash in hashes {
        tx.sql("INSERT INTO recovery_code (user_id, code_hash) VALUES ($1, $2)")
            .bind(user)
            .bind(hash.as_slice())
            .execute()
            .await?;
    }
    Ok(())
}

/// Uses a recovery code up; nothing changes if it was used for something else, or is none.
pub async fn use_recovery_code(
    tx: &mut Tx,
    user: UserId,
    hash: &[u8],
    act: &[u8],
    now: Timestamp,
) -> Result<u64, Error> {
    tx.sql(
        "UPDATE recovery_code SET used_at = $3, used_for = $4
         WHERE user_id = $1 AND code_hash = $2 AND (used_at IS NULL OR used_for = $4)",
    )
    .bind(user)
    .bind(hash)
    .bind(now)
    .bind(act)
    .execute()
    .await
}

/// How many recovery codes a person has left.
pub async fn recovery_codes_left(on: impl Conn<'_>, user: UserId) -> Result<i64, Error> {
    let (left,): (i64,) = on
        .sql("SELECT count(*) FROM recovery_code WHERE user_id = $1 AND used_at IS NULL")
        .bind(user)
        .fetch_one()
        .await?;
    Ok(left)
}
