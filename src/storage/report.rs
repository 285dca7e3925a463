//! What a report counts beyond the live board.

use super::standing::people;
use super::{Conn, Error};
use crate::clock::Timestamp;
use crate::ids::AlertNumber;

/// How many people of an alert have the same category, site, unit and language.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Kin {
    /// What they are.
    pub category: String,
    /// Where they work; empty for none given.
    pub site: String,
    /// In which unit; empty for none given.
    pub unit: String,
    /// What they read.
    pub language: String,
    /// How many.
    pub people: i64,
    /// How many of them a message reached for certain, or they answered.
    pub reached: i64,
    /// How many of them answered.
    pub answered: i64,
}

/// The people of an alert, those reached and those who answered, by everything that they have in
/// common.
pub async fn by_kin(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<Kin>, Error> {
    on.sql(people!(
        "SELECT category, site, unit, language, count(*) AS people,
                count(CASE WHEN state IN ('acknowledged', 'delivered') THEN 1 END) AS reached,
                count(answered_at) AS answered
         FROM person GROUP BY category, site, unit, language"
    ))
    .bind(alert)
    .fetch_all()
    .await
}

/// A name, how many people, how many of them were reached, and how many answered.
pub type Part = (String, i64, i64, i64);

/// The same by the groups that the launch named; nothing of an audience that was one group.
pub async fn by_group(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<Part>, Error> {
    on.sql(people!(
        "SELECT recipient_group.name, count(*),
                count(CASE WHEN state IN ('acknowledged', 'delivered') THEN 1 END), count(answered_at)
         FROM person JOIN recipient_group ON recipient_group.recipient = person.id
         GROUP BY recipient_group.name ORDER BY recipient_group.name"
    ))
    .bind(alert)
    .fetch_all()
    .await
}

/// The people to whom a message went by `$way`, those whom one is known to have reached that way,
/// and those who answered one.
macro_rules! by_way {
    ($way:literal) => {
        concat!(
            "SELECT ",
            $way,
            ", count(DISTINCT delivery.recipient),
                    count(DISTINCT CASE WHEN delivery.state = 'delivered' OR response.id IS NOT NULL
                                   THEN delivery.recipient END),
                    count(DISTINCT CASE WHEN response.id IS NOT NULL THEN delivery.recipient END)
             FROM delivery LEFT JOIN response ON response.recipient = delivery.recipient
                  AND response.delivery = delivery.id
             WHERE delivery.alert = $1 AND delivery.attempts > 0 AND delivery.gateway IS NOT NULL
               AND delivery.says = 'message'
             GROUP BY ",
            $way,
            " ORDER BY ",
            $way
        )
    };
}

/// By the channel of their messages. Whoever got several counts on each.
pub async fn by_channel(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<Part>, Error> {
    on.sql(by_way!("delivery.channel"))
        .bind(alert)
        .fetch_all()
        .await
}

/// By the gateway that last had their messages. Whoever got several counts at each.
pub async fn by_gateway(on: impl Conn<'_>, alert: AlertNumber) -> Result<Vec<Part>, Error> {
    on.sql(by_way!("delivery.gateway"))
        .bind(alert)
        .fetch_all()
        .await
}

/// A gateway that was in trouble: its name, since when, and until when; none while it still is.
pub type Trouble = (String, Timestamp, Option<Timestamp>);

/// The troubles of gateways that fell into the time from `from` to `to`, oldest first.
pub async fn troubles(
    on: impl Conn<'_>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Trouble>, Error> {
    on.sql(
        "SELECT gateway, since, over_at FROM gateway_trouble
         WHERE since <= $2 AND (over_at IS NULL OR over_at >= $1) ORDER BY since, gateway",
    )
    .bind(from)
    .bind(to)
    .fetch_all()
    .await
}

/// When sending processes started within that time, oldest first.
pub async fn starts(
    on: impl Conn<'_>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Timestamp,)>, Error> {
    on.sql("SELECT started_at FROM boot WHERE started_at > $1 AND started_at <= $2 ORDER BY id")
        .bind(from)
        .bind(to)
        .fetch_all()
        .await
}
