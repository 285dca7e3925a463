//! How the people of an alert stand: counted, listed, and each with every message and why.

use std::collections::BTreeMap;

use super::{Conn, Db, Error};
use crate::alert::words::{Category, Language, word_enum};
use crate::call_out::{Place, Says};
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, ContactId, ContactPointId, DeliveryId, RecipientId};
use crate::response::AnswerClass;
use crate::storage::call_out;
use crate::storage::deliveries::DeliveryState;
use crate::storage::responses::Via;

word_enum! {
    /// How one person of an alert stands: exactly one of these at every moment (promise P2).
    PersonState {
        /// They answered.
        Acknowledged = "acknowledged",
        /// A message arrived on a phone or in a mailbox of theirs; they have not answered.
        Delivered = "delivered",
        /// A gateway took a message; nobody confirmed that it arrived.
        Accepted = "accepted",
        /// A message is being handed over.
        Sending = "sending",
        /// A message waits to be sent.
        Queued = "queued",
        /// A message may or may not have gone out.
        InDoubt = "in_doubt",
        /// Every message failed, with a reason.
        Failed = "failed",
        /// There is no way to reach them.
        Unreachable = "unreachable",
        /// Nothing was sent to them on purpose: opted out, or stopped before it was.
        Excluded = "excluded",
    }
}

/// Every recipient of alert `$1` with their state: the one place that says how messages add up to a
/// person. The best message decides; a message to a phone that is shared tells everyone who shares
/// it. Someone for whom nothing is written yet is waiting; or left out, once the alert is over or the
/// call-out filled. What a call-out tells later does not count.
macro_rules! people {
    ($rest:literal) => {
        concat!(
            "WITH person AS (
                 SELECT recipient.*, CASE WHEN recipient.answered_at IS NOT NULL THEN 'acknowledged'
                     ELSE CASE (
                         SELECT max(CASE CASE WHEN delivery.same_as IS NULL THEN delivery.state
                                 ELSE COALESCE((SELECT other.state FROM delivery other
                                      WHERE other.alert = delivery.alert
                                        AND other.recipient = delivery.same_as
                                        AND other.step = delivery.step
                                        AND other.channel = delivery.channel), delivery.state) END
                             WHEN 'delivered' THEN 8 WHEN 'sent' THEN 7 WHEN 'accepted' THEN 7
                             WHEN 'sending' THEN 6 WHEN 'queued' THEN 5 WHEN 'in_doubt' THEN 4
                             WHEN 'failed' THEN 3 WHEN 'expired' THEN 3 WHEN 'cancelled' THEN 2
                             ELSE CASE delivery.reason WHEN 'no address' THEN 0 ELSE 1 END END)
                         FROM delivery WHERE delivery.alert = $1 AND delivery.recipient = recipient.id
                           AND delivery.says = 'message')
                         WHEN 8 THEN 'delivered' WHEN 7 THEN 'accepted'
                         WHEN 6 THEN 'sending' WHEN 5 THEN 'queued' WHEN 4 THEN 'in_doubt'
                         WHEN 3 THEN 'failed' WHEN 2 THEN 'excluded' WHEN 1 THEN 'excluded'
                         WHEN 0 THEN 'unreachable'
                         ELSE CASE WHEN (SELECT alert.state FROM alert WHERE alert.number = $1) = 'running'
                                   AND NOT EXISTS (SELECT 1 FROM call_out WHERE call_out.alert = $1
                                                   AND call_out.filled_at IS NOT NULL)
                             THEN 'queued' ELSE 'excluded' END END
                     END AS state
                 FROM recipient WHERE recipient.alert = $1
             ) ",
            $rest
        )
    };
}

pub(super) use people;

/// How many people stand how; states with nobody are not listed.
pub async fn count(
    on: impl Conn<'_>,
    alert: AlertNumber,
) -> Result<Vec<(PersonState, i64)>, Error> {
    on.sql(people!("SELECT state, count(*) FROM person GROUP BY state"))
        .bind(alert)
        .fetch_all()
        .await
}

/// How many messages stand how, by channel.
pub async fn count_deliveries(
    on: impl Conn<'_>,
    alert: AlertNumber,
) -> Result<Vec<(Channel, DeliveryState, i64)>, Error> {
    on.sql(
        "SELECT channel, state, count(*) FROM delivery WHERE alert = $1
         GROUP BY channel, state ORDER BY channel, state",
    )
    .bind(alert)
    .fetch_all()
    .await
}

/// How many people's latest answer is which.
pub async fn count_answers(
    on: impl Conn<'_>,
    alert: AlertNumber,
) -> Result<Vec<(String, AnswerClass, i64)>, Error> {
    on.sql(
        "SELECT answer, answer_class, count(*) FROM recipient
         WHERE alert = $1 AND answered_at IS NOT NULL GROUP BY answer, answer_class ORDER BY answer",
    )
    .bind(alert)
    .fetch_all()
    .await
}

/// One person of an alert.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Person {
    /// Their place in the alert.
    pub id: RecipientId,
    /// Who.
    pub contact_id: ContactId,
    /// Their name, as it was at launch.
    pub name: String,
    /// What they are.
    pub category: Category,
    /// The language they read.
    pub language: Language,
    /// Their work.
    pub role: String,
    /// Where.
    pub site: String,
    /// In which unit.
    pub unit: String,
    /// How they stand.
    pub state: PersonState,
    /// When they first answered.
    pub answered_at: Option<Timestamp>,
    /// Their latest answer.
    pub answer: Option<String>,
    /// What it means.
    pub answer_class: Option<AnswerClass>,
    /// How it came.
    pub answer_via: Option<Via>,
    /// Who is calling them now.
    pub calling_by: Option<String>,
    /// Since when.
    pub calling_at: Option<Timestamp>,
}

/// What a page of the list is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only people who stand so.
    pub state: Option<PersonState>,
    /// Only people whose latest answer means this.
    pub class: Option<AnswerClass>,
    /// Only people behind this one.
    pub after: Option<RecipientId>,
}

/// Up to `limit` people of an alert in the order of its audience.
pub async fn list(
    on: impl Conn<'_>,
    alert: AlertNumber,
    filter: Filter,
    limit: i64,
) -> Result<Vec<Person>, Error> {
    on.sql(people!(
        "SELECT id, contact_id, name, category, language, role, site, unit, state, answered_at,
                answer, answer_class, answer_via, calling_by, calling_at
         FROM person WHERE ($2 IS NULL OR state = $2) AND ($3 IS NULL OR answer_class = $3)
           AND id > $4 ORDER BY id LIMIT $5"
    ))
    .bind(alert)
    .bind(filter.state)
    .bind(filter.class)
    .bind(filter.after.map_or(0, |after| after.0))
    .bind(limit)
    .fetch_all()
    .await
}

/// One person of an alert.
pub async fn get(on: impl Conn<'_>, recipient: RecipientId) -> Result<Person, Error> {
    on.sql(people!(
        "SELECT id, contact_id, name, category, language, role, site, unit, state, answered_at,
                answer, answer_class, answer_via, calling_by, calling_at
         FROM person WHERE id = $2"
    ))
    .bind(recipient.alert())
    .bind(recipient)
    .fetch_one()
    .await
}

word_enum! {
    /// What a person of an alert needs next, the most urgent first.
    Need {
        /// They asked for help.
        Help = "help",
        /// In a call-out: they come, and are needed.
        Coming = "coming",
        /// In a call-out: they would come, and enough others do.
        Standby = "standby",
        /// They said no: they cannot come.
        Negative = "negative",
        /// Told as far as is known, or about to be; no answer.
        Silent = "silent",
        /// Not told as far as is known, and nothing more is on its way.
        Unreached = "unreached",
        /// They answered and need nothing.
        Answered = "answered",
        /// In a call-out: it was not their turn to be asked.
        Unasked = "unasked",
    }
}

/// One person of an alert on its board.
#[derive(Clone, Debug)]
pub struct Needing {
    /// What they need.
    pub need: Need,
    /// How many people need that.
    pub people: i64,
    /// Who.
    pub person: Person,
}

impl Need {
    fn of(state: PersonState, class: Option<AnswerClass>) -> Self {
        match (state, class) {
            (PersonState::Acknowledged, Some(AnswerClass::Help)) => Self::Help,
            (PersonState::Acknowledged, Some(AnswerClass::Negative)) => Self::Negative,
            (PersonState::Acknowledged, _) => Self::Answered,
            (
                PersonState::Failed
                | PersonState::Unreachable
                | PersonState::Excluded
                | PersonState::InDoubt,
                _,
            ) => Self::Unreached,
            (
                PersonState::Delivered
                | PersonState::Accepted
                | PersonState::Sending
                | PersonState::Queued,
                _,
            ) => Self::Silent,
        }
    }
}

/// The first `limit` people of each need, in the order of the audience, with how many there are in
/// all. With `after`, the people of that need begin behind that recipient.
///
/// One pass over the audience in narrow rows, because a board is asked for every second; only those
/// who are shown are read in full.
pub async fn list_needs(
    db: &Db,
    alert: AlertNumber,
    call_out: Option<&call_out::Standing>,
    after: Option<(Need, RecipientId)>,
    limit: usize,
) -> Result<Vec<Needing>, Error> {
    let places: BTreeMap<RecipientId, Place> =
        call_out.map(call_out::Standing::places).unwrap_or_default();
    let need_of = |id, state, class| match (call_out, places.get(&id)) {
        (Some(_), Some(Place::In)) => Need::Coming,
        (Some(_), Some(Place::Standby(_))) => Need::Standby,
        (Some(call_out), None) if !call_out.asked.contains(&id) => Need::Unasked,
        _ => Need::of(state, class),
    };
    let everyone: Vec<(RecipientId, PersonState, Option<AnswerClass>)> = db
        .sql(people!(
            "SELECT id, state, answer_class FROM person ORDER BY id"
        ))
        .bind(alert)
        .fetch_all()
        .await?;
    let mut people: BTreeMap<Need, i64> = BTreeMap::new();
    let mut shown: BTreeMap<RecipientId, (Need, PersonState)> = BTreeMap::new();
    let mut places: BTreeMap<Need, usize> = BTreeMap::new();
    for (id, state, class) in everyone {
        let need = need_of(id, state, class);
        *people.entry(need).or_default() += 1;
        let is_before = after.is_some_and(|(paged, after)| paged == need && id <= after);
        let place = places.entry(need).or_default();
        if !is_before && *place < limit {
            *place += 1;
            shown.insert(id, (need, state));
        }
    }
    let ids: Vec<RecipientId> = shown.keys().copied().collect();
    let known = list_recipients(db, alert, &ids).await?;
    Ok(known
        .into_iter()
        .filter_map(|person| {
            let (need, state) = *shown.get(&person.id)?;
            let people = people.get(&need).copied().unwrap_or_default();
            Some(Needing {
                need,
                people,
                person: Person { state, ..person },
            })
        })
        .collect())
}

/// These recipients of one alert in their order, their states not looked up.
pub async fn list_recipients(
    on: impl Conn<'_>,
    alert: AlertNumber,
    ids: &[RecipientId],
) -> Result<Vec<Person>, Error> {
    on.sql_for(
        "SELECT id, contact_id, name, category, language, role, site, unit, 'queued' AS state,
                answered_at, answer, answer_class, answer_via, calling_by, calling_at
         FROM recipient WHERE alert = $1 AND id IN (SELECT value FROM json_each($2)) ORDER BY id",
        "SELECT id, contact_id, name, category, language, role, site, unit, 'queued' AS state,
                answered_at, answer, answer_class, answer_via, calling_by, calling_at
         FROM recipient WHERE alert = $1 AND id IN (
             SELECT value::bigint FROM jsonb_array_elements_text($2) AS asked (value)) ORDER BY id",
    )
    .bind(alert)
    .bind(sqlx::types::Json(ids))
    .fetch_all()
    .await
}

/// A message to a person, with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    /// Which.
    pub id: DeliveryId,
    /// To whom.
    pub recipient: RecipientId,
    /// By which step of the plan, from 0.
    pub step: i32,
    /// On which channel.
    pub channel: Channel,
    /// The contact point, which the address is sealed for.
    pub point_id: Option<ContactPointId>,
    /// The address, sealed.
    pub address: Option<Vec<u8>>,
    /// The recipient whose message to the same contact point tells this person too.
    pub same_as: Option<RecipientId>,
    /// The message, or what a call-out said later.
    pub says: Says,
    /// How it stands.
    pub state: DeliveryState,
    /// Why.
    pub reason: Option<String>,
    /// When it is to be sent, or was.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: i32,
    /// It was sent again although it may have gone out.
    pub possible_duplicate: bool,
    /// The gateway of the last try.
    pub gateway: Option<String>,
    /// The gateway's name for it.
    pub gateway_id: Option<String>,
    /// When it was written down.
    pub queued_at: Timestamp,
    /// When the last try began.
    pub sending_at: Option<Timestamp>,
    /// When the gateway took it.
    pub accepted_at: Option<Timestamp>,
    /// When it left towards the carrier.
    pub sent_at: Option<Timestamp>,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
    /// When it reached its last state.
    pub closed_at: Option<Timestamp>,
}

/// The messages to the recipients from `first` to `last` of one alert, in their order.
pub async fn list_deliveries(
    on: impl Conn<'_>,
    first: RecipientId,
    last: RecipientId,
) -> Result<Vec<Delivery>, Error> {
    on.sql(
        "SELECT id, recipient, step, channel, point_id, address, same_as, says, state, reason, due_at,
                attempts, possible_duplicate, gateway, gateway_id, queued_at, sending_at,
                accepted_at, sent_at, delivered_at, closed_at
         FROM delivery WHERE alert = $1 AND recipient >= $2 AND recipient <= $3
         ORDER BY recipient, step, channel, id",
    )
    .bind(first.alert())
    .bind(first)
    .bind(last)
    .fetch_all()
    .await
}

/// The messages to these recipients of one alert, in their order.
pub async fn list_deliveries_of(
    on: impl Conn<'_>,
    alert: AlertNumber,
    recipients: &[RecipientId],
) -> Result<Vec<Delivery>, Error> {
    on.sql_for(
        "SELECT id, recipient, step, channel, point_id, address, same_as, says, state, reason, due_at,
                attempts, possible_duplicate, gateway, gateway_id, queued_at, sending_at,
                accepted_at, sent_at, delivered_at, closed_at
         FROM delivery WHERE alert = $1 AND recipient IN (SELECT value FROM json_each($2))
         ORDER BY recipient, step, channel, id",
        "SELECT id, recipient, step, channel, point_id, address, same_as, says, state, reason, due_at,
                attempts, possible_duplicate, gateway, gateway_id, queued_at, sending_at,
                accepted_at, sent_at, delivered_at, closed_at
         FROM delivery WHERE alert = $1 AND recipient IN (
             SELECT value::bigint FROM jsonb_array_elements_text($2) AS asked (value))
         ORDER BY recipient, step, channel, id",
    )
    .bind(alert)
    .bind(sqlx::types::Json(recipients))
    .fetch_all()
    .await
}

/// A try that did not end in an acceptance.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Attempt {
    /// Of which message.
    pub delivery: DeliveryId,
    /// Which, from 1.
    pub number: i32,
    /// At which gateway.
    pub gateway: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// `failed` or `unknown`.
    pub outcome: String,
    /// Why.
    pub reason: String,
}

/// The failed tries of one recipient's messages, oldest first.
pub async fn list_attempts(
    on: impl Conn<'_>,
    recipient: RecipientId,
) -> Result<Vec<Attempt>, Error> {
    on.sql(
        "SELECT attempt.* FROM attempt JOIN delivery ON delivery.id = attempt.delivery
         WHERE delivery.alert = $1 AND delivery.recipient = $2
         ORDER BY attempt.started_at, attempt.number",
    )
    .bind(recipient.alert())
    .bind(recipient)
    .fetch_all()
    .await
}

/// The receipts of one recipient's messages, oldest first.
pub async fn list_receipts(
    on: impl Conn<'_>,
    recipient: RecipientId,
) -> Result<Vec<crate::storage::receipts::ReceiptRow>, Error> {
    on.sql(
        "SELECT receipt.* FROM receipt JOIN delivery ON delivery.id = receipt.delivery
         WHERE delivery.alert = $1 AND delivery.recipient = $2 ORDER BY receipt.at, receipt.id",
    )
    .bind(recipient.alert())
    .bind(recipient)
    .fetch_all()
    .await
}

/// When one person was first told, first reached and first answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Times {
    /// When a gateway first took a message that has not failed since.
    pub notified_at: Option<Timestamp>,
    /// When a message first arrived for certain.
    pub reached_at: Option<Timestamp>,
    /// When they first answered.
    pub answered_at: Option<Timestamp>,
}

/// The earliest of a moment over the messages that tell a person: their own, and those that others
/// share with them. Two look-ups for each person rather than a join, which a planner that knows
/// nothing of a new alert yet would do by going through the whole alert for each of its people.
macro_rules! first {
    ($moment:literal) => {
        concat!(
            "(SELECT min(CASE WHEN own.same_as IS NULL
                     THEN (SELECT ",
            $moment,
            " FROM delivery WHERE delivery.id = own.id)
                     ELSE (SELECT ",
            $moment,
            " FROM delivery WHERE delivery.alert = own.alert
                           AND delivery.recipient = own.same_as AND delivery.step = own.step
                           AND delivery.channel = own.channel) END)
              FROM delivery own WHERE own.alert = $1 AND own.recipient = recipient.id)"
        )
    };
}

/// The times of each person of an alert, for the figures and the curves. They count whom
/// [`count`] counts: a message that failed after a gateway took it told nobody.
pub async fn list_times(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<Times>, Error> {
    on.sql(concat!(
        "SELECT ",
        first!(
            "CASE WHEN delivery.state IN ('accepted', 'sent', 'delivered')
                 THEN COALESCE(delivery.accepted_at, delivery.delivered_at) END"
        ),
        " AS notified_at,
                 ",
        first!("CASE WHEN delivery.state = 'delivered' THEN delivery.delivered_at END"),
        " AS reached_at, recipient.answered_at
             FROM recipient WHERE recipient.alert = $1"
    ))
    .bind(alert)
    .fetch_all()
    .await
}

/// How many of an alert's messages may have reached someone twice, and how many nobody knows of.
pub async fn count_uncertain(on: impl Conn<'_>, alert: AlertNumber) -> Result<(i64, i64), Error> {
    on.sql(
        "SELECT CAST(COALESCE(sum(CASE WHEN possible_duplicate THEN 1 ELSE 0 END), 0) AS BIGINT),
                CAST(COALESCE(sum(CASE WHEN state = 'in_doubt' THEN 1 ELSE 0 END), 0) AS BIGINT)
         FROM delivery WHERE alert = $1",
    )
    .bind(alert)
    .fetch_one()
    .await
}

/// Takes note that someone is calling a person, or no longer is.
pub async fn set_calling(
    tx: &mut super::Tx,
    recipient: RecipientId,
    by: Option<&str>,
    at: Timestamp,
) -> Result<bool, Error> {
    let changed = tx
        .sql(
            "UPDATE recipient SET calling_by = $2, calling_at = $3
             WHERE id = $1 AND answered_at IS NULL",
        )
        .bind(recipient)
        .bind(by)
        .bind(by.map(|_| at))
        .execute()
        .await?;
    Ok(changed == 1)
}
