//! What answer links lead to, and who shares the phone that a message went to: many at a time.

use serde::Serialize;

use super::{Conn, Error};
use crate::alert::words::Language;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, ContactId, DeliveryId, RecipientId};
use crate::keys::hex;

/// What an answer link leads to.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Lead {
    /// The link's, by [`crate::keys::answer_key`].
    pub token_key: Vec<u8>,
    /// The delivery that the link was sent with.
    pub delivery: DeliveryId,
    /// Its channel.
    pub channel: Channel,
    /// When it was handed over, or was begun to be; none if it never was.
    pub left_at: Option<Timestamp>,
    /// Of which alert.
    pub alert: AlertNumber,
    /// To whom it was sent.
    pub recipient: RecipientId,
    /// The same person in the directory; their own fields are bound to this id.
    pub contact_id: ContactId,
    /// Their name, as it was at launch.
    pub name: String,
    /// The language they read.
    pub language: Language,
    /// Their own fields, sealed.
    pub fields: Option<Vec<u8>>,
}

/// What these links lead to; of those that lead nowhere there is nothing.
pub async fn find(on: impl Conn<'_>, token_keys: &[Vec<u8>]) -> Result<Vec<Lead>, Error> {
    let keys: Vec<String> = token_keys.iter().map(|key| hex(key)).collect();
    on.sql_for(
        "SELECT answer_link.token_key, delivery.id AS delivery, delivery.channel,
                COALESCE(delivery.accepted_at, delivery.sending_at) AS left_at, delivery.alert, delivery.recipient, recipient.contact_id,
                recipient.name, recipient.language, recipient.fields
         FROM json_each($1) AS asked JOIN answer_link ON answer_link.token_key = unhex(asked.value)
         JOIN delivery ON delivery.id = answer_link.delivery
         JOIN recipient ON recipient.id = delivery.recipient",
        "SELECT answer_link.token_key, delivery.id AS delivery, delivery.channel,
                COALESCE(delivery.accepted_at, delivery.sending_at) AS left_at, delivery.alert, delivery.recipient, recipient.contact_id,
                recipient.name, recipient.language, recipient.fields
         FROM jsonb_array_elements_text($1) AS asked (value)
         JOIN answer_link ON answer_link.token_key = decode(asked.value, 'hex')
         JOIN delivery ON delivery.id = answer_link.delivery
         JOIN recipient ON recipient.id = delivery.recipient",
    )
    .bind(sqlx::types::Json(keys))
    .fetch_all()
    .await
}

/// A message and to whom it was sent.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sent {
    /// The message.
    pub delivery: DeliveryId,
    /// The person.
    pub recipient: RecipientId,
}

/// Someone whom a message told: the person it went to, or one who shares the phone.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Sharer {
    /// Which message.
    pub delivery: DeliveryId,
    /// Who.
    pub recipient: RecipientId,
    /// Their name.
    pub name: String,
}

macro_rules! sharers {
    ($asked:literal) => {
        concat!(
            "WITH asked AS (",
            $asked,
            ")
             SELECT told.delivery, recipient.id AS recipient, recipient.name
             FROM (SELECT asked.delivery, asked.recipient FROM asked
                   UNION SELECT asked.delivery, other.recipient FROM asked
                   JOIN delivery first ON first.id = asked.delivery
                   JOIN delivery other ON other.same_as = first.recipient
                        AND other.step = first.step AND other.channel = first.channel) AS told
             JOIN recipient ON recipient.id = told.recipient
             ORDER BY told.delivery, recipient.id"
        )
    };
}

/// Whom each of these messages told.
pub async fn list_sharers(on: impl Conn<'_>, sent: &[Sent]) -> Result<Vec<Sharer>, Error> {
    on.sql_for(
        sharers!("SELECT value ->> 'delivery' AS delivery, value ->> 'recipient' AS recipient FROM json_each($1)"),
        sharers!("SELECT * FROM jsonb_to_recordset($1) AS said (delivery bigint, recipient bigint)"),
    )
    .bind(sqlx::types::Json(sent))
    .fetch_all()
    .await
}
