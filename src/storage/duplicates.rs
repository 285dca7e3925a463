//! People who may be in the directory twice, and what makes one person of two.

use super::{Db, Error, Tx};
use crate::clock::Timestamp;
use crate::ids::{CallTreeId, ContactId};
use crate::storage::call_trees::BranchRow;

/// Two people in use who may be one.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PairRow {
    /// The one who came first.
    pub one: ContactId,
    /// Their name.
    pub one_name: String,
    /// The one who came later.
    pub other: ContactId,
    /// Their name.
    pub other_name: String,
    /// Whether they share a number or an address; else they share name and site.
    pub same_point: bool,
}

/// Up to `limit` pairs who share a number, an address, or name and site, and of whom nobody has said that
/// they are two people. A number that more than five share is a switchboard's, and says nothing.
pub async fn list(db: &Db, limit: i64) -> Result<Vec<PairRow>, Error> {
    db.sql(
        "WITH person AS MATERIALIZED (
             SELECT id, name, lower(name) AS low_name, lower(site) AS low_site FROM contact
             WHERE archived_at IS NULL
         ), point AS MATERIALIZED (
             SELECT DISTINCT contact_id, lookup FROM contact_point WHERE lookup NOT IN (
                 SELECT lookup FROM contact_point GROUP BY lookup HAVING count(*) > 5)
         ), pair AS (
             SELECT a.contact_id AS one, b.contact_id AS other, 1 AS shared FROM point a
             JOIN point b ON b.lookup = a.lookup AND b.contact_id > a.contact_id
             UNION ALL
             SELECT c.id, d.id, 0 FROM person c
             JOIN person d ON d.low_name = c.low_name AND d.low_site = c.low_site AND d.id > c.id
         )
         SELECT a.id AS one, a.name AS one_name, b.id AS other, b.name AS other_name,
                max(shared) = 1 AS same_point
         FROM pair JOIN person a ON a.id = pair.one JOIN person b ON b.id = pair.other
         WHERE NOT EXISTS (SELECT 1 FROM contact_distinct d
                           WHERE d.one_id = pair.one AND d.other_id = pair.other)
         GROUP BY a.id, a.name, b.id, b.name ORDER BY a.name, a.id, b.id LIMIT $1",
    )
    .bind(limit)
    .fetch_all()
    .await
}

/// Keeps that these are two people, however much they share. Twice is once.
pub async fn keep_apart(
    tx: &mut Tx,
    one: ContactId,
    other: ContactId,
    at: Timestamp,
) -> Result<u64, Error> {
    tx.sql(
        "INSERT INTO contact_distinct (one_id, other_id, at) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
    )
    .bind(one.min(other))
    .bind(one.max(other))
    .bind(at)
    .execute()
    .await
}

/// Whether a person is told by an alert that is not over.
pub async fn is_being_told(tx: &mut Tx, id: ContactId) -> Result<bool, Error> {
    let found: Option<(i32,)> = tx
        .sql(
            "SELECT 1 FROM recipient r JOIN alert a ON a.number = r.alert
             WHERE r.contact_id = $1 AND a.state = 'running' LIMIT 1",
        )
        .bind(id)
        .fetch_optional()
        .await?;
    Ok(found.is_some())
}

/// Gives all numbers and addresses of one person to another, behind the other's own.
pub async fn move_points(tx: &mut Tx, from: ContactId, to: ContactId) -> Result<u64, Error> {
    tx.sql("UPDATE contact_point SET contact_id = $2, rank = rank + 2000 WHERE contact_id = $1")
        .bind(from)
        .bind(to)
        .execute()
        .await
}

/// Whoever reported to one person reports to another.
pub async fn move_reports(tx: &mut Tx, from: ContactId, to: ContactId) -> Result<u64, Error> {
    tx.sql("UPDATE contact SET manager_id = $2 WHERE manager_id = $1 AND id <> $2")
        .bind(from)
        .bind(to)
        .execute()
        .await
}

/// The call trees that one of two people is in.
pub async fn trees_with(
    tx: &mut Tx,
    one: ContactId,
    other: ContactId,
) -> Result<Vec<(CallTreeId,)>, Error> {
    tx.sql(
        "SELECT DISTINCT tree_id FROM call_tree_branch
         WHERE caller_id IN ($1, $2) OR contact_id IN ($1, $2) ORDER BY tree_id",
    )
    .bind(one)
    .bind(other)
    .fetch_all()
    .await
}

/// Every branch of a tree, those of archived people among them.
pub async fn branches(tx: &mut Tx, id: CallTreeId) -> Result<Vec<BranchRow>, Error> {
    tx.sql(
        "SELECT caller_id, contact_id, position FROM call_tree_branch WHERE tree_id = $1
         ORDER BY caller_id, position, contact_id",
    )
    .bind(id)
    .fetch_all()
    .await
}

/// Takes a person out of use for good: everything of theirs is another's now.
pub async fn retire(
    tx: &mut Tx,
    id: ContactId,
    into: ContactId,
    at: Timestamp,
) -> Result<u64, Error> {
    tx.sql(
        "UPDATE contact SET merged_into = $2, fields = NULL, manager_id = NULL,
                            archived_at = $3, updated_at = $3
         WHERE id = $1",
    )
    .bind(id)
    .bind(into)
    .bind(at)
    .execute()
    .await
}
