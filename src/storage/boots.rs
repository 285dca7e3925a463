//! Starts of sending processes: who is alive, and what the dead left half-sent.

use std::time::Duration;

use super::{Conn, Db, Error, Tx};
use crate::clock::Timestamp;
use crate::ids::BootId;

/// Registers a start of a sending process.
pub async fn insert_boot(
    tx: &mut Tx,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<BootId, Error> {
    let (id,): (BootId,) = tx
        .sql(
            "INSERT INTO boot (id, started_at, lease_until)
             SELECT COALESCE(max(id), 0) + 1, $1, $2 FROM boot RETURNING id",
        )
        .bind(now)
        .bind(lease_until)
        .fetch_one()
        .await?;
    Ok(id)
}

/// Keeps a boot alive. False if it is gone: then this process must not send.
pub async fn renew_boot(tx: &mut Tx, boot: BootId, lease_until: Timestamp) -> Result<bool, Error> {
    let changed = tx
        .sql("UPDATE boot SET lease_until = $2 WHERE id = $1 AND ended_at IS NULL")
        .bind(boot)
        .bind(lease_until)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// The boot has come to its end, and nothing of it is on the wire any more.
pub async fn end_boot(tx: &mut Tx, boot: BootId, now: Timestamp) -> Result<(), Error> {
    tx.sql("UPDATE boot SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL")
        .bind(boot)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// How many boots are alive.
pub async fn count_alive(on: impl Conn<'_>, now: Timestamp) -> Result<i64, Error> {
    let (alive,): (i64,) = on
        .sql("SELECT count(*) FROM boot WHERE ended_at IS NULL AND lease_until >= $1")
        .bind(now)
        .fetch_one()
        .await?;
    Ok(alive)
}

/// The standbys that a commit waits for, as PostgreSQL's `synchronous_standby_names` has them; empty
/// if it waits for none, and on SQLite.
pub async fn synchronous_standbys(on: impl Conn<'_>) -> Result<String, Error> {
    let (names,): (String,) = on
        .sql_for(
            "SELECT ''",
            "SELECT current_setting('synchronous_standby_names')",
        )
        .fetch_one()
        .await?;
    Ok(names)
}

/// The database's own clock, where several machines must agree on the time (PostgreSQL); the
/// given one on SQLite, where there is only one machine.
pub async fn shared_now(on: &Db, own: Timestamp) -> Result<Timestamp, Error> {
    if let Some(now) = on.simulated_now() {
        return Ok(now);
    }
    let (now,): (Timestamp,) = on
        .sql_for(
            "SELECT CAST($1 AS INTEGER)",
            "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 + 0 * $1 AS BIGINT)",
        )
        .bind(own)
        .fetch_one()
        .await?;
    Ok(now)
}

/// Why a delivery is in doubt after its sender died.
const SENDER_DIED: &str = "the server stopped while this message was being handed over";

/// Who is dead, and what a living boot has lost sight of.
#[derive(Clone, Copy, Debug)]
pub struct Dead {
    /// This boot lives.
    pub alive: BootId,
    /// Other boots are dead if their lease ran out before this, or if they came to their end; none:
    /// all others are.
    pub lease_before: Option<Timestamp>,
    /// What this boot began to send before this, no exchange with a gateway can still be about: its
    /// result was lost, for example when a commit's answer did not come back.
    pub begun_before: Timestamp,
}

/// Deliveries that are marked as being sent, and that nobody is sending: `$1` to `$3` are [`Dead`].
macro_rules! abandoned {
    () => {
        "delivery.state = 'sending' AND (
             delivery.boot IN (SELECT boot.id FROM boot
                 WHERE boot.id <> $1
                   AND ($2 IS NULL OR boot.lease_until < $2 OR boot.ended_at IS NOT NULL))
             OR (delivery.boot = $1 AND delivery.sending_at < $3))"
    };
}

/// Marks what was left half-sent: it may have gone out. It is decided about once a receipt could have
/// come, `wait` after the message was taken up: where a lease had to run out first that time is over.
pub async fn doubt_dead(
    tx: &mut Tx,
    dead: Dead,
    now: Timestamp,
    wait: Duration,
) -> Result<u64, Error> {
    tx.sql(concat!(
        "INSERT INTO attempt (delivery, number, gateway, marked, started_at, ended_at, outcome, reason)
         SELECT delivery.id, delivery.attempts, delivery.gateway,
                COALESCE(delivery.gateway_marked, FALSE), delivery.sending_at, $4, 'unknown', $5
         FROM delivery WHERE ", abandoned!(), "
         ON CONFLICT (delivery, number) DO NOTHING"
    ))
    .bind(dead.alive)
    .bind(dead.lease_before)
    .bind(dead.begun_before)
    .bind(now)
    .bind(SENDER_DIED)
    .execute()
    .await?;
    tx.sql(concat!(
        "UPDATE delivery SET state = 'in_doubt', reason = $4, due_at = sending_at + $5 WHERE ",
        abandoned!()
    ))
    .bind(dead.alive)
    .bind(dead.lease_before)
    .bind(dead.begun_before)
    .bind(SENDER_DIED)
    .bind(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    .execute()
    .await
}

/// Whether anything was left half-sent.
pub async fn is_any_abandoned(on: impl Conn<'_>, dead: Dead) -> Result<bool, Error> {
    let (found,): (bool,) = on
        .sql(concat!(
            "SELECT EXISTS (SELECT 1 FROM delivery WHERE ",
            abandoned!(),
            ")"
        ))
        .bind(dead.alive)
        .bind(dead.lease_before)
        .bind(dead.begun_before)
        .fetch_one()
        .await?;
    Ok(found)
}
