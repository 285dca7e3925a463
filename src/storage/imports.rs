//! The files that were imported, and what the newest of them changed.

use serde::Serialize;

use super::{Conn, Db, Error, Json, Tx};
use crate::clock::Timestamp;
use crate::ids::{ContactId, ImportId};

/// A file that was imported.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ImportRow {
    /// Its key.
    pub id: ImportId,
    /// When; everyone whom it wrote was last changed then.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// People who were new.
    pub added: i64,
    /// People who got another value.
    pub changed: i64,
    /// People who were taken out of use.
    pub taken_out: i64,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
}

/// A person whom an import wrote, as they were before.
#[derive(Serialize)]
pub struct BeforeSave {
    /// The person, 32 hexadecimal digits.
    pub contact_id: String,
    /// The sealed person in hexadecimal digits; none for one who was new.
    pub before: Option<String>,
}

/// A person whom the newest import wrote.
#[derive(Clone, sqlx::FromRow)]
pub struct BeforeRow {
    /// Who.
    pub contact_id: ContactId,
    /// The sealed person; none for one who was new.
    pub before: Option<Vec<u8>>,
}

/// The newest import, undone or not.
pub async fn find_newest(on: impl Conn<'_>) -> Result<Option<ImportRow>, Error> {
    on.sql("SELECT * FROM contact_import ORDER BY at DESC, id DESC LIMIT 1")
        .fetch_optional()
        .await
}

/// Keeps a new import, and forgets what those before it changed: they can no longer be undone.
pub async fn insert(tx: &mut Tx, import: &ImportRow) -> Result<(), Error> {
    tx.sql("DELETE FROM contact_import_person")
        .execute()
        .await?;
    tx.sql(
        "INSERT INTO contact_import (id, at, actor, added, changed, taken_out, undone_at)
         VALUES ($1, $2, $3, $4, $5, $6, NULL)",
    )
    .bind(import.id)
    .bind(import.at)
    .bind(&import.actor)
    .bind(import.added)
    .bind(import.changed)
    .bind(import.taken_out)
    .execute()
    .await?;
    Ok(())
}

/// Keeps how people were before an import.
pub async fn insert_people(tx: &mut Tx, id: ImportId, people: &[BeforeSave]) -> Result<u64, Error> {
    tx.sql_for(
        "INSERT INTO contact_import_person (import_id, contact_id, before)
         SELECT $1, unhex(value ->> 'contact_id'), unhex(value ->> 'before') FROM json_each($2)",
        "INSERT INTO contact_import_person (import_id, contact_id, before)
         SELECT $1, r.contact_id, decode(r.before, 'hex')
         FROM jsonb_to_recordset($2::jsonb) AS r (contact_id uuid, before text)",
    )
    .bind(id)
    .bind(Json::from(people))
    .execute()
    .await
}

/// Everyone whom an import wrote, if it is the newest.
pub async fn list_people(on: impl Conn<'_>, id: ImportId) -> Result<Vec<BeforeRow>, Error> {
    on.sql(
        "SELECT contact_id, before FROM contact_import_person WHERE import_id = $1
         ORDER BY contact_id",
    )
    .bind(id)
    .fetch_all()
    .await
}

/// The names of those whom an import wrote and who were changed after it.
pub async fn list_changed_since(
    on: impl Conn<'_>,
    import: &ImportRow,
) -> Result<Vec<(String,)>, Error> {
    on.sql(
        "SELECT c.name FROM contact_import_person p JOIN contact c ON c.id = p.contact_id
         WHERE p.import_id = $1 AND c.updated_at <> $2 ORDER BY c.name, c.id",
    )
    .bind(import.id)
    .bind(import.at)
    .fetch_all()
    .await
}

/// Marks an import as undone. Answers 0 if it was before.
pub async fn mark_undone(tx: &mut Tx, id: ImportId, at: Timestamp) -> Result<u64, Error> {
    tx.sql("UPDATE contact_import SET undone_at = $2 WHERE id = $1 AND undone_at IS NULL")
        .bind(id)
        .bind(at)
        .execute()
        .await
}

/// Whether anything was imported that can still be undone.
pub async fn find_undoable(db: &Db) -> Result<Option<ImportRow>, Error> {
    let newest = find_newest(db).await?;
    Ok(newest.filter(|import| import.undone_at.is_none()))
}
