//! Call-outs: how many are needed, who was asked, whose turn it is.
//!
//! Whoever writes here has taken the alert's row first ([`super::alerts::lock_running`]), so that
//! turns are given one after the other on every server.

mod standing;

use std::time::Duration;

use super::standing::{PersonState, people};
use super::{Conn, Db, Error, Tx};
use crate::call_out::{Asked, Reply, Settings, Told};
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, RecipientId};
use crate::response::AnswerClass;
pub use standing::{Standing, standing};

/// One call-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CallOut {
    /// The alert that it is.
    pub alert: AlertNumber,
    /// How many must say yes.
    pub needed: i32,
    /// Seconds that someone may think before the next is asked too.
    pub answer_within: i32,
    /// How many more than needed are asked at a time.
    pub ahead: i32,
    /// Since when enough have said yes; none while places are open.
    pub filled_at: Option<Timestamp>,
}

impl CallOut {
    /// As the decision takes it.
    pub fn settings(&self) -> Settings {
        let number = |column: i32| u32::try_from(column).unwrap_or_default();
        Settings {
            needed: number(self.needed),
            answer_within: Duration::from_secs(number(self.answer_within).into()),
            ahead: number(self.ahead),
        }
    }
}

/// Adds what makes an alert a call-out.
pub async fn insert(tx: &mut Tx, alert: AlertNumber, settings: &Settings) -> Result<(), Error> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let seconds = u32::try_from(settings.answer_within.as_secs()).unwrap_or(u32::MAX);
    tx.sql("INSERT INTO call_out (alert, needed, answer_within, ahead) VALUES ($1, $2, $3, $4)")
        .bind(alert)
        .bind(number(settings.needed))
        .bind(number(seconds))
        .bind(number(settings.ahead))
        .execute()
        .await?;
    Ok(())
}

/// The call-out that an alert is; none for every other alert.
pub async fn find(on: impl Conn<'_>, alert: AlertNumber) -> Result<Option<CallOut>, Error> {
    on.sql("SELECT * FROM call_out WHERE alert = $1")
        .bind(alert)
        .fetch_optional()
        .await
}

/// The call-outs that are running.
pub async fn list_running(on: impl Conn<'_>) -> Result<Vec<CallOut>, Error> {
    on.sql(
        "SELECT call_out.* FROM call_out JOIN alert ON alert.number = call_out.alert
         WHERE alert.state = 'running' ORDER BY call_out.alert",
    )
    .fetch_all()
    .await
}

/// Takes the next `count` of the audience who were not asked yet, in its order, as one wave.
/// Answers who they are.
pub async fn ask_next(
    tx: &mut Tx,
    alert: AlertNumber,
    wave: i32,
    count: i64,
    at: Timestamp,
) -> Result<Vec<RecipientId>, Error> {
    let asked: Vec<(RecipientId,)> = tx
        .sql(
            "INSERT INTO asked (recipient, alert, wave, asked_at)
             SELECT recipient.id, recipient.alert, $2, $3 FROM recipient
             WHERE recipient.alert = $1
               AND NOT EXISTS (SELECT 1 FROM asked WHERE asked.recipient = recipient.id)
             ORDER BY recipient.id LIMIT $4
             RETURNING recipient",
        )
        .bind(alert)
        .bind(wave)
        .bind(at)
        .bind(count)
        .fetch_all()
        .await?;
    Ok(asked.into_iter().map(|(recipient,)| recipient).collect())
}

/// Everyone who was asked, in the order of the audience.
pub async fn list_asked(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<Asked>, Error> {
    type Row = (
        RecipientId,
        Timestamp,
        Option<i64>,
        Option<Told>,
        PersonState,
        Option<AnswerClass>,
    );
    let rows: Vec<Row> = on
        .sql(people!(
            "SELECT asked.recipient, asked.asked_at, asked.turn, asked.told, person.state,
                    person.answer_class
             FROM asked JOIN person ON person.id = asked.recipient
             WHERE asked.alert = $1 ORDER BY asked.recipient"
        ))
        .bind(alert)
        .fetch_all()
        .await?;
    Ok(rows
        .into_iter()
        .map(|(recipient, asked_at, turn, told, state, class)| Asked {
            recipient,
            asked_at,
            reply: reply(turn, state, class),
            told,
        })
        .collect())
}

/// A yes without a turn may be a mail scanner's: it is none until it is given again.
fn reply(turn: Option<i64>, state: PersonState, class: Option<AnswerClass>) -> Reply {
    match (turn, state, class) {
        (Some(turn), ..) => Reply::Yes { turn },
        (None, PersonState::Acknowledged, Some(AnswerClass::Positive)) => Reply::Silent,
        (None, PersonState::Acknowledged, _) => Reply::No,
        (None, PersonState::Failed | PersonState::Unreachable | PersonState::Excluded, _) => {
            Reply::Lost
        }
        (None, ..) => Reply::Silent,
    }
}

/// Gives a turn to one who has just said yes, or takes it from one who no longer does. Someone whom
/// nobody asked, and of whom a manager says that they come, counts from now on.
pub async fn turn(
    tx: &mut Tx,
    recipient: RecipientId,
    says_yes: bool,
    at: Timestamp,
) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO asked (recipient, alert, wave, asked_at, turn)
         SELECT $1, $2, -1, $4, CASE WHEN $3 THEN
             COALESCE((SELECT max(other.turn) FROM asked other WHERE other.alert = $2), 0) + 1 END
         WHERE TRUE
         ON CONFLICT (recipient) DO UPDATE SET turn =
             CASE WHEN $3 THEN COALESCE(asked.turn, excluded.turn) END",
    )
    .bind(recipient)
    .bind(recipient.alert())
    .bind(says_yes)
    .bind(at)
    .execute()
    .await?;
    Ok(())
}

/// Who said yes, in the order of their turns: as many as are needed are in, the rest stands by.
pub async fn list_yes(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<RecipientId>, Error> {
    let rows: Vec<(RecipientId,)> = on
        .sql(
            "SELECT recipient FROM asked WHERE alert = $1 AND turn IS NOT NULL
             ORDER BY turn, recipient",
        )
        .bind(alert)
        .fetch_all()
        .await?;
    Ok(rows.into_iter().map(|(recipient,)| recipient).collect())
}

/// How many of the audience were asked.
pub async fn count_asked(on: impl Conn<'_>, alert: AlertNumber) -> Result<i64, Error> {
    let (asked,): (i64,) = on
        .sql("SELECT count(*) FROM asked WHERE alert = $1")
        .bind(alert)
        .fetch_one()
        .await?;
    Ok(asked)
}

/// The last of those who were asked, in the order of the audience; before all of them if nobody was.
pub async fn last_asked(on: impl Conn<'_>, alert: AlertNumber) -> Result<i64, Error> {
    let (last,): (i64,) = on
        .sql("SELECT COALESCE(max(recipient), $2) FROM asked WHERE alert = $1")
        .bind(alert)
        .bind(alert.base())
        .fetch_one()
        .await?;
    Ok(last)
}

/// How many said yes before this person did; none if they did not.
pub async fn count_before(on: impl Conn<'_>, recipient: RecipientId) -> Result<Option<i64>, Error> {
    let row: Option<(i64,)> = on
        .sql(
            "SELECT (SELECT count(*) FROM asked other
                     WHERE other.alert = asked.alert AND other.turn < asked.turn)
             FROM asked WHERE recipient = $1 AND turn IS NOT NULL",
        )
        .bind(recipient)
        .fetch_optional()
        .await?;
    Ok(row.map(|(before,)| before))
}

/// Writes down since when it is filled, or that it no longer is.
pub async fn set_filled(
    tx: &mut Tx,
    alert: AlertNumber,
    filled_at: Option<Timestamp>,
) -> Result<(), Error> {
    tx.sql("UPDATE call_out SET filled_at = $2 WHERE alert = $1")
        .bind(alert)
        .bind(filled_at)
        .execute()
        .await?;
    Ok(())
}

/// Calls off every ask and reminder that has not left, and forgets of those whom none can have
/// reached that they were asked: they come first if someone is needed again.
pub async fn call_off_asks(tx: &mut Tx, alert: AlertNumber, at: Timestamp) -> Result<(), Error> {
    tx.sql(
        "UPDATE delivery SET state = 'cancelled', reason = 'filled', closed_at = $2
         WHERE alert = $1 AND state = 'queued' AND says = 'message'",
    )
    .bind(alert)
    .bind(at)
    .execute()
    .await?;
    tx.sql(
        "UPDATE alert_step SET state = 'skipped'
         WHERE alert = $1 AND says = 'message' AND state IN ('waiting', 'writing')",
    )
    .bind(alert)
    .execute()
    .await?;
    tx.sql(people!(
        "DELETE FROM asked WHERE alert = $1 AND recipient IN (
             SELECT person.id FROM person WHERE person.state = 'excluded')"
    ))
    .bind(alert)
    .execute()
    .await?;
    Ok(())
}

/// Takes note that someone read of their place on the standby list.
pub async fn note_standby(tx: &mut Tx, recipient: RecipientId) -> Result<(), Error> {
    tx.sql(
        "UPDATE asked SET told = 'standby'
         WHERE recipient = $1 AND (told IS NULL OR told = 'needed')",
    )
    .bind(recipient)
    .execute()
    .await?;
    Ok(())
}

/// Takes note that a step tells these people something.
pub async fn note_told(
    tx: &mut Tx,
    recipients: &[RecipientId],
    told: Told,
    step: i32,
) -> Result<(), Error> {
    tx.sql_for(
        "UPDATE asked SET told = $2, told_by = $3
         WHERE recipient IN (SELECT value FROM json_each($1))",
        "UPDATE asked SET told = $2, told_by = $3 WHERE recipient IN (
             SELECT value::bigint FROM jsonb_array_elements_text($1) AS listed (value))",
    )
    .bind(sqlx::types::Json(recipients))
    .bind(told)
    .bind(step)
    .execute()
    .await?;
    Ok(())
}

/// The number of an alert's next step.
pub async fn next_step(tx: &mut Tx, alert: AlertNumber) -> Result<i32, Error> {
    let (next,): (i32,) = tx
        .sql("SELECT CAST(COALESCE(max(step), -1) + 1 AS INTEGER) FROM alert_step WHERE alert = $1")
        .bind(alert)
        .fetch_one()
        .await?;
    Ok(next)
}

/// Running call-outs, and those of them that are filled with too few, or not with enough, or gave a
/// turn twice.
pub async fn wrongly_filled(db: &Db) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT count(*), count(CASE WHEN given.turns <> given.yes
             OR (given.filled_at IS NOT NULL) <> (given.yes >= given.needed) THEN 1 END)
         FROM (SELECT call_out.needed, call_out.filled_at,
                      (SELECT count(turn) FROM asked WHERE asked.alert = call_out.alert) AS yes,
                      (SELECT count(DISTINCT turn) FROM asked
                       WHERE asked.alert = call_out.alert) AS turns
               FROM call_out JOIN alert ON alert.number = call_out.alert
               WHERE alert.state = 'running') AS given",
    )
    .fetch_one()
    .await
}
