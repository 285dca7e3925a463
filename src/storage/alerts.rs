//! Alerts, their texts and the steps of their plans.

mod kept;
mod steps;
mod texts;

use std::collections::BTreeMap;

use super::{Conn, Error, Json, Tx};
use crate::alert::words::{AlertKind, AlertState, Language, Mode, Purpose, Severity};
use crate::clock::Timestamp;
use crate::ids::{AlertId, AlertNumber, ContactId, RecipientId};
use crate::plan::Plan;
use crate::response::AnswerOption;
pub use kept::{KeptLaunch, find_launch, keep_launch};
pub use steps::{
    StepRow, StepState, advance_step, first_unwritten_step, insert_step, list_steps, lock_step,
};
pub use texts::{Text, insert_text, list_all_texts, list_texts};

/// What a launch asked for, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Asked {
    /// Groups by name.
    #[serde(default)]
    pub groups: Vec<String>,
    /// How many people were picked one by one.
    #[serde(default)]
    pub contacts: usize,
}

/// One activation.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Alert {
    /// What people say aloud.
    pub number: AlertNumber,
    /// What the outside calls it.
    pub id: AlertId,
    /// Live or drill.
    pub mode: Mode,
    /// What it is to the one it follows.
    pub kind: AlertKind,
    /// The alert that it follows.
    pub follows: Option<AlertNumber>,
    /// The first alert of its thread: itself, if it follows none.
    pub thread: AlertNumber,
    /// The template's name.
    pub template: String,
    /// The approved version.
    pub template_version: i32,
    /// The approved content.
    pub template_hash: String,
    /// How bad it is.
    pub severity: Severity,
    /// Why it is sent.
    pub purpose: Purpose,
    /// What people call it, per language.
    pub title: Json<BTreeMap<Language, String>>,
    /// The variables as they were given.
    pub variables: Json<BTreeMap<String, String>>,
    /// What people can answer.
    pub options: Json<Vec<AnswerOption>>,
    /// The plan as it is carried out.
    pub plan: Json<Plan>,
    /// Whom the launch asked for.
    pub audience: Json<Asked>,
    /// How it stands.
    pub state: AlertState,
    /// When the launch was on disk.
    pub launched_at: Timestamp,
    /// By whom, as [`crate::audit::Actor`] writes it.
    pub launched_by: String,
    /// Nothing goes out before.
    pub hold_until: Timestamp,
    /// Nothing goes out after.
    pub expires_at: Timestamp,
    /// When it was stopped or ended.
    pub closed_at: Option<Timestamp>,
    /// By whom.
    pub closed_by: Option<String>,
    /// People in its audience.
    pub recipients: i64,
    /// Deliveries made so far, exclusions among them.
    pub deliveries: i64,
}

impl Alert {
    /// Its title in `language`, else in any.
    pub fn title_in(&self, language: &Language) -> &str {
        let titles = &self.title.0;
        titles
            .get(language)
            .or_else(|| titles.values().next())
            .map_or("", String::as_str)
    }
}

/// The next alert's number. Launches queue up here.
pub async fn next_number(tx: &mut Tx) -> Result<AlertNumber, Error> {
    let (number,): (i64,) = tx
        .sql(
            "INSERT INTO meta (key, value) VALUES ('alert_number', '1')
             ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)
             RETURNING CAST(value AS BIGINT)",
        )
        .fetch_one()
        .await?;
    Ok(AlertNumber(number))
}

/// Adds an alert.
pub async fn insert(tx: &mut Tx, alert: &Alert) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO alert (number, id, mode, kind, follows, thread, template, template_version,
             template_hash, severity, purpose, title, variables, options, plan, audience, state,
             launched_at, launched_by, hold_until, expires_at, recipients, deliveries)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21, $22, $23)",
    )
    .bind(alert.number)
    .bind(alert.id)
    .bind(alert.mode)
    .bind(alert.kind)
    .bind(alert.follows)
    .bind(alert.thread)
    .bind(&alert.template)
    .bind(alert.template_version)
    .bind(&alert.template_hash)
    .bind(alert.severity)
    .bind(alert.purpose)
    .bind(&alert.title)
    .bind(&alert.variables)
    .bind(&alert.options)
    .bind(&alert.plan)
    .bind(&alert.audience)
    .bind(alert.state)
    .bind(alert.launched_at)
    .bind(&alert.launched_by)
    .bind(alert.hold_until)
    .bind(alert.expires_at)
    .bind(alert.recipients)
    .bind(alert.deliveries)
    .execute()
    .await?;
    Ok(())
}

/// Writes down how many people the audience has.
pub async fn set_recipients(tx: &mut Tx, alert: AlertNumber, people: i64) -> Result<(), Error> {
    tx.sql("UPDATE alert SET recipients = $2 WHERE number = $1")
        .bind(alert)
        .bind(people)
        .execute()
        .await?;
    Ok(())
}

/// Replaces the plan, which has got a step more.
pub async fn set_plan(tx: &mut Tx, alert: AlertNumber, plan: &Json<Plan>) -> Result<(), Error> {
    tx.sql("UPDATE alert SET plan = $2 WHERE number = $1")
        .bind(alert)
        .bind(plan)
        .execute()
        .await?;
    Ok(())
}

/// The alert of that number.
pub async fn get(on: impl Conn<'_>, number: AlertNumber) -> Result<Alert, Error> {
    on.sql("SELECT * FROM alert WHERE number = $1")
        .bind(number)
        .fetch_one()
        .await
}

/// The alert of that outside id.
pub async fn get_by_id(on: impl Conn<'_>, id: AlertId) -> Result<Alert, Error> {
    on.sql("SELECT * FROM alert WHERE id = $1")
        .bind(id)
        .fetch_one()
        .await
}

/// Alerts before number `before`, newest first.
pub async fn list(on: impl Conn<'_>, before: AlertNumber, limit: i64) -> Result<Vec<Alert>, Error> {
    on.sql("SELECT * FROM alert WHERE number < $1 ORDER BY number DESC LIMIT $2")
        .bind(before)
        .bind(limit)
        .fetch_all()
        .await
}

/// Alerts before number `before`, newest first; only those of a mode or in a state, where one is
/// given.
pub async fn list_where(
    on: impl Conn<'_>,
    before: AlertNumber,
    mode: Option<Mode>,
    state: Option<AlertState>,
    limit: i64,
) -> Result<Vec<Alert>, Error> {
    on.sql(
        "SELECT * FROM alert WHERE number < $1 AND ($2 IS NULL OR mode = $2)
           AND ($3 IS NULL OR state = $3)
         ORDER BY number DESC LIMIT $4",
    )
    .bind(before)
    .bind(mode)
    .bind(state)
    .bind(limit)
    .fetch_all()
    .await
}

/// How many people of each alert from `first` to `last` answered, and how many asked for help.
/// Alerts that nobody answered are not listed.
pub async fn count_answered(
    on: impl Conn<'_>,
    first: AlertNumber,
    last: AlertNumber,
) -> Result<Vec<(AlertNumber, i64, i64)>, Error> {
    on.sql(
        "SELECT alert, count(*), count(CASE WHEN answer_class = 'help' THEN 1 END) FROM recipient
         WHERE alert >= $1 AND alert <= $2 AND answered_at IS NOT NULL GROUP BY alert",
    )
    .bind(first)
    .bind(last)
    .fetch_all()
    .await
}

/// Alerts of the same template and mode that were launched after `since` and follow none, newest
/// first: what someone about to send may not know of.
pub async fn list_similar(
    on: impl Conn<'_>,
    template: &str,
    mode: Mode,
    since: Timestamp,
) -> Result<Vec<Alert>, Error> {
    on.sql(
        "SELECT * FROM alert WHERE template = $1 AND mode = $2 AND launched_at > $3
           AND kind = 'alert' ORDER BY number DESC LIMIT 3",
    )
    .bind(template)
    .bind(mode)
    .bind(since)
    .fetch_all()
    .await
}

/// Alerts that are running, newest first.
pub async fn list_running(on: impl Conn<'_>) -> Result<Vec<Alert>, Error> {
    on.sql("SELECT * FROM alert WHERE state = 'running' ORDER BY number DESC")
        .fetch_all()
        .await
}

/// The alerts of one thread, oldest first.
pub async fn list_thread(on: impl Conn<'_>, thread: AlertNumber) -> Result<Vec<Alert>, Error> {
    on.sql("SELECT * FROM alert WHERE thread = $1 ORDER BY number")
        .bind(thread)
        .fetch_all()
        .await
}

/// An alert and what followed it, oldest first; nothing if there is no such alert.
pub async fn list_from(on: impl Conn<'_>, number: AlertNumber) -> Result<Vec<Alert>, Error> {
    on.sql(
        "SELECT * FROM alert WHERE number >= $1
         AND thread = (SELECT thread FROM alert WHERE number = $1) ORDER BY number",
    )
    .bind(number)
    .fetch_all()
    .await
}

/// An alert that someone was in, and their place in it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Appearance {
    /// The alert.
    pub id: AlertId,
    /// Live or drill.
    pub mode: Mode,
    /// What people call it, per language.
    pub title: Json<BTreeMap<Language, String>>,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// Their place in it.
    pub recipient: RecipientId,
}

/// The newest alerts that a contact was in.
pub async fn list_of_contact(
    on: impl Conn<'_>,
    contact: ContactId,
    limit: i64,
) -> Result<Vec<Appearance>, Error> {
    on.sql(
        "SELECT alert.id, alert.mode, alert.title, alert.launched_at, recipient.id AS recipient
         FROM recipient JOIN alert ON alert.number = recipient.alert
         WHERE recipient.contact_id = $1 ORDER BY alert.number DESC LIMIT $2",
    )
    .bind(contact)
    .bind(limit)
    .fetch_all()
    .await
}

/// When the newest drill was launched.
pub async fn last_drill(on: impl Conn<'_>) -> Result<Option<Timestamp>, Error> {
    let (at,): (Option<Timestamp>,) = on
        .sql("SELECT max(launched_at) FROM alert WHERE mode = 'exercise' AND kind = 'alert'")
        .fetch_one()
        .await?;
    Ok(at)
}

/// Takes the alert's row, so that a stop and the writing of deliveries cannot cross. Answers how
/// many deliveries it has, or nothing if it no longer runs.
pub async fn lock_running(tx: &mut Tx, alert: AlertNumber) -> Result<Option<i64>, Error> {
    let row: Option<(i64,)> = tx
        .sql(
            "UPDATE alert SET deliveries = deliveries WHERE number = $1 AND state = 'running'
             RETURNING deliveries",
        )
        .bind(alert)
        .fetch_optional()
        .await?;
    Ok(row.map(|(deliveries,)| deliveries))
}

/// Moves a running alert to `state`. False if it was no longer running.
pub async fn close(
    tx: &mut Tx,
    alert: AlertNumber,
    state: AlertState,
    at: Timestamp,
    by: &str,
) -> Result<bool, Error> {
    let changed = tx
        .sql(
            "UPDATE alert SET state = $2, closed_at = $3, closed_by = $4
             WHERE number = $1 AND state = 'running'",
        )
        .bind(alert)
        .bind(state)
        .bind(at)
        .bind(by)
        .execute()
        .await?;
    if changed == 1 {
        tx.sql("UPDATE alert_step SET state = 'skipped' WHERE alert = $1 AND state IN ('waiting', 'writing')")
            .bind(alert)
            .execute()
            .await?;
    }
    Ok(changed == 1)
}

/// Running alerts whose time is over.
pub async fn list_expired(on: impl Conn<'_>, now: Timestamp) -> Result<Vec<(AlertNumber,)>, Error> {
    on.sql("SELECT number FROM alert WHERE state = 'running' AND expires_at <= $1")
        .bind(now)
        .fetch_all()
        .await
}
