//! Named sets of people: by list, by rule, or made of other sets.

use serde::Serialize;

use super::{Conn, Db, Error, Json, Tx};
use crate::clock::Timestamp;
use crate::directory::group::RuleField;
use crate::ids::GroupId;

/// A group, without who is in it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct GroupRow {
    /// Its key.
    pub id: GroupId,
    /// Its short name (`all-staff`).
    pub name: String,
    /// What people read.
    pub title: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A group with how many people are in it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CountedRow {
    /// Its key.
    pub id: GroupId,
    /// Its short name.
    pub name: String,
    /// What people read.
    pub title: String,
    /// People in use, each counted once, by list, by rule and through the groups inside it.
    pub people: i64,
    /// How many rules it has.
    pub rules: i64,
    /// How many groups are in it directly.
    pub parts: i64,
}

/// A group to be made if there is none of its name.
#[derive(Serialize)]
pub struct GroupSave {
    /// The key, 32 hexadecimal digits.
    pub id: String,
    /// The short name.
    pub name: String,
    /// What people read.
    pub title: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// A person in a group.
#[derive(Serialize)]
pub struct MemberSave {
    /// The group, 32 hexadecimal digits.
    pub group_id: String,
    /// The person.
    pub contact_id: String,
}

/// Every group with its counts, by name.
pub async fn list(db: &Db) -> Result<Vec<CountedRow>, Error> {
    db.sql(
        "WITH RECURSIVE part (root, id) AS (
             SELECT id, id FROM contact_group
             UNION
             SELECT part.root, p.part_id FROM part JOIN group_part p ON p.group_id = part.id
         ),
         person (root, contact_id) AS (
             SELECT part.root, m.contact_id FROM part
             JOIN group_member m ON m.group_id = part.id
             JOIN contact c ON c.id = m.contact_id AND c.archived_at IS NULL
             UNION
             SELECT part.root, c.id FROM part CROSS JOIN contact c
             WHERE c.archived_at IS NULL
               AND EXISTS (SELECT 1 FROM group_rule r WHERE r.group_id = part.id)
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
                         END))
         ),
         counted (root, people) AS (SELECT root, count(*) FROM person GROUP BY root)
         SELECT g.id, g.name, g.title, coalesce(n.people, 0) AS people,
                (SELECT count(*) FROM group_rule r WHERE r.group_id = g.id) AS rules,
                (SELECT count(*) FROM group_part p WHERE p.group_id = g.id) AS parts
         FROM contact_group g LEFT JOIN counted n ON n.root = g.id
         ORDER BY g.name",
    )
    .fetch_all()
    .await
}

/// One group by its key.
pub async fn find(on: impl Conn<'_>, id: GroupId) -> Result<Option<GroupRow>, Error> {
    on.sql("SELECT * FROM contact_group WHERE id = $1")
        .bind(id)
        .fetch_optional()
        .await
}

/// One group by its short name.
pub async fn find_by_name(on: impl Conn<'_>, name: &str) -> Result<Option<GroupRow>, Error> {
    on.sql("SELECT * FROM contact_group WHERE name = $1")
        .bind(name)
        .fetch_optional()
        .await
}

/// The groups of these names; names that no group has are missing in the answer.
pub async fn list_named(on: impl Conn<'_>, names: &[String]) -> Result<Vec<GroupRow>, Error> {
    on.sql_for(
        "SELECT * FROM contact_group WHERE name IN (SELECT value FROM json_each($1))
         ORDER BY name",
        "SELECT * FROM contact_group
         WHERE name IN (SELECT value FROM jsonb_array_elements_text($1::jsonb)) ORDER BY name",
    )
    .bind(Json::from(names))
    .fetch_all()
    .await
}

/// The groups directly inside one.
pub async fn parts_of(on: impl Conn<'_>, id: GroupId) -> Result<Vec<GroupRow>, Error> {
    on.sql(
        "SELECT g.* FROM group_part p JOIN contact_group g ON g.id = p.part_id
         WHERE p.group_id = $1 ORDER BY g.name",
    )
    .bind(id)
    .fetch_all()
    .await
}

/// The rules of one group, by field.
pub async fn rules_of(on: impl Conn<'_>, id: GroupId) -> Result<Vec<(RuleField, String)>, Error> {
    on.sql("SELECT field, value FROM group_rule WHERE group_id = $1 ORDER BY field, value")
        .bind(id)
        .fetch_all()
        .await
}

/// Makes those groups whose name is new; the others stay as they are.
pub async fn ensure(tx: &mut Tx, groups: &[GroupSave]) -> Result<u64, Error> {
    tx.sql_for(
        "INSERT INTO contact_group (id, name, title, created_at)
         SELECT unhex(value ->> 'id'), value ->> 'name', value ->> 'title', value ->> 'at'
         FROM json_each($1) WHERE true
         ON CONFLICT (name) DO NOTHING",
        "INSERT INTO contact_group (id, name, title, created_at)
         SELECT r.id, r.name, r.title, r.at
         FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, name text, title text, at bigint)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(Json::from(groups))
    .execute()
    .await
}

/// Makes a group, or gives it another name and title. [`Error::Conflict`] if the name is taken.
pub async fn save(
    tx: &mut Tx,
    id: GroupId,
    name: &str,
    title: &str,
    at: Timestamp,
) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO contact_group (id, name, title, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, title = excluded.title",
    )
    .bind(id)
    .bind(name)
    .bind(title)
    .bind(at)
    .execute()
    .await?;
    Ok(())
}

/// Deletes a group with its list and rules; the people stay. Answers 0 if there is none.
pub async fn delete(tx: &mut Tx, id: GroupId) -> Result<u64, Error> {
    tx.sql("DELETE FROM contact_group WHERE id = $1")
        .bind(id)
        .execute()
        .await
}

/// Adds people to groups; who is there already stays.
pub async fn add_members(tx: &mut Tx, members: &[MemberSave]) -> Result<u64, Error> {
    tx.sql_for(
        "INSERT INTO group_member (group_id, contact_id)
         SELECT unhex(value ->> 'group_id'), unhex(value ->> 'contact_id')
         FROM json_each($1) WHERE true
         ON CONFLICT DO NOTHING",
        "INSERT INTO group_member (group_id, contact_id)
         SELECT r.group_id, r.contact_id
         FROM jsonb_to_recordset($1::jsonb) AS r (group_id uuid, contact_id uuid)
         ON CONFLICT DO NOTHING",
    )
    .bind(Json::from(members))
    .execute()
    .await
}

/// Empties the list of a group.
pub async fn delete_members(tx: &mut Tx, id: GroupId) -> Result<u64, Error> {
    tx.sql("DELETE FROM group_member WHERE group_id = $1")
        .bind(id)
        .execute()
        .await
}

/// Takes these people out of every list.
pub async fn delete_memberships(tx: &mut Tx, ids: &Json<Vec<String>>) -> Result<u64, Error> {
    tx.sql_for(
        "DELETE FROM group_member WHERE contact_id IN (SELECT unhex(value) FROM json_each($1))",
        "DELETE FROM group_member
         WHERE contact_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb))",
    )
    .bind(ids)
    .execute()
    .await
}

/// Takes all groups out of a group.
pub async fn delete_parts(tx: &mut Tx, id: GroupId) -> Result<u64, Error> {
    tx.sql("DELETE FROM group_part WHERE group_id = $1")
        .bind(id)
        .execute()
        .await
}

/// Puts a group into a group.
pub async fn add_part(tx: &mut Tx, id: GroupId, part: GroupId) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO group_part (group_id, part_id) VALUES ($1, $2)
         ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(part)
    .execute()
    .await?;
    Ok(())
}

/// Whether a group is inside itself, directly or through others.
pub async fn contains_itself(on: impl Conn<'_>, id: GroupId) -> Result<bool, Error> {
    let found: Option<(i32,)> = on
        .sql(
            "WITH RECURSIVE part (id) AS (
                 SELECT part_id FROM group_part WHERE group_id = $1
                 UNION
                 SELECT p.part_id FROM group_part p JOIN part ON part.id = p.group_id
             )
             SELECT 1 FROM part WHERE id = $1",
        )
        .bind(id)
        .fetch_optional()
        .await?;
    Ok(found.is_some())
}

/// Takes all rules of a group away.
pub async fn delete_rules(tx: &mut Tx, id: GroupId) -> Result<u64, Error> {
    tx.sql("DELETE FROM group_rule WHERE group_id = $1")
        .bind(id)
        .execute()
        .await
}

/// Adds a rule.
pub async fn add_rule(
    tx: &mut Tx,
    id: GroupId,
    field: RuleField,
    value: &str,
) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO group_rule (group_id, field, value) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(field)
    .bind(value)
    .execute()
    .await?;
    Ok(())
}
