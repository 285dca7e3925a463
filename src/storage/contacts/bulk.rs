//! Writes people by the thousand: one statement for all rows of one table, its rows in one JSON text.
//!
//! Ids and bytes travel as hexadecimal digits: the one notation that both databases turn back.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::storage::{Error, Json, Tx};

/// A person to be saved.
#[derive(Serialize)]
pub struct ContactSave {
    /// The key, 32 hexadecimal digits.
    pub id: String,
    /// The organisation's own number for the person.
    pub external_id: Option<String>,
    /// Without control characters.
    pub name: String,
    /// The language's tag.
    pub language: String,
    /// The category's word.
    pub category: String,
    /// Empty if unknown.
    pub role: String,
    /// Empty if unknown.
    pub site: String,
    /// Empty if unknown.
    pub unit: String,
    /// The sealed extra columns in hexadecimal digits.
    pub fields: Option<String>,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// A contact point to be saved.
#[derive(Serialize)]
pub struct PointSave {
    /// The key, 32 hexadecimal digits: an old point's own, so that it keeps its opt-out.
    pub id: String,
    /// Whose it is.
    pub contact_id: String,
    /// The kind's word.
    pub kind: String,
    /// 1 is tried first.
    pub rank: i32,
    /// The sealed address in hexadecimal digits.
    pub address: String,
    /// The blind index in hexadecimal digits.
    pub lookup: String,
    /// Empty for a direct line.
    pub extension: String,
}

/// A tag of a person.
#[derive(Serialize)]
pub struct TagSave {
    /// Whose it is.
    pub contact_id: String,
    /// The tag.
    pub tag: String,
}

/// Whom a person reports to; `None` takes the manager away.
#[derive(Serialize)]
pub struct ManagerSave {
    /// The person.
    pub id: String,
    /// The manager.
    pub manager_id: Option<String>,
}

/// Makes or changes people. A changed person keeps the manager and is no longer archived.
///
/// [`Error::Conflict`] if an `external_id` is another person's.
pub async fn save_contacts(tx: &mut Tx, contacts: &[ContactSave]) -> Result<u64, Error> {
    tx.sql_for(
        "INSERT INTO contact (id, external_id, name, language, category, role, site, unit, fields,
                              created_at, updated_at)
         SELECT unhex(value ->> 'id'), value ->> 'external_id', value ->> 'name',
                value ->> 'language', value ->> 'category', value ->> 'role', value ->> 'site',
                value ->> 'unit', unhex(value ->> 'fields'), value ->> 'at', value ->> 'at'
         FROM json_each($1) WHERE true
         ON CONFLICT (id) DO UPDATE SET
             external_id = excluded.external_id, name = excluded.name,
             language = excluded.language, category = excluded.category, role = excluded.role,
             site = excluded.site, unit = excluded.unit, fields = excluded.fields,
             updated_at = excluded.updated_at, archived_at = NULL",
        "INSERT INTO contact (id, external_id, name, language, category, role, site, unit, fields,
                              created_at, updated_at)
         SELECT r.id, r.external_id, r.name, r.language, r.category, r.role, r.site, r.unit,
                decode(r.fields, 'hex'), r.at, r.at
         FROM jsonb_to_recordset($1::jsonb) AS r (
             id uuid, external_id text, name text, language text, category text, role text,
             site text, unit text, fields text, at bigint)
         ON CONFLICT (id) DO UPDATE SET
             external_id = excluded.external_id, name = excluded.name,
             language = excluded.language, category = excluded.category, role = excluded.role,
             site = excluded.site, unit = excluded.unit, fields = excluded.fields,
             updated_at = excluded.updated_at, archived_at = NULL",
    )
    .bind(Json::from(contacts))
    .execute()
    .await
}

/// Says whom people report to, once all of them are saved.
pub async fn set_managers(tx: &mut Tx, managers: &[ManagerSave]) -> Result<u64, Error> {
    tx.sql_for(
        "UPDATE contact SET manager_id = unhex(j.value ->> 'manager_id')
         FROM json_each($1) j WHERE contact.id = unhex(j.value ->> 'id')",
        "UPDATE contact SET manager_id = r.manager_id
         FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, manager_id uuid)
         WHERE contact.id = r.id",
    )
    .bind(Json::from(managers))
    .execute()
    .await
}

/// Takes all tags of these people away.
pub async fn delete_tags(tx: &mut Tx, ids: &Json<Vec<String>>) -> Result<u64, Error> {
    tx.sql_for(
        "DELETE FROM contact_tag WHERE contact_id IN (SELECT unhex(value) FROM json_each($1))",
        "DELETE FROM contact_tag
         WHERE contact_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb))",
    )
    .bind(ids)
    .execute()
    .await
}

/// Adds tags; those that are there already stay.
pub async fn save_tags(tx: &mut Tx, tags: &[TagSave]) -> Result<u64, Error> {
    tx.sql_for(
        "INSERT INTO contact_tag (contact_id, tag)
         SELECT unhex(value ->> 'contact_id'), value ->> 'tag' FROM json_each($1) WHERE true
         ON CONFLICT DO NOTHING",
        "INSERT INTO contact_tag (contact_id, tag)
         SELECT r.contact_id, r.tag
         FROM jsonb_to_recordset($1::jsonb) AS r (contact_id uuid, tag text)
         ON CONFLICT DO NOTHING",
    )
    .bind(Json::from(tags))
    .execute()
    .await
}

/// Moves all points of these people out of the way of new ranks. [`save_points`] gives those that
/// stay their new rank, [`delete_left_over_points`] takes the others. Between the two nothing reads
/// an opt-out: one that comes in at this moment is kept.
pub async fn shift_points(tx: &mut Tx, ids: &Json<Vec<String>>) -> Result<u64, Error> {
    tx.sql_for(
        "UPDATE contact_point SET rank = rank + 1000
         WHERE contact_id IN (SELECT unhex(value) FROM json_each($1))",
        "UPDATE contact_point SET rank = rank + 1000
         WHERE contact_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb))",
    )
    .bind(ids)
    .execute()
    .await
}

/// Makes or changes points. A new point of a number that has opted out is opted out from the start.
pub async fn save_points(tx: &mut Tx, points: &[PointSave]) -> Result<u64, Error> {
    tx.sql_for(
        "INSERT INTO contact_point (id, contact_id, kind, rank, address, lookup, extension,
                                    opted_out_at, opted_out_by)
         SELECT unhex(value ->> 'id'), unhex(value ->> 'contact_id'), value ->> 'kind',
                value ->> 'rank', unhex(value ->> 'address'), unhex(value ->> 'lookup'),
                value ->> 'extension',
                (SELECT max(o.at) FROM opt_out o
                 WHERE o.lookup = unhex(value ->> 'lookup') AND o.lifted_at IS NULL),
                (SELECT max(o.how) FROM opt_out o
                 WHERE o.lookup = unhex(value ->> 'lookup') AND o.lifted_at IS NULL)
         FROM json_each($1) WHERE true
         ON CONFLICT (id) DO UPDATE SET
             kind = excluded.kind, rank = excluded.rank, address = excluded.address,
             lookup = excluded.lookup, extension = excluded.extension",
        "INSERT INTO contact_point (id, contact_id, kind, rank, address, lookup, extension,
                                    opted_out_at, opted_out_by)
         SELECT r.id, r.contact_id, r.kind, r.rank, decode(r.address, 'hex'),
                decode(r.lookup, 'hex'), r.extension,
                (SELECT max(o.at) FROM opt_out o
                 WHERE o.lookup = decode(r.lookup, 'hex') AND o.lifted_at IS NULL),
                (SELECT max(o.how) FROM opt_out o
                 WHERE o.lookup = decode(r.lookup, 'hex') AND o.lifted_at IS NULL)
         FROM jsonb_to_recordset($1::jsonb) AS r (
             id uuid, contact_id uuid, kind text, rank integer, address text, lookup text,
             extension text)
         ON CONFLICT (id) DO UPDATE SET
             kind = excluded.kind, rank = excluded.rank, address = excluded.address,
             lookup = excluded.lookup, extension = excluded.extension",
    )
    .bind(Json::from(points))
    .execute()
    .await
}

/// Deletes the points that [`shift_points`] moved and [`save_points`] did not bring back.
pub async fn delete_left_over_points(tx: &mut Tx, ids: &Json<Vec<String>>) -> Result<u64, Error> {
    tx.sql_for(
        "DELETE FROM contact_point
         WHERE rank > 1000 AND contact_id IN (SELECT unhex(value) FROM json_each($1))",
        "DELETE FROM contact_point
         WHERE rank > 1000
           AND contact_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb))",
    )
    .bind(ids)
    .execute()
    .await
}

/// Takes people out of use; those who were before keep their time.
pub async fn archive_all(
    tx: &mut Tx,
    ids: &Json<Vec<String>>,
    at: Timestamp,
) -> Result<u64, Error> {
    tx.sql_for(
        "UPDATE contact SET archived_at = $2, updated_at = $2
         WHERE archived_at IS NULL AND id IN (SELECT unhex(value) FROM json_each($1))",
        "UPDATE contact SET archived_at = $2, updated_at = $2
         WHERE archived_at IS NULL
           AND id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb))",
    )
    .bind(ids)
    .bind(at)
    .execute()
    .await
}

/// Takes the organisation's numbers away from people who get others in the same transaction: for a
/// moment nobody has one, so that two may change theirs with each other.
pub async fn clear_external_ids(tx: &mut Tx, ids: &Json<Vec<String>>) -> Result<u64, Error> {
    tx.sql_for(
        "UPDATE contact SET external_id = NULL
         WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        "UPDATE contact SET external_id = NULL
         WHERE id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb))",
    )
    .bind(ids)
    .execute()
    .await
}
