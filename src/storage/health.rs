//! How well people can be reached, counted; and the proofs that a number reaches its person.

use super::{Db, Error, Tx};
use crate::clock::Timestamp;
use crate::ids::ContactPointId;

/// How many people in use there is something to mend of. A person may be in several counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    /// No number and no address at all.
    pub no_way: i64,
    /// No mobile number, but something else.
    pub no_mobile: i64,
    /// A message to one of their points failed for good, and none has arrived there since.
    pub failed: i64,
    /// Nobody has ever proved that any of their points reaches them.
    pub never_verified: i64,
    /// The last proof is older than the limit.
    pub verified_long_ago: i64,
}

/// Counts everyone in use. Proofs before `limit` are long ago.
pub async fn counts(db: &Db, limit: Timestamp) -> Result<Counts, Error> {
    db.sql(
        "WITH person AS (
             SELECT c.id, count(p.id) AS points, max(p.verified_at) AS verified_at,
                    count(CASE WHEN p.kind = 'mobile' THEN 1 END) AS mobiles,
                    count(p.unreachable_at) AS failed
             FROM contact c LEFT JOIN contact_point p ON p.contact_id = c.id
             WHERE c.archived_at IS NULL GROUP BY c.id
         )
         SELECT count(CASE WHEN points = 0 THEN 1 END) AS no_way,
                count(CASE WHEN points > 0 AND mobiles = 0 THEN 1 END) AS no_mobile,
                count(CASE WHEN failed > 0 THEN 1 END) AS failed,
                count(CASE WHEN points > 0 AND verified_at IS NULL THEN 1 END) AS never_verified,
                count(CASE WHEN verified_at < $1 THEN 1 END) AS verified_long_ago
         FROM person",
    )
    .bind(limit)
    .fetch_one()
    .await
}

/// Keeps that a point was proved to reach its person. Answers 0 if there is no such point.
pub async fn mark_verified(
    tx: &mut Tx,
    point: ContactPointId,
    at: Timestamp,
) -> Result<u64, Error> {
    tx.sql(
        "UPDATE contact_point SET verified_at = $2, unreachable_at = NULL, unreachable_reason = NULL
         WHERE id = $1",
    )
    .bind(point)
    .bind(at)
    .execute()
    .await
}

/// Keeps that a message came from a number: it is in its person's hands, or their household's.
pub async fn mark_heard_from(tx: &mut Tx, lookup: &[u8], at: Timestamp) -> Result<u64, Error> {
    tx.sql(
        "UPDATE contact_point SET verified_at = $2
         WHERE lookup = $1 AND (verified_at IS NULL OR verified_at < $2)",
    )
    .bind(lookup)
    .bind(at)
    .execute()
    .await
}
