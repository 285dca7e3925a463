//! The audit chain's rows and its head.

use super::{Conn, Db, Error, Tx};
use crate::audit::Entry;

/// Takes the lock on the end of the chain; answers the new entry's number and the hash before it.
pub async fn lock_head(tx: &mut Tx) -> Result<(i64, Vec<u8>), Error> {
    tx.sql(
        "INSERT INTO audit_head (id, length, hash) VALUES (1, 1, $1)
         ON CONFLICT (id) DO UPDATE SET length = audit_head.length + 1
         RETURNING length, hash",
    )
    .bind(Vec::<u8>::new())
    .fetch_one()
    .await
}

/// Takes the same lock without making a place for an entry. Before the first entry there is nothing
/// to take, and nobody to wait for.
pub async fn hold_head(tx: &mut Tx) -> Result<(), Error> {
    tx.sql("UPDATE audit_head SET length = length WHERE id = 1")
        .execute()
        .await?;
    Ok(())
}

/// Adds the entry and moves the head to it.
pub async fn insert(tx: &mut Tx, entry: &Entry) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO audit_entry (number, at, actor, action, subject, detail, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(entry.number)
    .bind(entry.at)
    .bind(&entry.actor)
    .bind(&entry.action)
    .bind(&entry.subject)
    .bind(&entry.detail)
    .bind(&entry.hash)
    .execute()
    .await?;
    tx.sql("UPDATE audit_head SET hash = $1 WHERE id = 1")
        .bind(&entry.hash)
        .execute()
        .await?;
    Ok(())
}

/// The chain's length and last hash; zero and empty before the first entry.
pub async fn head(on: impl Conn<'_>) -> Result<(i64, Vec<u8>), Error> {
    let head = on
        .sql("SELECT length, hash FROM audit_head WHERE id = 1")
        .fetch_optional()
        .await?;
    Ok(head.unwrap_or_default())
}

/// Up to `limit` entries behind number `after`, in order.
pub async fn list_after(db: &Db, after: i64, limit: i64) -> Result<Vec<Entry>, Error> {
    db.sql("SELECT * FROM audit_entry WHERE number > $1 ORDER BY number LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all()
        .await
}

/// What was done to one subject, oldest first.
pub async fn list_of(db: &Db, subject: &str) -> Result<Vec<Entry>, Error> {
    db.sql("SELECT * FROM audit_entry WHERE subject = $1 ORDER BY number")
        .bind(subject)
        .fetch_all()
        .await
}

/// What a reader of the chain looks for.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// Part of who did it, in lower case; empty for anybody.
    pub who: String,
    /// Beginnings of what was done, `alert.`; none for anything. At most three.
    pub actions: Vec<&'static str>,
    /// Only entries before this number.
    pub before: i64,
}

/// Up to `limit` entries that are sought, the newest first.
pub async fn find(db: &Db, sought: &Sought, limit: i64) -> Result<Vec<Entry>, Error> {
    let beginning = |index: usize| {
        let action = sought.actions.get(index).or(sought.actions.first());
        format!("{}%", action.copied().unwrap_or_default())
    };
    let who: String = sought
        .who
        .chars()
        .filter(|c| !matches!(c, '%' | '_'))
        .collect();
    db.sql(
        "SELECT * FROM audit_entry
         WHERE number < $1 AND lower(actor) LIKE $2
           AND (action LIKE $3 OR action LIKE $4 OR action LIKE $5)
         ORDER BY number DESC LIMIT $6",
    )
    .bind(sought.before)
    .bind(format!("%{who}%"))
    .bind(beginning(0))
    .bind(beginning(1))
    .bind(beginning(2))
    .bind(limit)
    .fetch_all()
    .await
}
