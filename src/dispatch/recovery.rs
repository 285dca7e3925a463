//! Finds what a dead process left half-sent, and decides about what is in doubt.
//!
//! Every start of a sending process is a boot, and every claimed row carries its boot's id. On
//! SQLite there is one server, so at a start all earlier boots are dead, at once. On PostgreSQL a
//! boot is dead when its lease has run out by the database's clock; a living one renews it. A living
//! one may lose sight of a message too: when the answer to a commit is lost, for example.

use std::time::Duration;

use tracing::{error, info, warn};

use super::lease::{LAST_LEASE, LEASE};
use super::pulse::Part;
use super::retry::AWAIT_RECEIPT;
use crate::app::App;
use crate::clock::Timestamp;
use crate::ids::BootId;
use crate::receipt;
use crate::storage::Error;
use crate::storage::boots::{self, Dead};
use crate::storage::doubts::{self, Again};

/// How often a boot gives a sign of life, and how often the others are looked at.
const TICK: Duration = Duration::from_secs(1);
/// No exchange with a gateway lasts longer: what this boot began to send before that and has not
/// recorded, it has lost sight of.
const LONGEST_EXCHANGE: Duration = Duration::from_mins(3);
/// Urgencies below this are life-safety (extreme and severe): sent again rather than left.
pub(super) const RESEND_BELOW: i32 = 20;

/// Registers this start and puts in doubt what dead ones left half-sent.
pub async fn begin(app: &App) -> Result<BootId, Error> {
    let asked = app.clock.elapsed();
    let now = boots::shared_now(&app.db, app.clock.now()).await?;
    if app.db.is_shared() {
        app.clock.follow(now, asked);
    }
    let boot = app
        .db
        .write("recovery.begin", move |tx| {
            Box::pin(async move { boots::insert_boot(tx, now, now.after(LEASE)).await })
        })
        .await?;
    app.boot.get_or_init(|| boot);
    app.lease.renew(asked);
    put_in_doubt(app, boot).await?;
    Ok(boot)
}

/// Runs until the service stops.
pub async fn run(app: App, boot: BootId) {
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => break,
            () = tokio::time::sleep(TICK) => {} // paces the renewal
        }
        match look(&app, boot).await {
            Ok(()) => app.turned(Part::Recovery),
            Err(error) => {
                error!(%error, "Messages in doubt could not be looked at; trying again in a second");
            }
        }
    }
}

/// Keeps the lease, where there is one, until the service stops: by itself, because whatever else
/// there is to do may have to wait for the database longer than a lease lasts.
pub async fn keep_lease(app: App, boot: BootId) {
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => break,
            () = tokio::time::sleep(TICK) => {} // paces the renewal
        }
        if let Err(error) = renew(&app, boot, LEASE).await {
            error!(%error, "The lease could not be renewed; trying again in a second");
        }
    }
    // The lanes may take so long to finish: nobody else is to take that for half-sent.
    if let Err(error) = renew(&app, boot, LAST_LEASE).await {
        warn!(%error, "The lease could not be renewed for the end");
    }
}

/// The service has come to its end, and everything that was under way is recorded or in doubt: other
/// servers, and the next start, need not wait for the lease.
pub async fn end(app: &App, boot: BootId) {
    let now = app.clock.now();
    let ended: Result<(), Error> = app
        .db
        .write("recovery.end", move |tx| {
            Box::pin(async move { boots::end_boot(tx, boot, now).await })
        })
        .await;
    if let Err(error) = ended {
        warn!(%error, "The end could not be written down; other servers take over when the lease ends");
    }
}

/// Renews the lease, where there is one.
async fn renew(app: &App, boot: BootId, length: Duration) -> Result<(), Error> {
    if !app.db.is_shared() {
        return Ok(());
    }
    let asked = app.clock.elapsed();
    let now = boots::shared_now(&app.answers, app.clock.now()).await?;
    app.clock.follow(now, asked);
    let is_alive = app
        .answers
        .write("recovery.renew", move |tx| {
            Box::pin(async move { boots::renew_boot(tx, boot, now.after(length)).await })
        })
        .await?;
    if !is_alive {
        return Err(Error::Broken("this boot's row is gone from the database"));
    }
    app.lease.renew(asked);
    Ok(())
}

/// Renews the lease, and one look.
pub async fn turn(app: &App, boot: BootId) -> Result<(), Error> {
    renew(app, boot, LEASE).await?;
    look(app, boot).await
}

/// One look: finds the dead, settles what is in doubt.
async fn look(app: &App, boot: BootId) -> Result<(), Error> {
    put_in_doubt(app, boot).await?;
    settle(app).await?;
    receipt::adopt_orphans(app).await?;
    Ok(())
}

async fn put_in_doubt(app: &App, boot: BootId) -> Result<(), Error> {
    let now = app.clock.now();
    // After a person has set the time right, what was begun before that was begun by another time.
    let elapsed = app.clock.elapsed();
    let has_leapt = app
        .clock
        .leapt_at()
        .is_some_and(|leapt| elapsed.saturating_sub(leapt) < LONGEST_EXCHANGE);
    let dead = Dead {
        alive: boot,
        lease_before: if app.db.is_shared() {
            Some(boots::shared_now(&app.db, now).await?)
        } else {
            None
        },
        begun_before: if has_leapt {
            Timestamp(i64::MIN)
        } else {
            now.before(LONGEST_EXCHANGE)
        },
    };
    if !boots::is_any_abandoned(&app.db, dead).await? {
        return Ok(());
    }
    let count = app
        .db
        .write("recovery.doubt", move |tx| {
            Box::pin(async move { boots::doubt_dead(tx, dead, now, AWAIT_RECEIPT).await })
        })
        .await?;
    if count > 0 {
        warn!(
            delivery.count = count,
            "Nobody knows any more whether messages went out: they are in doubt"
        );
        app.wake();
    }
    Ok(())
}

/// Decides about what is in doubt, except what is asked about ([`super::ask`]).
async fn settle(app: &App) -> Result<(), Error> {
    let now = app.clock.now();
    let (mut same, mut marked) = (Vec::new(), Vec::new());
    for open in doubts::list(&app.db).await? {
        let (tries, is_due) = ((open.id, open.attempts), open.due_at <= now);
        match app.gateway(&open.gateway).map(|one| &one.gateway) {
            // The first time nothing is to be waited for: no second message can come of it.
            Some(it) if it.is_idempotent() && (is_due || open.attempts == 1) => same.push(tries),
            Some(it) if it.is_idempotent() || it.can_be_asked() => {}
            _ if is_due => marked.push(tries),
            _ => {}
        }
    }
    release_held(app).await?;
    if same.is_empty() && marked.is_empty() {
        return Ok(());
    }
    let again = app
        .db
        .write("recovery.settle", move |tx| {
            Box::pin(async move {
                let marked = (Again::Marked(RESEND_BELOW), marked);
                doubts::decide(tx, &[(Again::SameGateway, same), marked], now).await
            })
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

/// A gateway that knows our messages by a key is down, with some of them in doubt: where another one
/// works, it may send them. So may they what one has that is configured no more.
async fn release_held(app: &App) -> Result<(), Error> {
    // One that only rests, because it asked to, is not down.
    let is_up = |name: &str| {
        let health = app.health.get(name);
        health.is_some_and(|health| health.facts().down_since.is_none())
    };
    for held in doubts::list_held(&app.db).await? {
        let below = match app.gateway(&held.gateway) {
            None => i32::MAX,
            Some(_) if is_up(&held.gateway) => continue,
            Some(down) => {
                let channel = down.common.channel;
                let mut others = app.gateways.iter().map(|one| &one.common);
                if !others.any(|one| one.channel == channel && is_up(&one.name)) {
                    continue;
                }
                RESEND_BELOW
            }
        };
        if held.most_urgent < below {
            app.db
                .write("recovery.release", move |tx| {
                    Box::pin(async move { doubts::release(tx, &held.gateway, below).await })
                })
                .await?;
            app.wake();
        }
    }
    Ok(())
}
