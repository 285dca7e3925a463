//! Deliveries in doubt, and those whose receipt is overdue: taken up, asked about, decided.

use super::call_off::is_wanted;
use super::deliveries::Claimed;
use super::outcomes::hold;
use super::{Conn, Error, Tx};
use crate::clock::Timestamp;
use crate::ids::DeliveryId;

/// A delivery that may or may not have gone out, and about which nothing is decided yet.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Open {
    /// Which.
    pub id: DeliveryId,
    /// Its try of unknown outcome.
    pub attempts: i32,
    /// Who may have it.
    pub gateway: String,
    /// When to decide.
    pub due_at: Timestamp,
}

/// Every delivery about which something is to be decided.
pub async fn list(on: impl Conn<'_>) -> Result<Vec<Open>, Error> {
    on.sql(
        "SELECT id, attempts, COALESCE(gateway, '') AS gateway, due_at FROM delivery
         WHERE state = 'in_doubt' AND closed_at IS NULL",
    )
    .fetch_all()
    .await
}

/// What is decided about deliveries in doubt that are to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Those more urgent than this; whoever gets it twice has been told twice, and it is marked.
    Marked(i32),
    /// All: the gateway knows the message by our key, so that only one comes of it. Another gateway
    /// would make it two.
    SameGateway,
    /// All: it certainly was not taken.
    NotTaken,
}

/// The deliveries and tries of `$1`, for `WHERE (id, attempts) IN`: how SQLite reads a JSON array.
macro_rules! tries_sqlite {
    () => {
        "(SELECT value ->> 0, value ->> 1 FROM json_each($1))"
    };
}

/// The same for PostgreSQL.
macro_rules! tries_postgres {
    () => {
        "(SELECT (pair ->> 0)::bigint, (pair ->> 1)::int
          FROM jsonb_array_elements($1) AS asked (pair))"
    };
}

macro_rules! send_again {
    ($tries:expr) => {
        concat!(
            "UPDATE delivery SET state = 'queued', due_at = $2,
                 possible_duplicate = possible_duplicate OR $4,
                 held_by = CASE WHEN $5 THEN gateway END
             WHERE (id, attempts) IN ", $tries, " AND state = 'in_doubt' AND closed_at IS NULL
               AND urgency < $3 AND expires_at > $2
               AND (SELECT alert.state FROM alert WHERE alert.number = delivery.alert) = 'running'
               AND ",
            is_wanted!()
        )
    };
}

macro_rules! leave {
    ($tries:expr) => {
        concat!(
            "UPDATE delivery SET closed_at = $2
             WHERE (id, attempts) IN ",
            $tries,
            " AND state = 'in_doubt' AND closed_at IS NULL"
        )
    };
}

macro_rules! not_taken {
    ($tries:expr) => {
        concat!(
            "UPDATE attempt SET outcome = 'failed', reason = $2
             WHERE (delivery, number) IN ",
            $tries,
            " AND outcome = 'unknown'"
        )
    };
}

/// Why a try of unknown outcome is known to have failed after all.
const NOT_TAKEN: &str = "the gateway was asked: it never took this message";

/// A delivery and the number of its try.
pub type Try = (DeliveryId, i32);

/// Decides about deliveries in doubt, each with the try that is in doubt: another try's doubt is
/// another matter. Who has answered or whose alert is over gets no more; what is not sent again
/// stays as it is, said plainly, and the next step of the plan takes over. Answers how many are sent
/// again.
pub async fn decide(
    tx: &mut Tx,
    decided: &[(Again, Vec<Try>)],
    now: Timestamp,
) -> Result<u64, Error> {
    let all = decided.iter().flat_map(|(_, tries)| tries);
    hold(tx, all.map(|(id, _)| *id).collect()).await?;
    let mut sent = 0;
    for (again, tries) in decided.iter().filter(|(_, tries)| !tries.is_empty()) {
        sent += decide_alike(tx, tries, *again, now).await?;
    }
    Ok(sent)
}

async fn decide_alike(
    tx: &mut Tx,
    tries: &[Try],
    again: Again,
    now: Timestamp,
) -> Result<u64, Error> {
    let tries = sqlx::types::Json(tries);
    if again == Again::NotTaken {
        tx.sql_for(not_taken!(tries_sqlite!()), not_taken!(tries_postgres!()))
            .bind(tries)
            .bind(NOT_TAKEN)
            .execute()
            .await?;
    }
    let (below, is_marked) = match again {
        Again::Marked(below) => (below, true),
        Again::SameGateway | Again::NotTaken => (i32::MAX, false),
    };
    let sent = tx
        .sql_for(send_again!(tries_sqlite!()), send_again!(tries_postgres!()))
        .bind(tries)
        .bind(now)
        .bind(below)
        .bind(is_marked)
        .bind(again == Again::SameGateway)
        .execute()
        .await?;
    tx.sql_for(leave!(tries_sqlite!()), leave!(tries_postgres!()))
        .bind(tries)
        .bind(now)
        .execute()
        .await?;
    Ok(sent)
}

/// Lets other gateways send what this one may have under our key: it is down, or configured no more.
/// Only what is more urgent than `below`; the rest waits for it.
pub async fn release(tx: &mut Tx, gateway: &str, below: i32) -> Result<u64, Error> {
    tx.sql(
        "UPDATE delivery SET held_by = NULL, possible_duplicate = TRUE
         WHERE state = 'queued' AND held_by = $1 AND urgency < $2",
    )
    .bind(gateway)
    .bind(below)
    .execute()
    .await
}

/// Messages that a gateway may have under our key, and that only it may send.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Held {
    /// The gateway.
    pub gateway: String,
    /// The urgency of the most urgent of them: the smallest.
    pub most_urgent: i32,
}

/// What each gateway has in doubt under our key; it need not be configured any more.
pub async fn list_held(on: impl Conn<'_>) -> Result<Vec<Held>, Error> {
    on.sql(
        "SELECT held_by AS gateway, min(urgency) AS most_urgent FROM delivery
         WHERE state = 'queued' AND held_by IS NOT NULL GROUP BY held_by",
    )
    .fetch_all()
    .await
}

/// A delivery in doubt, with what its message is made of.
#[derive(Debug, sqlx::FromRow)]
pub struct Doubted {
    /// The delivery as it was sent.
    #[sqlx(flatten)]
    pub claimed: Claimed,
    /// When its last try began.
    pub sending_at: Timestamp,
}

/// Takes up deliveries in doubt that a gateway is to be asked about: until `until` nobody else asks.
pub async fn take_doubted(
    tx: &mut Tx,
    gateway: &str,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> Result<Vec<Doubted>, Error> {
    tx.sql(
        "UPDATE delivery SET due_at = $3
         WHERE due_at <= $1 AND state = 'in_doubt' AND closed_at IS NULL AND id IN (
             SELECT id FROM delivery WHERE state = 'in_doubt' AND closed_at IS NULL
                AND due_at <= $1 AND gateway = $2 ORDER BY due_at, id LIMIT $4)
         RETURNING id, alert, language, says, mode, point_id, address, urgency, attempts, expires_at,
             queued_at, sending_at,
             (SELECT contact_id FROM recipient WHERE recipient.id = delivery.recipient) AS contact_id,
             (SELECT name FROM recipient WHERE recipient.id = delivery.recipient) AS name,
             (SELECT fields FROM recipient WHERE recipient.id = delivery.recipient) AS fields",
    )
    .bind(now)
    .bind(gateway)
    .bind(until)
    .bind(most)
    .fetch_all()
    .await
}

/// Which of these names a gateway's messages have that we know already, and which deliveries they are.
pub async fn list_known(
    on: impl Conn<'_>,
    gateway: &str,
    names: &[&str],
) -> Result<Vec<(String, DeliveryId)>, Error> {
    on.sql_for(
        "SELECT gateway_id, id FROM delivery
         WHERE gateway_id IN (SELECT value FROM json_each($1)) AND gateway = $2",
        "SELECT gateway_id, id FROM delivery
         WHERE gateway_id IN (SELECT value FROM jsonb_array_elements_text($1) AS asked (value))
         AND gateway = $2",
    )
    .bind(sqlx::types::Json(names))
    .bind(gateway)
    .fetch_all()
    .await
}

/// The deliveries in doubt among those that were said. Whoever holds one of them now knows
/// more of it than the gateway's answer.
macro_rules! has_it {
    ($said:literal, $skip:literal) => {
        concat!(
            "UPDATE delivery SET state = 'accepted', reason = NULL, gateway_id = said.name,
                 accepted_at = COALESCE(accepted_at, $2), ask_at = $3
             FROM (SELECT said.id, said.name FROM (",
            $said,
            ") AS said JOIN delivery ON delivery.id = said.id AND delivery.attempts = said.attempt
             WHERE delivery.state = 'in_doubt' AND delivery.closed_at IS NULL",
            $skip,
            ") AS said
             WHERE delivery.id = said.id"
        )
    };
}

/// Writes down that the gateway has these after all, each with its name for it, unless a receipt was
/// faster.
pub async fn found(
    tx: &mut Tx,
    all: &[(DeliveryId, i32, String)],
    ask_at: Timestamp,
    now: Timestamp,
) -> Result<u64, Error> {
    tx.sql_for(
        has_it!(
            "SELECT value ->> 0 AS id, value ->> 1 AS attempt, value ->> 2 AS name
             FROM json_each($1)",
            ""
        ),
        has_it!(
            "SELECT (one ->> 0)::bigint AS id, (one ->> 1)::int AS attempt, one ->> 2 AS name
             FROM jsonb_array_elements($1) AS listed (one)",
            " FOR UPDATE OF delivery SKIP LOCKED"
        ),
    )
    .bind(sqlx::types::Json(all))
    .bind(now)
    .bind(ask_at)
    .execute()
    .await
}

/// A message that a gateway took and of which it has not said what became.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Silent {
    /// Which.
    pub id: DeliveryId,
    /// Which try it took.
    pub attempts: i32,
    /// Its name for it.
    pub gateway_id: String,
    /// When it took it.
    pub accepted_at: Timestamp,
}

/// Has the gateway asked about each of these, which it has just taken, unless a receipt comes before.
pub async fn ask_later(tx: &mut Tx, taken: &[(DeliveryId, Timestamp)]) -> Result<u64, Error> {
    if taken.is_empty() {
        return Ok(0);
    }
    tx.sql_for(
        "UPDATE delivery SET ask_at = asked.value ->> 1 FROM json_each($1) AS asked
         WHERE delivery.id = asked.value ->> 0
           AND CASE WHEN delivery.state IN ('accepted', 'sent') THEN TRUE ELSE FALSE END",
        "UPDATE delivery SET ask_at = (asked.pair ->> 1)::bigint
         FROM jsonb_array_elements($1) AS asked (pair)
         WHERE delivery.id = (asked.pair ->> 0)::bigint
           AND CASE WHEN delivery.state IN ('accepted', 'sent') THEN TRUE ELSE FALSE END",
    )
    .bind(sqlx::types::Json(taken))
    .execute()
    .await
}

/// Whether a gateway is to be asked about anything.
pub async fn is_any_to_ask(
    on: impl Conn<'_>,
    gateway: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let (found,): (bool,) = on
        .sql(
            "SELECT EXISTS (SELECT 1 FROM delivery WHERE ask_at <= $1 AND gateway = $2)
             OR EXISTS (SELECT 1 FROM delivery WHERE state = 'in_doubt' AND closed_at IS NULL
                AND due_at <= $1 AND gateway = $2)",
        )
        .bind(now)
        .bind(gateway)
        .fetch_one()
        .await?;
    Ok(found)
}

/// Takes up messages whose receipt is overdue: until `until` nobody else asks about them. What needs
/// no receipt any more is not asked about again.
pub async fn take_silent(
    tx: &mut Tx,
    gateway: &str,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> Result<Vec<Silent>, Error> {
    tx.sql(
        "UPDATE delivery SET ask_at = NULL
         WHERE ask_at <= $1 AND gateway = $2 AND (gateway_id IS NULL OR state NOT IN ('accepted', 'sent'))",
    )
    .bind(now)
    .bind(gateway)
    .execute()
    .await?;
    tx.sql(
        "UPDATE delivery SET ask_at = $3
         WHERE ask_at <= $1 AND id IN (
             SELECT id FROM delivery WHERE ask_at <= $1 AND gateway = $2 ORDER BY ask_at, id LIMIT $4)
         RETURNING id, attempts, gateway_id, accepted_at",
    )
    .bind(now)
    .bind(gateway)
    .bind(until)
    .bind(most)
    .fetch_all()
    .await
}

/// Says when each of these messages is to be asked about again; none for never.
pub async fn ask_again(
    tx: &mut Tx,
    next: &[(DeliveryId, Option<Timestamp>)],
) -> Result<u64, Error> {
    tx.sql_for(
        "UPDATE delivery SET ask_at = asked.value ->> 1 FROM json_each($1) AS asked
         WHERE delivery.id = asked.value ->> 0 AND delivery.ask_at IS NOT NULL",
        "UPDATE delivery SET ask_at = (asked.pair ->> 1)::bigint
         FROM jsonb_array_elements($1) AS asked (pair)
         WHERE delivery.id = (asked.pair ->> 0)::bigint AND delivery.ask_at IS NOT NULL",
    )
    .bind(sqlx::types::Json(next))
    .execute()
    .await
}
