//! The texts of an alert, as they are sent but for what is each person's own.

use crate::alert::words::Language;
use crate::call_out::Says;
use crate::channel::Channel;
use crate::ids::AlertNumber;
use crate::storage::{Conn, Error, Tx};

/// One text of an alert, as it is sent but for what is each person's own.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Text {
    /// The message, or what a call-out says later.
    pub says: Says,
    /// The channel.
    pub channel: Channel,
    /// The language.
    pub language: Language,
    /// Its place among the template's languages: the smallest is the fallback.
    pub position: i32,
    /// [`crate::template::message::Filled`] as JSON.
    pub filled: String,
    /// SHA-256 of `filled`, in hexadecimal.
    pub sha256: String,
}

/// Keeps one text of an alert.
pub async fn insert_text(tx: &mut Tx, alert: AlertNumber, text: &Text) -> Result<(), Error> {
    tx.sql(
        "INSERT INTO alert_text (alert, says, channel, language, position, filled, sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(alert)
    .bind(text.says)
    .bind(text.channel)
    .bind(&text.language)
    .bind(text.position)
    .bind(&text.filled)
    .bind(&text.sha256)
    .execute()
    .await?;
    Ok(())
}

/// The texts of an alert's message, each channel's fallback language first.
pub async fn list_texts(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<Text>, Error> {
    let mut texts = list_all_texts(on, alert).await?;
    texts.retain(|text| text.says == Says::Message);
    Ok(texts)
}

/// Every text of an alert, also what a call-out says later; each channel's fallback language first.
pub async fn list_all_texts(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<Text>, Error> {
    on.sql(
        "SELECT says, channel, language, position, filled, sha256 FROM alert_text WHERE alert = $1
         ORDER BY CASE says WHEN 'message' THEN 0 ELSE 1 END, says, channel, position",
    )
    .bind(alert)
    .fetch_all()
    .await
}
