//! Counts what the invariants of an alert's life are about: `(rows looked at, rows that break it)`.
//!
//! Each looks at the alerts that were not over at a time; the earliest time there is means all. Their
//! rows are read by ranges of ids, in the order in which they lie on the disk: the service looks
//! every minute, also while an alert of 200,000 messages runs.

use super::{Db, Error, Json};
use crate::alert::words::Language;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::AlertNumber;
use crate::plan::Plan;

/// What is looked at: the alerts that were not over at that time.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    since: Timestamp,
    /// All their ids are greater.
    from: i64,
}

impl Scope {
    /// The alerts that were not over at `since`.
    pub async fn since(db: &Db, since: Timestamp) -> Result<Self, Error> {
        let (first,): (Option<AlertNumber>,) = db
            .sql("SELECT min(number) FROM alert WHERE state = 'running' OR closed_at >= $1")
            .bind(since)
            .fetch_one()
            .await?;
        let from = first.map_or(i64::MAX, AlertNumber::base);
        Ok(Self { since, from })
    }

    /// The alerts that run.
    pub async fn running(db: &Db) -> Result<Self, Error> {
        Self::since(db, Timestamp(i64::MAX)).await
    }

    /// All ids of their people and messages are greater.
    pub fn from(self) -> i64 {
        self.from
    }
}

/// The alerts in the scope: `$1` is its time. The plus keeps the planner from the index by alert, in
/// whose order it would look up one row after the other.
macro_rules! of_alerts {
    ($column:literal) => {
        concat!(
            "+",
            $column,
            " IN (SELECT number FROM alert WHERE state = 'running' OR closed_at >= $1)"
        )
    };
}

/// Deliveries that a gateway took, and those of them without the moment we meant to.
pub async fn sent_without_intent(db: &Db, scope: Scope) -> Result<(i64, i64), Error> {
    db.sql(concat!(
        "SELECT count(*), count(CASE WHEN sending_at IS NULL OR attempts = 0 OR gateway IS NULL
             THEN 1 END)
         FROM delivery WHERE id > $2 AND ",
        of_alerts!("alert"),
        " AND (accepted_at IS NOT NULL OR delivered_at IS NOT NULL
             OR state IN ('sending', 'accepted', 'sent', 'delivered'))"
    ))
    .bind(scope.since)
    .bind(scope.from)
    .fetch_one()
    .await
}

/// Alerts, and those whose recipients are not as many as their audience was.
pub async fn people_not_counted_once(db: &Db, scope: Scope) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT CAST(COALESCE(sum(counted.people), 0) AS BIGINT),
                count(CASE WHEN counted.people <> counted.recipients THEN 1 END)
         FROM (SELECT alert.recipients, count(recipient.id) AS people FROM alert
               LEFT JOIN recipient ON recipient.alert = alert.number
               WHERE alert.state = 'running' OR alert.closed_at >= $1
               GROUP BY alert.number, alert.recipients) AS counted",
    )
    .bind(scope.since)
    .fetch_one()
    .await
}

/// A step that is written, with what it should have made and what is there.
#[derive(Debug, sqlx::FromRow)]
pub struct WrittenStep {
    /// Of which alert.
    pub alert: AlertNumber,
    /// Which of its plan, from 0.
    pub plan_step: i32,
    /// Whether it is for some of the audience only: a wave of a call-out, or those whom it tells.
    pub is_part: bool,
    /// For how many people.
    pub people: i64,
    /// How many rows it says it made.
    pub deliveries: i64,
    /// How many rows there are.
    pub found: i64,
    /// People in the audience.
    pub recipients: i64,
    /// The alert's plan.
    pub plan: Json<Plan>,
}

/// Every step that is written to its end.
pub async fn list_written_steps(db: &Db, scope: Scope) -> Result<Vec<WrittenStep>, Error> {
    db.sql(concat!(
        "SELECT alert_step.alert, alert_step.plan_step,
                (alert_step.wave IS NOT NULL OR alert_step.says <> 'message') AS is_part,
                alert_step.people, alert_step.deliveries, COALESCE(there.found, 0) AS found,
                alert.recipients, alert.plan
         FROM alert_step JOIN alert ON alert.number = alert_step.alert
         LEFT JOIN (SELECT alert, step, count(*) AS found FROM delivery WHERE id > $2 AND ",
        of_alerts!("alert"),
        " GROUP BY alert, step) AS there
              ON there.alert = alert_step.alert AND there.step = alert_step.step
         WHERE alert_step.state = 'written' AND ",
        of_alerts!("alert_step.alert")
    ))
    .bind(scope.since)
    .bind(scope.from)
    .fetch_all()
    .await
}

/// Steps that should be written by now, and those of them that are not.
pub async fn steps_left_lying(db: &Db, settled: Timestamp) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT count(*), count(CASE WHEN alert_step.state IN ('waiting', 'writing') THEN 1 END)
         FROM alert_step JOIN alert ON alert.number = alert_step.alert
         WHERE alert.state = 'running' AND alert_step.due_at < $1",
    )
    .bind(settled)
    .fetch_one()
    .await
}

/// Running alerts, and those whose time was over before `settled`.
pub async fn alerts_without_end(db: &Db, settled: Timestamp) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT count(*), count(CASE WHEN expires_at < $1 THEN 1 END) FROM alert
         WHERE state = 'running'",
    )
    .bind(settled)
    .fetch_one()
    .await
}

/// Deliveries of alerts that are over, and those that are still waiting or under way.
pub async fn unsettled_after_close(
    db: &Db,
    settled: Timestamp,
    scope: Scope,
) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT count(*), count(CASE WHEN delivery.state = 'queued'
             OR (delivery.state = 'sending' AND alert.closed_at < $1) THEN 1 END)
         FROM delivery JOIN alert ON alert.number = delivery.alert
         WHERE alert.state <> 'running' AND alert.closed_at >= $2",
    )
    .bind(settled)
    .bind(scope.since)
    .fetch_one()
    .await
}

/// Deliveries with a try of unknown outcome, and those tried again without being marked. A gateway
/// that may have one under our key gets the same message again, not a second one.
pub async fn unmarked_duplicates(db: &Db, scope: Scope) -> Result<(i64, i64), Error> {
    db.sql(concat!(
        "SELECT count(*), count(CASE WHEN delivery.attempts > unknown.number
             AND NOT delivery.possible_duplicate AND delivery.held_by IS NULL THEN 1 END)
         FROM (SELECT delivery, min(number) AS number FROM attempt
               WHERE delivery > $2 AND outcome = 'unknown' GROUP BY delivery) AS unknown
         JOIN delivery ON delivery.id = unknown.delivery WHERE ",
        of_alerts!("delivery.alert")
    ))
    .bind(scope.since)
    .bind(scope.from)
    .fetch_one()
    .await
}

/// Recipients who answered, and those without an answer or with another first time.
pub async fn answers_without_response(db: &Db, scope: Scope) -> Result<(i64, i64), Error> {
    db.sql(concat!(
        "SELECT count(*), count(CASE WHEN first IS NULL OR stands IS NULL OR first <> stands THEN 1 END)
         FROM (SELECT person, max(stands) AS stands, max(first) AS first FROM (
                 SELECT id AS person, answered_at AS stands, CAST(NULL AS BIGINT) AS first
                 FROM recipient WHERE id > $2 AND answered_at IS NOT NULL AND ",
        of_alerts!("alert"),
        "      UNION ALL
                 SELECT response.recipient, NULL, min(response.at) FROM response
                 WHERE NOT response.maybe_automatic AND ",
        of_alerts!("response.alert"),
        "        GROUP BY response.recipient) AS said
               GROUP BY person) AS compared"
    ))
    .bind(scope.since)
    .bind(scope.from)
    .fetch_one()
    .await
}

/// Deliveries with a receipt that says delivered, and those that stand lower.
pub async fn receipts_outranked(db: &Db, scope: Scope) -> Result<(i64, i64), Error> {
    db.sql(concat!(
        "SELECT count(*), count(CASE WHEN delivery.state <> 'delivered' THEN 1 END)
         FROM (SELECT DISTINCT delivery FROM receipt
               WHERE delivery > $2 AND status = 'delivered') AS said
         JOIN delivery ON delivery.id = said.delivery
         WHERE delivery.state <> 'excluded' AND ",
        of_alerts!("delivery.alert")
    ))
    .bind(scope.since)
    .bind(scope.from)
    .fetch_one()
    .await
}

/// The drills in the scope: `$1` is its time.
macro_rules! of_drills {
    ($column:literal) => {
        concat!(
            $column,
            " IN (SELECT number FROM alert
              WHERE mode = 'exercise' AND (state = 'running' OR closed_at >= $1))"
        )
    };
}

/// Tries of drills' messages, and those that went to a gateway which was not marked for drills then.
pub async fn drills_on_live_gateways(db: &Db, scope: Scope) -> Result<(i64, i64), Error> {
    db.sql(concat!(
        "SELECT count(*), count(CASE WHEN marked THEN NULL ELSE 1 END) FROM (
             SELECT gateway_marked AS marked FROM delivery
             WHERE mode = 'exercise' AND gateway IS NOT NULL AND ",
        of_drills!("alert"),
        " UNION ALL
             SELECT attempt.marked FROM attempt JOIN delivery ON delivery.id = attempt.delivery
             WHERE attempt.delivery > $2 AND delivery.mode = 'exercise' AND ",
        of_drills!("delivery.alert"),
        ") AS tried"
    ))
    .bind(scope.since)
    .bind(scope.from)
    .fetch_one()
    .await
}

/// A text of a drill.
#[derive(Debug, sqlx::FromRow)]
pub struct ExerciseText {
    /// Its channel.
    pub channel: Channel,
    /// Its language.
    pub language: Language,
    /// As it is stored.
    pub filled: String,
}

/// Every text of every drill.
pub async fn list_exercise_texts(db: &Db, scope: Scope) -> Result<Vec<ExerciseText>, Error> {
    db.sql(concat!(
        "SELECT channel, language, filled FROM alert_text WHERE ",
        of_drills!("alert")
    ))
    .bind(scope.since)
    .fetch_all()
    .await
}

/// Acts of people since then, and those without their entry in the chain.
pub async fn acts_outside_the_chain(db: &Db, scope: Scope) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT CAST(sum(acts.done) AS BIGINT), CAST(sum(abs(acts.done - acts.entered)) AS BIGINT)
         FROM (
             SELECT (SELECT count(*) FROM alert WHERE launched_at >= $1) AS done,
                    (SELECT count(*) FROM audit_entry
                     WHERE action = 'alert.launch' AND at >= $1) AS entered
             UNION ALL
             SELECT (SELECT count(*) FROM alert WHERE state = 'stopped' AND closed_at >= $1),
                    (SELECT count(*) FROM audit_entry WHERE action = 'alert.stop' AND at >= $1)
             UNION ALL
             SELECT (SELECT count(*) FROM response WHERE recorded_by IS NOT NULL AND at >= $1),
                    (SELECT count(*) FROM audit_entry
                     WHERE action = 'response.on_behalf' AND at >= $1)
         ) AS acts",
    )
    .bind(scope.since)
    .fetch_one()
    .await
}
