//! Hands deliveries to gateways: claim, send, record.
//!
//! The life of a delivery ([`DeliveryState`] defines each word):
//!
//! ```text
//!              claim: the intent is on disk          the gateway took it
//!   queued ────────────────────────────► sending ───────────────────────► accepted ─► sent ─► delivered
//!     ▲ ▲                                 │  │ │                             (receipts, in any order)
//!     │ └── certain, temporary: retry ────┘  │ └── certain, permanent ─────► failed
//!     │                                      ▼
//!     └── again ───────────────────────── in_doubt ── otherwise it stays, said plainly
//! ```
//!
//! In doubt, a gateway that knows the message by our key gets it again; one that can be asked is
//! asked ([`ask`]); else what is life-safety goes again, marked as a possible duplicate.
//!
//! One [`lane`] per gateway, with its own client, slots, pace and breaker: nothing in one can slow
//! another, and some of its slots are for life-safety alone. A lane claims what its slots take during
//! a commit, so that a crash leaves no more than that in doubt. Its `turn` writes down results and
//! claims the next rows in one transaction; none is open while it talks to a gateway. An `attempt`
//! is one message handed over, and what came of it.
//!
//! Several servers on one database all claim and send; [`neighbours`] wakes them for each other's work.
//! What a dead process left half-sent is found by [`recovery`], which also decides about what is
//! in doubt. Which gateway takes what is decided by
//! [`choice`], how fast by [`pace`] and where to by `destination`, how far ahead by [`ahead`], when to try again by [`retry`],
//! whether at all by [`health`] and [`lease`]: all but the choice are pure.
//!
//! [`DeliveryState`]: crate::storage::deliveries::DeliveryState

pub mod ahead;
pub mod ask;
mod attempt;
pub mod choice;
mod destination;
pub mod health;
pub mod lane;
pub mod lease;
pub mod message;
pub mod neighbours;
pub mod pace;
pub mod pulse;
pub mod recovery;
pub mod retry;
pub mod trouble;
mod turn;

use tracing::info;

use crate::app::App;
use crate::storage::Error;

/// Starts sending: recovers what an earlier process left, then one lane per gateway.
pub async fn start(app: &App) -> Result<(), Error> {
    let boot = recovery::begin(app).await?;
    info!(
        boot.id = boot.0,
        gateway.count = app.gateways.len(),
        "Sending has begun"
    );
    app.tasks.spawn(recovery::run(app.clone(), boot));
    if app.db.is_shared() {
        app.tasks.spawn(recovery::keep_lease(app.clone(), boot));
        app.tasks.spawn(neighbours::speak(app.clone(), boot));
        app.tasks.spawn(neighbours::listen(app.clone(), boot));
    }
    app.tasks.spawn(crate::escalation::run(app.clone()));
    app.tasks.spawn(trouble::run(app.clone()));
    for gateway in &app.gateways {
        if gateway.gateway.can_be_asked() {
            app.tasks.spawn(ask::run(app.clone(), gateway.clone()));
        }
        app.tasks
            .spawn(lane::Lane::new(app.clone(), gateway.clone(), boot).run());
    }
    Ok(())
}
