//! One gateway's lane: takes up what may go out, hands it over, writes down what came of it.
//!
//! Messages that were claimed wait in `ready` for a slot, the most urgent first; a claim takes only so
//! many more than there are slots that none stands empty while a commit is made ([`Ahead`]). What came
//! back waits in `results` for a few milliseconds, so that many share one commit. One transaction at a
//! time records and claims; meanwhile the slots go on.

mod claims;
mod failed_turn;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tracing::{error, warn};

use super::ahead::Ahead;
use super::attempt::{Attempt, may_send, untried};
use super::choice;
use super::lease::DRAIN;
use super::message::Texts;
use super::pace::{self, Permits, Rate};
use super::pulse::Part;
pub use super::turn::Turn;
use super::turn::{self, Done, Job};
use crate::app::App;
use crate::channel::Configured;
use crate::ids::BootId;
use crate::storage::Error;
use crate::storage::deliveries::{Claimed, ROUTINE};
use crate::storage::outcomes::Recorded;

/// How often the database is asked although nobody said that there is work, and how long a lane
/// rests when it failed.
const POLL: Duration = Duration::from_secs(1);
/// How long a result waits for others to be written down with.
const LINGER: Duration = Duration::from_millis(5);
/// As many results are written down without waiting for more.
const BATCH: usize = 1000;

/// One gateway's lane.
#[derive(Debug)]
pub struct Lane {
    app: App,
    gateway: Configured,
    boot: BootId,
    rate: Option<Rate>,
    permits: Permits,
    ahead: Ahead,
    texts: Texts,
    /// Claimed and not begun, with the time of the claim; the most urgent first.
    ready: VecDeque<(Duration, Claimed)>,
    in_flight: JoinSet<(Recorded, bool)>,
    /// How many in flight are not life-safety.
    routine: usize,
    results: Vec<Recorded>,
    /// When the first of `results` came.
    oldest: Duration,
    /// When the database is to be asked for more.
    look_at: Duration,
    /// Not to be disturbed before: the database failed.
    rest_until: Duration,
    /// A commit failed, and may have claimed what nobody knows of.
    has_lost_claims: bool,
}

type Writing = Pin<Box<dyn Future<Output = Result<Done, (Error, Arc<Vec<Recorded>>)>> + Send>>;

impl Lane {
    /// A lane that has nothing in flight.
    pub fn new(app: App, gateway: Configured, boot: BootId) -> Self {
        Self {
            rate: Rate::new(gateway.common.rate_per_second),
            permits: Permits::default(),
            ahead: Ahead::default(),
            texts: Texts::new(gateway.common.channel),
            ready: VecDeque::new(),
            in_flight: JoinSet::new(),
            routine: 0,
            results: Vec::new(),
            oldest: Duration::ZERO,
            look_at: Duration::ZERO,
            rest_until: Duration::ZERO,
            has_lost_claims: false,
            app,
            gateway,
            boot,
        }
    }

    /// Runs until the service stops; then waits for what is in flight and records it.
    pub async fn run(mut self) {
        let mut work = self.app.work();
        let mut writing: Option<Writing> = None;
        loop {
            self.start();
            if writing.is_none() && self.now() >= self.rest_until {
                // Nothing hangs, and what was tried last worked.
                self.app.turned(Part::Lane(&self.gateway.common.name));
            }
            self.find_lost_claims(writing.is_some()).await;
            if writing.is_none() && self.is_time_to_write() {
                writing = self.job().map(|job| self.write(job));
            }
            let wait = self.wait(writing.is_some());
            tokio::select! {
                () = self.app.stopping.cancelled() => break,
                done = async { writing.as_mut().expect("the branch is on only then").await },
                    if writing.is_some() =>
                {
                    writing = None;
                    self.written(done).await;
                }
                Some(done) = self.in_flight.join_next() => {
                    self.keep(done);
                    self.collect();
                }
                _ = work.changed() => self.look_at = Duration::ZERO,
                () = tokio::time::sleep(wait) => {} // paces the looks and the starts
            }
        }
        if let Some(writing) = writing {
            let done = writing.await;
            self.written(done).await;
        }
        self.drain().await;
    }

    /// Records what came back and claims what may go out now, in one transaction; then sends it.
    pub async fn turn(&mut self) -> Result<Turn, Error> {
        self.collect();
        self.find_lost_claims(false).await;
        let Some(job) = self.job() else {
            return Ok(Turn::Idle);
        };
        let done = match self.write(job).await {
            Ok(done) => done,
            Err((error, results)) => {
                self.take_back(results);
                return Err(error);
            }
        };
        let did = done.did();
        self.written(Ok(done)).await;
        self.start();
        Ok(if did { Turn::Worked } else { Turn::Idle })
    }

    fn now(&self) -> Duration {
        self.app.clock.elapsed()
    }

    /// Whether something has waited long enough to be written, or there is room for more.
    fn is_time_to_write(&mut self) -> bool {
        let now = self.now();
        if now < self.rest_until {
            return false;
        }
        let is_alone = self.in_flight.is_empty() && self.ready.is_empty();
        let has_results = !self.results.is_empty()
            && (is_alone || self.results.len() >= BATCH || now >= self.oldest + LINGER);
        has_results || (now >= self.look_at && (self.is_hungry() || self.owed() > 0))
    }

    /// What there is to write: none if there is nothing to record and no room for more.
    fn job(&mut self) -> Option<Job> {
        let owed = self.owed();
        let want = self.want();
        if want.limit == 0 && owed == 0 && self.results.is_empty() {
            return None;
        }
        let common = &self.gateway.common;
        Some(Job {
            want,
            results: Arc::new(std::mem::take(&mut self.results)),
            rate: self.rate,
            owed,
            daily_cap: common.daily_cap,
            day: self.app.today(),
        })
    }

    fn health(&self) -> &super::health::Health {
        &self.app.health[&self.gateway.common.name]
    }

    fn write(&self, job: Job) -> Writing {
        Box::pin(turn::write(self.app.clone(), job))
    }

    /// Takes in what a transaction brought.
    async fn written(&mut self, done: Result<Done, (Error, Arc<Vec<Recorded>>)>) {
        let now = self.now();
        let done = match done {
            Ok(done) => done,
            Err((error, results)) => {
                error!(gateway.name = self.gateway.common.name, %error, "A lane's turn failed");
                self.take_back(results);
                self.rest_until = now + POLL;
                return;
            }
        };
        self.ahead.note(done.recorded, done.took, now);
        self.permits.add(done.permits.iter().copied());
        self.look_at = match done.next_permit {
            Some(next) => next.saturating_sub(pace::HORIZON / 2),
            None if done.may_have_more => now,
            None => now + POLL,
        };
        self.look_at = self.look_at.min(done.next_turn.unwrap_or(self.look_at));
        if done.did() {
            self.app.tell();
        }
        if done.claimed.is_empty() {
            return;
        }
        if let Err(error) = self.texts.load(&self.app.db, &done.claimed).await {
            // They are claimed: what cannot be composed now is recorded as to be tried again.
            error!(%error, "The texts of an alert could not be read");
        }
        let claimed = done.claimed.into_iter();
        self.ready.extend(claimed.map(|one| (done.claimed_at, one)));
        self.ready
            .make_contiguous()
            .sort_by_key(|(_, claimed)| claimed.urgency);
    }

    /// Begins as many as there are slots and instants for. What may not be sent any more, because the
    /// gateway fails or the lease ran out, goes back: others may have it.
    fn start(&mut self) {
        while let Some((since, claimed)) = self.ready.front() {
            let now = self.now();
            let is_routine = claimed.urgency >= ROUTINE;
            if !may_send(&self.app) || self.health().permits(now) == 0 {
                return self.put_back();
            }
            let slots = self.gateway.common.slots;
            if self.in_flight.len() >= slots
                || (is_routine && self.routine >= slots - self.reserved())
                || (self.rate.is_some() && !self.permits.use_one(now))
            {
                return;
            }
            self.health().going(now);
            let attempt = Attempt {
                since: *since,
                texts: self.texts.of(claimed),
                others: choice::others(&self.app, &self.gateway, claimed.mode).count(),
                claimed: self.ready.pop_front().expect("it was looked at").1,
            };
            self.routine += usize::from(is_routine);
            let (app, gateway) = (self.app.clone(), self.gateway.clone());
            self.in_flight
                .spawn(async move { (attempt.make(&app, &gateway).await, is_routine) });
        }
    }

    fn put_back(&mut self) {
        let now = self.app.clock.now();
        self.note_results();
        let back = self
            .ready
            .drain(..)
            .map(|(_, claimed)| untried(claimed.id, claimed.attempts, now));
        self.results.extend(back);
    }

    fn note_results(&mut self) {
        if self.results.is_empty() {
            self.oldest = self.now();
        }
    }

    fn collect(&mut self) {
        while let Some(done) = self.in_flight.try_join_next() {
            self.keep(done);
        }
    }

    fn keep(&mut self, done: Result<(Recorded, bool), JoinError>) {
        match done {
            Ok((recorded, was_routine)) => {
                self.routine -= usize::from(was_routine);
                self.note_results();
                self.results.push(recorded);
            }
            // Sending catches panics; only a cancelled task ends here, and its row stays `sending`
            // until recovery puts it in doubt.
            Err(error) => error!(%error, "A sending task was lost"),
        }
    }

    /// How long nothing happens by itself.
    fn wait(&mut self, is_writing: bool) -> Duration {
        let now = self.now();
        let mut until = now + POLL;
        if !is_writing {
            if !self.results.is_empty() {
                until = until.min(self.oldest + LINGER);
            }
            if self.is_hungry() || self.owed() > 0 {
                until = until.min(self.look_at);
            }
            until = until.max(self.rest_until);
        }
        if !self.ready.is_empty()
            && let Some(next) = self.permits.next()
        {
            until = until.min(next);
        }
        until.saturating_sub(now)
    }

    /// Puts back what was not begun, takes in every answer that is still under way, and records it
    /// all. For the end, and for tests.
    pub async fn drain(&mut self) {
        self.put_back();
        let deadline = tokio::time::sleep(DRAIN);
        tokio::pin!(deadline);
        while !self.in_flight.is_empty() {
            tokio::select! {
                Some(done) = self.in_flight.join_next() => self.keep(done),
                () = &mut deadline => {
                    warn!(in_flight = self.in_flight.len(), "Stopped before the gateway answered");
                    break;
                }
            }
        }
        let results = std::mem::take(&mut self.results);
        if results.is_empty() {
            return;
        }
        if let Err(error) = turn::record(&self.app, &self.gateway, self.boot, results).await {
            error!(%error, "The last results could not be recorded: those messages will be in doubt");
        }
        self.app.tell();
    }
}
