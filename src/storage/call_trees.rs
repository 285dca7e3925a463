//! Phone trees: who calls whom.

use serde::Serialize;

use super::{Conn, Db, Error, Json, Tx};
use crate::clock::Timestamp;
use crate::ids::{CallTreeId, ContactId};

/// A tree, without its branches.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CallTreeRow {
    /// Its key.
    pub id: CallTreeId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// One call of a tree.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct BranchRow {
    /// Who calls.
    pub caller_id: ContactId,
    /// Who is called.
    pub contact_id: ContactId,
    /// The place in the caller's order, from 1.
    pub position: i32,
}

/// A branch to be saved.
#[derive(Serialize)]
pub struct BranchSave {
    /// Who calls, 32 hexadecimal digits.
    pub caller_id: String,
    /// Who is called.
    pub contact_id: String,
    /// The place in the caller's order, from 1.
    pub position: i32,
}

/// Every tree, by name.
pub async fn list(db: &Db) -> Result<Vec<CallTreeRow>, Error> {
    db.sql("SELECT * FROM call_tree ORDER BY name")
        .fetch_all()
        .await
}

/// One tree by its key.
pub async fn find(on: impl Conn<'_>, id: CallTreeId) -> Result<Option<CallTreeRow>, Error> {
    on.sql("SELECT * FROM call_tree WHERE id = $1")
        .bind(id)
        .fetch_optional()
        .await
}

/// One tree by its name.
pub async fn find_by_name(on: impl Conn<'_>, name: &str) -> Result<Option<CallTreeRow>, Error> {
    on.sql("SELECT * FROM call_tree WHERE name = $1")
        .bind(name)
        .fetch_optional()
        .await
}

/// Every branch of a tree in the order of caller and position, without archived people.
pub async fn branches(on: impl Conn<'_>, id: CallTreeId) -> Result<Vec<BranchRow>, Error> {
    on.sql(
        "SELECT b.caller_id, b.contact_id, b.position FROM call_tree_branch b
         JOIN contact c ON c.id = b.contact_id
         WHERE b.tree_id = $1 AND c.archived_at IS NULL
         ORDER BY b.caller_id, b.position, b.contact_id",
    )
    .bind(id)
    .fetch_all()
    .await
}

/// Makes or renames a tree. [`Error::Conflict`] if another has the name.
pub async fn save(tx: &mut Tx, id: CallTreeId, name: &str, at: Timestamp) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO call_tree (id, name, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    )
    .bind(id)
    .bind(name)
    .bind(at)
    .execute()
    .await?;
    Ok(())
}

/// Takes all branches of a tree away.
pub async fn delete_branches(tx: &mut Tx, id: CallTreeId) -> Result<u64, Error> {
    tx.sql("DELETE FROM call_tree_branch WHERE tree_id = $1")
        .bind(id)
        .execute()
        .await
}

/// Adds branches to a tree. Fails if a person is called twice or does not exist.
pub async fn add_branches(
    tx: &mut Tx,
    id: CallTreeId,
    branches: &[BranchSave],
) -> Result<u64, Error> {
    tx.sql_for(
        "INSERT INTO call_tree_branch (tree_id, caller_id, contact_id, position)
         SELECT $1, unhex(value ->> 'caller_id'), unhex(value ->> 'contact_id'),
                value ->> 'position'
         FROM json_each($2)",
        "INSERT INTO call_tree_branch (tree_id, caller_id, contact_id, position)
         SELECT $1, r.caller_id, r.contact_id, r.position
         FROM jsonb_to_recordset($2::jsonb) AS r (caller_id uuid, contact_id uuid, position integer)",
    )
    .bind(id)
    .bind(Json::from(branches))
    .execute()
    .await
}

/// Deletes a tree with its branches. Answers 0 if there is none.
pub async fn delete(tx: &mut Tx, id: CallTreeId) -> Result<u64, Error> {
    tx.sql("DELETE FROM call_tree WHERE id = $1")
        .bind(id)
        .execute()
        .await
}
