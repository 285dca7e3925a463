//! What follows when a person cannot be reached: their number is marked in the directory, and if
//! nothing else is on its way to them, the next step of the plan begins for them at once.

use tracing::info;

use crate::app::App;
use crate::call_out::Says;
use crate::clock::Timestamp;
use crate::escalation::answer_keys;
use crate::ids::{AlertNumber, DeliveryId, RecipientId};
use crate::keys::Keys;
use crate::plan::Whom;
use crate::storage::alerts::{self, Alert, StepRow, StepState};
use crate::storage::outbox::{self, Chunk};
use crate::storage::unreached::{self, Failed};
use crate::storage::{Error, Tx};

/// Failures that one transaction looks at.
const BATCH: i64 = 500;

/// Follows up every failure that was not followed up yet. Answers whether there was one.
pub async fn turn(app: &App, now: Timestamp) -> Result<bool, Error> {
    let mut did = false;
    while let Some((alert,)) = unreached::find_alert(&app.db).await? {
        let keys = app.keys.clone();
        let real: Vec<_> = app
            .gateways
            .iter()
            .filter(|gateway| gateway.common.kind != "sandbox")
            .map(|gateway| gateway.common.name.clone())
            .collect();
        let brought = app
            .db
            .write("unreached.follow", move |tx| {
                Box::pin(async move { follow(tx, alert, &real, &keys, now).await })
            })
            .await?;
        if brought > 0 {
            info!(
                alert.number = alert.0,
                people = brought,
                "Began the next step at once for people who could not be reached"
            );
        }
        app.wake();
        did = true;
    }
    Ok(did)
}

/// One batch of one alert. Answers for how many people a step was brought forward.
async fn follow(
    tx: &mut Tx,
    number: AlertNumber,
    real: &[String],
    keys: &Keys,
    now: Timestamp,
) -> Result<usize, Error> {
    // The alert first, as a stop does: neither can wait for the other.
    let is_running = alerts::lock_running(tx, number).await?.is_some();
    let failed: Vec<Failed> = unreached::list(tx, number, BATCH).await?;
    // A simulated phone says nothing about a real one.
    let truly: Vec<_> = failed
        .iter()
        .filter(|one| real.contains(&one.gateway))
        .collect();
    let ids: Vec<_> = truly.iter().map(|one| one.id).collect();
    unreached::mark_points(tx, &ids, now).await?;
    let all: Vec<_> = failed.iter().map(|one| one.id).collect();
    let mut people = Vec::new();
    if is_running {
        people = unreached::list_people(tx, &all).await?;
        let alert = alerts::get(&mut *tx, number).await?;
        bring_forward(tx, &alert, people.clone(), keys, now).await?;
    }
    unreached::followed(tx, &all, now).await?;
    Ok(people.len())
}

/// Writes the next steps for these people, one after the other, until something is on its way to
/// each of them or there is no step any more. Steps that have begun are left alone: they reach
/// everyone by themselves.
async fn bring_forward(
    tx: &mut Tx,
    alert: &Alert,
    mut people: Vec<RecipientId>,
    keys: &Keys,
    now: Timestamp,
) -> Result<(), Error> {
    let base = alert.number.base();
    let mut last_id = base + alert.deliveries;
    for mut step in alerts::list_steps(&mut *tx, alert.number).await? {
        // What a call-out says later is for those whom it tells, and they are written with it.
        if step.state != StepState::Waiting || step.says != Says::Message || people.is_empty() {
            continue;
        }
        for (after, through) in ranges(&people) {
            last_id = write(tx, alert, &mut step, (after, through), last_id, keys, now).await?;
        }
        alerts::advance_step(tx, &step, last_id - base).await?;
        people = unreached::still_unreached(tx, &people).await?;
    }
    Ok(())
}

/// Writes one step for the recipients behind the first id, up to the second.
async fn write(
    tx: &mut Tx,
    alert: &Alert,
    row: &mut StepRow,
    (after, through): (i64, i64),
    last_id: i64,
    keys: &Keys,
    now: Timestamp,
) -> Result<i64, Error> {
    let index = usize::try_from(row.plan_step).unwrap_or(usize::MAX);
    let step = alert.plan.steps.get(index).ok_or(Error::Broken(
        "an alert has a step that its plan does not have",
    ))?;
    let mut chunk = Chunk {
        alert: alert.number,
        step: row.step,
        channel: crate::channel::Channel::Sms,
        whom: Whom::Silent,
        wave: row.wave,
        says: row.says,
        after,
        through,
        last_id,
        mode: alert.mode,
        severity: alert.severity,
        purpose: alert.purpose,
        due_at: now,
        expires_at: alert.expires_at,
        now,
    };
    outbox::hold_people(tx, &chunk).await?;
    if !step.channels.is_empty() {
        row.people += outbox::count_people(tx, &chunk).await?;
    }
    for channel in &step.channels {
        chunk.channel = *channel;
        let made = outbox::write_chunk(tx, &chunk).await?;
        chunk.last_id += i64::try_from(made).unwrap_or(i64::MAX);
    }
    let links = answer_keys(keys, last_id, chunk.last_id);
    outbox::insert_links(tx, DeliveryId(last_id + 1), &links).await?;
    if step.call_list {
        outbox::write_call_tasks(tx, &chunk).await?;
    }
    row.deliveries += chunk.last_id - last_id;
    Ok(chunk.last_id)
}

/// People whose ids follow each other, as "behind this id, up to that one".
fn ranges(people: &[RecipientId]) -> Vec<(i64, i64)> {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for person in people {
        match ranges.last_mut() {
            Some((_, through)) if *through + 1 == person.0 => *through = person.0,
            _ => ranges.push((person.0 - 1, person.0)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_written_together() {
        let people = [3, 4, 5, 9, 11, 12].map(RecipientId);
        assert_eq!(ranges(&people), [(2, 5), (8, 9), (10, 12)]);
        assert_eq!(ranges(&[]), []);
    }
}
