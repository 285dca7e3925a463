//! The directory's people and their contact points.

mod bulk;

use super::{Conn, Db, Error, Json, Tx};
use crate::alert::words::{Category, Language};
use crate::clock::Timestamp;
use crate::directory::contact::PointKind;
use crate::directory::health::Concern;
use crate::ids::{ContactId, ContactPointId, GroupId};

pub use bulk::{ContactSave, ManagerSave, PointSave, TagSave};
pub use bulk::{archive_all, clear_external_ids, set_managers, shift_points};
pub use bulk::{delete_left_over_points, delete_tags, save_contacts, save_points, save_tags};

/// A person, without what hangs on the person.
#[derive(Clone, sqlx::FromRow)]
pub struct ContactRow {
    /// Its key.
    pub id: ContactId,
    /// The organisation's own number for the person.
    pub external_id: Option<String>,
    /// As written in the directory.
    pub name: String,
    /// The language messages are sent in.
    pub language: Language,
    /// What the person is to the organisation.
    pub category: Category,
    /// The person's work; empty if unknown.
    pub role: String,
    /// The building or place; empty if unknown.
    pub site: String,
    /// The department; empty if unknown.
    pub unit: String,
    /// Sealed JSON object of the extra columns.
    pub fields: Option<Vec<u8>>,
    /// Whom the person reports to.
    pub manager_id: Option<ContactId>,
    /// Since when the person is no longer in use.
    pub archived_at: Option<Timestamp>,
    /// The entry that this one turned out to be.
    pub merged_into: Option<ContactId>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
}

/// One address of a person.
#[derive(Clone, sqlx::FromRow)]
pub struct PointRow {
    /// Its key; the sealed address opens only with it.
    pub id: ContactPointId,
    /// Whose it is.
    pub contact_id: ContactId,
    /// What kind of address.
    pub kind: PointKind,
    /// 1 is tried first among those of one kind.
    pub rank: i32,
    /// The sealed address.
    pub address: Vec<u8>,
    /// Its blind index.
    pub lookup: Vec<u8>,
    /// Digits to dial after the call is answered; empty for a direct line.
    pub extension: String,
    /// Since when nothing routine may be sent there.
    pub opted_out_at: Option<Timestamp>,
    /// How that was asked for.
    pub opted_out_by: Option<String>,
    /// When someone last proved that it reaches the person.
    pub verified_at: Option<Timestamp>,
    /// When a message there last failed for good; none once one has arrived since.
    pub unreachable_at: Option<Timestamp>,
    /// Why.
    pub unreachable_reason: Option<String>,
}

/// Which people a page shows; what is `None` does not narrow.
#[derive(Clone, Default)]
pub struct Filter {
    /// A LIKE pattern with `!` as its escape sign, for name, role, site and unit.
    pub pattern: Option<String>,
    /// Only this category.
    pub category: Option<Category>,
    /// Only who is in this group, by list, by rule or by a group inside it.
    pub group: Option<GroupId>,
    /// Only who has this tag.
    pub tag: Option<String>,
    /// Also who is archived.
    pub with_archived: bool,
    /// Only those of whom there is this to mend; a proof before the moment is long ago.
    pub concern: Option<(Concern, Timestamp)>,
}

/// One person.
pub async fn find(on: impl Conn<'_>, id: ContactId) -> Result<Option<ContactRow>, Error> {
    on.sql("SELECT * FROM contact WHERE id = $1")
        .bind(id)
        .fetch_optional()
        .await
}

/// One person by the organisation's own number.
pub async fn find_by_external_id(
    on: impl Conn<'_>,
    external_id: &str,
) -> Result<Option<ContactRow>, Error> {
    on.sql("SELECT * FROM contact WHERE external_id = $1")
        .bind(external_id)
        .fetch_optional()
        .await
}

/// Up to `limit` people behind `after` in the order of name and id.
pub async fn page(
    db: &Db,
    filter: &Filter,
    after: (&str, ContactId),
    limit: i64,
) -> Result<Vec<ContactRow>, Error> {
    db.sql(
        "WITH RECURSIVE part (id) AS (
             SELECT id FROM contact_group WHERE id = $5
             UNION
             SELECT p.part_id FROM group_part p JOIN part ON part.id = p.group_id
         )
         SELECT c.* FROM contact c
         WHERE (c.name, c.id) > ($1, $2)
           AND ($3 IS NULL
             OR lower(c.name) LIKE lower($3) ESCAPE '!' OR lower(c.role) LIKE lower($3) ESCAPE '!'
             OR lower(c.site) LIKE lower($3) ESCAPE '!' OR lower(c.unit) LIKE lower($3) ESCAPE '!')
           AND ($4 IS NULL OR c.category = $4)
           AND ($5 IS NULL
             OR EXISTS (SELECT 1 FROM group_member m JOIN part ON part.id = m.group_id
                        WHERE m.contact_id = c.id)
             OR EXISTS (SELECT 1 FROM part
                        WHERE EXISTS (SELECT 1 FROM group_rule r WHERE r.group_id = part.id)
                          AND NOT EXISTS (
                            SELECT 1 FROM group_rule r WHERE r.group_id = part.id AND NOT EXISTS (
                              SELECT 1 FROM group_rule s
                              WHERE s.group_id = r.group_id AND s.field = r.field
                                AND CASE s.field
                                      WHEN 'category' THEN c.category = s.value
                                      WHEN 'role' THEN lower(c.role) = lower(s.value)
                                      WHEN 'site' THEN lower(c.site) = lower(s.value)
                                      WHEN 'unit' THEN lower(c.unit) = lower(s.value)
                                      ELSE EXISTS (SELECT 1 FROM contact_tag t
                                                   WHERE t.contact_id = c.id
                                                     AND lower(t.tag) = lower(s.value))
                                    END))))
           AND ($6 IS NULL OR EXISTS (SELECT 1 FROM contact_tag t
                                      WHERE t.contact_id = c.id AND lower(t.tag) = lower($6)))
           AND ($7 OR c.archived_at IS NULL)
           AND ($9 IS NULL OR CASE $9
                WHEN 'no_way' THEN NOT EXISTS (SELECT 1 FROM contact_point p WHERE p.contact_id = c.id)
                WHEN 'failed' THEN EXISTS (SELECT 1 FROM contact_point p WHERE p.contact_id = c.id
                                             AND p.unreachable_at IS NOT NULL)
                WHEN 'no_mobile' THEN
                     EXISTS (SELECT 1 FROM contact_point p WHERE p.contact_id = c.id)
                     AND NOT EXISTS (SELECT 1 FROM contact_point p
                                     WHERE p.contact_id = c.id AND p.kind = 'mobile')
                WHEN 'never_verified' THEN
                     EXISTS (SELECT 1 FROM contact_point p WHERE p.contact_id = c.id)
                     AND NOT EXISTS (SELECT 1 FROM contact_point p
                                     WHERE p.contact_id = c.id AND p.verified_at IS NOT NULL)
                ELSE (SELECT max(p.verified_at) FROM contact_point p WHERE p.contact_id = c.id) < $10
                END)
         ORDER BY c.name, c.id LIMIT $8",
    )
    .bind(after.0)
    .bind(after.1)
    .bind(&filter.pattern)
    .bind(filter.category)
    .bind(filter.group)
    .bind(&filter.tag)
    .bind(filter.with_archived)
    .bind(limit)
    .bind(filter.concern.map(|(concern, _)| concern))
    .bind(filter.concern.map(|(_, limit)| limit))
    .fetch_all()
    .await
}

/// How many people are in use, by category.
pub async fn counts(db: &Db) -> Result<Vec<(Category, i64)>, Error> {
    db.sql(
        "SELECT category, count(*) FROM contact WHERE archived_at IS NULL
         GROUP BY category ORDER BY category",
    )
    .fetch_all()
    .await
}

/// Those of these ids that someone has, archived or not.
pub async fn list_known(on: impl Conn<'_>, ids: &[ContactId]) -> Result<Vec<(ContactId,)>, Error> {
    on.sql_for(
        "SELECT id FROM contact WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        "SELECT id FROM contact WHERE id IN (
             SELECT value::uuid FROM jsonb_array_elements_text($1) AS asked (value))",
    )
    .bind(ids_json(ids.iter().copied()))
    .fetch_all()
    .await
}

/// The ids of a list as the JSON that the statements below take.
pub fn ids_json(ids: impl IntoIterator<Item = ContactId>) -> Json<Vec<String>> {
    sqlx::types::Json(
        ids.into_iter()
            .map(|id| id.0.simple().to_string())
            .collect(),
    )
}

/// The tags of these people.
pub async fn tags_of(
    on: impl Conn<'_>,
    ids: &Json<Vec<String>>,
) -> Result<Vec<(ContactId, String)>, Error> {
    on.sql_for(
        "SELECT contact_id, tag FROM contact_tag
         WHERE contact_id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY contact_id, tag",
        "SELECT contact_id, tag FROM contact_tag
         WHERE contact_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb))
         ORDER BY contact_id, tag",
    )
    .bind(ids)
    .fetch_all()
    .await
}

/// The names of the groups that list these people; groups by rule are not among them.
pub async fn groups_of(
    on: impl Conn<'_>,
    ids: &Json<Vec<String>>,
) -> Result<Vec<(ContactId, String)>, Error> {
    on.sql_for(
        "SELECT m.contact_id, g.name FROM group_member m JOIN contact_group g ON g.id = m.group_id
         WHERE m.contact_id IN (SELECT unhex(value) FROM json_each($1))
         ORDER BY m.contact_id, g.name",
        "SELECT m.contact_id, g.name FROM group_member m JOIN contact_group g ON g.id = m.group_id
         WHERE m.contact_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb))
         ORDER BY m.contact_id, g.name",
    )
    .bind(ids)
    .fetch_all()
    .await
}

/// The addresses of these people, each person's in the order of kind and rank.
pub async fn points_of(on: impl Conn<'_>, ids: &Json<Vec<String>>) -> Result<Vec<PointRow>, Error> {
    on.sql_for(
        "SELECT * FROM contact_point
         WHERE contact_id IN (SELECT unhex(value) FROM json_each($1))
         ORDER BY contact_id, kind, rank",
        "SELECT * FROM contact_point
         WHERE contact_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb))
         ORDER BY contact_id, kind, rank",
    )
    .bind(ids)
    .fetch_all()
    .await
}

/// Every contact point with this blind index: several people may share one.
pub async fn points_with(on: impl Conn<'_>, lookup: &[u8]) -> Result<Vec<PointRow>, Error> {
    on.sql(
        "SELECT * FROM contact_point WHERE lookup = $1
         ORDER BY contact_id, kind, rank",
    )
    .bind(lookup)
    .fetch_all()
    .await
}

/// Takes a person out of use. Answers 0 if there is none or it was done before.
pub async fn archive(tx: &mut Tx, id: ContactId, at: Timestamp) -> Result<u64, Error> {
    tx.sql(
        "UPDATE contact SET archived_at = $2, updated_at = $2
         WHERE id = $1 AND archived_at IS NULL",
    )
    .bind(id)
    .bind(at)
    .execute()
    .await
}

/// Marks every contact point of this number or address; those marked before keep their time.
pub async fn opt_out(
    tx: &mut Tx,
    lookup: &[u8],
    how: &str,
    at: Timestamp,
) -> Result<Vec<(ContactId,)>, Error> {
    tx.sql(
        "UPDATE contact_point SET opted_out_at = $2, opted_out_by = $3
         WHERE lookup = $1 AND opted_out_at IS NULL RETURNING contact_id",
    )
    .bind(lookup)
    .bind(at)
    .bind(how)
    .fetch_all()
    .await
}

/// Takes the mark away again.
pub async fn opt_in(tx: &mut Tx, lookup: &[u8]) -> Result<Vec<(ContactId,)>, Error> {
    tx.sql(
        "UPDATE contact_point SET opted_out_at = NULL, opted_out_by = NULL
         WHERE lookup = $1 AND opted_out_at IS NOT NULL RETURNING contact_id",
    )
    .bind(lookup)
    .fetch_all()
    .await
}

/// A word that is another one after every change of people or groups; empty before the first.
pub async fn revision(on: impl Conn<'_>) -> Result<String, Error> {
    let found: Option<(String,)> = on
        .sql("SELECT value FROM meta WHERE key = 'directory_revision'")
        .fetch_optional()
        .await?;
    Ok(found.map(|(word,)| word).unwrap_or_default())
}

/// Sets that word; call it in every write of people or groups.
pub async fn set_revision(tx: &mut Tx, word: &str) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO meta (key, value) VALUES ('directory_revision', $1)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .bind(word)
    .execute()
    .await?;
    Ok(())
}
