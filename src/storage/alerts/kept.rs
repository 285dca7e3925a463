//! The keys of launches: what was asked for twice is launched once.

use crate::clock::Timestamp;
use crate::ids::AlertId;
use crate::storage::{Conn, Error, Tx};

/// A launch that a key stands for.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptLaunch {
    /// Hash of the request that used the key first.
    pub request_hash: String,
    /// The alert it made.
    pub alert_id: AlertId,
}

/// The launch that this key made, if it made one.
pub async fn find_launch(
    on: impl Conn<'_>,
    scope: &str,
    key: &str,
) -> Result<Option<KeptLaunch>, Error> {
    on.sql("SELECT request_hash, alert_id FROM idempotency WHERE scope = $1 AND key = $2")
        .bind(scope)
        .bind(key)
        .fetch_optional()
        .await
}

/// Ties a key to the alert it made. [`Error::Conflict`] if another launch was faster.
pub async fn keep_launch(
    tx: &mut Tx,
    scope: &str,
    key: &str,
    launch: &KeptLaunch,
    at: Timestamp,
) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO idempotency (scope, key, request_hash, alert_id, at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(scope)
    .bind(key)
    .bind(&launch.request_hash)
    .bind(launch.alert_id)
    .bind(at)
    .execute()
    .await?;
    Ok(())
}
