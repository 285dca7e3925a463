//! Carries call-outs on: asks the next people, tells who is needed and who no longer is.
//!
//! What is to be done is decided by [`crate::call_out::decide`] from what is in the database, inside
//! the transaction that does it; so a crash at any moment, or another server, changes nothing. Each
//! wave of people gets the steps of the plan as rows of their own, counted from when it was asked.

use serde_json::json;
use tracing::info;

use super::Failed;
use crate::app::App;
use crate::audit::{self, Actor};
use crate::call_out::{Decision, Says, Told, decide};
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, RecipientId};
use crate::response::AnswerClass;
use crate::storage::alerts::{self, Alert, StepRow, StepState};
use crate::storage::call_out::{self as rows, CallOut};
use crate::storage::responses::{self, Response};
use crate::storage::{Error, Tx};

/// Does what is due in every running call-out. Answers whether there was anything.
pub(super) async fn turn(app: &App, now: Timestamp, failed: &mut Failed) -> Result<bool, Error> {
    let mut did = false;
    for call_out in rows::list_running(&app.db).await? {
        let done = look(app, &call_out, now).await;
        if failed.note(call_out.alert, done) == Some(true) {
            did = true;
            app.wake();
        }
    }
    Ok(did)
}

async fn look(app: &App, call_out: &CallOut, now: Timestamp) -> Result<bool, Error> {
    // Without a lock first: most of the time there is nothing to do.
    let alert = alerts::get(&app.db, call_out.alert).await?;
    let asked = rows::list_asked(&app.db, call_out.alert).await?;
    if decided(&alert, call_out, &asked, now).is_nothing() {
        return Ok(false);
    }
    carry_on(app, call_out.alert, now).await
}

fn decided(
    alert: &Alert,
    call_out: &CallOut,
    asked: &[crate::call_out::Asked],
    now: Timestamp,
) -> Decision {
    let unasked = usize::try_from(alert.recipients).unwrap_or_default();
    let unasked = unasked.saturating_sub(asked.len());
    decide(&call_out.settings(), asked, unasked as u64, now)
}

async fn carry_on(app: &App, number: AlertNumber, now: Timestamp) -> Result<bool, Error> {
    let own = app.clone();
    let did = app
        .db
        .write("call_out.carry_on", move |tx| {
            Box::pin(async move {
                audit::begin(tx).await?;
                if alerts::lock_running(tx, number).await?.is_none() {
                    return Ok(Decision::default());
                }
                let Some(call_out) = rows::find(&mut *tx, number).await? else {
                    return Ok(Decision::default());
                };
                let alert = alerts::get(&mut *tx, number).await?;
                let asked = rows::list_asked(&mut *tx, number).await?;
                let decision = decided(&alert, &call_out, &asked, now);
                tell(tx, &alert, &decision.needed, Told::Needed, now).await?;
                tell(tx, &alert, &decision.filled, Told::Filled, now).await?;
                if decision.ask > 0 {
                    let count = i64::try_from(decision.ask).unwrap_or(i64::MAX);
                    // Whoever is not woken before the morning has until then, and a while.
                    let quiet = own.quiet_until(alert.severity, &alert.plan.channels());
                    ask(tx, &alert, count, quiet.unwrap_or(now)).await?;
                    note(tx, &alert, "call_out.ask", decision.ask, now).await?;
                }
                Ok::<_, Error>(decision)
            })
        })
        .await?;
    if !did.is_nothing() {
        info!(
            alert.number = number.0,
            asked = did.ask,
            filled.count = did.filled.len(),
            needed.count = did.needed.len(),
            "Carried a call-out on"
        );
    }
    Ok(!did.is_nothing())
}

async fn note(
    tx: &mut Tx,
    alert: &Alert,
    action: &str,
    people: u64,
    now: Timestamp,
) -> Result<(), Error> {
    let subject = format!("alert {}", alert.number);
    let detail = json!({ "people": people });
    audit::append(tx, now, &Actor::system(), action, &subject, &detail).await
}

/// Asks the next `count` people of the audience, from `at` on.
pub async fn ask(tx: &mut Tx, alert: &Alert, count: i64, at: Timestamp) -> Result<(), Error> {
    let wave = rows::next_step(tx, alert.number).await?;
    let people = rows::ask_next(tx, alert.number, wave, count, at).await?;
    let (Some(first), Some(last)) = (people.iter().min(), people.iter().max()) else {
        return Ok(());
    };
    for (index, step) in (0_i32..).zip(&alert.plan.steps) {
        let row = StepRow {
            alert: alert.number,
            step: wave + index,
            plan_step: index,
            through: last.0,
            wave: Some(wave),
            says: Says::Message,
            // Written at once, also while the alert is held back: nothing leaves before.
            due_at: if index == 0 {
                alert.launched_at
            } else {
                at.after(step.after())
            },
            state: StepState::Waiting,
            written_through: first.0 - 1,
            people: 0,
            deliveries: 0,
        };
        alerts::insert_step(tx, &row).await?;
    }
    Ok(())
}

/// Tells these people something, on the channels that they were asked on.
async fn tell(
    tx: &mut Tx,
    alert: &Alert,
    people: &[RecipientId],
    told: Told,
    now: Timestamp,
) -> Result<(), Error> {
    let (Some(first), Some(last)) = (people.iter().min(), people.iter().max()) else {
        return Ok(());
    };
    let (says, action) = match told {
        Told::Needed => (Says::Needed, "call_out.needed"),
        Told::Filled | Told::Standby => (Says::Filled, "call_out.filled"),
    };
    let step = rows::next_step(tx, alert.number).await?;
    rows::note_told(tx, people, told, step).await?;
    let row = StepRow {
        alert: alert.number,
        step,
        plan_step: 0,
        through: last.0,
        wave: None,
        says,
        due_at: now,
        state: StepState::Waiting,
        written_through: first.0 - 1,
        people: 0,
        deliveries: 0,
    };
    alerts::insert_step(tx, &row).await?;
    note(tx, alert, action, people.len() as u64, now).await
}

/// Writes an answer to a call-out down, and whose turn it is by it. Of two answers for the last place
/// the second waits here for the first, and sees it.
pub async fn record(tx: &mut Tx, response: &Response) -> Result<(), Error> {
    let is_running = alerts::lock_running(tx, response.alert).await?.is_some();
    responses::insert(tx, std::slice::from_ref(response)).await?;
    // What a machine may have said fills no place.
    if !is_running || response.maybe_automatic {
        return Ok(());
    }
    let Some(call_out) = rows::find(&mut *tx, response.alert).await? else {
        return Ok(());
    };
    let class = responses::latest_class(&mut *tx, response.recipient).await?;
    let says_yes = class == Some(AnswerClass::Positive);
    rows::turn(tx, response.recipient, says_yes, response.at).await?;
    let yes = rows::list_yes(&mut *tx, response.alert).await?;
    let needed = usize::try_from(call_out.needed).unwrap_or_default();
    if yes
        .iter()
        .skip(needed)
        .any(|one| *one == response.recipient)
    {
        rows::note_standby(tx, response.recipient).await?;
    }
    let is_filled = yes.len() >= needed;
    if is_filled != call_out.filled_at.is_some() {
        let filled_at = is_filled.then_some(response.at);
        rows::set_filled(tx, response.alert, filled_at).await?;
        if is_filled {
            rows::call_off_asks(tx, response.alert, response.at).await?;
        }
    }
    Ok(())
}
