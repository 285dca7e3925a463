//! Counts for watchers: of the alerts that run, never of a person.

use super::deliveries::DeliveryState;
use super::invariants::Scope;
use super::{Db, Error};
use crate::channel::Channel;
use crate::response::AnswerClass;

/// Messages of running alerts, by channel and state; states without any are left out.
pub async fn deliveries(db: &Db) -> Result<Vec<(Channel, DeliveryState, i64)>, Error> {
    // By a range of ids, as the invariants are looked at, and for the same reason.
    db.sql(
        "SELECT channel, state, count(*) FROM delivery
         WHERE id > $1 AND +alert IN (SELECT number FROM alert WHERE state = 'running')
         GROUP BY channel, state",
    )
    .bind(Scope::running(db).await?.from())
    .fetch_all()
    .await
}

/// Messages of which nobody knows whether they went out and that are still to be decided about.
pub async fn in_doubt(db: &Db) -> Result<i64, Error> {
    let (count,): (i64,) = db
        .sql("SELECT count(*) FROM delivery WHERE state = 'in_doubt' AND closed_at IS NULL")
        .fetch_one()
        .await?;
    Ok(count)
}

/// Answers to running alerts, by class.
pub async fn answers(db: &Db) -> Result<Vec<(AnswerClass, i64)>, Error> {
    db.sql(
        "SELECT answer_class, count(*) FROM response
         WHERE alert IN (SELECT number FROM alert WHERE state = 'running') GROUP BY answer_class",
    )
    .fetch_all()
    .await
}
