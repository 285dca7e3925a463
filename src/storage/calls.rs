//! The people whom people should phone: an alert's call tasks, and the links that callers have.

use super::{Conn, Error, Tx};
use crate::alert::words::{Category, Language, word_enum};
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, ContactId, RecipientId};
use crate::response::AnswerClass;
use crate::storage::responses::Via;

word_enum! {
    /// What came of a call.
    Outcome {
        /// The person, or someone beside them, was told.
        Spoke = "spoke",
        /// A machine was told: nobody may ever hear it.
        Voicemail = "voicemail",
        /// Nobody picked up. The person goes to the end of the list.
        NoAnswer = "no_answer",
        /// The number is somebody else's.
        WrongNumber = "wrong_number",
    }
}

/// A person on an alert's call list.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CallTask {
    /// Their place in the alert.
    pub recipient: RecipientId,
    /// Who should call: a contact; none = anyone.
    pub caller_id: Option<ContactId>,
    /// Their place in the list.
    pub position: i32,
    /// What came of the last call; none before it, and after being put back.
    pub outcome: Option<Outcome>,
    /// When the outcome last changed: also what a form must know to change it again.
    pub outcome_at: Option<Timestamp>,
    /// Who said so.
    pub outcome_by: Option<String>,
    /// What they noted.
    pub note: Option<String>,
    /// Who the person is in the directory.
    pub contact_id: ContactId,
    /// Their name, as it was at launch.
    pub name: String,
    /// What they are.
    pub category: Category,
    /// The language they read.
    pub language: Language,
    /// Their work.
    pub role: String,
    /// Where.
    pub site: String,
    /// In which unit.
    pub unit: String,
    /// Their own fields, sealed for the contact.
    pub fields: Option<Vec<u8>>,
    /// When they first answered.
    pub answered_at: Option<Timestamp>,
    /// Their latest answer.
    pub answer: Option<String>,
    /// What it means.
    pub answer_class: Option<AnswerClass>,
    /// How it came.
    pub answer_via: Option<Via>,
    /// Who is calling them now.
    pub calling_by: Option<String>,
    /// Since when.
    pub calling_at: Option<Timestamp>,
}

/// Whose part of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// All of it: for a manager.
    All,
    /// What one caller was given.
    Caller(ContactId),
    /// What nobody in particular was given.
    Anyone,
}

impl Whose {
    fn is_all(self) -> bool {
        self == Self::All
    }

    fn caller(self) -> Option<ContactId> {
        match self {
            Self::Caller(caller) => Some(caller),
            Self::All | Self::Anyone => None,
        }
    }
}

/// One part of a call list: `$1` the alert, `$2` whether all of it, `$3` the caller, if it has one.
macro_rules! tasks {
    ($rest:literal) => {
        concat!(
            "SELECT task.recipient, task.caller_id, task.position, task.outcome, task.outcome_at,
                    task.outcome_by, task.note, recipient.contact_id, recipient.name,
                    recipient.category, recipient.language, recipient.role, recipient.site,
                    recipient.unit, recipient.fields, recipient.answered_at, recipient.answer,
                    recipient.answer_class, recipient.answer_via, recipient.calling_by,
                    recipient.calling_at
             FROM call_task task JOIN recipient ON recipient.id = task.recipient
             WHERE task.alert = $1
               AND ($2 OR task.caller_id = $3 OR (task.caller_id IS NULL AND $3 IS NULL)) ",
            $rest
        )
    };
}

/// Whether a call to someone silent is of use: not once a call-out is filled, nor before their turn.
macro_rules! is_of_use {
    () => {
        "NOT EXISTS (SELECT 1 FROM call_out WHERE call_out.alert = recipient.alert
             AND (call_out.filled_at IS NOT NULL OR NOT EXISTS (
                  SELECT 1 FROM asked WHERE asked.recipient = recipient.id)))"
    };
}

/// Up to `limit` people still to be called, in the order of calling: those who were tried already
/// come last. Who has answered is not among them, however the answer came.
pub async fn list_to_do(
    on: impl Conn<'_>,
    alert: AlertNumber,
    whose: Whose,
    limit: i64,
) -> Result<Vec<CallTask>, Error> {
    on.sql(concat!(
        tasks!("AND "),
        is_of_use!(),
        " AND recipient.answered_at IS NULL AND (task.outcome IS NULL OR task.outcome = 'no_answer')
         ORDER BY COALESCE(task.outcome_at, 0), task.position, task.recipient LIMIT $4"
    ))
    .bind(alert)
    .bind(whose.is_all())
    .bind(whose.caller())
    .bind(limit)
    .fetch_all()
    .await
}

/// Up to `limit` people who were called or answered by themselves, the latest first.
pub async fn list_done(
    on: impl Conn<'_>,
    alert: AlertNumber,
    whose: Whose,
    limit: i64,
) -> Result<Vec<CallTask>, Error> {
    on.sql(tasks!(
        "AND (recipient.answered_at IS NOT NULL
              OR (task.outcome IS NOT NULL AND task.outcome <> 'no_answer'))
         ORDER BY COALESCE(task.outcome_at, recipient.answered_at) DESC, task.recipient LIMIT $4"
    ))
    .bind(alert)
    .bind(whose.is_all())
    .bind(whose.caller())
    .bind(limit)
    .fetch_all()
    .await
}

/// One person of a part of the list; nobody if the person is not on it.
pub async fn find(
    on: impl Conn<'_>,
    alert: AlertNumber,
    whose: Whose,
    recipient: RecipientId,
) -> Result<Option<CallTask>, Error> {
    on.sql(tasks!("AND task.recipient = $4"))
        .bind(alert)
        .bind(whose.is_all())
        .bind(whose.caller())
        .bind(recipient)
        .fetch_optional()
        .await
}

/// How far one caller is.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Progress {
    /// The caller; none = what anyone may take.
    pub caller_id: Option<ContactId>,
    /// Their name in the directory.
    pub name: Option<String>,
    /// People on this part of the list.
    pub people: i64,
    /// Still to be called.
    pub to_do: i64,
    /// Called, whatever came of it.
    pub called: i64,
    /// Answered without having been spoken to.
    pub answered_alone: i64,
}

/// How far each caller of an alert is, by name; the part of anyone comes last.
pub async fn progress(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<Progress>, Error> {
    on.sql(concat!(
        "SELECT task.caller_id, max(caller.name) AS name, count(*) AS people,
                CAST(sum(CASE WHEN recipient.answered_at IS NULL AND ",
        is_of_use!(),
        "
                    AND (task.outcome IS NULL OR task.outcome = 'no_answer')
                    THEN 1 ELSE 0 END) AS BIGINT) AS to_do,
                CAST(sum(CASE WHEN task.outcome IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT) AS called,
                CAST(sum(CASE WHEN recipient.answered_at IS NOT NULL
                    AND (task.outcome IS NULL OR task.outcome <> 'spoke')
                    THEN 1 ELSE 0 END) AS BIGINT) AS answered_alone
         FROM call_task task JOIN recipient ON recipient.id = task.recipient
         LEFT JOIN contact caller ON caller.id = task.caller_id
         WHERE task.alert = $1
         GROUP BY task.caller_id
         ORDER BY CASE WHEN task.caller_id IS NULL THEN 1 ELSE 0 END, max(caller.name)"
    ))
    .bind(alert)
    .fetch_all()
    .await
}

/// How many are silent and not on the list.
pub async fn count_unlisted(on: impl Conn<'_>, alert: AlertNumber) -> Result<i64, Error> {
    let (count,): (i64,) = on
        .sql(concat!(
            "SELECT count(*) FROM recipient WHERE alert = $1 AND answered_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM call_task task WHERE task.recipient = recipient.id)
             AND ",
            is_of_use!()
        ))
        .bind(alert)
        .fetch_one()
        .await?;
    Ok(count)
}

/// Puts everyone who is silent and not yet on it onto the list, behind those who are there: each
/// with the caller whom a call tree names for them, if that caller has answered. Answers how many.
pub async fn add_silent(tx: &mut Tx, alert: AlertNumber, now: Timestamp) -> Result<u64, Error> {
    tx.sql(concat!(
        "INSERT INTO call_task (recipient, alert, caller_id, position, added_at)
         SELECT recipient.id, recipient.alert,
                (SELECT branch.caller_id FROM call_tree_branch branch
                 WHERE branch.contact_id = recipient.contact_id
                   AND EXISTS (SELECT 1 FROM recipient caller WHERE caller.alert = recipient.alert
                        AND caller.contact_id = branch.caller_id AND caller.answered_at IS NOT NULL)
                 ORDER BY branch.tree_id LIMIT 1),
                (SELECT COALESCE(max(last.position), 0) FROM call_task last WHERE last.alert = $1)
                    + row_number() OVER (ORDER BY recipient.id), $2
         FROM recipient
         WHERE recipient.alert = $1 AND recipient.answered_at IS NULL AND ",
        is_of_use!(),
        "
         ON CONFLICT (recipient) DO NOTHING"
    ))
    .bind(alert)
    .bind(now)
    .execute()
    .await
}

/// What is to be written down about a call.
#[derive(Clone, Debug)]
pub struct Said {
    /// Whom.
    pub recipient: RecipientId,
    /// What came of it; none puts the person back onto the list.
    pub outcome: Option<Outcome>,
    /// The task's `outcome_at` as the caller saw it: the same form twice changes nothing.
    pub seen: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// What they noted.
    pub note: Option<String>,
}

/// Writes down what came of a call, and that nobody is on the phone any more. False if somebody
/// else was faster, or if the person is not on the list.
pub async fn set_outcome(tx: &mut Tx, said: &Said) -> Result<bool, Error> {
    let changed = tx
        .sql(
            "UPDATE call_task SET outcome = $2, outcome_at = $3, outcome_by = $4,
                 note = COALESCE($5, note)
             WHERE recipient = $1 AND COALESCE(outcome_at, 0) = $6",
        )
        .bind(said.recipient)
        .bind(said.outcome)
        .bind(said.at)
        .bind(&said.by)
        .bind(&said.note)
        .bind(said.seen.unwrap_or_default())
        .execute()
        .await?;
    tx.sql("UPDATE recipient SET calling_by = NULL, calling_at = NULL WHERE id = $1")
        .bind(said.recipient)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Notes that `by` is calling a person of the list. False if the person has answered, or if someone
/// else has been calling them since `stale` or later.
pub async fn claim(
    tx: &mut Tx,
    recipient: RecipientId,
    by: &str,
    now: Timestamp,
    stale: Timestamp,
) -> Result<bool, Error> {
    let changed = tx
        .sql(
            "UPDATE recipient SET calling_by = $2, calling_at = $3
             WHERE id = $1 AND answered_at IS NULL
               AND (calling_by IS NULL OR calling_by = $2 OR calling_at < $4)",
        )
        .bind(recipient)
        .bind(by)
        .bind(now)
        .bind(stale)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// The newest wrong number that a caller reported for a person: when, and in which alert.
pub async fn last_wrong_number(
    on: impl Conn<'_>,
    contact: ContactId,
) -> Result<Option<(Timestamp, AlertNumber)>, Error> {
    on.sql(
        "SELECT task.outcome_at, task.alert FROM recipient
         JOIN call_task task ON task.recipient = recipient.id
         WHERE recipient.contact_id = $1 AND task.outcome = 'wrong_number'
           AND task.outcome_at IS NOT NULL
         ORDER BY task.outcome_at DESC LIMIT 1",
    )
    .bind(contact)
    .fetch_optional()
    .await
}

/// A caller's way in.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CallLink {
    /// To which alert.
    pub alert: AlertNumber,
    /// Whose people; none = those that anyone may take.
    pub caller_id: Option<ContactId>,
    /// Who has it, as whoever made it wrote.
    pub label: String,
    /// When it was made.
    pub made_at: Timestamp,
}

/// Keeps a link, in the place of the one that the same person had before.
pub async fn replace_link(tx: &mut Tx, token_hash: &[u8], link: &CallLink) -> Result<(), Error> {
    tx.sql(
        "DELETE FROM call_list WHERE alert = $1
           AND (caller_id = $2 OR (caller_id IS NULL AND $2 IS NULL AND label = $3))",
    )
    .bind(link.alert)
    .bind(link.caller_id)
    .bind(&link.label)
    .execute()
    .await?;
    tx.sql(
        "INSERT INTO call_list (token_hash, alert, caller_id, label, made_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(token_hash)
    .bind(link.alert)
    .bind(link.caller_id)
    .bind(&link.label)
    .bind(link.made_at)
    .execute()
    .await?;
    Ok(())
}

/// The link of a token's hash.
pub async fn find_link(on: impl Conn<'_>, token_hash: &[u8]) -> Result<Option<CallLink>, Error> {
    on.sql("SELECT alert, caller_id, label, made_at FROM call_list WHERE token_hash = $1")
        .bind(token_hash)
        .fetch_optional()
        .await
}

/// The links that were handed out for an alert, the newest first.
pub async fn list_links(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<CallLink>, Error> {
    on.sql(
        "SELECT alert, caller_id, label, made_at FROM call_list WHERE alert = $1
         ORDER BY made_at DESC, label",
    )
    .bind(alert)
    .fetch_all()
    .await
}
