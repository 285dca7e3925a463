//! Counts what the invariants of an alert's life are about: `(rows looked at, rows that break it)`.

use super::{Db, Error, Json};
use crate::alert::words::Language;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::AlertNumber;
use crate::plan::Plan;

/// Deliveries that a gateway took, and those of them without the moment we meant to.
pub async fn sent_without_intent(db: &Db) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT count(*), count(CASE WHEN sending_at IS NULL OR attempts = 0 OR gateway IS NULL
             THEN 1 END)
         FROM delivery WHERE accepted_at IS NOT NULL OR delivered_at IS NOT NULL
             OR state IN ('sending', 'accepted', 'sent', 'delivered')",
    )
    .fetch_one()
    .await
}

/// Alerts, and those whose recipients are not as many as their audience was.
pub async fn people_not_counted_once(db: &Db) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT CAST(COALESCE(sum(counted.people), 0) AS BIGINT),
                count(CASE WHEN counted.people <> counted.recipients THEN 1 END)
         FROM (SELECT alert.recipients, count(recipient.id) AS people FROM alert
               LEFT JOIN recipient ON recipient.alert = alert.number
               GROUP BY alert.number, alert.recipients) AS counted",
    )
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
pub async fn list_written_steps(db: &Db) -> Result<Vec<WrittenStep>, Error> {
    db.sql(
        "SELECT alert_step.alert, alert_step.plan_step,
                (alert_step.wave IS NOT NULL OR alert_step.says <> 'message') AS is_part,
                alert_step.people, alert_step.deliveries,
                (SELECT count(*) FROM delivery WHERE delivery.alert = alert_step.alert
                 AND delivery.step = alert_step.step) AS found,
                alert.recipients, alert.plan
         FROM alert_step JOIN alert ON alert.number = alert_step.alert
         WHERE alert_step.state = 'written'",
    )
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

/// Deliveries of alerts that are over, and those that are still waiting or under way.
pub async fn unsettled_after_close(db: &Db, settled: Timestamp) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT count(*), count(CASE WHEN delivery.state = 'queued'
             OR (delivery.state = 'sending' AND alert.closed_at < $1) THEN 1 END)
         FROM delivery JOIN alert ON alert.number = delivery.alert WHERE alert.state <> 'running'",
    )
    .bind(settled)
    .fetch_one()
    .await
}

/// Deliveries with a try of unknown outcome, and those tried again without being marked. A gateway
/// that may have one under our key gets the same message again, not a second one.
pub async fn unmarked_duplicates(db: &Db) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT count(*), count(CASE WHEN delivery.attempts > unknown.number
             AND NOT delivery.possible_duplicate AND delivery.held_by IS NULL THEN 1 END)
         FROM (SELECT delivery, min(number) AS number FROM attempt WHERE outcome = 'unknown'
               GROUP BY delivery) AS unknown
         JOIN delivery ON delivery.id = unknown.delivery",
    )
    .fetch_one()
    .await
}

/// Recipients who answered, and those without an answer or with another first time.
pub async fn answers_without_response(db: &Db) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT count(*), count(CASE WHEN given.first IS NULL OR person.answered_at IS NULL
             OR given.first <> person.answered_at THEN 1 END)
         FROM (SELECT id, answered_at FROM recipient WHERE answered_at IS NOT NULL
               OR EXISTS (SELECT 1 FROM response WHERE response.recipient = recipient.id)) AS person
         LEFT JOIN (SELECT recipient, min(at) AS first FROM response GROUP BY recipient) AS given
              ON given.recipient = person.id",
    )
    .fetch_one()
    .await
}

/// Deliveries with a receipt that says delivered, and those that stand lower.
pub async fn receipts_outranked(db: &Db) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT count(*), count(CASE WHEN delivery.state <> 'delivered' THEN 1 END)
         FROM delivery WHERE delivery.state <> 'excluded' AND delivery.id IN (
             SELECT receipt.delivery FROM receipt WHERE receipt.status = 'delivered')",
    )
    .fetch_one()
    .await
}

/// Tries of drills' messages, and those that went to a gateway which was not marked for drills then.
pub async fn drills_on_live_gateways(db: &Db) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT count(*), count(CASE WHEN marked THEN NULL ELSE 1 END) FROM (
             SELECT gateway_marked AS marked FROM delivery
             WHERE mode = 'exercise' AND gateway IS NOT NULL
             UNION ALL
             SELECT attempt.marked FROM attempt JOIN delivery ON delivery.id = attempt.delivery
             WHERE delivery.mode = 'exercise') AS tried",
    )
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
pub async fn list_exercise_texts(db: &Db) -> Result<Vec<ExerciseText>, Error> {
    db.sql(
        "SELECT alert_text.channel, alert_text.language, alert_text.filled FROM alert_text
         JOIN alert ON alert.number = alert_text.alert WHERE alert.mode = 'exercise'",
    )
    .fetch_all()
    .await
}

/// Acts of people, and those without their entry in the chain.
pub async fn acts_outside_the_chain(db: &Db) -> Result<(i64, i64), Error> {
    db.sql(
        "SELECT CAST(sum(acts.done) AS BIGINT), CAST(sum(abs(acts.done - acts.entered)) AS BIGINT)
         FROM (
             SELECT (SELECT count(*) FROM alert) AS done,
                    (SELECT count(*) FROM audit_entry WHERE action = 'alert.launch') AS entered
             UNION ALL
             SELECT (SELECT count(*) FROM alert WHERE state = 'stopped'),
                    (SELECT count(*) FROM audit_entry WHERE action = 'alert.stop')
             UNION ALL
             SELECT (SELECT count(*) FROM response WHERE recorded_by IS NOT NULL),
                    (SELECT count(*) FROM audit_entry WHERE action = 'response.on_behalf')
         ) AS acts",
    )
    .fetch_one()
    .await
}
