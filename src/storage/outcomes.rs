//! How attempts ended: recorded in batches.

use super::call_off::is_wanted;
use super::deliveries::DeliveryState;
use super::{Error, Tx};
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, BootId, DeliveryId};

/// How one attempt ended, to be written down.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Recorded {
    /// Which delivery.
    pub id: DeliveryId,
    /// Which try: an older one's result changes nothing.
    pub attempt: i32,
    /// Whether it was begun. One that was not goes back as it was before it was claimed.
    pub is_tried: bool,
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

impl Recorded {
    /// Whether it says that the gateway took the message, and nothing else.
    fn is_taken(&self) -> bool {
        matches!(self.state, DeliveryState::Accepted | DeliveryState::Sent) && self.reason.is_none()
    }
}

/// What becomes of a result that would have its message tried again: nothing else (null), or why
/// it is needless by now. `said` is the result.
macro_rules! verdict {
    () => {
        concat!(
            "CASE WHEN said.state = 'queued' THEN (
                 SELECT CASE WHEN alert.state = 'ended' THEN 'ended'
                     WHEN alert.state <> 'running' THEN 'stopped'
                     WHEN delivery.says = 'message' AND EXISTS (SELECT 1 FROM call_out
                          WHERE call_out.alert = alert.number AND call_out.filled_at IS NOT NULL)
                     THEN 'filled'
                     WHEN NOT ",
            is_wanted!(),
            " THEN 'answered' END
                 FROM delivery JOIN alert ON alert.number = delivery.alert
                 WHERE delivery.id = said.id) END AS verdict"
        )
    };
}

/// What a result does to its delivery. The state that a receipt set stands.
macro_rules! settle {
    ($from:expr) => {
        concat!(
            "UPDATE delivery SET
                 state = CASE WHEN delivery.state NOT IN ('sending', 'in_doubt') THEN delivery.state
                     WHEN result.verdict = 'ended' THEN 'expired'
                     WHEN result.verdict IS NOT NULL THEN 'cancelled'
                     ELSE result.state END,
                 reason = CASE WHEN delivery.state NOT IN ('sending', 'in_doubt') THEN delivery.reason
                     WHEN result.verdict = 'ended' THEN 'the alert''s time was over'
                     ELSE COALESCE(result.verdict, result.reason) END,
                 due_at = CASE WHEN delivery.state NOT IN ('sending', 'in_doubt') THEN delivery.due_at
                     ELSE result.due_at END,
                 attempts = CASE WHEN result.is_tried OR delivery.state NOT IN ('sending', 'in_doubt')
                     THEN delivery.attempts ELSE delivery.attempts - 1 END,
                 gateway = CASE WHEN result.is_tried OR delivery.state NOT IN ('sending', 'in_doubt')
                     THEN delivery.gateway
                     ELSE (SELECT earlier.gateway FROM attempt earlier
                           WHERE earlier.delivery = delivery.id
                             AND earlier.number = delivery.attempts - 1) END,
                 gateway_id = COALESCE(result.gateway_id, delivery.gateway_id),
                 accepted_at = CASE WHEN result.gateway_id IS NULL THEN delivery.accepted_at
                     ELSE COALESCE(delivery.accepted_at, result.at) END,
                 sent_at = CASE WHEN result.state = 'sent'
                     THEN COALESCE(delivery.sent_at, result.at) ELSE delivery.sent_at END,
                 closed_at = CASE WHEN delivery.state NOT IN ('sending', 'in_doubt') THEN delivery.closed_at
                     WHEN result.verdict IS NOT NULL OR result.state IN ('failed', 'expired')
                     THEN COALESCE(delivery.closed_at, result.at)
                     WHEN result.state = 'queued' THEN NULL ELSE delivery.closed_at END
             FROM (SELECT said.*, ", verdict!(), " FROM (", $from, ") AS said) AS result
             WHERE delivery.id = result.id AND delivery.attempts = result.attempt
               AND delivery.boot = $2"
        )
    };
}

/// A batch of results, `$1`, as rows: how SQLite reads a JSON array.
macro_rules! results_sqlite {
    () => {
        "SELECT value ->> 'id' AS id, value ->> 'attempt' AS attempt,
                value ->> 'is_tried' AS is_tried, value ->> 'state' AS state,
                value ->> 'reason' AS reason, value ->> 'gateway_id' AS gateway_id,
                value ->> 'due_at' AS due_at, value ->> 'at' AS at
         FROM json_each($1)"
    };
}

/// A batch of results, `$1`, as rows: how PostgreSQL reads it.
macro_rules! results_postgres {
    () => {
        "SELECT * FROM jsonb_to_recordset($1) AS read (id bigint, attempt int, is_tried boolean, state text,
                reason text, gateway_id text, due_at bigint, at bigint)"
    };
}

/// Writes down how a batch of attempts ended, in one or two statements whatever their number.
///
/// A receipt may have come before the gateway's answer: the state it set stands, and only the
/// gateway's name for the message is added. A message of a stopped alert, or to someone who has
/// answered, is not tried again. The result of an older attempt or of another boot changes nothing
/// (fencing).
///
/// On PostgreSQL the state is looked at inside the `CASE`, never in the join: there it would turn
/// the plan quadratic (docs/adr/0004).
pub async fn record(tx: &mut Tx, boot: BootId, results: &[Recorded]) -> Result<u64, Error> {
    let (taken, others): (Vec<&Recorded>, Vec<&Recorded>) =
        results.iter().partition(|result| result.is_taken());
    let mut changed = 0;
    if !taken.is_empty() {
        changed += record_taken(tx, boot, &taken).await?;
    }
    if !others.is_empty() {
        changed += record_others(tx, boot, &others).await?;
    }
    Ok(changed)
}

/// Whether an acceptance of its last try settles a delivery. It may have been put in doubt meanwhile,
/// and even be waiting to be sent again: now it is known that it need not be.
macro_rules! may_be_taken {
    () => {
        "(delivery.state IN ('sending', 'in_doubt')
          OR (delivery.state = 'queued' AND delivery.possible_duplicate))"
    };
}

/// What an acceptance does to its delivery.
macro_rules! accept {
    ($from:literal) => {
        concat!(
            "UPDATE delivery SET
                 state = CASE WHEN ", may_be_taken!(), " THEN taken.state
                     ELSE delivery.state END,
                 reason = CASE WHEN ", may_be_taken!(), " THEN NULL
                     ELSE delivery.reason END,
                 gateway_id = taken.gateway_id,
                 accepted_at = COALESCE(delivery.accepted_at, taken.at),
                 sent_at = CASE WHEN taken.state = 'sent' THEN COALESCE(delivery.sent_at, taken.at)
                     ELSE delivery.sent_at END
             FROM (",
            $from,
            ") AS taken
             WHERE delivery.id = taken.id AND delivery.attempts = taken.attempt
               AND delivery.boot = $2"
        )
    };
}

/// Nearly all results are acceptances: they have a shorter way.
async fn record_taken(tx: &mut Tx, boot: BootId, taken: &[&Recorded]) -> Result<u64, Error> {
    let rows: Vec<_> = taken
        .iter()
        .map(|one| (one.id, one.attempt, one.state, &one.gateway_id, one.at))
        .collect();
    tx.sql_for(
        accept!(
            "SELECT value ->> 0 AS id, value ->> 1 AS attempt, value ->> 2 AS state,
                    value ->> 3 AS gateway_id, value ->> 4 AS at
             FROM jsonb_each($1)"
        ),
        accept!(
            "SELECT CAST(one ->> 0 AS bigint) AS id, CAST(one ->> 1 AS integer) AS attempt,
                    one ->> 2 AS state, one ->> 3 AS gateway_id, CAST(one ->> 4 AS bigint) AS at
             FROM jsonb_array_elements($1) AS element (one)"
        ),
    )
    .bind(sqlx::types::Json(rows))
    .bind(boot)
    .execute()
    .await
}

async fn record_others(tx: &mut Tx, boot: BootId, results: &[&Recorded]) -> Result<u64, Error> {
    if results.iter().any(|result| result.reason.is_some()) {
        record_attempts(tx, results).await?;
    }
    let again = results
        .iter()
        .filter(|result| result.state == DeliveryState::Queued);
    hold(tx, again.map(|result| result.id).collect()).await?;
    if results.iter().any(|result| !result.is_tried) {
        forget_attempts(tx, boot, results).await?;
    }
    tx.sql_for(settle!(results_sqlite!()), settle!(results_postgres!()))
        .bind(sqlx::types::Json(results))
        .bind(boot)
        .execute()
        .await
}

/// Attempts that did not end in an acceptance. Of one that was taken for lost because its sender was
/// thought dead, the sender may still tell that it was refused: then nobody was told.
macro_rules! add_attempts {
    ($from:expr) => {
        concat!(
            "INSERT INTO attempt (delivery, number, gateway, marked, started_at, ended_at,
                 outcome, reason)
             SELECT delivery.id, result.attempt, delivery.gateway,
                    COALESCE(delivery.gateway_marked, FALSE), delivery.sending_at, result.at,
                    CASE WHEN result.state = 'in_doubt' THEN 'unknown' ELSE 'failed' END, result.reason
             FROM (", $from, ") AS result
             JOIN delivery ON delivery.id = result.id
             WHERE result.reason IS NOT NULL AND delivery.gateway IS NOT NULL
             ON CONFLICT (delivery, number) DO UPDATE SET outcome = excluded.outcome,
                 reason = excluded.reason, ended_at = excluded.ended_at
                 WHERE attempt.outcome = 'unknown' AND excluded.outcome = 'failed'"
        )
    };
}

async fn record_attempts(tx: &mut Tx, results: &[&Recorded]) -> Result<u64, Error> {
    tx.sql_for(
        add_attempts!(results_sqlite!()),
        add_attempts!(results_postgres!()),
    )
    .bind(sqlx::types::Json(results))
    .execute()
    .await
}

/// The tries of unknown outcome that were none.
macro_rules! no_attempts {
    ($from:expr) => {
        concat!(
            "DELETE FROM attempt WHERE (delivery, number) IN (
                 SELECT result.id, result.attempt FROM (",
            $from,
            ") AS result JOIN delivery ON delivery.id = result.id
                 WHERE NOT result.is_tried AND delivery.attempts = result.attempt
                   AND delivery.boot = $2 AND delivery.state = 'in_doubt')"
        )
    };
}

/// Somebody else took the sender for dead and put in doubt what it had claimed; it lives, and knows
/// that it never began.
async fn forget_attempts(tx: &mut Tx, boot: BootId, results: &[&Recorded]) -> Result<u64, Error> {
    tx.sql_for(
        no_attempts!(results_sqlite!()),
        no_attempts!(results_postgres!()),
    )
    .bind(sqlx::types::Json(results))
    .bind(boot)
    .execute()
    .await
}

/// Keeps a stop, and answers of the people concerned, from slipping in between the decision to try
/// these messages again and its commit: whichever comes second sees the other. On SQLite one writer
/// follows the other anyway.
///
/// The order is the same everywhere, so that nobody waits in a circle: the audit chain's end, the
/// alert, its recipients, their deliveries.
pub(super) async fn hold(tx: &mut Tx, deliveries: Vec<DeliveryId>) -> Result<(), Error> {
    if deliveries.is_empty() || !tx.is_shared() {
        return Ok(());
    }
    let mut alerts: Vec<AlertNumber> = deliveries.iter().map(|id| id.alert()).collect();
    alerts.sort_unstable();
    alerts.dedup();
    let held: Vec<(i64,)> = tx
        .sql_for(
            "SELECT number FROM alert WHERE number IN (SELECT value FROM json_each($1))",
            "SELECT number FROM alert
             WHERE number IN (SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))
             ORDER BY number FOR SHARE",
        )
        .bind(sqlx::types::Json(alerts))
        .fetch_all()
        .await?;
    drop(held);
    let held: Vec<(i64,)> = tx
        .sql_for(
            "SELECT id FROM recipient WHERE id IN (
                 SELECT recipient FROM delivery WHERE id IN (SELECT value FROM json_each($1)))",
            "WITH asked AS (
                 SELECT delivery.recipient FROM delivery
                 JOIN jsonb_array_elements_text($1) AS listed (value)
                      ON delivery.id = listed.value::bigint)
             SELECT recipient.id FROM recipient WHERE recipient.id IN (
                 SELECT asked.recipient FROM asked
                 UNION SELECT told.recipient FROM asked JOIN delivery told
                       ON told.same_as = asked.recipient)
             ORDER BY recipient.id FOR SHARE",
        )
        .bind(sqlx::types::Json(deliveries))
        .fetch_all()
        .await?;
    drop(held);
    Ok(())
}
