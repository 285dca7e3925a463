//! Which versions of the message templates are approved, by the hash of their files.

use super::{Conn, Error, Tx};
use crate::clock::Timestamp;

/// One approval.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Approval {
    /// The template's name.
    pub name: String,
    /// The hash of its files.
    pub hash: String,
    /// Counts its approved versions, from 1.
    pub version: i32,
    /// When.
    pub approved_at: Timestamp,
    /// By whom.
    pub approved_by: String,
}

/// The approval of exactly this content.
pub async fn find(on: impl Conn<'_>, name: &str, hash: &str) -> Result<Option<Approval>, Error> {
    on.sql("SELECT * FROM template_approval WHERE name = $1 AND hash = $2")
        .bind(name)
        .bind(hash)
        .fetch_optional()
        .await
}

/// Whether any version of it was approved: then it was changed since.
pub async fn was_ever_approved(on: impl Conn<'_>, name: &str) -> Result<bool, Error> {
    let row: Option<(i32,)> = on
        .sql("SELECT version FROM template_approval WHERE name = $1 LIMIT 1")
        .bind(name)
        .fetch_optional()
        .await?;
    Ok(row.is_some())
}

/// Every approval, newest version first within a name.
pub async fn list(on: impl Conn<'_>) -> Result<Vec<Approval>, Error> {
    on.sql("SELECT * FROM template_approval ORDER BY name, version DESC")
        .fetch_all()
        .await
}

/// Approves a content as the template's next version; the version it already has, if it is
/// approved already.
pub async fn insert(
    tx: &mut Tx,
    name: &str,
    hash: &str,
    at: Timestamp,
    by: &str,
) -> Result<i32, Error> {
    let (version,): (i32,) = tx
        .sql(
            "INSERT INTO template_approval (name, hash, version, approved_at, approved_by)
             SELECT $1, $2, COALESCE(max(version), 0) + 1, $3, $4
             FROM template_approval WHERE name = $1
             ON CONFLICT (name, hash) DO UPDATE SET version = template_approval.version
             RETURNING version",
        )
        .bind(name)
        .bind(hash)
        .bind(at)
        .bind(by)
        .fetch_one()
        .await?;
    Ok(version)
}
