//! Facts about this installation.

use super::{Db, Error};
use crate::keys::random_token;

const KEY_FINGERPRINT: &str = "key_fingerprint";
const INSTANCE: &str = "instance";

async fn find(db: &Db, key: &str) -> Result<Option<String>, Error> {
    let row: Option<(String,)> = db
        .sql("SELECT value FROM meta WHERE key = $1")
        .bind(key)
        .fetch_optional()
        .await?;
    Ok(row.map(|(value,)| value))
}

/// Keeps `value` unless there is one already; answers the one that is kept.
async fn keep_first(db: &Db, key: &'static str, value: String) -> Result<String, Error> {
    if let Some(kept) = find(db, key).await? {
        return Ok(kept);
    }
    let row: Result<(String,), Error> = db
        .write("meta.keep_first", move |tx| {
            Box::pin(async move {
                tx.sql(
                    "INSERT INTO meta (key, value) VALUES ($1, $2)
                     ON CONFLICT (key) DO UPDATE SET value = meta.value RETURNING value",
                )
                .bind(key)
                .bind(value)
                .fetch_one()
                .await
            })
        })
        .await;
    Ok(row?.0)
}

/// The fingerprint of the key that the database was written with.
pub async fn key_fingerprint(db: &Db) -> Result<Option<String>, Error> {
    find(db, KEY_FINGERPRINT).await
}

/// Ties the database to a key, once and for all; answers the fingerprint that it is tied to.
pub async fn keep_key_fingerprint(db: &Db, fingerprint: &str) -> Result<String, Error> {
    keep_first(db, KEY_FINGERPRINT, fingerprint.to_owned()).await
}

/// A short word that stays the same for the life of this installation.
pub async fn instance(db: &Db) -> Result<String, Error> {
    keep_first(
        db,
        INSTANCE,
        random_token().to_ascii_lowercase()[..12].to_owned(),
    )
    .await
}
