//! One try of one message at one gateway: put together, handed over, and what came of it in words
//! that can be written down.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tracing::{error, warn};

use super::message::{InLanguages, compose};
use super::retry::{self, Next};
use crate::app::App;
use crate::channel::{Accepted, Configured, Failure, Message, Scope};
use crate::clock::Timestamp;
use crate::ids::DeliveryId;
use crate::storage::deliveries::{Claimed, DeliveryState};
use crate::storage::outcomes::Recorded;

/// How old an intent may be when its bytes leave. A process that was stopped for longer (a paused
/// virtual machine, a debugger) may have been taken for dead, and somebody else may be sending.
const LONGEST_INTENT: Duration = Duration::from_secs(5);

/// How long a message to a place with a rate may take to begin after its turn.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// A message that its gateway is about to be asked to take.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) claimed: Claimed,
    /// When it was claimed, on our steady clock.
    pub(super) since: Duration,
    /// The texts of its alert; none if they could not be read.
    pub(super) texts: Option<InLanguages>,
    /// How many other gateways could try instead.
    pub(super) others: usize,
}

impl Attempt {
    /// Hands the message over, unless it has become too late for that.
    pub(super) async fn make(self, app: &App, gateway: &Configured) -> Recorded {
        let begun = app.clock.elapsed();
        let longest = if self.claimed.is_paced {
            LONGEST_TURN
        } else {
            LONGEST_INTENT
        };
        let is_old = begun.saturating_sub(self.since) >= longest;
        let is_over = app.clock.now() >= self.claimed.expires_at;
        if is_old || is_over || !may_send(app) {
            return untried(self.claimed.id, self.claimed.attempts, app.clock.now());
        }
        let result = match compose(app, gateway, &self.claimed, self.texts.as_deref()) {
            Ok(message) => {
                let result = hand_over(gateway, &message).await;
                note_health(app, gateway, &result);
                result
            }
            // The gateway was not asked: this says nothing about it.
            Err(failure) => Err(failure),
        };
        outcome(&self.claimed, result, app.clock.now(), self.others)
    }
}

/// Whether this process may send: where there are several, only with a lease. Without one it is cut
/// off from the database, or was asleep, and another server has taken over by now.
pub(super) fn may_send(app: &App) -> bool {
    !app.db.is_shared() || app.lease.holds(app.clock.elapsed())
}

/// A claimed message that was never begun: it goes back as if it had not been claimed.
pub(super) fn untried(id: DeliveryId, attempt: i32, now: Timestamp) -> Recorded {
    Recorded {
        id,
        attempt,
        is_tried: false,
        state: DeliveryState::Queued,
        reason: None,
        gateway_id: None,
        due_at: now,
        at: now,
    }
}

/// A panic in a gateway's code is that message's trouble only: and since bytes may have left, nobody
/// knows how it ended.
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
    claimed: &Claimed,
    result: Result<Accepted, Failure>,
    now: Timestamp,
    others: usize,
) -> Recorded {
    let recorded = |state, reason, gateway_id, due_at| Recorded {
        id: claimed.id,
        attempt: claimed.attempts,
        is_tried: true,
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
        delivery: claimed.id,
        attempt: u32::try_from(claimed.attempts).unwrap_or(u32::MAX),
        others,
    };
    let (state, due_at) = match retry::after(&failure, tried, now, claimed.expires_at) {
        Next::Retry(at) => (DeliveryState::Queued, at),
        Next::Expire => (DeliveryState::Expired, now),
        Next::GiveUp => (DeliveryState::Failed, now),
        Next::Doubt(settle_at) => (DeliveryState::InDoubt, settle_at),
    };
    recorded(state, Some(failure.reason), None, due_at)
}
