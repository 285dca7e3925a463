//! Writes the deliveries of a plan's step: whole chunks of recipients in one statement each.

use super::{Error, Tx};
use crate::alert::words::{Mode, Purpose, Severity};
use crate::call_out::Says;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, DeliveryId};
use crate::plan::Whom;

/// A chunk of one step on one channel.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Whose.
    pub alert: AlertNumber,
    /// Which step, from 0.
    pub step: i32,
    /// The channel.
    pub channel: Channel,
    /// For everyone, or only those who are silent now.
    pub whom: Whom,
    /// In a call-out: only those whom this wave asked.
    pub wave: Option<i32>,
    /// The message, or what a call-out says later: then only those whom this step tells.
    pub says: Says,
    /// Recipients behind this id…
    pub after: i64,
    /// …and up to this one.
    pub through: i64,
    /// The last delivery id that is in use.
    pub last_id: i64,
    /// Live or drill.
    pub mode: Mode,
    /// Decides the urgency.
    pub severity: Severity,
    /// Emergencies reach also those who opted out of other messages.
    pub purpose: Purpose,
    /// Not to be sent before.
    pub due_at: Timestamp,
    /// Not to be sent after.
    pub expires_at: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// The kinds of contact point a channel can use: the second is the substitute.
fn kinds(channel: Channel) -> (&'static str, &'static str) {
    match channel {
        Channel::Sms | Channel::Push => ("mobile", "mobile"),
        Channel::Voice => ("mobile", "landline"),
        Channel::Email => ("email", "email"),
    }
}

/// The contact point of one recipient that a channel uses: one that has not opted out before one
/// that has, the channel's own kind before its substitute, then by rank.
macro_rules! chosen_point {
    ($contact:literal) => {
        concat!(
            "(SELECT candidate.id FROM contact_point candidate
              WHERE candidate.contact_id = ", $contact, " AND candidate.kind IN ($4, $5)
              ORDER BY CASE WHEN candidate.opted_out_at IS NULL THEN 0 ELSE 1 END,
                       CASE WHEN candidate.kind = $4 THEN 0 ELSE 1 END, candidate.rank LIMIT 1)"
        )
    };
}

/// Whether a step is for a recipient: `$whom` says whether also for those who have answered, `$wave`
/// whom in a call-out, `$says` and `$step` whether it is those whom it tells something.
macro_rules! is_for {
    ($recipient:literal, $whom:literal, $wave:literal, $says:literal, $step:literal) => {
        concat!(
            "(",
            $whom,
            " = 'everyone' OR ",
            $recipient,
            ".answered_at IS NULL)
             AND (",
            $wave,
            " IS NULL OR EXISTS (SELECT 1 FROM asked
                  WHERE asked.recipient = ",
            $recipient,
            ".id AND asked.wave = ",
            $wave,
            "))
             AND (",
            $says,
            " = 'message' OR EXISTS (SELECT 1 FROM asked
                  WHERE asked.recipient = ",
            $recipient,
            ".id AND asked.told_by = ",
            $step,
            "))"
        )
    };
}

/// Writes one delivery for each recipient of the chunk, or the reason why there is none. Answers
/// how many rows that made: their ids follow each other from `last_id + 1`.
///
/// A person whose contact point is also that of an earlier recipient of the same step is told by
/// that one's message: `excluded(duplicate)`, with `same_as` naming the earlier recipient.
///
/// Whom a contact point is shared with is looked up rather than joined: a planner that knows nothing
/// of a new alert yet, on either database, would go through its whole audience for each recipient.
pub async fn write_chunk(tx: &mut Tx, chunk: &Chunk) -> Result<u64, Error> {
    let (kind, substitute) = kinds(chunk.channel);
    tx.sql(concat!(
        "INSERT INTO delivery (id, alert, recipient, step, channel, language, says, mode, urgency,
             point_id, address, lookup, same_as, state, reason, due_at, expires_at, attempts,
             possible_duplicate, queued_at, closed_at)
         SELECT $6 + row_number() OVER (ORDER BY planned.recipient), $1, planned.recipient, $7, $8,
                planned.language, $17, $9, planned.urgency, planned.point_id, planned.address,
                planned.lookup, planned.same_as,
                CASE WHEN planned.excluded IS NULL THEN 'queued' ELSE 'excluded' END,
                planned.excluded, $10, $11, 0, FALSE, $12,
                CASE WHEN planned.excluded IS NULL THEN NULL ELSE $12 END
         FROM (
             SELECT person.recipient, person.language, person.urgency, person.point_id,
                    person.address, person.lookup, person.same_as,
                    CASE WHEN person.point_id IS NULL THEN 'no address'
                         WHEN person.opted_out_at IS NOT NULL AND $13 <> 'emergency' THEN 'opted out'
                         WHEN person.same_as IS NOT NULL THEN 'duplicate' END AS excluded
             FROM (
                 SELECT recipient.id AS recipient, recipient.language,
                        $14 + CASE recipient.category WHEN 'staff' THEN 0 WHEN 'vendor' THEN 1
                              WHEN 'authority' THEN 2 ELSE 3 END AS urgency,
                        point.id AS point_id, point.address, point.lookup, point.opted_out_at,
                        (SELECT min((SELECT earlier.id FROM recipient earlier
                                     WHERE earlier.alert = recipient.alert
                                       AND earlier.contact_id = shared.contact_id
                                       AND earlier.id < recipient.id
                                       AND ", is_for!("earlier", "$15", "$16", "$17", "$7"), "))
                         FROM contact_point shared
                         WHERE shared.lookup = point.lookup
                           AND shared.id = ", chosen_point!("shared.contact_id"), ") AS same_as
                 FROM recipient LEFT JOIN contact_point point
                      ON point.id = ", chosen_point!("recipient.contact_id"), "
                 WHERE recipient.alert = $1 AND recipient.id > $2 AND recipient.id <= $3
                   AND ", is_for!("recipient", "$15", "$16", "$17", "$7"), "
             ) AS person
         ) AS planned"
    ))
    .bind(chunk.alert)
    .bind(chunk.after)
    .bind(chunk.through)
    .bind(kind)
    .bind(substitute)
    .bind(chunk.last_id)
    .bind(chunk.step)
    .bind(chunk.channel)
    .bind(chunk.mode)
    .bind(chunk.due_at)
    .bind(chunk.expires_at)
    .bind(chunk.now)
    .bind(chunk.purpose)
    .bind(urgency(chunk.severity))
    .bind(chunk.whom)
    .bind(chunk.wave)
    .bind(chunk.says)
    .execute()
    .await
}

/// The urgency of staff at this severity; other categories come up to three behind.
fn urgency(severity: Severity) -> i32 {
    10 * match severity {
        Severity::Extreme => 0,
        Severity::Severe => 1,
        Severity::Moderate => 2,
        Severity::Minor => 3,
    }
}

/// Keeps answers of the chunk's people from slipping in while its deliveries are written: whoever
/// answers in this moment is asked after it, and then calls off what was written for them. On SQLite
/// one writer follows the other anyway.
pub async fn hold_people(tx: &mut Tx, chunk: &Chunk) -> Result<(), Error> {
    if !tx.is_shared() || chunk.whom == Whom::Everyone {
        return Ok(());
    }
    let _held: (i64,) = tx
        .sql_for(
            "SELECT count(*) FROM recipient WHERE alert = $1 AND id > $2 AND id <= $3",
            "SELECT count(*) FROM (SELECT id FROM recipient
                 WHERE alert = $1 AND id > $2 AND id <= $3 ORDER BY id FOR SHARE) AS held",
        )
        .bind(chunk.alert)
        .bind(chunk.after)
        .bind(chunk.through)
        .fetch_one()
        .await?;
    Ok(())
}

/// How many recipients of the chunk the step is for.
pub async fn count_people(tx: &mut Tx, chunk: &Chunk) -> Result<i64, Error> {
    let (people,): (i64,) = tx
        .sql(concat!(
            "SELECT count(*) FROM recipient WHERE alert = $1 AND id > $2 AND id <= $3 AND ",
            is_for!("recipient", "$4", "$5", "$6", "$7")
        ))
        .bind(chunk.alert)
        .bind(chunk.after)
        .bind(chunk.through)
        .bind(chunk.whom)
        .bind(chunk.wave)
        .bind(chunk.says)
        .bind(chunk.step)
        .fetch_one()
        .await?;
    Ok(people)
}

/// Keeps the hashes of the answer tokens of deliveries, all in one statement.
pub async fn insert_links(tx: &mut Tx, links: &[(DeliveryId, Vec<u8>)]) -> Result<(), Error> {
    let rows: Vec<(i64, String)> = links.iter().map(|(id, hash)| (id.0, hex(hash))).collect();
    tx.sql_for(
        "INSERT INTO answer_link (token_hash, delivery)
         SELECT unhex(value ->> 1), value ->> 0 FROM json_each($1)",
        "INSERT INTO answer_link (token_hash, delivery)
         SELECT decode(pair ->> 1, 'hex'), (pair ->> 0)::bigint
         FROM jsonb_array_elements($1) AS link (pair)",
    )
    .bind(sqlx::types::Json(rows))
    .execute()
    .await?;
    Ok(())
}

/// Puts those who are silent and not yet on it onto the alert's call list, each with the caller
/// whom a call tree names for them, unless that caller is silent too.
pub async fn write_call_tasks(tx: &mut Tx, chunk: &Chunk) -> Result<u64, Error> {
    tx.sql(
        "INSERT INTO call_task (recipient, alert, caller_id, position, added_at)
         SELECT recipient.id, recipient.alert,
                (SELECT branch.caller_id FROM call_tree_branch branch
                 WHERE branch.contact_id = recipient.contact_id
                   AND EXISTS (SELECT 1 FROM recipient caller WHERE caller.alert = recipient.alert
                        AND caller.contact_id = branch.caller_id AND caller.answered_at IS NOT NULL)
                 ORDER BY branch.tree_id LIMIT 1),
                row_number() OVER (ORDER BY recipient.id), $4
         FROM recipient
         WHERE recipient.alert = $1 AND recipient.id > $2 AND recipient.id <= $3
           AND recipient.answered_at IS NULL
           AND ($5 IS NULL OR EXISTS (SELECT 1 FROM asked
                WHERE asked.recipient = recipient.id AND asked.wave = $5))
         ON CONFLICT (recipient) DO NOTHING",
    )
    .bind(chunk.alert)
    .bind(chunk.after)
    .bind(chunk.through)
    .bind(chunk.now)
    .bind(chunk.wave)
    .execute()
    .await
}

/// Lower-case hexadecimal, for bytes that travel inside JSON.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
            text
        })
}
