//! Finds what a dead process left half-sent, and decides about what is in doubt.
//!
//! Every start of a sending process is a boot, and every claimed row carries its boot's id. On
//! SQLite there is one server, so at a start all earlier boots are dead, at once. On PostgreSQL a
//! boot is dead when its lease has run out by the database's clock; a living one renews it.

use std::time::Duration;

use tracing::{error, info, warn};

use super::retry::AWAIT_RECEIPT;
use crate::app::App;
use crate::clock::Timestamp;
use crate::ids::BootId;
use crate::receipt;
use crate::storage::{Error, deliveries};

/// How long a boot is taken to be alive without a sign of it.
const LEASE: Duration = Duration::from_secs(15);
/// How often it gives one, and how often the others are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Urgencies below this are life-safety (extreme and severe): sent again rather than left.
const RESEND_BELOW: i32 = 20;

/// Registers this start and puts in doubt what dead ones left half-sent.
pub async fn begin(app: &App) -> Result<BootId, Error> {
    let now = deliveries::shared_now(&app.db, app.clock.now()).await?;
    let boot = app
        .db
        .write("recovery.begin", move |tx| {
            Box::pin(async move { deliveries::insert_boot(tx, now, now.after(LEASE)).await })
        })
        .await?;
    app.boot.get_or_init(|| boot);
    put_in_doubt(app, boot).await?;
    Ok(boot)
}

/// Runs until the service stops.
pub async fn run(app: App, boot: BootId) {
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(TICK) => {} // paces the renewal
        }
        if let Err(error) = turn(&app, boot).await {
            error!(%error, "Messages in doubt could not be looked at; trying again in a second");
        }
    }
}

/// One look: renews the lease, finds the dead, settles what is in doubt.
pub async fn turn(app: &App, boot: BootId) -> Result<(), Error> {
    if app.db.is_shared() {
        let now = deliveries::shared_now(&app.db, app.clock.now()).await?;
        let is_alive = app
            .db
            .write("recovery.renew", move |tx| {
                Box::pin(async move { deliveries::renew_boot(tx, boot, now.after(LEASE)).await })
            })
            .await?;
        if !is_alive {
            return Err(Error::Broken("this boot's row is gone from the database"));
        }
        put_in_doubt(app, boot).await?;
    }
    settle(app).await?;
    receipt::adopt_orphans(app).await?;
    Ok(())
}

async fn put_in_doubt(app: &App, boot: BootId) -> Result<(), Error> {
    let only_expired = if app.db.is_shared() {
        Some(deliveries::shared_now(&app.db, app.clock.now()).await?)
    } else {
        None
    };
    if !deliveries::is_any_of_dead(&app.db, boot, only_expired).await? {
        return Ok(());
    }
    let now = app.clock.now();
    let settle_at = settle_at(now);
    let count = app
        .db
        .write("recovery.doubt", move |tx| {
            Box::pin(
                async move { deliveries::doubt_dead(tx, boot, only_expired, now, settle_at).await },
            )
        })
        .await?;
    if count > 0 {
        warn!(
            delivery.count = count,
            "Messages were being sent when a server died: they are in doubt"
        );
        app.wake();
    }
    Ok(())
}

/// After a crash the receipts that could tell are waited for as briefly as after a lost answer.
fn settle_at(now: Timestamp) -> Timestamp {
    now.after(AWAIT_RECEIPT)
}

async fn settle(app: &App) -> Result<(), Error> {
    let now = app.clock.now();
    if !deliveries::is_any_to_settle(&app.db, now).await? {
        return Ok(());
    }
    let again = app
        .db
        .write("recovery.settle", move |tx| {
            Box::pin(async move { deliveries::settle_in_doubt(tx, now, RESEND_BELOW).await })
        })
        .await?;
    if again > 0 {
        info!(
            delivery.count = again,
            "Sending again what is in doubt, marked as possible duplicates"
        );
    }
    app.wake();
    Ok(())
}
