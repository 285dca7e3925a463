//! Checks the promises against the database: what `muster audit check` prints, what the demo ends
//! with, and what the heartbeat depends on. Reads only; may run beside a server.
//!
//! Each check counts the rows it looked at and those that break the invariant. A count of zero rows
//! is said too: a check that saw nothing proves nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::storage::invariants::{self, Scope};
use crate::storage::{Db, Error, call_out};
use crate::template::exercise;
use crate::template::message::Filled;

/// How long a message may still be on its way after its alert was closed: the longest a gateway may
/// take, and a little more.
const SETTLING: Duration = Duration::from_secs(90);

/// One invariant, looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its short name, the same for ever: `plan-complete`.
    pub name: &'static str,
    /// What must be true, in words.
    pub title: &'static str,
    /// Rows looked at.
    pub rows: i64,
    /// Rows that break it.
    pub violations: i64,
}

impl Checked {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.violations == 0
    }
}

/// Looks at every invariant, over everything that ever was.
pub async fn run(db: &Db, now: Timestamp) -> Result<Vec<Checked>, Error> {
    look(db, now, Timestamp(i64::MIN)).await
}

/// Looks at every invariant, over what may still change: the alerts that run or were over no longer
/// ago than `span`. For every minute, so its cost must not grow with the past.
pub async fn recent(db: &Db, now: Timestamp, span: Duration) -> Result<Vec<Checked>, Error> {
    look(db, now, now.before(span)).await
}

async fn look(db: &Db, now: Timestamp, since: Timestamp) -> Result<Vec<Checked>, Error> {
    let settled = now.before(SETTLING);
    let scope = Scope::since(db, since).await?;
    let mut checked = Vec::new();
    let mut add = |name, title, (rows, violations): (i64, i64)| {
        checked.push(Checked {
            name,
            title,
            rows,
            violations,
        });
    };
    add(
        "intent-before-sending",
        "Nothing was sent without a row that said so before",
        invariants::sent_without_intent(db, scope).await?,
    );
    add(
        "everyone-accounted-for",
        "Every person of every audience stands in exactly one state",
        invariants::people_not_counted_once(db, scope).await?,
    );
    add(
        "plan-complete",
        "For every step written, people times channels are deliveries and exclusions",
        plan_complete(db, scope).await?,
    );
    add(
        "plan-carried-out",
        "Every step that is due is written",
        invariants::steps_left_lying(db, settled).await?,
    );
    add(
        "time-is-kept",
        "Every alert whose time is over has ended",
        invariants::alerts_without_end(db, settled).await?,
    );
    add(
        "closed-is-closed",
        "No alert that is over has a message waiting or under way",
        invariants::unsettled_after_close(db, settled, scope).await?,
    );
    add(
        "duplicates-are-marked",
        "Every message that may have gone out twice is marked",
        invariants::unmarked_duplicates(db, scope).await?,
    );
    add(
        "answers-kept",
        "Everyone who counts as having answered has an answer, and the first time stands",
        invariants::answers_without_response(db, scope).await?,
    );
    add(
        "receipts-ranked",
        "No message that a gateway says was delivered stands lower",
        invariants::receipts_outranked(db, scope).await?,
    );
    add(
        "drills-stay-drills",
        "No drill went through a gateway that was not marked for drills",
        invariants::drills_on_live_gateways(db, scope).await?,
    );
    add(
        "drills-say-so",
        "Every text of a drill begins and ends with the word",
        drills_say_so(db, scope).await?,
    );
    add(
        "call-outs-add-up",
        "A call-out is filled when enough have said yes, and no two have the same turn",
        call_out::wrongly_filled(db).await?,
    );
    add(
        "acts-are-in-the-chain",
        "Every launch, stop and answer entered by a person is in the audit chain",
        invariants::acts_outside_the_chain(db, scope).await?,
    );
    Ok(checked)
}

async fn plan_complete(db: &Db, scope: Scope) -> Result<(i64, i64), Error> {
    let mut rows = 0;
    let mut violations = 0;
    for step in invariants::list_written_steps(db, scope).await? {
        let index = usize::try_from(step.plan_step).unwrap_or(usize::MAX);
        let channels = step
            .plan
            .steps
            .get(index)
            .map_or(0, |planned| planned.channels.len());
        let expected = step.people * i64::try_from(channels).unwrap_or(i64::MAX);
        let everyone = step.plan_step != 0 || step.is_part || step.people == step.recipients;
        rows += 1;
        if step.deliveries != expected || step.found != expected || !everyone {
            violations += 1;
        }
    }
    Ok((rows, violations))
}

async fn drills_say_so(db: &Db, scope: Scope) -> Result<(i64, i64), Error> {
    let texts = invariants::list_exercise_texts(db, scope).await?;
    let mut violations = 0;
    for text in &texts {
        let word = exercise::word(&text.language);
        let marked = serde_json::from_str::<Filled>(&text.filled).is_ok_and(|filled| {
            let spliced = filled.splice(text.channel, &|_| None);
            let lines = [spliced.subject, Some(spliced.text)];
            let plain = lines.iter().flatten().all(|line| is_between(line, word));
            plain
                && spliced
                    .html
                    .is_none_or(|html| html.matches(word).count() >= 2)
        });
        if !marked {
            violations += 1;
        }
    }
    Ok((i64::try_from(texts.len()).unwrap_or(i64::MAX), violations))
}

fn is_between(text: &str, word: &str) -> bool {
    let text = text.trim().trim_end_matches(['.', '!']);
    text.starts_with(word) && text.ends_with(word)
}

/// The invariants that do not hold, by name.
pub fn broken(checked: &[Checked]) -> BTreeSet<&'static str> {
    checked
        .iter()
        .filter(|one| !one.holds())
        .map(|one| one.name)
        .collect()
}
