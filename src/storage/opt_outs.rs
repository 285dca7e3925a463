//! The ledger of opt-outs: who asked for nothing more, at which number, when, how, and when it ended.

use super::{Conn, Db, Error, Tx};
use crate::clock::Timestamp;
use crate::directory::opt_out::How;
use crate::ids::{ContactId, ContactPointId, OptOutId};

/// One opt-out at one contact point that has the number now. A number that several people share has
/// a row for each of them; one that nobody has any more has none.
#[derive(Clone, sqlx::FromRow)]
pub struct LedgerRow {
    /// Whose it is.
    pub contact_id: ContactId,
    /// Their name.
    pub name: String,
    /// The point; its sealed address opens only with this.
    pub point_id: ContactPointId,
    /// The sealed address.
    pub address: Vec<u8>,
    /// Since when.
    pub at: Timestamp,
    /// How that was asked for.
    pub how: How,
    /// Who wrote it down.
    pub actor: String,
    /// When it ended; none while it holds.
    pub lifted_at: Option<Timestamp>,
    /// How it ended.
    pub lifted_how: Option<How>,
    /// Who wrote that down.
    pub lifted_by: Option<String>,
}

/// Up to `limit` opt-outs: those that hold first, then the newest.
pub async fn list(db: &Db, limit: i64) -> Result<Vec<LedgerRow>, Error> {
    db.sql(
        "SELECT c.id AS contact_id, c.name, p.id AS point_id, p.address, o.at, o.how, o.actor,
                o.lifted_at, o.lifted_how, o.lifted_by
         FROM opt_out o JOIN contact_point p ON p.lookup = o.lookup
         JOIN contact c ON c.id = p.contact_id
         ORDER BY CASE WHEN o.lifted_at IS NULL THEN 0 ELSE 1 END, o.at DESC, c.name, p.id LIMIT $1",
    )
    .bind(limit)
    .fetch_all()
    .await
}

/// The opt-outs of one contact point's number, newest first.
pub async fn list_of_point(
    on: impl Conn<'_>,
    point: ContactPointId,
) -> Result<Vec<LedgerRow>, Error> {
    on.sql(
        "SELECT c.id AS contact_id, c.name, p.id AS point_id, p.address, o.at, o.how, o.actor,
                o.lifted_at, o.lifted_how, o.lifted_by
         FROM opt_out o JOIN contact_point p ON p.lookup = o.lookup
         JOIN contact c ON c.id = p.contact_id
         WHERE p.id = $1 ORDER BY o.at DESC, o.id DESC",
    )
    .bind(point)
    .fetch_all()
    .await
}

/// Writes an opt-out down.
pub async fn insert(
    tx: &mut Tx,
    lookup: &[u8],
    how: How,
    at: Timestamp,
    actor: &str,
) -> Result<(), Error> {
    tx.sql("INSERT INTO opt_out (id, lookup, at, how, actor) VALUES ($1, $2, $3, $4, $5)")
        .bind(OptOutId::new())
        .bind(lookup)
        .bind(at)
        .bind(how)
        .bind(actor)
        .execute()
        .await?;
    Ok(())
}

/// Writes down that the opt-out of a number ended.
pub async fn lift(
    tx: &mut Tx,
    lookup: &[u8],
    how: How,
    at: Timestamp,
    actor: &str,
) -> Result<u64, Error> {
    tx.sql(
        "UPDATE opt_out SET lifted_at = $2, lifted_how = $3, lifted_by = $4
         WHERE lookup = $1 AND lifted_at IS NULL",
    )
    .bind(lookup)
    .bind(at)
    .bind(how)
    .bind(actor)
    .execute()
    .await
}
