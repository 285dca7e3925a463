//! How fast each gateway is being asked, and how often today: one row a gateway, and one a place with a
//! rate, shared by every server.

use super::{Error, Tx};
use crate::clock::Timestamp;

/// A gateway's row, or a place's, locked until the transaction ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Pace {
    /// The next instant that nobody has taken, in microseconds.
    pub next_at: i64,
    /// The day that `taken` counts, as days since the epoch where the organisation is.
    pub day: i64,
    /// Messages taken up on that day; of a place, the last turn that was promised, in microseconds.
    pub taken: i64,
    /// Now, in microseconds, by the clock that all servers share.
    pub now: i64,
}

/// Locks a gateway's row, which is made if need be. `now` is our own time, which counts where there
/// is only one server; where there are several the database's clock does.
pub async fn lock(tx: &mut Tx, gateway: &str, now: Timestamp) -> Result<Pace, Error> {
    if let Some(pace) = find(tx, gateway, now).await? {
        return Ok(pace);
    }
    tx.sql(
        "INSERT INTO gateway_pace (gateway, next_at, day, taken) VALUES ($1, 0, 0, 0)
         ON CONFLICT (gateway) DO NOTHING",
    )
    .bind(gateway)
    .execute()
    .await?;
    find(tx, gateway, now).await?.ok_or(Error::NotFound)
}

/// An update, although nothing changes: what it returns is read after the wait for the lock.
async fn find(tx: &mut Tx, gateway: &str, now: Timestamp) -> Result<Option<Pace>, Error> {
    tx.sql_for(
        "UPDATE gateway_pace SET next_at = next_at WHERE gateway = $1
         RETURNING next_at, day, taken, CAST($2 AS INTEGER) * 1000 AS now",
        "UPDATE gateway_pace SET next_at = next_at WHERE gateway = $1
         RETURNING next_at, day, taken,
             CAST(extract(epoch FROM clock_timestamp()) * 1000000 + 0 * $2 AS BIGINT) AS now",
    )
    .bind(gateway)
    .bind(now)
    .fetch_optional()
    .await
}

/// Writes down what was taken.
pub async fn advance(tx: &mut Tx, gateway: &str, pace: &Pace) -> Result<(), Error> {
    tx.sql("UPDATE gateway_pace SET next_at = $2, day = $3, taken = $4 WHERE gateway = $1")
        .bind(gateway)
        .bind(pace.next_at)
        .bind(pace.day)
        .bind(pace.taken)
        .execute()
        .await?;
    Ok(())
}
