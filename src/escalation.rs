//! Carries out the plan: begins each step when it is due, and ends the alert when its time is over.
//!
//! Whoever has answered is left alone; the silent get the next step. Deliveries are written in
//! chunks, each with how far it got, so that a crash in between resumes where it stopped and the
//! first messages leave while the last are still being written.

use std::time::Duration;

use tracing::{error, info};

pub mod call_out;

use crate::alert::words::AlertState;
use crate::app::App;
use crate::audit::{self, Actor};
use crate::call_out::Says;
use crate::clock::Timestamp;
use crate::dispatch::pulse::Part;
use crate::fail_point::fail_point;
use crate::ids::{AlertNumber, DeliveryId};
use crate::keys::{Keys, answer_key};
use crate::plan::Whom;
use crate::storage::alerts::{self, Alert, StepRow, StepState};
use crate::storage::call_off;
use crate::storage::deliveries::DeliveryState;
use crate::storage::outbox::{self, Chunk};
use crate::storage::{Error, Tx};
use crate::unreached;

/// Recipients in the first chunk of a step: small, so that the first message leaves at once.
const FIRST_CHUNK: i64 = 200;
/// Up to so many people the chunks stay small: the first messages leave between them.
const EARLY: i64 = 2000;
const EARLY_CHUNK: i64 = 300;
/// Recipients in the chunks behind it.
const CHUNK: i64 = 2000;
/// How often the clock is asked whether a step is due.
const TICK: Duration = Duration::from_secs(1);

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut work = app.work();
    loop {
        match turn(&app).await {
            Ok(_) => app.turned(Part::Escalation),
            Err(error) => {
                error!(%error, "The plans could not be carried on; trying again in a second");
            }
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = work.changed() => {}
            () = tokio::time::sleep(TICK) => {} // paces the look at the clock
        }
    }
}

/// Does all that is due now. Answers whether there was anything.
pub async fn turn(app: &App) -> Result<bool, Error> {
    let now = app.clock.now();
    let mut did = false;
    let mut failed = Failed::default();
    for (alert,) in alerts::list_expired(&app.db, now).await? {
        did |= failed.note(alert, end(app, alert, now).await).is_some();
    }
    did |= call_out::turn(app, now, &mut failed).await?;
    // Asked again after each chunk: an evacuation does not wait for the end of fifty thousand
    // appointments.
    while let Some(step) = alerts::first_unwritten_step(&app.db, now, &failed.alerts).await? {
        match failed.note(step.alert, write_chunk(app, step.alert, step.step).await) {
            None => continue,
            Some(false) => break,
            Some(true) => {}
        }
        fail_point!("step.after_commit");
        app.wake();
        // A step for very many people takes a while: it moves, and is not stuck.
        app.turned(Part::Escalation);
        did = true;
    }
    did |= unreached::turn(app, now).await?;
    match failed.first {
        Some(error) => Err(error),
        None => Ok(did),
    }
}

/// Alerts whose turn failed: those of the others go on.
#[derive(Debug, Default)]
struct Failed {
    alerts: Vec<AlertNumber>,
    first: Option<Error>,
}

impl Failed {
    /// What came of an alert's turn, if it did not fail.
    fn note<T>(&mut self, alert: AlertNumber, outcome: Result<T, Error>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                error!(alert.number = alert.0, %error, "An alert's plan could not be carried on");
                self.alerts.push(alert);
                self.first.get_or_insert(error);
                None
            }
        }
    }
}

/// The alert's time is over: what has not left never will.
async fn end(app: &App, alert: AlertNumber, now: Timestamp) -> Result<(), Error> {
    let own = app.clone();
    app.db
        .write("alert.end", move |tx| {
            Box::pin(async move {
                let by = Actor::system();
                audit::begin(tx).await?;
                if !alerts::close(tx, alert, AlertState::Ended, now, by.as_str()).await? {
                    return Ok(());
                }
                let over = alerts::get(&mut *tx, alert).await?;
                let quiet = own.quiet_until(over.severity, &over.plan.channels());
                let reason = match quiet {
                    Some(_) => "the alert's time was over before the quiet hours were",
                    None => "the alert's time was over",
                };
                let expired =
                    call_off::alert(tx, alert, DeliveryState::Expired, reason, now).await?;
                let subject = format!("alert {alert}");
                let detail = serde_json::json!({ "expired": expired });
                audit::append(tx, now, &by, "alert.end", &subject, &detail).await
            })
        })
        .await?;
    info!(alert.number = alert.0, "Ended an alert: its time was over");
    app.tell();
    Ok(())
}

/// Writes the first chunk of a new alert's first step, in the transaction that makes the alert: its
/// first messages leave as soon as that is on disk.
pub(crate) async fn write_first(
    tx: &mut Tx,
    alert: &mut Alert,
    keys: &Keys,
    now: Timestamp,
) -> Result<(), Error> {
    let row = alerts::lock_step(tx, alert.number, 0).await?;
    match row {
        Some(row) => write_locked(tx, alert, row, keys, now).await,
        None => Ok(()),
    }
}

/// Writes the next chunk of a step. False if there is nothing to write any more.
async fn write_chunk(app: &App, alert: AlertNumber, step: i32) -> Result<bool, Error> {
    let now = app.clock.now();
    let keys = app.keys.clone();
    app.db
        .write("escalation.write_chunk", move |tx| {
            Box::pin(async move {
                // The alert first, as a stop does: neither can wait for the other.
                if alerts::lock_running(tx, alert).await?.is_none() {
                    return Ok(false);
                }
                let Some(row) = alerts::lock_step(tx, alert, step).await? else {
                    return Ok(false);
                };
                let mut alert = alerts::get(&mut *tx, alert).await?;
                write_locked(tx, &mut alert, row, &keys, now).await?;
                fail_point!("step.before_commit");
                Ok(true)
            })
        })
        .await
}

async fn write_locked(
    tx: &mut Tx,
    alert: &mut Alert,
    mut row: StepRow,
    keys: &Keys,
    now: Timestamp,
) -> Result<(), Error> {
    let index = usize::try_from(row.plan_step).unwrap_or(usize::MAX);
    let Some(step) = alert.plan.steps.get(index).cloned() else {
        return Err(Error::Broken(
            "an alert has a step that its plan does not have",
        ));
    };
    let base = alert.number.base();
    let last = row.through;
    let written = row.written_through - base;
    let size = match written {
        0 => FIRST_CHUNK,
        1..=EARLY => EARLY_CHUNK,
        _ => CHUNK,
    };
    let mut chunk = Chunk {
        alert: alert.number,
        step: row.step,
        channel: crate::channel::Channel::Sms,
        whom: if row.says == Says::Message {
            step.whom
        } else {
            Whom::Everyone
        },
        wave: row.wave,
        says: row.says,
        after: row.written_through,
        through: last.min(row.written_through + size),
        last_id: base + alert.deliveries,
        mode: alert.mode,
        severity: alert.severity,
        purpose: alert.purpose,
        due_at: alert.hold_until.max(row.due_at),
        expires_at: alert.expires_at,
        now,
    };
    outbox::hold_people(tx, &chunk).await?;
    row.people += outbox::count_people(tx, &chunk).await?;
    let first = chunk.last_id;
    for channel in &step.channels {
        chunk.channel = *channel;
        let made = i64::try_from(outbox::write_chunk(tx, &chunk).await?).unwrap_or(i64::MAX);
        chunk.last_id += made;
    }
    let links = answer_keys(keys, first, chunk.last_id);
    outbox::insert_links(tx, DeliveryId(first + 1), &links).await?;
    if step.call_list && row.says == Says::Message {
        outbox::write_call_tasks(tx, &chunk).await?;
    }
    row.deliveries += chunk.last_id - first;
    row.written_through = chunk.through;
    row.state = if chunk.through == last {
        StepState::Written
    } else {
        StepState::Writing
    };
    alert.deliveries = chunk.last_id - base;
    alerts::advance_step(tx, &row, alert.deliveries).await
}

/// The keys of the answer tokens of the deliveries behind `first` up to `last`: their ids are known
/// without reading them back.
pub(crate) fn answer_keys(keys: &Keys, first: i64, last: i64) -> Vec<u8> {
    (first + 1..=last)
        .flat_map(|id| answer_key(&keys.answer_token(DeliveryId(id))))
        .collect()
}
