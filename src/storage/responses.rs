//! Answers, the links and numbers they come by, and inbound messages.

use super::{Conn, Error, Json, Tx};
use crate::alert::words::{AlertState, Language, word_enum};
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, ContactId, DeliveryId, RecipientId, ReplyId, ResponseId};
use crate::response::{AnswerClass, AnswerOption};

word_enum! {
    /// How an answer came.
    Via {
        /// The person's own link.
        Link = "link",
        /// A digit by SMS.
        Sms = "sms",
        /// A reply by e-mail.
        Email = "email",
        /// A key pressed in a call.
        Voice = "voice",
        /// Said to a caller of the call list.
        Call = "call",
        /// Entered by a manager on the person's behalf.
        Manager = "manager",
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Response {
    /// Its id.
    pub id: ResponseId,
    /// To which alert.
    pub alert: AlertNumber,
    /// Whose.
    pub recipient: RecipientId,
    /// The delivery that brought it.
    pub delivery: Option<DeliveryId>,
    /// The option's key.
    pub answer: String,
    /// What it means.
    pub answer_class: AnswerClass,
    /// How it came.
    pub via: Via,
    /// When.
    pub at: Timestamp,
    /// After the alert was over.
    pub late: bool,
    /// So soon after an e-mail that a machine may have given it.
    pub maybe_automatic: bool,
    /// Who entered it on the person's behalf.
    pub recorded_by: Option<String>,
    /// What they noted.
    pub note: Option<String>,
}

/// Adds an answer and brings the recipient up to date from all there are: the first time stands,
/// the answer is the latest. One that a machine may have given counts only while no other is there.
///
/// The recipient's row is taken first, so that of two answers at the same moment the second sees
/// the first, whichever was given earlier.
pub async fn insert(tx: &mut Tx, response: &Response) -> Result<(), Error> {
    tx.sql("UPDATE recipient SET calling_by = NULL, calling_at = NULL WHERE id = $1")
        .bind(response.recipient)
        .execute()
        .await?;
    tx.sql(
        "INSERT INTO response (id, alert, recipient, delivery, answer, answer_class, via, at, late,
             maybe_automatic, recorded_by, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(response.id)
    .bind(response.alert)
    .bind(response.recipient)
    .bind(response.delivery)
    .bind(&response.answer)
    .bind(response.answer_class)
    .bind(response.via)
    .bind(response.at)
    .bind(response.late)
    .bind(response.maybe_automatic)
    .bind(&response.recorded_by)
    .bind(&response.note)
    .execute()
    .await?;
    tx.sql(
        "UPDATE recipient SET answered_at = given.first, answer = given.answer,
             answer_class = given.answer_class, answer_via = given.via
         FROM (SELECT answer, answer_class, via,
                      (SELECT min(at) FROM response WHERE recipient = $1) AS first
               FROM response WHERE recipient = $1
               ORDER BY maybe_automatic, at DESC, id DESC LIMIT 1) AS given
         WHERE recipient.id = $1",
    )
    .bind(response.recipient)
    .execute()
    .await?;
    Ok(())
}

/// What the latest answer of a recipient means; none if there is none.
pub async fn latest_class(
    on: impl Conn<'_>,
    recipient: RecipientId,
) -> Result<Option<AnswerClass>, Error> {
    let (class,): (Option<AnswerClass>,) = on
        .sql("SELECT answer_class FROM recipient WHERE id = $1")
        .bind(recipient)
        .fetch_one()
        .await?;
    Ok(class)
}

/// Every answer to an alert, oldest first.
pub async fn list(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<Response>, Error> {
    on.sql("SELECT * FROM response WHERE alert = $1 ORDER BY at, id")
        .bind(alert)
        .fetch_all()
        .await
}

/// The answers of one recipient, oldest first.
pub async fn list_of(on: impl Conn<'_>, recipient: RecipientId) -> Result<Vec<Response>, Error> {
    on.sql("SELECT * FROM response WHERE recipient = $1 ORDER BY at, id")
        .bind(recipient)
        .fetch_all()
        .await
}

/// The answers of the recipients from `first` to `last` of one alert, oldest first.
pub async fn list_between(
    on: impl Conn<'_>,
    first: RecipientId,
    last: RecipientId,
) -> Result<Vec<Response>, Error> {
    on.sql(
        "SELECT * FROM response WHERE alert = $1 AND recipient >= $2 AND recipient <= $3
         ORDER BY at, id",
    )
    .bind(first.alert())
    .bind(first)
    .bind(last)
    .fetch_all()
    .await
}

/// What an answer page needs to know of the person who reads it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Reader {
    /// Who; the fields are bound to this id.
    pub contact_id: ContactId,
    /// Their name, as it was at launch.
    pub name: String,
    /// The language they read.
    pub language: Language,
    /// Their own fields, sealed.
    pub fields: Option<Vec<u8>>,
}

/// The person of an answer link.
pub async fn get_reader(on: impl Conn<'_>, recipient: RecipientId) -> Result<Reader, Error> {
    on.sql("SELECT contact_id, name, language, fields FROM recipient WHERE id = $1")
        .bind(recipient)
        .fetch_one()
        .await
}

/// Whether there is such a recipient.
pub async fn is_recipient(on: impl Conn<'_>, recipient: RecipientId) -> Result<bool, Error> {
    let (found,): (bool,) = on
        .sql("SELECT EXISTS (SELECT 1 FROM recipient WHERE id = $1)")
        .bind(recipient)
        .fetch_one()
        .await?;
    Ok(found)
}

/// What an answer link or an answering number leads to.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Addressee {
    /// The delivery that the link was sent with.
    pub delivery: DeliveryId,
    /// Its channel.
    pub channel: Channel,
    /// When it was handed over; none if it never was.
    pub accepted_at: Option<Timestamp>,
    /// To whom it was sent.
    pub recipient: RecipientId,
    /// Of which alert.
    pub alert: AlertNumber,
    /// How the alert stands.
    pub alert_state: AlertState,
    /// What can be answered.
    pub options: Json<Vec<AnswerOption>>,
    /// Whether a yes is one of a number that is needed.
    pub is_call_out: bool,
}

/// The delivery of an answer token's key.
pub async fn find_by_link(on: impl Conn<'_>, token_key: &[u8]) -> Result<Option<Addressee>, Error> {
    on.sql(
        "SELECT delivery.id AS delivery, delivery.channel, delivery.accepted_at, delivery.recipient,
                delivery.alert, alert.state AS alert_state, alert.options,
                EXISTS (SELECT 1 FROM call_out WHERE call_out.alert = alert.number) AS is_call_out
         FROM answer_link JOIN delivery ON delivery.id = answer_link.delivery
         JOIN alert ON alert.number = delivery.alert
         WHERE answer_link.token_key = $1",
    )
    .bind(token_key)
    .fetch_optional()
    .await
}

/// The messages that went to a number, newest alert first: whom a reply from it may be about.
/// One row for each alert: the last message, of one who has not answered if there is such a one.
pub async fn list_by_number(
    on: impl Conn<'_>,
    lookup: &[u8],
    since: Timestamp,
) -> Result<Vec<Addressee>, Error> {
    on.sql(
        "SELECT sent.delivery, sent.channel, sent.accepted_at, sent.recipient, sent.alert,
                alert.state AS alert_state, alert.options,
                EXISTS (SELECT 1 FROM call_out WHERE call_out.alert = alert.number) AS is_call_out
         FROM (SELECT delivery.id AS delivery, delivery.channel, delivery.accepted_at,
                      delivery.recipient, delivery.alert,
                      row_number() OVER (PARTITION BY delivery.alert ORDER BY
                          CASE WHEN recipient.answered_at IS NULL THEN 0 ELSE 1 END,
                          delivery.sending_at DESC, delivery.id) AS place
               FROM contact_point
               JOIN recipient ON recipient.contact_id = contact_point.contact_id
               JOIN delivery ON delivery.alert = recipient.alert AND delivery.recipient = recipient.id
               WHERE contact_point.lookup = $1 AND delivery.lookup = $1 AND delivery.same_as IS NULL
                 AND delivery.sending_at IS NOT NULL AND delivery.sending_at >= $2) AS sent
         JOIN alert ON alert.number = sent.alert
         WHERE sent.place = 1 ORDER BY sent.alert DESC",
    )
    .bind(lookup)
    .bind(since)
    .fetch_all()
    .await
}

/// Someone who shares the phone that a message went to.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Sharer {
    /// Who.
    pub recipient: RecipientId,
    /// Their name.
    pub name: String,
    /// Their latest answer.
    pub answer: Option<String>,
    /// When they first answered.
    pub answered_at: Option<Timestamp>,
}

/// The person that a delivery went to, and those whom it told too because they share the phone.
pub async fn list_sharers(
    on: impl Conn<'_>,
    delivery: DeliveryId,
    recipient: RecipientId,
) -> Result<Vec<Sharer>, Error> {
    on.sql(
        "SELECT recipient.id AS recipient, recipient.name, recipient.answer, recipient.answered_at
         FROM recipient WHERE recipient.id = $2 OR recipient.id IN (
             SELECT told.recipient FROM delivery told
             JOIN delivery first ON first.id = $1 AND told.same_as = first.recipient
                  AND told.step = first.step AND told.channel = first.channel)
         ORDER BY recipient.id",
    )
    .bind(delivery)
    .bind(recipient)
    .fetch_all()
    .await
}

word_enum! {
    /// What became of an inbound message.
    ReplyOutcome {
        /// It answered an alert.
        Answered = "answered",
        /// It said STOP.
        OptedOut = "opted_out",
        /// It said START.
        OptedIn = "opted_in",
        /// We could not tell what it means: a person must read it.
        NotUnderstood = "not_understood",
        /// It came from a number that we sent nothing to.
        UnknownSender = "unknown_sender",
    }
}

/// An inbound message as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Reply {
    /// Its id, which the content is sealed for.
    pub id: ReplyId,
    /// The gateway that brought it.
    pub gateway: String,
    /// The gateway's name for it.
    pub gateway_id: String,
    /// Blind index of the number it came from.
    pub lookup: Vec<u8>,
    /// Number and text, sealed.
    pub sealed: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: ReplyOutcome,
    /// The answer it gave.
    pub response: Option<ResponseId>,
}

/// Keeps an inbound message. False if the gateway brought it before.
pub async fn insert_reply(tx: &mut Tx, reply: &Reply) -> Result<bool, Error> {
    let added = tx
        .sql(
            "INSERT INTO reply (id, gateway, gateway_id, lookup, sealed, at, outcome, response)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (gateway, gateway_id) DO NOTHING",
        )
        .bind(reply.id)
        .bind(&reply.gateway)
        .bind(&reply.gateway_id)
        .bind(&reply.lookup)
        .bind(&reply.sealed)
        .bind(reply.at)
        .bind(reply.outcome)
        .bind(reply.response)
        .execute()
        .await?;
    Ok(added == 1)
}
