//! Calls messages off that have not left: because the alert is over, the person has answered, or the
//! number has opted out.

use super::deliveries::DeliveryState;
use super::{Error, Tx};
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, RecipientId};

/// Calls off everything of an alert that has not left: answers how many messages that was.
pub async fn alert(
    tx: &mut Tx,
    number: AlertNumber,
    state: DeliveryState,
    reason: &str,
    now: Timestamp,
) -> Result<u64, Error> {
    tx.sql(
        "UPDATE delivery SET state = $2, reason = $3, closed_at = $4
         WHERE alert = $1 AND state = 'queued'",
    )
    .bind(number)
    .bind(state)
    .bind(reason)
    .bind(now)
    .execute()
    .await
}

/// Whether anyone whom a delivery tells has still to be told: the person it goes to, or someone who
/// shares their phone. What a call-out says later is for those who have answered, too.
macro_rules! is_wanted {
    () => {
        "(delivery.says <> 'message'
          OR (SELECT owner.answered_at FROM recipient owner WHERE owner.id = delivery.recipient) IS NULL
          OR EXISTS (SELECT 1 FROM delivery told JOIN recipient sharer ON sharer.id = told.recipient
              WHERE told.same_as = delivery.recipient AND told.step = delivery.step AND told.channel = delivery.channel
                AND sharer.answered_at IS NULL))"
    };
}
pub(super) use is_wanted;

/// The messages to these people that wait, and those to others whose phone they share. By the people:
/// for each of them PostgreSQL would read through all that waits, had it the choice.
macro_rules! of_answered {
    ($recipients:literal) => {
        concat!(
            "WITH answered AS (",
            $recipients,
            "), concerned AS (
                 SELECT answered.id FROM answered
                 UNION SELECT told.same_as FROM answered
                 JOIN delivery told ON told.alert = answered.id >> 32
                      AND told.recipient = answered.id
                 WHERE told.same_as IS NOT NULL)
             SELECT delivery.id FROM concerned
             JOIN delivery ON delivery.alert = concerned.id >> 32
                  AND delivery.recipient = concerned.id
             WHERE CASE delivery.state WHEN 'queued' THEN TRUE ELSE FALSE END AND NOT ",
            is_wanted!()
        )
    };
}

/// Calls off what nobody need be told any more now that these people have answered: messages to
/// them, and those to others whose phone they share. Whatever still tells someone silent stays.
pub async fn answered(
    tx: &mut Tx,
    recipients: &[RecipientId],
    now: Timestamp,
) -> Result<(), Error> {
    tx.sql_for(
        concat!(
            "UPDATE delivery SET state = 'cancelled', reason = 'answered', closed_at = $2
             WHERE id IN (",
            of_answered!("SELECT value AS id FROM json_each($1)"),
            ")"
        ),
        // Locked in one order, so that no two who share a phone wait for each other.
        concat!(
            "UPDATE delivery SET state = 'cancelled', reason = 'answered', closed_at = $2
             WHERE id IN (",
            of_answered!(
                "SELECT value::bigint AS id FROM jsonb_array_elements_text($1) AS asked (value)"
            ),
            " ORDER BY delivery.id FOR UPDATE OF delivery)"
        ),
    )
    .bind(sqlx::types::Json(recipients))
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Calls off what waits for a number whose owner has just opted out. Emergencies still go.
pub async fn opted_out(tx: &mut Tx, lookup: &[u8], now: Timestamp) -> Result<u64, Error> {
    tx.sql(
        "UPDATE delivery SET state = 'excluded', reason = 'opted out', closed_at = $2
         WHERE state = 'queued' AND id IN (
             SELECT waiting.id FROM contact_point
             JOIN recipient ON recipient.contact_id = contact_point.contact_id
             JOIN alert ON alert.number = recipient.alert
             JOIN delivery waiting ON waiting.alert = recipient.alert
                  AND waiting.recipient = recipient.id
             WHERE contact_point.lookup = $1 AND waiting.lookup = $1
               AND alert.state = 'running' AND alert.purpose <> 'emergency')",
    )
    .bind(lookup)
    .bind(now)
    .execute()
    .await
}
