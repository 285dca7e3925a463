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
//!     └── life-safety: again, marked ──── in_doubt ── otherwise it stays, said plainly
//! ```
//!
//! One [`lane`] per gateway, with its own client, slots, rate and breaker: nothing in one can slow
//! another. A lane claims only as many rows as it has free slots and its rate permits, so that all
//! it claims is sent at once and a crash leaves no more than those in doubt. It writes down results
//! and claims the next rows in one transaction; no transaction is open while it talks to a gateway.
//!
//! What a dead process left half-sent is found by [`recovery`]. When to try again is decided by
//! [`retry`], how fast by [`rate`], whether at all by [`health`] and [`lease`]: all pure.
//!
//! [`DeliveryState`]: crate::storage::deliveries::DeliveryState

pub mod ahead;
mod attempt;
pub mod choice;
pub mod health;
pub mod lane;
pub mod lease;
pub mod message;
pub mod pace;
pub mod recovery;
pub mod retry;
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
    app.tasks.spawn(crate::escalation::run(app.clone()));
    for gateway in &app.gateways {
        app.tasks
            .spawn(lane::Lane::new(app.clone(), gateway.clone(), boot).run());
    }
    Ok(())
}
