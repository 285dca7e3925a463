//! One gateway's lane: records what came back and claims what may go out, in one transaction.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::JoinSet;
use tracing::{error, warn};

use super::ask;
use super::message::{Texts, compose};
use super::rate::RateLimit;
use super::retry::{self, Next};
use crate::alert::words::Mode;
use crate::app::App;
use crate::channel::{Accepted, Configured, Failure, Message, Scope};
use crate::clock::Timestamp;
use crate::ids::{BootId, DeliveryId};
use crate::storage::Error;
use crate::storage::deliveries::{self, Claimed, DeliveryState, May, Want};
use crate::storage::outcomes::{self, Recorded};

/// How often the database is asked although nobody said that there is work.
const POLL: Duration = Duration::from_secs(1);
/// How long a stopping lane waits for answers that are under way.
const DRAIN: Duration = Duration::from_secs(15);

/// What one turn did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing to record, nothing to send.
    Idle,
    /// Something was recorded or sent.
    Worked,
}

/// One gateway's lane.
#[derive(Debug)]
pub struct Lane {
    app: App,
    gateway: Configured,
    boot: BootId,
    rate: RateLimit,
    texts: Texts,
    in_flight: JoinSet<Recorded>,
    results: Vec<Recorded>,
}

impl Lane {
    /// A lane that has nothing in flight.
    pub fn new(app: App, gateway: Configured, boot: BootId) -> Self {
        Self {
            rate: RateLimit::new(gateway.common.rate_per_second),
            texts: Texts::new(gateway.common.channel),
            in_flight: JoinSet::new(),
            results: Vec::new(),
            app,
            gateway,
            boot,
        }
    }

    /// Runs until the service stops; then waits for what is in flight and records it.
    pub async fn run(mut self) {
        let mut work = self.app.work();
        loop {
            match self.turn().await {
                Ok(Turn::Worked) if self.may_claim_more() => continue,
                Ok(_) => {}
                Err(error) => {
                    error!(gateway.name = self.gateway.common.name, %error, "A lane's turn failed");
                    tokio::time::sleep(POLL).await; // paces the retries of a failing database
                }
            }
            let wait = self.rate.wait(self.app.clock.elapsed());
            let wait = if wait.is_zero() { POLL } else { wait.min(POLL) };
            tokio::select! {
                () = self.app.stopping.cancelled() => break,
                Some(done) = self.in_flight.join_next() => self.keep(done),
                _ = work.changed() => {}
                () = tokio::time::sleep(wait) => {} // paces the look at the database
            }
        }
        self.drain().await;
    }

    fn may_claim_more(&self) -> bool {
        !self.app.stopping.is_cancelled() && self.limit() > 0 && self.in_flight.is_empty()
    }

    /// Records what came back and claims what may go out now, in one transaction; then sends it.
    pub async fn turn(&mut self) -> Result<Turn, Error> {
        while let Some(done) = self.in_flight.try_join_next() {
            self.keep(done);
        }
        let want = self.want();
        if self.results.is_empty()
            && (want.limit == 0 || !deliveries::is_any_due(&self.app.db, &want).await?)
        {
            return Ok(Turn::Idle);
        }
        let (results, taken) = (self.results.clone(), self.to_ask_about());
        let claimed = self
            .app
            .db
            .write("dispatch.turn", move |tx| {
                Box::pin(async move {
                    outcomes::record(tx, want.boot, &results).await?;
                    ask::later(tx, &taken, want.now).await?;
                    if want.limit == 0 {
                        return Ok::<_, Error>(Vec::new());
                    }
                    deliveries::claim(tx, &want).await
                })
            })
            .await?;
        if !self.results.is_empty() || !claimed.is_empty() {
            self.app.tell();
        }
        self.results.clear();
        self.send(claimed).await;
        Ok(Turn::Worked)
    }

    /// What it may take up now.
    fn want(&self) -> Want {
        let common = &self.gateway.common;
        Want {
            gateway: common.name.clone(),
            channel: common.channel,
            actual: self.may(Mode::Actual),
            exercise: common.exercises.then(|| self.may(Mode::Exercise)),
            limit: self.limit(),
            boot: self.boot,
            now: self.app.clock.now(),
        }
    }

    /// How many messages may start now: none without a lease.
    fn limit(&self) -> i64 {
        let now = self.app.clock.elapsed();
        if self.app.db.is_shared() && !self.app.lease.holds(now) {
            // Cut off from the database, or asleep: another server has taken over by now.
            return 0;
        }
        let free = self
            .gateway
            .common
            .slots
            .saturating_sub(self.in_flight.len());
        let health = self.health().permits(now);
        i64::try_from(free.min(health).min(self.rate.permits(now))).unwrap_or(i64::MAX)
    }

    fn health(&self) -> &super::health::Health {
        &self.app.health[&self.gateway.common.name]
    }

    /// What it may take up of one mode: what nobody tried yet unless a gateway that comes before it
    /// works; what it failed at itself only if no other gateway works.
    fn may(&self, mode: Mode) -> May {
        let common = &self.gateway.common;
        let mut may = May {
            fresh: true,
            own: true,
        };
        for other in self.others(mode) {
            if !self.app.health[&other.common.name].is_down() {
                may.own = false;
                may.fresh &= other.common.priority >= common.priority;
            }
        }
        may
    }

    /// The other gateways that carry this lane's channel in this mode.
    fn others(&self, mode: Mode) -> impl Iterator<Item = &Configured> {
        let common = &self.gateway.common;
        self.app.gateways.iter().filter(move |other| {
            other.common.channel == common.channel
                && other.common.name != common.name
                && (mode == Mode::Actual || other.common.exercises)
        })
    }

    async fn send(&mut self, claimed: Vec<Claimed>) {
        if claimed.is_empty() {
            return;
        }
        let started = self.app.clock.elapsed();
        self.rate.take(claimed.len(), started);
        self.health().going(started);
        if let Err(error) = self.texts.load(&self.app.db, &claimed).await {
            // They are claimed: what cannot be composed now is recorded as to be tried again.
            error!(%error, "The texts of an alert could not be read");
        }
        for delivery in claimed {
            let name = &self.gateway.common.name;
            let channel = self.gateway.common.channel;
            let composed = compose(&self.app, name, &delivery, channel, &self.texts);
            let others = self.others(delivery.mode).count();
            let (app, gateway) = (self.app.clone(), self.gateway.clone());
            self.in_flight.spawn(async move {
                let result = match composed {
                    Ok(message) => {
                        let result = hand_over(&gateway, &message).await;
                        note_health(&app, &gateway, &result);
                        result
                    }
                    // The gateway was not asked: this says nothing about it.
                    Err(failure) => Err(failure),
                };
                outcome(&delivery, result, app.clock.now(), others)
            });
        }
    }

    /// What it took just now, if it can be asked what became of it.
    fn to_ask_about(&self) -> Vec<DeliveryId> {
        if !self.gateway.gateway.can_be_asked() {
            return Vec::new();
        }
        let taken = self.results.iter().filter(|one| one.gateway_id.is_some());
        taken.map(|one| one.id).collect()
    }

    fn keep(&mut self, done: Result<Recorded, tokio::task::JoinError>) {
        match done {
            Ok(recorded) => self.results.push(recorded),
            // Sending catches panics; only a cancelled task ends here, and its row stays `sending`
            // until recovery puts it in doubt.
            Err(error) => error!(%error, "A sending task was lost"),
        }
    }

    /// Takes in every answer that is still under way and records it. For the end, and for tests.
    pub async fn drain(&mut self) {
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
        let (taken, now) = (self.to_ask_about(), self.app.clock.now());
        let (boot, results) = (self.boot, std::mem::take(&mut self.results));
        if results.is_empty() {
            return;
        }
        let recorded = self
            .app
            .db
            .write("dispatch.drain", move |tx| {
                Box::pin(async move {
                    outcomes::record(tx, boot, &results).await?;
                    ask::later(tx, &taken, now).await
                })
            })
            .await;
        if let Err(error) = recorded {
            error!(%error, "The last results could not be recorded: those messages will be in doubt");
        }
        self.app.tell();
    }
}

/// One attempt. A panic in a gateway's code is that message's trouble only: and since bytes may have
/// left, nobody knows how it ended.
async fn hand_over(gateway: &Configured, message: &Message) -> Result<Accepted, Failure> {
    AssertUnwindSafe(gateway.gateway.send(message))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            error!(
                delivery.id = message.delivery.0,
                "A gateway's adapter panicked"
            );
            Err(Failure::unknown(
                "The program failed while handing the message over.",
            ))
        })
}

fn note_health(app: &App, gateway: &Configured, result: &Result<Accepted, Failure>) {
    let health = &app.health[&gateway.common.name];
    let (elapsed, now) = (app.clock.elapsed(), app.clock.now());
    match result {
        Ok(_) => health.accepted(elapsed, now),
        // It works: it answered about this one person.
        Err(failure) if failure.scope == Scope::Person || failure.is_permanent() => {
            health.refused_person(elapsed);
        }
        Err(failure) => {
            let was_down = health.is_down();
            if let Some(wish) = failure.retry_after {
                health.rest(wish.min(retry::LONGEST_WISH), elapsed);
            }
            health.failed(
                failure.scope == Scope::Configuration,
                &failure.reason,
                elapsed,
                now,
            );
            if !was_down && health.is_down() {
                let cause = failure
                    .source
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                warn!(
                    gateway.name = gateway.common.name,
                    reason = failure.reason,
                    cause,
                    "A gateway stopped working: messages wait or go elsewhere"
                );
            }
        }
    }
}

/// How an attempt is written down. `others` are the gateways that could try instead.
fn outcome(
    delivery: &Claimed,
    result: Result<Accepted, Failure>,
    now: Timestamp,
    others: usize,
) -> Recorded {
    let recorded = |state, reason, gateway_id, due_at| Recorded {
        id: delivery.id,
        attempt: delivery.attempts,
        state,
        reason,
        gateway_id,
        due_at,
        at: now,
    };
    let failure = match result {
        Ok(accepted) => {
            let state = if accepted.sent {
                DeliveryState::Sent
            } else {
                DeliveryState::Accepted
            };
            return recorded(state, None, Some(accepted.gateway_id), now);
        }
        Err(failure) => failure,
    };
    let tried = retry::Tried {
        delivery: delivery.id,
        attempt: u32::try_from(delivery.attempts).unwrap_or(u32::MAX),
        others,
    };
    let (state, due_at) = match retry::after(&failure, tried, now, delivery.expires_at) {
        Next::Retry(at) => (DeliveryState::Queued, at),
        Next::Expire => (DeliveryState::Expired, now),
        Next::GiveUp => (DeliveryState::Failed, now),
        Next::Doubt(settle_at) => (DeliveryState::InDoubt, settle_at),
    };
    recorded(state, Some(failure.reason), None, due_at)
}
