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

/// Calls off what nobody need be told any more now that this person has answered: messages to
/// them, and those to others whose phone they share. Whatever still tells someone silent stays.
pub async fn answered(tx: &mut Tx, recipient: RecipientId, now: Timestamp) -> Result<(), Error> {
    let owners: Vec<(RecipientId,)> = tx
        .sql(
            "SELECT DISTINCT same_as FROM delivery
             WHERE alert = $1 AND recipient = $2 AND same_as IS NOT NULL",
        )
        .bind(recipient.alert())
        .bind(recipient)
        .fetch_all()
        .await?;
    for (one,) in std::iter::once((recipient,)).chain(owners) {
        tx.sql(concat!(
            "UPDATE delivery SET state = 'cancelled', reason = 'answered', closed_at = $3
             WHERE alert = $1 AND recipient = $2 AND state = 'queued' AND NOT ",
            is_wanted!()
        ))
        .bind(one.alert())
        .bind(one)
        .bind(now)
        .execute()
        .await?;
    }
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
