//! Writes the deliveries of a plan's step: whole chunks of recipients in one statement each.

use super::{Error, Tx};
use crate::alert::words::{Mode, Purpose, Severity};
use crate::call_out::Says;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, DeliveryId};
use crate::keys::ANSWER_KEY;
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

/// The contact point of one contact that a channel uses: one that has not opted out before one that
/// has, the channel's own kind before its substitute, then by rank. Four look-ups in the order of an
/// index, of which the first nearly always finds it; sorting the few there are would take longer.
macro_rules! chosen_point {
    ($contact:literal) => {
        concat!(
            "COALESCE(
                 (SELECT id FROM contact_point WHERE contact_id = ",
            $contact,
            "
                  AND kind = $4 AND opted_out_at IS NULL ORDER BY rank LIMIT 1),
                 (SELECT id FROM contact_point WHERE contact_id = ",
            $contact,
            "
                  AND kind = $5 AND opted_out_at IS NULL ORDER BY rank LIMIT 1),
                 (SELECT id FROM contact_point WHERE contact_id = ",
            $contact,
            "
                  AND kind = $4 ORDER BY rank LIMIT 1),
                 (SELECT id FROM contact_point WHERE contact_id = ",
            $contact,
            "
                  AND kind = $5 ORDER BY rank LIMIT 1))"
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
/// Whoever was ahead has their message of this step already (`crate::unreached`) and gets no second.
///
/// A person whose contact point is also that of an earlier recipient of the same step is told by
/// that one's message, if there is or will be one: `excluded(duplicate)`, with `same_as` naming the
/// earlier recipient.
///
/// Whose message that is is found once for each shared contact point (thousands may have the house's
/// own number), and looked up rather than joined: a planner that knows nothing
/// of a new alert yet, on either database, would go through its whole audience for each recipient.
/// Recipients are found by their ids, which say the alert already, for the same reason. And each of
/// the stages is made once: without `MATERIALIZED` its look-ups would be repeated wherever the next
/// one mentions them.
pub async fn write_chunk(tx: &mut Tx, chunk: &Chunk) -> Result<u64, Error> {
    let (kind, substitute) = kinds(chunk.channel);
    tx.sql(concat!(
        "WITH person AS MATERIALIZED (
             SELECT id, contact_id, language,
                    $14 + CASE category WHEN 'staff' THEN 0 WHEN 'vendor' THEN 1
                          WHEN 'authority' THEN 2 ELSE 3 END AS urgency,
                    ", chosen_point!("recipient.contact_id"), " AS point_id
             FROM recipient
             WHERE id > $2 AND id <= $3 AND ", is_for!("recipient", "$15", "$16", "$17", "$7"), "
               AND ($7 = 0 OR NOT EXISTS (SELECT 1 FROM delivery ahead WHERE ahead.alert = $1
                    AND ahead.recipient = recipient.id AND ahead.step = $7 AND ahead.channel = $8))
         ), pointed AS MATERIALIZED (
             SELECT person.*, point.address, point.lookup, point.opted_out_at,
                    (SELECT count(*) FROM contact_point shared
                     WHERE shared.lookup = point.lookup) > 1 AS is_shared
             FROM person LEFT JOIN contact_point point ON point.id = person.point_id
         ), owner AS MATERIALIZED (
             SELECT line.lookup, (SELECT min((
                 SELECT earlier.id FROM recipient earlier
                 WHERE earlier.alert = $1 AND earlier.contact_id = shared.contact_id
                   AND earlier.id <= $3 AND ", is_for!("earlier", "$15", "$16", "$17", "$7"), "
                   AND (earlier.id > $2 OR EXISTS (SELECT 1 FROM delivery told
                        WHERE told.alert = $1 AND told.recipient = earlier.id AND told.step = $7
                          AND told.channel = $8 AND told.state NOT IN ('cancelled', 'excluded')))))
                 FROM contact_point shared
                 WHERE shared.lookup = line.lookup
                   AND shared.id = ", chosen_point!("shared.contact_id"), ") AS first
             FROM (SELECT DISTINCT lookup FROM pointed WHERE is_shared) AS line
         ), spoken AS MATERIALIZED (
             SELECT pointed.*, CASE WHEN is_shared THEN
                        (SELECT owner.first FROM owner
                         WHERE owner.lookup = pointed.lookup AND owner.first < pointed.id)
                    END AS same_as
             FROM pointed
         ), planned AS (
             SELECT spoken.*, CASE WHEN point_id IS NULL THEN 'no address'
                         WHEN opted_out_at IS NOT NULL AND $13 <> 'emergency' THEN 'opted out'
                         WHEN same_as IS NOT NULL THEN 'duplicate' END AS excluded
             FROM spoken
         )
         INSERT INTO delivery (id, alert, recipient, step, channel, language, says, mode, urgency, point_id,
             address, lookup, same_as, state, reason, due_at, expires_at, attempts,
             possible_duplicate, queued_at, closed_at)
         SELECT $6 + row_number() OVER (ORDER BY id), $1, id, $7, $8, language, $17, $9, urgency, point_id,
                address, lookup, same_as,
                CASE WHEN excluded IS NULL THEN 'queued' ELSE 'excluded' END, excluded, $10, $11, 0,
                FALSE, $12, CASE WHEN excluded IS NULL THEN NULL ELSE $12 END
         FROM planned"
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
            "SELECT count(*) FROM recipient WHERE id > $1 AND id <= $2",
            "SELECT count(*) FROM (SELECT id FROM recipient
                 WHERE id > $1 AND id <= $2 ORDER BY id FOR SHARE) AS held",
        )
        .bind(chunk.after)
        .bind(chunk.through)
        .fetch_one()
        .await?;
    Ok(())
}

/// How many recipients of the chunk the step is still for.
pub async fn count_people(tx: &mut Tx, chunk: &Chunk) -> Result<i64, Error> {
    let (people,): (i64,) = tx
        .sql(concat!(
            "SELECT count(*) FROM recipient WHERE id > $1 AND id <= $2 AND ",
            is_for!("recipient", "$3", "$4", "$5", "$6"),
            " AND ($6 = 0 OR NOT EXISTS (SELECT 1 FROM delivery ahead WHERE ahead.alert = $7
                  AND ahead.recipient = recipient.id AND ahead.step = $6))"
        ))
        .bind(chunk.after)
        .bind(chunk.through)
        .bind(chunk.whom)
        .bind(chunk.wave)
        .bind(chunk.says)
        .bind(chunk.step)
        .bind(chunk.alert)
        .fetch_one()
        .await?;
    Ok(people)
}

/// Keeps the keys of the answer tokens of the deliveries from `first` on: their keys one behind the
/// other, [`ANSWER_KEY`] bytes each.
pub async fn insert_links(tx: &mut Tx, first: DeliveryId, keys: &[u8]) -> Result<(), Error> {
    let count = i64::try_from(keys.len() / ANSWER_KEY).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(());
    }
    tx.sql_for(
        "WITH RECURSIVE ordinal (number) AS (
             SELECT 0 UNION ALL SELECT number + 1 FROM ordinal WHERE number + 1 < $3)
         INSERT INTO answer_link (token_key, delivery)
         SELECT substr($1, 1 + number * 16, 16), $2 + number FROM ordinal",
        "INSERT INTO answer_link (token_key, delivery)
         SELECT substring(CAST($1 AS BYTEA) FROM 1 + number * 16 FOR 16), $2 + number
         FROM generate_series(0, CAST($3 AS INTEGER) - 1) AS ordinal (number)",
    )
    .bind(keys)
    .bind(first)
    .bind(count)
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
                row_number() OVER (ORDER BY recipient.id), $3
         FROM recipient
         WHERE recipient.id > $1 AND recipient.id <= $2 AND recipient.answered_at IS NULL
           AND ($4 IS NULL OR EXISTS (SELECT 1 FROM asked
                WHERE asked.recipient = recipient.id AND asked.wave = $4))
         ON CONFLICT (recipient) DO NOTHING",
    )
    .bind(chunk.after)
    .bind(chunk.through)
    .bind(chunk.now)
    .bind(chunk.wave)
    .execute()
    .await
}
