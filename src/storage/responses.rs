//! Answers, the links and numbers they come by, and inbound messages.

use super::{Conn, Error, Json, Tx};
use crate::alert::words::{AlertState, word_enum};
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, DeliveryId, RecipientId, ReplyId, ResponseId};
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
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
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

macro_rules! bring_up_to_date {
    ($recipients:literal) => {
        concat!(
            "UPDATE recipient SET calling_by = NULL, calling_at = NULL, answered_at = given.first,
                 answer = given.answer, answer_class = given.answer_class, answer_via = given.via
             FROM (SELECT recipient, answer, answer_class, via,
                          min(at) OVER (PARTITION BY recipient) AS first,
                          row_number() OVER (PARTITION BY recipient
                              ORDER BY at DESC, id DESC) AS place
                   FROM response WHERE NOT maybe_automatic AND recipient IN ",
            $recipients,
            ") AS given
             WHERE given.place = 1 AND recipient.id = given.recipient"
        )
    };
}

/// Adds answers and brings their recipients up to date from all there are: the first time stands, the
/// answer is the latest. One that a machine may have given is kept and counts for nothing: the person
/// may know of nothing, and stays silent.
///
/// The recipients' rows are taken first, so that of two answers at the same moment the second sees
/// the first, whichever was given earlier.
pub async fn insert(tx: &mut Tx, responses: &[Response]) -> Result<(), Error> {
    hold(tx, responses).await?;
    tx.sql_for(
        "INSERT INTO response (id, alert, recipient, delivery, answer, answer_class, via, at, late,
             maybe_automatic, recorded_by, note)
         SELECT unhex(replace(value ->> 'id', '-', '')), value ->> 'alert', value ->> 'recipient',
                value ->> 'delivery', value ->> 'answer', value ->> 'answer_class', value ->> 'via',
                value ->> 'at', value ->> 'late', value ->> 'maybe_automatic',
                value ->> 'recorded_by', value ->> 'note'
         FROM json_each($1)",
        "INSERT INTO response (id, alert, recipient, delivery, answer, answer_class, via, at, late,
             maybe_automatic, recorded_by, note)
         SELECT * FROM jsonb_to_recordset($1) AS said (id uuid, alert bigint, recipient bigint,
                delivery bigint, answer text, answer_class text, via text, at bigint, late boolean,
                maybe_automatic boolean, recorded_by text, note text)",
    )
    .bind(sqlx::types::Json(responses))
    .execute()
    .await?;
    let recipients: Vec<RecipientId> = responses.iter().map(|one| one.recipient).collect();
    tx.sql_for(
        bring_up_to_date!("(SELECT value FROM json_each($1))"),
        bring_up_to_date!(
            "(SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))"
        ),
    )
    .bind(sqlx::types::Json(recipients))
    .execute()
    .await?;
    Ok(())
}

/// Locks the recipients in the order that everyone locks them in. On SQLite one writer follows the
/// other anyway.
async fn hold(tx: &mut Tx, responses: &[Response]) -> Result<(), Error> {
    if !tx.is_shared() {
        return Ok(());
    }
    let recipients: Vec<RecipientId> = responses.iter().map(|one| one.recipient).collect();
    let held: Vec<(RecipientId,)> = tx
        .sql_for(
            "SELECT id FROM recipient WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id FROM recipient WHERE id IN (
                 SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))
             ORDER BY id FOR UPDATE",
        )
        .bind(sqlx::types::Json(recipients))
        .fetch_all()
        .await?;
    drop(held);
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

/// The answers of these recipients, oldest first.
pub async fn list_of(
    on: impl Conn<'_>,
    recipients: &[RecipientId],
) -> Result<Vec<Response>, Error> {
    on.sql_for(
        "SELECT * FROM response WHERE recipient IN (SELECT value FROM json_each($1))
         ORDER BY at, id",
        "SELECT * FROM response WHERE recipient IN (
             SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))
         ORDER BY at, id",
    )
    .bind(sqlx::types::Json(recipients))
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

/// Whether a message may have reached a phone: it was handed over, or nobody knows. One that was taken
/// up and put back never left.
macro_rules! may_have_come {
    () => {
        "(delivery.accepted_at IS NOT NULL OR delivery.possible_duplicate
          OR delivery.state IN ('sending', 'accepted', 'sent', 'delivered', 'in_doubt')
          OR EXISTS (SELECT 1 FROM attempt
                     WHERE attempt.delivery = delivery.id AND attempt.outcome = 'unknown'))"
    };
}
pub(super) use may_have_come;

/// The messages that went to a number, newest alert first: whom a reply from it may be about.
/// One row for each alert: the last message, of one who has not answered if there is such a one.
pub async fn list_by_number(
    on: impl Conn<'_>,
    lookup: &[u8],
    since: Timestamp,
) -> Result<Vec<Addressee>, Error> {
    on.sql(concat!(
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
                 AND delivery.sending_at >= $2 AND ", may_have_come!(), ") AS sent
         JOIN alert ON alert.number = sent.alert
         WHERE sent.place = 1 ORDER BY sent.alert DESC",
    ))
    .bind(lookup)
    .bind(since)
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
