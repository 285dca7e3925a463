//! Finds the people of an audience and freezes them as an alert's recipients, each in one statement.

use super::{Conn, Error, Json, Tx};
use crate::alert::words::{Category, Language, Mode};
use crate::call_out::Candidate;
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, ContactId, GroupId};

mod by_group;
mod contacted;

pub use by_group::freeze_groups;
pub use contacted::{freeze_contacted, is_any_contacted, list_contacted};

/// Whether a contact is in the group `chosen` by its rules: for every field it has rules on, one
/// value matches.
macro_rules! rules {
    () => {
        "EXISTS (
             SELECT 1 FROM group_rule rule WHERE rule.group_id = chosen.id
         ) AND NOT EXISTS (
             SELECT 1 FROM group_rule ruled
             WHERE ruled.group_id = chosen.id AND NOT EXISTS (
                 SELECT 1 FROM group_rule rule
                 WHERE rule.group_id = ruled.group_id AND rule.field = ruled.field AND (
                     (rule.field = 'category' AND rule.value = contact.category)
                     OR (rule.field = 'role' AND rule.value = contact.role)
                     OR (rule.field = 'site' AND rule.value = contact.site)
                     OR (rule.field = 'unit' AND rule.value = contact.unit)
                     OR (rule.field = 'tag' AND EXISTS (
                         SELECT 1 FROM contact_tag tag
                         WHERE tag.contact_id = contact.id AND tag.tag = rule.value))
                 )
             )
         )"
    };
}

pub(super) use rules;

/// The groups asked for with everything they contain, and the people of them all, each once.
/// `$1` is a JSON array of group ids, `$2` one of contact ids; how such an array is read is all
/// that differs between the engines.
macro_rules! selected {
    ($groups:literal, $contacts:literal, $rest:literal) => {
        concat!(
            "WITH RECURSIVE chosen (id) AS (",
            $groups,
            "    UNION
                 SELECT part.part_id FROM chosen JOIN group_part part ON part.group_id = chosen.id
             ),
             selected (contact_id) AS (
                 SELECT member.contact_id FROM group_member member
                 JOIN chosen ON member.group_id = chosen.id
                 UNION
                 SELECT contact.id FROM contact JOIN chosen ON ",
            rules!(),
            "
                 UNION ",
            $contacts,
            ") ",
            $rest
        )
    };
}

macro_rules! of_selected {
    ($on:expr, $rest:literal) => {
        $on.sql_for(
            selected!(
                "SELECT unhex(replace(value, '-', '')) FROM json_each($1) ",
                "SELECT unhex(replace(value, '-', '')) FROM json_each($2) ",
                $rest
            ),
            selected!(
                "SELECT value::uuid FROM jsonb_array_elements_text($1) AS asked (value) ",
                "SELECT value::uuid FROM jsonb_array_elements_text($2) AS asked (value) ",
                $rest
            ),
        )
    };
}

/// Groups and contacts, resolved to ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Groups; what they contain comes with them.
    pub groups: Vec<GroupId>,
    /// People picked one by one.
    pub contacts: Vec<ContactId>,
}

impl Selection {
    fn groups(&self) -> Json<Vec<GroupId>> {
        sqlx::types::Json(self.groups.clone())
    }

    fn contacts(&self) -> Json<Vec<ContactId>> {
        sqlx::types::Json(self.contacts.clone())
    }
}

/// Freezes the selection as the alert's recipients: staff first, then by name. Answers how many.
pub async fn freeze(tx: &mut Tx, alert: AlertNumber, selection: &Selection) -> Result<u64, Error> {
    of_selected!(
        tx,
        "INSERT INTO recipient (id, alert, contact_id, name, category, language, role, site, unit, fields)
         SELECT $3 + row_number() OVER (
                    ORDER BY CASE contact.category WHEN 'staff' THEN 0 WHEN 'vendor' THEN 1
                             WHEN 'authority' THEN 2 ELSE 3 END, contact.name, contact.id),
                $4, contact.id, contact.name, contact.category, contact.language, contact.role,
                contact.site, contact.unit, contact.fields
         FROM contact WHERE contact.archived_at IS NULL
           AND contact.id IN (SELECT contact_id FROM selected)"
    )
    .bind(selection.groups())
    .bind(selection.contacts())
    .bind(alert.base())
    .bind(alert)
    .execute()
    .await
}

/// The people of the selection with how often, since `since`, earlier call-outs of the same mode
/// asked them.
pub async fn candidates(
    on: impl Conn<'_>,
    selection: &Selection,
    mode: Mode,
    since: Timestamp,
) -> Result<Vec<Candidate>, Error> {
    of_selected!(
        on,
        "SELECT contact.id AS contact_id, past.last_asked, COALESCE(past.times, 0) AS times
         FROM contact LEFT JOIN (
             SELECT recipient.contact_id, max(asked.asked_at) AS last_asked, count(*) AS times
             FROM asked JOIN recipient ON recipient.id = asked.recipient
             JOIN alert ON alert.number = asked.alert
             WHERE asked.asked_at >= $3 AND alert.mode = $4 GROUP BY recipient.contact_id
         ) AS past ON past.contact_id = contact.id
         WHERE contact.archived_at IS NULL AND contact.id IN (SELECT contact_id FROM selected)"
    )
    .bind(selection.groups())
    .bind(selection.contacts())
    .bind(since)
    .bind(mode)
    .fetch_all()
    .await
}

/// Freezes contacts as the alert's recipients in the order given; `$1` is a JSON array of their ids.
macro_rules! freeze_in_order {
    ($ordered:literal) => {
        concat!(
            "INSERT INTO recipient (id, alert, contact_id, name, category, language, role, site, unit, fields)
             SELECT $2 + row_number() OVER (ORDER BY ordered.place), $3, contact.id, contact.name,
                    contact.category, contact.language, contact.role, contact.site, contact.unit,
                    contact.fields
             FROM (", $ordered, ") AS ordered JOIN contact ON contact.id = ordered.id"
        )
    };
}

/// Freezes these people as the alert's recipients, in their order. Answers how many.
pub async fn freeze_ordered(
    tx: &mut Tx,
    alert: AlertNumber,
    people: &[ContactId],
) -> Result<u64, Error> {
    tx.sql_for(
        freeze_in_order!(
            "SELECT key AS place, unhex(replace(value, '-', '')) AS id FROM json_each($1)"
        ),
        freeze_in_order!(
            "SELECT place, value::uuid AS id
             FROM jsonb_array_elements_text($1) WITH ORDINALITY AS listed (value, place)"
        ),
    )
    .bind(sqlx::types::Json(people))
    .bind(alert.base())
    .bind(alert)
    .execute()
    .await
}

/// How many people of one category and language a selection has, and how they can be reached.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Reach {
    /// What they are.
    pub category: Category,
    /// The language they read.
    pub language: Language,
    /// How many.
    pub people: i64,
    /// How many of them have a mobile number that has not opted out.
    pub mobile: i64,
    /// How many have an e-mail address that has not opted out.
    pub email: i64,
    /// How many have any number.
    pub phone: i64,
}

/// Counts a selection by category and language, without freezing anything.
pub async fn reach(on: impl Conn<'_>, selection: &Selection) -> Result<Vec<Reach>, Error> {
    of_selected!(
        on,
        "SELECT category, language, count(*) AS people, CAST(sum(mobile) AS BIGINT) AS mobile,
                CAST(sum(email) AS BIGINT) AS email, CAST(sum(phone) AS BIGINT) AS phone
         FROM (
             SELECT contact.category, contact.language,
                    CASE WHEN EXISTS (SELECT 1 FROM contact_point point
                        WHERE point.contact_id = contact.id AND point.kind = 'mobile'
                          AND point.opted_out_at IS NULL) THEN 1 ELSE 0 END AS mobile,
                    CASE WHEN EXISTS (SELECT 1 FROM contact_point point
                        WHERE point.contact_id = contact.id AND point.kind = 'email'
                          AND point.opted_out_at IS NULL) THEN 1 ELSE 0 END AS email,
                    CASE WHEN EXISTS (SELECT 1 FROM contact_point point
                        WHERE point.contact_id = contact.id AND point.kind <> 'email')
                        THEN 1 ELSE 0 END AS phone
             FROM contact WHERE contact.archived_at IS NULL
               AND contact.id IN (SELECT contact_id FROM selected)
         ) AS person
         GROUP BY category, language ORDER BY category, language"
    )
    .bind(selection.groups())
    .bind(selection.contacts())
    .fetch_all()
    .await
}

/// Someone of a selection who cannot be reached in the usual way.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "a row of yes-or-no columns")]
pub struct HardToReach {
    /// Who.
    pub contact_id: ContactId,
    /// Their name.
    pub name: String,
    /// Whether they have a mobile number at all.
    pub has_mobile: bool,
    /// Whether a mobile number of theirs has opted out.
    pub opted_out: bool,
    /// Whether they can be mailed.
    pub has_email: bool,
    /// Whether they can be phoned.
    pub has_phone: bool,
}

/// The first `limit` people of a selection without a mobile number that takes messages, by name.
pub async fn hard_to_reach(
    on: impl Conn<'_>,
    selection: &Selection,
    limit: i64,
) -> Result<Vec<HardToReach>, Error> {
    of_selected!(
        on,
        "SELECT contact.id AS contact_id, contact.name,
                EXISTS (SELECT 1 FROM contact_point point WHERE point.contact_id = contact.id
                        AND point.kind = 'mobile') AS has_mobile,
                EXISTS (SELECT 1 FROM contact_point point WHERE point.contact_id = contact.id
                        AND point.kind = 'mobile' AND point.opted_out_at IS NOT NULL) AS opted_out,
                EXISTS (SELECT 1 FROM contact_point point WHERE point.contact_id = contact.id
                        AND point.kind = 'email' AND point.opted_out_at IS NULL) AS has_email,
                EXISTS (SELECT 1 FROM contact_point point WHERE point.contact_id = contact.id
                        AND point.kind <> 'email') AS has_phone
         FROM contact WHERE contact.archived_at IS NULL
           AND contact.id IN (SELECT contact_id FROM selected)
           AND NOT EXISTS (SELECT 1 FROM contact_point point WHERE point.contact_id = contact.id
                           AND point.kind = 'mobile' AND point.opted_out_at IS NULL)
         ORDER BY contact.name, contact.id LIMIT $3"
    )
    .bind(selection.groups())
    .bind(selection.contacts())
    .bind(limit)
    .fetch_all()
    .await
}

/// The ids of those group names that exist, in no order.
pub async fn group_ids(
    on: impl Conn<'_>,
    names: &[String],
) -> Result<Vec<(String, GroupId)>, Error> {
    on.sql_for(
        "SELECT name, id FROM contact_group WHERE name IN (SELECT value FROM json_each($1))",
        "SELECT name, id FROM contact_group
         WHERE name IN (SELECT value FROM jsonb_array_elements_text($1) AS asked (value))",
    )
    .bind(sqlx::types::Json(names))
    .fetch_all()
    .await
}

/// Those of the contacts that exist and are not archived.
pub async fn known_contacts(
    on: impl Conn<'_>,
    contacts: &[ContactId],
) -> Result<Vec<(ContactId,)>, Error> {
    on.sql_for(
        "SELECT id FROM contact WHERE archived_at IS NULL
         AND id IN (SELECT unhex(replace(value, '-', '')) FROM json_each($1))",
        "SELECT id FROM contact WHERE archived_at IS NULL
         AND id IN (SELECT value::uuid FROM jsonb_array_elements_text($1) AS asked (value))",
    )
    .bind(sqlx::types::Json(contacts))
    .fetch_all()
    .await
}

/// A recipient's own fields, still sealed.
#[derive(Debug, sqlx::FromRow)]
pub struct OwnFields {
    /// Whose; the fields are bound to this id.
    pub contact_id: ContactId,
    /// Their name, for the refusal that names who lacks something.
    pub name: String,
    /// A JSON object, sealed; none if the directory has no extra column for them.
    pub fields: Option<Vec<u8>>,
}

/// The own fields of an alert's whole audience.
pub async fn own_fields(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<OwnFields>, Error> {
    on.sql("SELECT contact_id, name, fields FROM recipient WHERE alert = $1 ORDER BY id")
        .bind(alert)
        .fetch_all()
        .await
}
