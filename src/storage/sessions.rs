//! Sessions of people who are signed in, or half signed in.

use super::{Conn, Db, Error, Tx};
use crate::account::session::Proof;
use crate::clock::Timestamp;
use crate::ids::{SessionId, UserId};

/// A session.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SessionRow {
    /// What lists call it; its cookie is kept nowhere.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// How the person last showed who it is.
    pub proof: Proof,
    /// When.
    pub proven_at: Timestamp,
    /// The second factor is still to be given: nobody is signed in by it yet.
    pub is_waiting: bool,
    /// The session that ends when this one is first used.
    pub replaces: Option<SessionId>,
    /// "Firefox on Android".
    pub device: String,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When the person last did something, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
}

/// Opens a session.
pub async fn insert(tx: &mut Tx, token_hash: &[u8], session: &SessionRow) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO session (token_hash, id, user_id, proof, proven_at, is_waiting, replaces, device,
                              created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(token_hash)
    .bind(session.id)
    .bind(session.user_id)
    .bind(session.proof)
    .bind(session.proven_at)
    .bind(session.is_waiting)
    .bind(session.replaces)
    .bind(&session.device)
    .bind(session.created_at)
    .bind(session.last_seen_at)
    .bind(session.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// The session of a token, if it has not ended and was used after `seen_after`, and if its person
/// is not disabled.
pub async fn find(
    on: impl Conn<'_>,
    token_hash: &[u8],
    now: Timestamp,
    seen_after: Timestamp,
) -> Result<Option<SessionRow>, Error> {
    on.sql(
        "SELECT s.id, s.user_id, s.proof, s.proven_at, s.is_waiting, s.replaces, s.device,
                s.created_at, s.last_seen_at, s.expires_at
         FROM session s JOIN user_account u ON u.id = s.user_id
         WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3
           AND u.disabled_at IS NULL",
    )
    .bind(token_hash)
    .bind(now)
    .bind(seen_after)
    .fetch_optional()
    .await
}

/// The sessions in which a person is signed in, the last used first.
pub async fn of_user(
    db: &Db,
    id: UserId,
    now: Timestamp,
    seen_after: Timestamp,
) -> Result<Vec<SessionRow>, Error> {
    db.sql(
        "SELECT id, user_id, proof, proven_at, is_waiting, replaces, device, created_at, last_seen_at,
                expires_at
         FROM session
         WHERE user_id = $1 AND expires_at > $2 AND last_seen_at > $3 AND NOT is_waiting
         ORDER BY last_seen_at DESC, id",
    )
    .bind(id)
    .bind(now)
    .bind(seen_after)
    .fetch_all()
    .await
}

/// Notes that the person did something.
pub async fn touch(tx: &mut Tx, token_hash: &[u8], now: Timestamp) -> Result<u64, Error> {
    tx.sql("UPDATE session SET last_seen_at = $2 WHERE token_hash = $1 AND last_seen_at < $2")
        .bind(token_hash)
        .bind(now)
        .execute()
        .await
}

/// The new cookie has arrived: the session that this one replaces ends.
pub async fn end_replaced(tx: &mut Tx, session: &SessionRow) -> Result<(), Error> {
    tx.sql("DELETE FROM session WHERE user_id = $1 AND id = $2")
        .bind(session.user_id)
        .bind(session.replaces)
        .execute()
        .await?;
    tx.sql("UPDATE session SET replaces = NULL WHERE id = $1")
        .bind(session.id)
        .execute()
        .await?;
    Ok(())
}

/// Ends the session of a token.
pub async fn delete(tx: &mut Tx, token_hash: &[u8]) -> Result<u64, Error> {
    tx.sql("DELETE FROM session WHERE token_hash = $1")
        .bind(token_hash)
        .execute()
        .await
}

/// Ends one session of a person.
pub async fn delete_one(tx: &mut Tx, user: UserId, id: SessionId) -> Result<u64, Error> {
    tx.sql("DELETE FROM session WHERE user_id = $1 AND id = $2")
        .bind(user)
        .bind(id)
        .execute()
        .await
}

/// Ends the sessions of a person, all or all but one.
pub async fn delete_of(tx: &mut Tx, user: UserId, but: Option<SessionId>) -> Result<u64, Error> {
    tx.sql("DELETE FROM session WHERE user_id = $1 AND id IS DISTINCT FROM $2")
        .bind(user)
        .bind(but)
        .execute()
        .await
}

/// Ends the sessions of a person that were opened without a second factor.
pub async fn delete_unproven(tx: &mut Tx, user: UserId) -> Result<u64, Error> {
    tx.sql("DELETE FROM session WHERE user_id = $1 AND proof IN ('password', 'link')")
        .bind(user)
        .execute()
        .await
}

/// Throws away sessions that nobody can use any more.
pub async fn delete_ended(
    tx: &mut Tx,
    now: Timestamp,
    seen_after: Timestamp,
) -> Result<u64, Error> {
    tx.sql("DELETE FROM session WHERE expires_at <= $1 OR last_seen_at <= $2")
        .bind(now)
        .bind(seen_after)
        .execute()
        .await
}
