//! The time line: what people and the program did, from the launch to the end, oldest first.

use serde::Serialize;

use crate::alert::words::AlertKind;
use crate::audit::Actor;
use crate::call_out::Says;
use crate::clock::Timestamp;
use crate::report::reasons;
use crate::report::text::people;
use crate::storage::alerts::{Alert, StepRow, StepState, list_steps};
use crate::storage::report::{self as rows, Trouble};
use crate::storage::{self, Db, Error};

/// Something that someone did, or the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What, in words.
    pub words: String,
}

impl Act {
    /// Something that the program did, or noticed.
    fn own(at: Timestamp, words: String) -> Self {
        Self {
            at,
            actor: Actor::system().as_str().to_owned(),
            words,
        }
    }
}

/// The acts of an alert, up to `now` or its end. `thread` is everything that belongs together with it.
pub(super) async fn of(
    db: &Db,
    alert: &Alert,
    thread: &[Alert],
    now: Timestamp,
) -> Result<Vec<Act>, Error> {
    let end = alert.closed_at.unwrap_or(now);
    let entries = storage::audit::list_of(db, &format!("alert {}", alert.number)).await?;
    let mut acts: Vec<Act> = entries
        .into_iter()
        .map(|entry| Act {
            at: entry.at,
            words: reasons::act_in_words(&entry.action, &entry.detail),
            actor: entry.actor,
        })
        .collect();
    acts.extend(follow_ups(alert, thread));
    let steps = list_steps(db, alert.number).await?;
    acts.extend(steps.iter().filter_map(|row| step(alert, row)));
    for trouble in rows::troubles(db, alert.launched_at, end).await? {
        acts.extend(of_trouble(trouble, alert.launched_at, end));
    }
    let starts = rows::starts(db, alert.launched_at, end).await?;
    let words = "A server started and went on with what was under way.";
    acts.extend(
        starts
            .into_iter()
            .map(|(at,)| Act::own(at, words.to_owned())),
    );
    acts.sort_by_key(|act| act.at);
    Ok(acts)
}

/// What was sent after it.
fn follow_ups(alert: &Alert, thread: &[Alert]) -> Vec<Act> {
    let later = thread.iter().filter(|other| other.number > alert.number);
    later
        .map(|other| {
            let what = match other.kind {
                AlertKind::Alert => "an alert",
                AlertKind::Update => "an update",
                AlertKind::Correction => "a correction",
                AlertKind::AllClear => "the all-clear",
            };
            Act {
                at: other.launched_at,
                actor: other.launched_by.clone(),
                words: format!(
                    "Sent {what} to {} (alert {}).",
                    people(other.recipients),
                    other.number
                ),
            }
        })
        .collect()
}

/// A step of the plan that began and was for somebody. What a call-out asks and says in turn is in the
/// audit chain already. A step whose time has not come may be carried out for whom nothing reached.
fn step(alert: &Alert, row: &StepRow) -> Option<Act> {
    let is_noted = row.says != Says::Message || (row.plan_step == 0 && row.step > 0);
    let has_begun = matches!(row.state, StepState::Writing | StepState::Written);
    if row.people == 0 || is_noted || !has_begun {
        return None;
    }
    let plan = usize::try_from(row.plan_step).ok();
    let step = plan.and_then(|index| alert.plan.steps.get(index))?;
    let mut ways: Vec<&str> = step.channels.iter().map(|one| reasons::by(*one)).collect();
    if step.call_list {
        ways.push("by the call list");
    }
    let words = format!(
        "Began step {} of {}: {}, {}.",
        row.plan_step + 1,
        alert.plan.steps.len(),
        people(row.people),
        ways.join(", ")
    );
    // Nothing leaves before the hold is over.
    Some(Act::own(row.due_at.max(alert.hold_until), words))
}

/// When a gateway stopped working, and when it worked again, as far as that was between `from` and
/// `to`. What was broken at the launch is said at the launch.
fn of_trouble((gateway, since, over): Trouble, from: Timestamp, to: Timestamp) -> Vec<Act> {
    let began = if since < from {
        format!("The gateway {gateway} was not working.")
    } else {
        format!("The gateway {gateway} stopped working.")
    };
    let over = over.filter(|over| *over <= to);
    let ended = over.map(|at| Act::own(at, format!("The gateway {gateway} worked again.")));
    std::iter::once(Act::own(since.max(from), began))
        .chain(ended)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_was_broken_before_and_after_is_said_once_at_the_launch() {
        let trouble = ("kannel".to_owned(), Timestamp(5), Some(Timestamp(90)));
        let acts = of_trouble(trouble, Timestamp(10), Timestamp(50));
        assert_eq!(
            acts,
            [Act::own(
                Timestamp(10),
                "The gateway kannel was not working.".to_owned()
            )]
        );
    }

    #[test]
    fn a_gateway_that_broke_and_recovered_is_said_twice() {
        let trouble = ("kannel".to_owned(), Timestamp(20), Some(Timestamp(40)));
        let acts = of_trouble(trouble, Timestamp(10), Timestamp(50));
        let words: Vec<&str> = acts.iter().map(|act| act.words.as_str()).collect();
        assert_eq!(
            words,
            [
                "The gateway kannel stopped working.",
                "The gateway kannel worked again."
            ]
        );
    }
}
