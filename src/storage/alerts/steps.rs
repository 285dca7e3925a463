//! The steps of an alert's plan, and how far each is carried out.

use crate::alert::words::word_enum;
use crate::call_out::Says;
use crate::clock::Timestamp;
use crate::ids::AlertNumber;
use crate::storage::{Conn, Error, Tx};

word_enum! {
    /// How far a step of a plan is carried out.
    StepState {
        /// Its time has not come.
        Waiting = "waiting",
        /// Its deliveries are being written.
        Writing = "writing",
        /// They all are.
        Written = "written",
        /// The alert was over before.
        Skipped = "skipped",
    }
}

/// One step of an alert's plan.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StepRow {
    /// Whose.
    pub alert: AlertNumber,
    /// Which, from 0.
    pub step: i32,
    /// Which step of the plan it carries out, from 0. Of a call-out each wave has the plan's steps
    /// for itself; in every other alert this is `step`.
    pub plan_step: i32,
    /// The last recipient whom it may be for.
    pub through: i64,
    /// The people of a call-out that it is for, by the step that asked them first; none = all.
    pub wave: Option<i32>,
    /// The message, or what a call-out says later: then it is for those whom it tells that.
    pub says: Says,
    /// When it begins.
    pub due_at: Timestamp,
    /// How far it is.
    pub state: StepState,
    /// Recipients up to this id are done.
    pub written_through: i64,
    /// How many recipients it was for, so far.
    pub people: i64,
    /// How many deliveries it made, exclusions among them.
    pub deliveries: i64,
}

/// Adds a step.
pub async fn insert_step(tx: &mut Tx, step: &StepRow) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO alert_step (alert, step, plan_step, through, wave, says, due_at, state,
             written_through, people, deliveries)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(step.alert)
    .bind(step.step)
    .bind(step.plan_step)
    .bind(step.through)
    .bind(step.wave)
    .bind(step.says)
    .bind(step.due_at)
    .bind(step.state)
    .bind(step.written_through)
    .bind(step.people)
    .bind(step.deliveries)
    .execute()
    .await?;
    Ok(())
}

macro_rules! unwritten_step {
    ($but:literal) => {
        concat!(
            "SELECT alert_step.* FROM alert_step JOIN alert ON alert.number = alert_step.alert
             WHERE alert.state = 'running' AND alert_step.state IN ('waiting', 'writing')
               AND alert_step.due_at <= $1 AND alert.number NOT IN ",
            $but,
            " ORDER BY CASE alert.severity WHEN 'extreme' THEN 0 WHEN 'severe' THEN 1
                  WHEN 'moderate' THEN 2 ELSE 3 END, alert_step.due_at, alert_step.alert, alert_step.step
             LIMIT 1"
        )
    };
}

/// Of the steps that are due and not written to their end, the most urgent alert's oldest.
pub async fn first_unwritten_step(
    on: impl Conn<'_>,
    now: Timestamp,
    but: &[AlertNumber],
) -> Result<Option<StepRow>, Error> {
    on.sql_for(
        unwritten_step!("(SELECT value FROM json_each($2))"),
        unwritten_step!(
            "(SELECT value::bigint FROM jsonb_array_elements_text($2) AS given (value))"
        ),
    )
    .bind(now)
    .bind(sqlx::types::Json(but))
    .fetch_optional()
    .await
}

/// Takes a step's row, so that two nodes cannot write the same people twice.
pub async fn lock_step(
    tx: &mut Tx,
    alert: AlertNumber,
    step: i32,
) -> Result<Option<StepRow>, Error> {
    tx.sql(
        "UPDATE alert_step SET state = 'writing'
         WHERE alert = $1 AND step = $2 AND state IN ('waiting', 'writing') RETURNING *",
    )
    .bind(alert)
    .bind(step)
    .fetch_optional()
    .await
}

/// Writes down how far a step got, and the alert's number of deliveries with it.
pub async fn advance_step(tx: &mut Tx, step: &StepRow, alert_deliveries: i64) -> Result<(), Error> {
    tx.sql(
        "UPDATE alert_step SET state = $3, written_through = $4, people = $5, deliveries = $6
         WHERE alert = $1 AND step = $2",
    )
    .bind(step.alert)
    .bind(step.step)
    .bind(step.state)
    .bind(step.written_through)
    .bind(step.people)
    .bind(step.deliveries)
    .execute()
    .await?;
    tx.sql("UPDATE alert SET deliveries = $2 WHERE number = $1")
        .bind(step.alert)
        .bind(alert_deliveries)
        .execute()
        .await?;
    Ok(())
}

/// The steps of an alert, in order.
pub async fn list_steps(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<StepRow>, Error> {
    on.sql("SELECT * FROM alert_step WHERE alert = $1 ORDER BY step")
        .bind(alert)
        .fetch_all()
        .await
}
