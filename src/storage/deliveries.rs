//! Deliveries while they are under way: claimed, recorded, in doubt, called off.

use super::{Conn, Db, Error, Tx};
use crate::alert::words::{Language, Mode, word_enum};
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, BootId, ContactId, ContactPointId, DeliveryId, RecipientId};

word_enum! {
    /// How one message to one person on one contact point stands.
    DeliveryState {
        /// It will be sent when its time comes and a slot is free. No byte of it is on the wire.
        Queued = "queued",
        /// The intent is on disk; bytes may be on the wire.
        Sending = "sending",
        /// The gateway took it. The phone may be off: nobody need have seen it.
        Accepted = "accepted",
        /// It left towards the carrier or the person's mail server.
        Sent = "sent",
        /// It arrived on the phone or in the mailbox. Not proof that anyone read it.
        Delivered = "delivered",
        /// The process or the network died after bytes may have left: nobody knows.
        InDoubt = "in_doubt",
        /// It will not arrive, and the reason is known.
        Failed = "failed",
        /// Its time was over before it could be sent.
        Expired = "expired",
        /// It became needless before it was sent: the person answered, or the alert was stopped.
        Cancelled = "cancelled",
        /// It was never to be sent: opted out, no address, or the same phone as someone else's.
        Excluded = "excluded",
    }
}

/// What a sender needs to hand a delivery over.
#[derive(Debug, sqlx::FromRow)]
pub struct Claimed {
    /// Which.
    pub id: DeliveryId,
    /// Of which alert.
    pub alert: AlertNumber,
    /// To whom.
    pub contact_id: ContactId,
    /// Their name, for the greeting.
    pub name: String,
    /// Their own fields, sealed for `contact_id`.
    pub fields: Option<Vec<u8>>,
    /// The language they read.
    pub language: Language,
    /// Live or drill.
    pub mode: Mode,
    /// The contact point, which the address is sealed for.
    pub point_id: ContactPointId,
    /// The address, sealed.
    pub address: Vec<u8>,
    /// Which try this is, from 1.
    pub attempts: i32,
    /// Not to be sent after.
    pub expires_at: Timestamp,
    /// When the first try was due: retries give up by it.
    pub queued_at: Timestamp,
}

/// What a lane asks for.
#[derive(Clone, Copy, Debug)]
pub struct Want<'a> {
    /// Which gateway will send them.
    pub gateway: &'a str,
    /// Its channel.
    pub channel: Channel,
    /// Whether it may take live messages now.
    pub actual: bool,
    /// Whether it may take drills now.
    pub exercise: bool,
    /// How many at most: the lane's free slots and its rate's permits.
    pub limit: i64,
    /// Who is sending.
    pub boot: BootId,
    /// Now.
    pub now: Timestamp,
}

/// Claims what is due, most urgent first: from here on its bytes may be on the wire.
pub async fn claim(tx: &mut Tx, want: Want<'_>) -> Result<Vec<Claimed>, Error> {
    tx.sql_for(
        "UPDATE delivery SET state = 'sending', boot = $1, gateway = $2, sending_at = $3,
             attempts = attempts + 1, reason = NULL
         WHERE id IN (
             SELECT id FROM delivery
             WHERE state = 'queued' AND channel = $4 AND due_at <= $3 AND expires_at > $3
               AND ((mode = 'actual' AND $5) OR (mode = 'exercise' AND $6))
             ORDER BY urgency, due_at, id LIMIT $7)
         RETURNING id, alert, language, mode, point_id, address, attempts, expires_at, queued_at,
             (SELECT contact_id FROM recipient WHERE recipient.id = delivery.recipient) AS contact_id,
             (SELECT name FROM recipient WHERE recipient.id = delivery.recipient) AS name,
             (SELECT fields FROM recipient WHERE recipient.id = delivery.recipient) AS fields",
        "WITH due AS (
             SELECT id FROM delivery
             WHERE state = 'queued' AND channel = $4 AND due_at <= $3 AND expires_at > $3
               AND ((mode = 'actual' AND $5) OR (mode = 'exercise' AND $6))
             ORDER BY urgency, due_at, id LIMIT $7 FOR UPDATE SKIP LOCKED)
         UPDATE delivery SET state = 'sending', boot = $1, gateway = $2, sending_at = $3,
             attempts = delivery.attempts + 1, reason = NULL
         FROM due, recipient WHERE delivery.id = due.id AND recipient.id = delivery.recipient
         RETURNING delivery.id, delivery.alert, delivery.language, delivery.mode, delivery.point_id,
             delivery.address, delivery.attempts, delivery.expires_at, delivery.queued_at,
             recipient.contact_id, recipient.name, recipient.fields",
    )
    .bind(want.boot)
    .bind(want.gateway)
    .bind(want.now)
    .bind(want.channel)
    .bind(want.actual)
    .bind(want.exercise)
    .bind(want.limit)
    .fetch_all()
    .await
}

/// How one attempt ended, to be written down.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Recorded {
    /// Which delivery.
    pub id: DeliveryId,
    /// Which try: an older one's result changes nothing.
    pub attempt: i32,
    /// Accepted, sent, queued (to be tried again), failed, expired or in doubt.
    pub state: DeliveryState,
    /// Why, for everything but an acceptance.
    pub reason: Option<String>,
    /// The gateway's name for it.
    pub gateway_id: Option<String>,
    /// Queued: when to try again. In doubt: when to settle it.
    pub due_at: Timestamp,
    /// When the attempt ended.
    pub at: Timestamp,
}

/// What a result does to its delivery. The state that a receipt set stands; the alert and the
/// person are looked at only when the message would be tried again.
macro_rules! settle {
    ($from:expr) => {
        concat!(
            "UPDATE delivery SET
                 state = CASE WHEN delivery.state NOT IN ('sending', 'in_doubt') THEN delivery.state
                     WHEN result.state = 'queued' AND (SELECT alert.state FROM alert
                          WHERE alert.number = delivery.alert) <> 'running' THEN 'cancelled'
                     WHEN result.state = 'queued' AND (SELECT recipient.answered_at FROM recipient
                          WHERE recipient.id = delivery.recipient) IS NOT NULL THEN 'cancelled'
                     ELSE result.state END,
                 reason = CASE WHEN delivery.state NOT IN ('sending', 'in_doubt') THEN delivery.reason
                     ELSE result.reason END,
                 due_at = CASE WHEN delivery.state NOT IN ('sending', 'in_doubt') THEN delivery.due_at
                     ELSE result.due_at END,
                 gateway_id = COALESCE(result.gateway_id, delivery.gateway_id),
                 accepted_at = CASE WHEN result.gateway_id IS NULL THEN delivery.accepted_at
                     ELSE COALESCE(delivery.accepted_at, result.at) END,
                 sent_at = CASE WHEN result.state = 'sent'
                     THEN COALESCE(delivery.sent_at, result.at) ELSE delivery.sent_at END,
                 closed_at = CASE WHEN result.state IN ('failed', 'expired')
                     THEN COALESCE(delivery.closed_at, result.at) ELSE delivery.closed_at END
             FROM (", $from, ") AS result
             WHERE delivery.id = result.id AND delivery.attempts = result.attempt
               AND delivery.boot = $2"
        )
    };
}

/// A batch of results, `$1`, as rows: how SQLite reads a JSON array.
macro_rules! results_sqlite {
    () => {
        "SELECT value ->> 'id' AS id, value ->> 'attempt' AS attempt, value ->> 'state' AS state,
                value ->> 'reason' AS reason, value ->> 'gateway_id' AS gateway_id,
                value ->> 'due_at' AS due_at, value ->> 'at' AS at
         FROM json_each($1)"
    };
}

/// A batch of results, `$1`, as rows: how PostgreSQL reads it.
macro_rules! results_postgres {
    () => {
        "SELECT * FROM jsonb_to_recordset($1) AS row (id bigint, attempt int, state text,
                reason text, gateway_id text, due_at bigint, at bigint)"
    };
}

/// Writes down how a batch of attempts ended, in one statement whatever their number.
///
/// A receipt may have come before the gateway's answer: the state it set stands, and only the
/// gateway's name for the message is added. A message of a stopped alert, or to someone who has
/// answered, is not tried again. The result of an older attempt or of another boot changes nothing
/// (fencing).
///
/// On PostgreSQL the state is looked at inside the `CASE`, never in the join: there it would turn
/// the plan quadratic (docs/adr/0004).
pub async fn record(tx: &mut Tx, boot: BootId, results: &[Recorded]) -> Result<u64, Error> {
    if results.is_empty() {
        return Ok(0);
    }
    if results.iter().any(|result| result.reason.is_some()) {
        record_attempts(tx, results).await?;
    }
    tx.sql_for(settle!(results_sqlite!()), settle!(results_postgres!()))
        .bind(sqlx::types::Json(results))
        .bind(boot)
        .execute()
        .await
}

/// Attempts that did not end in an acceptance.
macro_rules! add_attempts {
    ($from:expr) => {
        concat!(
            "INSERT INTO attempt (delivery, number, gateway, started_at, ended_at, outcome, reason)
             SELECT delivery.id, result.attempt, delivery.gateway, delivery.sending_at, result.at,
                    CASE WHEN result.state = 'in_doubt' THEN 'unknown' ELSE 'failed' END, result.reason
             FROM (", $from, ") AS result
             JOIN delivery ON delivery.id = result.id
             WHERE result.reason IS NOT NULL AND delivery.gateway IS NOT NULL
             ON CONFLICT (delivery, number) DO NOTHING"
        )
    };
}

async fn record_attempts(tx: &mut Tx, results: &[Recorded]) -> Result<u64, Error> {
    tx.sql_for(
        add_attempts!(results_sqlite!()),
        add_attempts!(results_postgres!()),
    )
    .bind(sqlx::types::Json(results))
    .execute()
    .await
}

/// Why a delivery is in doubt after its sender died.
const SENDER_DIED: &str = "the server stopped while this message was being handed over";

/// Marks what dead boots left half-sent: it may have gone out. `settle_at` is when to decide.
/// Dead are all boots but `alive`, or those whose lease ran out before `now`.
pub async fn doubt_dead(
    tx: &mut Tx,
    alive: BootId,
    only_expired_before: Option<Timestamp>,
    now: Timestamp,
    settle_at: Timestamp,
) -> Result<u64, Error> {
    tx.sql(
        "INSERT INTO attempt (delivery, number, gateway, started_at, ended_at, outcome, reason)
         SELECT delivery.id, delivery.attempts, delivery.gateway, delivery.sending_at, $1, 'unknown', $2
         FROM delivery WHERE delivery.state = 'sending' AND delivery.boot IN (
             SELECT boot.id FROM boot WHERE boot.id <> $3 AND ($4 IS NULL OR boot.lease_until < $4))
         ON CONFLICT (delivery, number) DO NOTHING",
    )
    .bind(now)
    .bind(SENDER_DIED)
    .bind(alive)
    .bind(only_expired_before)
    .execute()
    .await?;
    tx.sql(
        "UPDATE delivery SET state = 'in_doubt', reason = $1, due_at = $2
         WHERE state = 'sending' AND boot IN (
             SELECT boot.id FROM boot WHERE boot.id <> $3 AND ($4 IS NULL OR boot.lease_until < $4))",
    )
    .bind(SENDER_DIED)
    .bind(settle_at)
    .bind(alive)
    .bind(only_expired_before)
    .execute()
    .await
}

/// Whether dead boots left anything half-sent.
pub async fn is_any_of_dead(
    on: impl Conn<'_>,
    alive: BootId,
    only_expired_before: Option<Timestamp>,
) -> Result<bool, Error> {
    let (found,): (bool,) = on
        .sql(
            "SELECT EXISTS (SELECT 1 FROM delivery WHERE state = 'sending' AND boot IN (
                 SELECT boot.id FROM boot WHERE boot.id <> $1
                   AND ($2 IS NULL OR boot.lease_until < $2)))",
        )
        .bind(alive)
        .bind(only_expired_before)
        .fetch_one()
        .await?;
    Ok(found)
}

/// Whether a delivery in doubt is to be decided about.
pub async fn is_any_to_settle(on: impl Conn<'_>, now: Timestamp) -> Result<bool, Error> {
    let (found,): (bool,) = on
        .sql(
            "SELECT EXISTS (SELECT 1 FROM delivery
             WHERE state = 'in_doubt' AND closed_at IS NULL AND due_at <= $1)",
        )
        .bind(now)
        .fetch_one()
        .await?;
    Ok(found)
}

/// Decides about deliveries in doubt whose time to decide has come. Life-safety (urgency below
/// `resend_below`) is sent again and marked a possible duplicate; the rest stays as it is, said
/// plainly, and the next step of the plan takes over. Answers how many will be sent again.
pub async fn settle_in_doubt(tx: &mut Tx, now: Timestamp, resend_below: i32) -> Result<u64, Error> {
    let again = tx
        .sql(
            "UPDATE delivery SET state = 'queued', possible_duplicate = TRUE, due_at = $1
             WHERE state = 'in_doubt' AND closed_at IS NULL AND due_at <= $1 AND urgency < $2
               AND expires_at > $1
               AND (SELECT alert.state FROM alert WHERE alert.number = delivery.alert) = 'running'
               AND (SELECT recipient.answered_at FROM recipient
                    WHERE recipient.id = delivery.recipient) IS NULL",
        )
        .bind(now)
        .bind(resend_below)
        .execute()
        .await?;
    tx.sql(
        "UPDATE delivery SET closed_at = $1
         WHERE state = 'in_doubt' AND closed_at IS NULL AND due_at <= $1",
    )
    .bind(now)
    .execute()
    .await?;
    Ok(again)
}

/// Calls off everything of an alert that has not left: answers how many messages that was.
pub async fn call_off(
    tx: &mut Tx,
    alert: AlertNumber,
    state: DeliveryState,
    reason: &str,
    now: Timestamp,
) -> Result<u64, Error> {
    tx.sql(
        "UPDATE delivery SET state = $2, reason = $3, closed_at = $4
         WHERE alert = $1 AND state = 'queued'",
    )
    .bind(alert)
    .bind(state)
    .bind(reason)
    .bind(now)
    .execute()
    .await
}

/// Calls off what one person of an alert need no longer be told.
pub async fn call_off_recipient(
    tx: &mut Tx,
    recipient: RecipientId,
    now: Timestamp,
) -> Result<u64, Error> {
    tx.sql(
        "UPDATE delivery SET state = 'cancelled', reason = 'answered', closed_at = $3
         WHERE alert = $1 AND recipient = $2 AND state = 'queued'",
    )
    .bind(recipient.alert())
    .bind(recipient)
    .bind(now)
    .execute()
    .await
}

/// Whether a claim of this kind would find anything, without taking the write lock to ask.
pub async fn is_any_due(on: impl Conn<'_>, want: Want<'_>) -> Result<bool, Error> {
    let (found,): (bool,) = on
        .sql(
            "SELECT EXISTS (SELECT 1 FROM delivery
             WHERE state = 'queued' AND channel = $1 AND due_at <= $2 AND expires_at > $2
               AND ((mode = 'actual' AND $3) OR (mode = 'exercise' AND $4)))",
        )
        .bind(want.channel)
        .bind(want.now)
        .bind(want.actual)
        .bind(want.exercise)
        .fetch_one()
        .await?;
    Ok(found)
}

/// How many messages are waiting on each channel, and since when the oldest is due.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Backlog {
    /// The channel.
    pub channel: Channel,
    /// Messages that could be sent now.
    pub waiting: i64,
    /// When the oldest of them was due.
    pub oldest: Option<Timestamp>,
}

/// What is due and not sent.
pub async fn backlog(db: &Db, now: Timestamp) -> Result<Vec<Backlog>, Error> {
    db.sql(
        "SELECT channel, count(*) AS waiting, min(due_at) AS oldest FROM delivery
         WHERE state = 'queued' AND due_at <= $1 GROUP BY channel",
    )
    .bind(now)
    .fetch_all()
    .await
}

/// Registers a start of a sending process.
pub async fn insert_boot(
    tx: &mut Tx,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<BootId, Error> {
    let (id,): (BootId,) = tx
        .sql(
            "INSERT INTO boot (id, started_at, lease_until)
             SELECT COALESCE(max(id), 0) + 1, $1, $2 FROM boot RETURNING id",
        )
        .bind(now)
        .bind(lease_until)
        .fetch_one()
        .await?;
    Ok(id)
}

/// Keeps a boot alive. False if it is gone: then this process must not send.
pub async fn renew_boot(tx: &mut Tx, boot: BootId, lease_until: Timestamp) -> Result<bool, Error> {
    let changed = tx
        .sql("UPDATE boot SET lease_until = $2 WHERE id = $1 AND ended_at IS NULL")
        .bind(boot)
        .bind(lease_until)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// The database's own clock, where several machines must agree on the time (PostgreSQL); the
/// given one on SQLite, where there is only one machine.
pub async fn shared_now(on: impl Conn<'_>, own: Timestamp) -> Result<Timestamp, Error> {
    let (now,): (Timestamp,) = on
        .sql_for(
            "SELECT CAST($1 AS INTEGER)",
            "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 + 0 * $1 AS BIGINT)",
        )
        .bind(own)
        .fetch_one()
        .await?;
    Ok(now)
}

/// The names of the people that these messages are for; unknown messages are left out.
pub async fn names(
    on: impl Conn<'_>,
    deliveries: &[DeliveryId],
) -> Result<Vec<(DeliveryId, String)>, Error> {
    on.sql_for(
        "SELECT delivery.id, recipient.name FROM delivery
         JOIN recipient ON recipient.id = delivery.recipient
         WHERE delivery.id IN (SELECT value FROM json_each($1))",
        "SELECT delivery.id, recipient.name FROM delivery
         JOIN recipient ON recipient.id = delivery.recipient
         WHERE delivery.id IN (SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))",
    )
    .bind(sqlx::types::Json(deliveries))
    .fetch_all()
    .await
}
