//! Messages that failed, and the people whom nothing is on its way to any more.

use super::{Conn, Error, Tx};
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, DeliveryId, RecipientId};

/// An alert with a failure that was not followed up.
pub async fn find_alert(on: impl Conn<'_>) -> Result<Option<(AlertNumber,)>, Error> {
    on.sql("SELECT alert FROM delivery WHERE state = 'failed' AND followed_at IS NULL LIMIT 1")
        .fetch_optional()
        .await
}

/// A message that failed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Failed {
    /// Which.
    pub id: DeliveryId,
    /// The gateway of its last try.
    pub gateway: String,
}

/// The next failures of an alert that were not followed up.
pub async fn list(tx: &mut Tx, alert: AlertNumber, most: i64) -> Result<Vec<Failed>, Error> {
    tx.sql(
        "SELECT id, COALESCE(gateway, '') AS gateway FROM delivery
         WHERE alert = $1 AND state = 'failed' AND followed_at IS NULL ORDER BY id LIMIT $2",
    )
    .bind(alert)
    .bind(most)
    .fetch_all()
    .await
}

/// Marks the contact points that these messages did not reach, each with the reason.
pub async fn mark_points(tx: &mut Tx, failed: &[DeliveryId], now: Timestamp) -> Result<u64, Error> {
    if failed.is_empty() {
        return Ok(0);
    }
    tx.sql_for(
        "UPDATE contact_point SET unreachable_at = $2, unreachable_reason = failed.reason
         FROM (SELECT point_id, max(reason) AS reason FROM delivery
               WHERE id IN (SELECT value FROM json_each($1)) GROUP BY point_id) AS failed
         WHERE contact_point.id = failed.point_id",
        "UPDATE contact_point SET unreachable_at = $2, unreachable_reason = failed.reason
         FROM (SELECT point_id, max(reason) AS reason FROM delivery
               WHERE id IN (SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))
               GROUP BY point_id) AS failed
         WHERE contact_point.id = failed.point_id",
    )
    .bind(sqlx::types::Json(failed))
    .bind(now)
    .execute()
    .await
}

/// Whether anything is on its way to a recipient, or has reached them: their own message, or that to
/// somebody who shares their phone.
macro_rules! is_reached {
    () => {
        "EXISTS (SELECT 1 FROM delivery own
              LEFT JOIN delivery other ON own.state = 'excluded' AND other.recipient = own.same_as
                   AND other.alert = own.alert AND other.step = own.step AND other.channel = own.channel
              WHERE own.alert = recipient.alert AND own.recipient = recipient.id
                AND (own.state IN ('queued', 'sending', 'accepted', 'sent', 'delivered', 'in_doubt')
                  OR other.state IN ('queued', 'sending', 'accepted', 'sent', 'delivered', 'in_doubt')))"
    };
}

/// The people of these failed messages, and those who share their phones, who have not answered and
/// whom nothing else reaches; in order.
pub async fn list_people(tx: &mut Tx, failed: &[DeliveryId]) -> Result<Vec<RecipientId>, Error> {
    let rows: Vec<(RecipientId,)> = tx
        .sql_for(
            concat!(
                "SELECT recipient.id FROM recipient WHERE recipient.id IN (
                     SELECT recipient FROM delivery WHERE id IN (SELECT value FROM json_each($1))
                     UNION
                     SELECT told.recipient FROM delivery failed
                     JOIN delivery told ON told.same_as = failed.recipient
                          AND told.step = failed.step AND told.channel = failed.channel
                     WHERE failed.id IN (SELECT value FROM json_each($1)))
                 AND recipient.answered_at IS NULL AND NOT ",
                is_reached!(),
                " ORDER BY recipient.id"
            ),
            concat!(
                "WITH asked AS (SELECT value::bigint AS id
                     FROM jsonb_array_elements_text($1) AS listed (value))
                 SELECT recipient.id FROM recipient WHERE recipient.id IN (
                     SELECT delivery.recipient FROM delivery JOIN asked ON asked.id = delivery.id
                     UNION
                     SELECT told.recipient FROM asked JOIN delivery failed ON failed.id = asked.id
                     JOIN delivery told ON told.same_as = failed.recipient
                          AND told.step = failed.step AND told.channel = failed.channel)
                 AND recipient.answered_at IS NULL AND NOT ",
                is_reached!(),
                " ORDER BY recipient.id"
            ),
        )
        .bind(sqlx::types::Json(failed))
        .fetch_all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Those of these people whom still nothing reaches; in order.
pub async fn still_unreached(
    tx: &mut Tx,
    people: &[RecipientId],
) -> Result<Vec<RecipientId>, Error> {
    let rows: Vec<(RecipientId,)> = tx
        .sql_for(
            concat!(
                "SELECT recipient.id FROM recipient
                 WHERE recipient.id IN (SELECT value FROM json_each($1)) AND NOT ",
                is_reached!(),
                " ORDER BY recipient.id"
            ),
            concat!(
                "SELECT recipient.id FROM recipient WHERE recipient.id IN (
                     SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))
                 AND NOT ",
                is_reached!(),
                " ORDER BY recipient.id"
            ),
        )
        .bind(sqlx::types::Json(people))
        .fetch_all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Writes down that these failures were followed up.
pub async fn followed(tx: &mut Tx, failed: &[DeliveryId], now: Timestamp) -> Result<u64, Error> {
    tx.sql_for(
        "UPDATE delivery SET followed_at = $2 WHERE id IN (SELECT value FROM json_each($1))",
        "UPDATE delivery SET followed_at = $2
         WHERE id IN (SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))",
    )
    .bind(sqlx::types::Json(failed))
    .bind(now)
    .execute()
    .await
}
