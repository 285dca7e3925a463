//! Replies that are no answer: whose they are, and whether someone has dealt with them.

use super::responses::may_have_come;
use super::{Conn, Error};
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, RecipientId, ReplyId};

/// Whose words they may be: `sent` has each reply of the time from `$1` to `$2` that we could not
/// tell the meaning of, with every recipient to whom a message went at that number in the `$3`
/// milliseconds before it. `own` has those that a reply belongs to, as an answer would: recipients
/// of the alerts that were running when it came, else of the newest one. It is settled once the
/// person has answered after it, or someone has answered for them.
macro_rules! replies {
    ($rest:literal) => {
        concat!(
            "WITH sent AS (
                 SELECT DISTINCT reply.id AS reply, reply.at, recipient.id AS recipient,
                        recipient.alert, (alert.closed_at IS NULL OR alert.closed_at > reply.at)
                        AS was_running
                 FROM reply JOIN contact_point ON contact_point.lookup = reply.lookup
                 JOIN recipient ON recipient.contact_id = contact_point.contact_id
                 JOIN alert ON alert.number = recipient.alert
                 WHERE reply.outcome = 'not_understood' AND reply.at >= $1 AND reply.at <= $2
                   AND EXISTS (
                       SELECT 1 FROM delivery WHERE delivery.alert = recipient.alert
                         AND delivery.recipient = recipient.id AND delivery.lookup = reply.lookup
                         AND delivery.same_as IS NULL AND delivery.sending_at <= reply.at
                         AND delivery.sending_at >= reply.at - $3
                         AND ", may_have_come!(), ")
             ),
             own AS (
                 SELECT sent.*, EXISTS (
                     SELECT 1 FROM response WHERE response.recipient = sent.recipient
                       AND response.at > sent.at AND NOT response.maybe_automatic) AS is_settled
                 FROM sent WHERE sent.was_running OR NOT EXISTS (
                     SELECT 1 FROM sent other WHERE other.reply = sent.reply
                       AND (other.was_running OR other.alert > sent.alert))
             ) ",
            $rest
        )
    };
}

/// When replies came that are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The earliest.
    pub from: Timestamp,
    /// The latest.
    pub to: Timestamp,
    /// How many milliseconds a reply may come after the message that it is about.
    pub reach: i64,
}

/// A reply to an alert that is no answer.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Written {
    /// Its id, which the content is sealed for.
    pub id: ReplyId,
    /// Number and text, sealed.
    pub sealed: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
    /// Who wrote it.
    pub recipient: RecipientId,
    /// Their name, as it was at launch.
    pub name: String,
    /// Whether an answer of theirs came after it.
    pub is_settled: bool,
}

/// What the recipients from `first` to `last` of one alert wrote, oldest first.
pub async fn list_between(
    on: impl Conn<'_>,
    span: Span,
    first: RecipientId,
    last: RecipientId,
) -> Result<Vec<Written>, Error> {
    on.sql(replies!(
        "SELECT reply.id, reply.sealed, reply.at, own.recipient, recipient.name, own.is_settled
         FROM own JOIN reply ON reply.id = own.reply JOIN recipient ON recipient.id = own.recipient
         WHERE own.recipient >= $4 AND own.recipient <= $5
         ORDER BY reply.at, reply.id, own.recipient"
    ))
    .bind(span.from)
    .bind(span.to)
    .bind(span.reach)
    .bind(first)
    .bind(last)
    .fetch_all()
    .await
}

/// A reply that belongs to no running alert.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Stray {
    /// Its id, which the content is sealed for.
    pub id: ReplyId,
    /// Number and text, sealed.
    pub sealed: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
    /// Who wrote it, in the alert that is over; none if nothing was sent to that number.
    pub recipient: Option<RecipientId>,
    /// That alert.
    pub alert: Option<AlertNumber>,
    /// Their name, as it was at its launch.
    pub name: Option<String>,
}

/// The newest replies that belong to nobody in a running alert and that nobody has dealt with.
pub async fn list_stray(on: impl Conn<'_>, span: Span, limit: i64) -> Result<Vec<Stray>, Error> {
    on.sql(replies!(
        "SELECT reply.id, reply.sealed, reply.at, recipient.id AS recipient, recipient.alert,
                recipient.name
         FROM reply LEFT JOIN recipient ON recipient.id = (
             SELECT max(own.recipient) FROM own WHERE own.reply = reply.id)
         WHERE reply.outcome IN ('not_understood', 'unknown_sender')
           AND reply.at >= $1 AND reply.at <= $2
           AND NOT EXISTS (
               SELECT 1 FROM own JOIN alert ON alert.number = own.alert
               WHERE own.reply = reply.id AND (own.is_settled OR alert.state = 'running'))
         ORDER BY reply.at DESC, reply.id LIMIT $4"
    ))
    .bind(span.from)
    .bind(span.to)
    .bind(span.reach)
    .bind(limit)
    .fetch_all()
    .await
}
