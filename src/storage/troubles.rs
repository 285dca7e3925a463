//! Gateways that do not work: of which trouble people were told.

use super::{Conn, Error, Tx};
use crate::clock::Timestamp;

/// What makes a trouble untold: nobody began to tell of it after `$2`, or the last one that was told
/// of, before `$3`, is over.
macro_rules! untold {
    () => {
        "(told_at IS NULL AND taken_at < $2) OR (over_at IS NOT NULL AND told_at < $3)"
    };
}

/// Whether people should be told of a gateway's trouble.
pub async fn is_untold(
    on: impl Conn<'_>,
    gateway: &str,
    stale: Timestamp,
    peace: Timestamp,
) -> Result<bool, Error> {
    let (found,): (bool,) = on
        .sql(concat!(
            "SELECT NOT EXISTS (SELECT 1 FROM gateway_trouble WHERE gateway = $1 AND NOT (",
            untold!(),
            "))"
        ))
        .bind(gateway)
        .bind(stale)
        .bind(peace)
        .fetch_one()
        .await?;
    Ok(found)
}

/// Takes it on to tell of a trouble. False if somebody else has.
pub async fn take(
    tx: &mut Tx,
    gateway: &str,
    since: Timestamp,
    now: Timestamp,
    stale: Timestamp,
    peace: Timestamp,
) -> Result<bool, Error> {
    let changed = tx
        .sql(
            "INSERT INTO gateway_trouble (gateway, since, taken_at) VALUES ($1, $4, $5)
             ON CONFLICT (gateway) DO UPDATE SET since = excluded.since, taken_at = excluded.taken_at,
                 told_at = NULL, over_at = NULL
             WHERE (gateway_trouble.told_at IS NULL AND gateway_trouble.taken_at < $2)
                OR (gateway_trouble.over_at IS NOT NULL AND gateway_trouble.told_at < $3)",
        )
        .bind(gateway)
        .bind(stale)
        .bind(peace)
        .bind(since)
        .bind(now)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Writes down that people were told.
pub async fn told(tx: &mut Tx, gateway: &str, now: Timestamp) -> Result<(), Error> {
    tx.sql("UPDATE gateway_trouble SET told_at = $2 WHERE gateway = $1")
        .bind(gateway)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Whether a gateway that took a message at that time is written down as in trouble since before.
pub async fn is_open(on: impl Conn<'_>, gateway: &str, at: Timestamp) -> Result<bool, Error> {
    let (found,): (bool,) = on
        .sql(
            "SELECT EXISTS (SELECT 1 FROM gateway_trouble
             WHERE gateway = $1 AND over_at IS NULL AND since < $2)",
        )
        .bind(gateway)
        .bind(at)
        .fetch_one()
        .await?;
    Ok(found)
}

/// Writes down that it works again. A trouble that nobody was told of is forgotten.
pub async fn over(tx: &mut Tx, gateway: &str, at: Timestamp) -> Result<(), Error> {
    tx.sql("DELETE FROM gateway_trouble WHERE gateway = $1 AND told_at IS NULL AND since < $2")
        .bind(gateway)
        .bind(at)
        .execute()
        .await?;
    tx.sql(
        "UPDATE gateway_trouble SET over_at = $2
         WHERE gateway = $1 AND over_at IS NULL AND since < $2",
    )
    .bind(gateway)
    .bind(at)
    .execute()
    .await?;
    Ok(())
}
