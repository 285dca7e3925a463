//! A lane's transaction: writes down what came back, takes instants of the gateway's rate, and claims
//! as many messages as there are instants and slots for.

use std::sync::Arc;
use std::time::Duration;

use super::pace::Rate;
use super::{ask, destination};
use crate::app::App;
use crate::channel::Configured;
use crate::fail_point::fail_point;
use crate::ids::BootId;
use crate::storage::deliveries::{self, Claimed, Want};
use crate::storage::outcomes::{self, Recorded};
use crate::storage::pace::{self, Pace};
use crate::storage::{Error, Tx};

/// What one turn did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing to record, nothing to send.
    Idle,
    /// Something was recorded or sent.
    Worked,
}

/// What is to be written.
pub(super) struct Job {
    /// What may be claimed; a limit of zero claims nothing.
    pub(super) want: Want,
    pub(super) results: Arc<Vec<Recorded>>,
    /// The gateway's rate, if it has one.
    pub(super) rate: Option<Rate>,
    /// Messages that were claimed before and still lack an instant.
    pub(super) owed: usize,
    /// Messages that may be taken up in a day.
    pub(super) daily_cap: Option<i64>,
    /// Which day it is.
    pub(super) day: i64,
}

/// What a transaction brought.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) claimed: Vec<Claimed>,
    /// When they were claimed, on our steady clock: not later than the database says.
    pub(super) claimed_at: Duration,
    /// Instants of the gateway's rate.
    pub(super) permits: Vec<Duration>,
    /// When the next instant is, if there were too few.
    pub(super) next_permit: Option<Duration>,
    /// When the next message to a place with a rate has its turn.
    pub(super) next_turn: Option<Duration>,
    /// Whether the claim was full: there may be more.
    pub(super) may_have_more: bool,
    /// How many results were written down.
    pub(super) recorded: usize,
    /// How long it took.
    pub(super) took: Duration,
}

impl Done {
    /// Whether it did anything.
    pub(super) fn did(&self) -> bool {
        self.recorded > 0 || !self.claimed.is_empty()
    }
}

/// Makes the transaction; gives the results back if it fails.
pub(super) async fn write(app: App, job: Job) -> Result<Done, (Error, Arc<Vec<Recorded>>)> {
    let results = Arc::clone(&job.results);
    make(app, job).await.map_err(|error| (error, results))
}

async fn make(app: App, job: Job) -> Result<Done, Error> {
    let begun = app.clock.elapsed();
    let recorded = job.results.len();
    let has_room = job.want.limit > 0;
    if recorded == 0 && job.owed == 0 && !deliveries::is_any_due(&app.db, &job.want).await? {
        // Nothing to write: the writers are not disturbed.
        return Ok(Done::default());
    }
    let own = app.clone();
    let gateway = app.gateway(&job.want.gateway);
    let can_be_asked = gateway.is_some_and(|one| one.gateway.can_be_asked());
    let mut done = app
        .db
        .write("dispatch.turn", move |tx| {
            Box::pin(async move {
                record_in(tx, job.want.boot, &job.results, can_be_asked).await?;
                fail_point!("record.before_commit", !job.results.is_empty());
                if !has_room && job.owed == 0 {
                    return Ok::<_, Error>(Done::default());
                }
                let done = take_up(tx, &own, &job).await?;
                fail_point!("claim.before_commit", !done.claimed.is_empty());
                Ok(done)
            })
        })
        .await?;
    fail_point!("record.after_commit", recorded > 0);
    fail_point!("claim.after_commit", !done.claimed.is_empty());
    done.recorded = recorded;
    done.claimed_at = begun;
    done.took = app.clock.elapsed().saturating_sub(begun);
    Ok(done)
}

/// Claims without a limit but the slots', or within the gateway's rate and day.
async fn take_up(tx: &mut Tx, app: &App, job: &Job) -> Result<Done, Error> {
    let mut want = job.want.clone();
    let mut done = Done::default();
    if job.rate.is_none() && job.daily_cap.is_none() {
        claim(tx, app, &want, &mut done).await?;
        return Ok(done);
    }
    let mut pace = pace::lock(tx, &want.gateway, want.now).await?;
    let at = app.clock.elapsed();
    keep_to_the_day(&mut want, &mut pace, job);
    if let Some(rate) = job.rate {
        let asked = usize::try_from(want.limit).unwrap_or(0) + job.owed;
        let most = rate.take(pace.next_at, pace.now, asked);
        let free = most.count.saturating_sub(job.owed);
        want.limit = want.limit.min(i64::try_from(free).unwrap_or(i64::MAX));
        claim(tx, app, &want, &mut done).await?;
        // Only what is used is taken.
        let taken = rate.take(pace.next_at, pace.now, done.claimed.len() + job.owed);
        done.permits = rate.instants(taken, at).collect();
        if most.count < asked {
            let ahead = u64::try_from(taken.next_at - pace.now).unwrap_or(0);
            done.next_permit = Some(at + Duration::from_micros(ahead));
        }
        if taken.count > 0 {
            pace.next_at = taken.next_at;
        }
    } else {
        claim(tx, app, &want, &mut done).await?;
    }
    let limit = usize::try_from(want.limit).unwrap_or(0);
    if done.claimed.len() < limit && done.permits.len() >= job.owed {
        // There was nothing more, whatever the rate.
        done.next_permit = None;
    }
    pace.taken += i64::try_from(done.claimed.len()).unwrap_or(i64::MAX);
    pace::advance(tx, &want.gateway, &pace).await?;
    Ok(done)
}

/// A day's messages are used up: only life-safety goes on. That limit is ours, not the gateway's.
fn keep_to_the_day(want: &mut Want, pace: &mut Pace, job: &Job) {
    if pace.day != job.day {
        (pace.day, pace.taken) = (job.day, 0);
    }
    let Some(cap) = job.daily_cap else { return };
    let left = cap.saturating_sub(pace.taken);
    if left <= 0 {
        want.routine = 0;
    } else {
        want.routine = want.routine.min(left);
    }
}

/// Claims, and puts back what its destination cannot take yet.
async fn claim(tx: &mut Tx, app: &App, want: &Want, done: &mut Done) -> Result<(), Error> {
    if want.limit > 0 {
        let claimed = deliveries::claim(tx, want).await?;
        done.may_have_more = is_full(&claimed, want);
        let sorted = destination::hold_back(tx, app, want.boot, claimed, want.now).await?;
        (done.claimed, done.next_turn) = (sorted.may_go, sorted.next_turn);
    }
    Ok(())
}

/// Whether a claim got all that it may have: then there may be more.
fn is_full(claimed: &[Claimed], want: &Want) -> bool {
    let got = i64::try_from(claimed.len()).unwrap_or(i64::MAX);
    got > 0 && (got >= want.limit || got >= want.routine)
}

/// Writes down the last results of a lane that ends.
pub(super) async fn record(
    app: &App,
    gateway: &Configured,
    boot: BootId,
    results: Vec<Recorded>,
) -> Result<(), Error> {
    let can_be_asked = gateway.gateway.can_be_asked();
    app.db
        .write("dispatch.drain", move |tx| {
            Box::pin(async move { record_in(tx, boot, &results, can_be_asked).await })
        })
        .await
}

async fn record_in(
    tx: &mut Tx,
    boot: BootId,
    results: &[Recorded],
    can_be_asked: bool,
) -> Result<(), Error> {
    outcomes::record(tx, boot, results).await?;
    if can_be_asked {
        ask::later(tx, results).await?;
    }
    Ok(())
}
