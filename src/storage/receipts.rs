//! What gateways said later: each receipt once, its delivery's state by rank.

use super::{Conn, Error, Tx};
use crate::channel::ReceiptStatus;
use crate::clock::Timestamp;
use crate::ids::{DeliveryId, ReceiptId};
use crate::storage::deliveries::DeliveryState;

/// A receipt as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ReceiptRow {
    /// Its own id.
    pub id: ReceiptId,
    /// Which gateway said it.
    pub gateway: String,
    /// The gateway's name for the message.
    pub gateway_id: String,
    /// What it said.
    pub status: ReceiptStatus,
    /// Whose it is; none while we do not know.
    pub delivery: Option<DeliveryId>,
    /// Of which try it speaks, from 1; none if the gateway does not say.
    pub attempt: Option<i32>,
    /// For a failure, why.
    pub reason: Option<String>,
    /// When it came.
    pub at: Timestamp,
}

/// Keeps a receipt. False if it was there already.
pub async fn insert(tx: &mut Tx, receipt: &ReceiptRow) -> Result<bool, Error> {
    let added = tx
        .sql(
            "INSERT INTO receipt (id, gateway, gateway_id, status, delivery, attempt, reason, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (gateway, gateway_id, status) DO NOTHING",
        )
        .bind(receipt.id)
        .bind(&receipt.gateway)
        .bind(&receipt.gateway_id)
        .bind(receipt.status)
        .bind(receipt.delivery)
        .bind(receipt.attempt)
        .bind(&receipt.reason)
        .bind(receipt.at)
        .execute()
        .await?;
    Ok(added == 1)
}

/// The delivery that a gateway's name for a message belongs to.
pub async fn find_delivery(
    tx: &mut Tx,
    gateway: &str,
    gateway_id: &str,
) -> Result<Option<DeliveryId>, Error> {
    let row: Option<(DeliveryId,)> = tx
        .sql("SELECT id FROM delivery WHERE gateway_id = $1 AND gateway = $2 ORDER BY id LIMIT 1")
        .bind(gateway_id)
        .bind(gateway)
        .fetch_optional()
        .await?;
    Ok(row.map(|(id,)| id))
}

/// How a delivery stands that a receipt speaks of.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Spoken {
    /// Its state.
    pub state: DeliveryState,
    /// The gateway of its last try.
    pub gateway: Option<String>,
    /// That gateway's name for it, once it has answered.
    pub gateway_id: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
}

/// Takes a delivery's row and tells how it stands; none if this gateway never had it.
pub async fn lock_delivery(
    tx: &mut Tx,
    delivery: DeliveryId,
    gateway: &str,
) -> Result<Option<Spoken>, Error> {
    tx.sql(
        "UPDATE delivery SET state = state
         WHERE id = $1 AND (gateway = $2 OR EXISTS (SELECT 1 FROM attempt
               WHERE attempt.delivery = delivery.id AND attempt.gateway = $2))
         RETURNING state, gateway, gateway_id, attempts",
    )
    .bind(delivery)
    .bind(gateway)
    .fetch_optional()
    .await
}

/// Moves a delivery to the state that a receipt gives it.
pub async fn apply(
    tx: &mut Tx,
    delivery: DeliveryId,
    state: DeliveryState,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<(), Error> {
    tx.sql(
        "UPDATE delivery SET state = $2, reason = $3,
             accepted_at = COALESCE(accepted_at, $4),
             sent_at = CASE WHEN $2 IN ('sent', 'delivered') THEN COALESCE(sent_at, $4) ELSE sent_at END,
             delivered_at = CASE WHEN $2 = 'delivered' THEN COALESCE(delivered_at, $4)
                 ELSE delivered_at END,
             closed_at = CASE WHEN $2 IN ('delivered', 'failed') THEN COALESCE(closed_at, $4)
                 ELSE closed_at END,
             ask_at = CASE WHEN $2 IN ('delivered', 'failed') THEN NULL ELSE ask_at END
         WHERE id = $1",
    )
    .bind(delivery)
    .bind(state)
    .bind(reason)
    .bind(at)
    .execute()
    .await?;
    if state == DeliveryState::Delivered {
        tx.sql(
            "UPDATE contact_point SET unreachable_at = NULL, unreachable_reason = NULL
             WHERE unreachable_at IS NOT NULL
               AND id = (SELECT point_id FROM delivery WHERE delivery.id = $1)",
        )
        .bind(delivery)
        .execute()
        .await?;
    }
    Ok(())
}

/// Receipts that came before we knew whose they are, and whose delivery is known by now.
pub async fn list_orphans(on: impl Conn<'_>) -> Result<Vec<ReceiptRow>, Error> {
    on.sql(
        "SELECT receipt.id, receipt.gateway, receipt.gateway_id, receipt.status,
                delivery.id AS delivery, receipt.attempt, receipt.reason, receipt.at
         FROM receipt JOIN delivery ON delivery.gateway_id = receipt.gateway_id
              AND delivery.gateway = receipt.gateway
         WHERE receipt.delivery IS NULL ORDER BY receipt.at LIMIT 500",
    )
    .fetch_all()
    .await
}

/// Ties an orphan to its delivery.
pub async fn adopt(tx: &mut Tx, receipt: ReceiptId, delivery: DeliveryId) -> Result<(), Error> {
    tx.sql("UPDATE receipt SET delivery = $2 WHERE id = $1 AND delivery IS NULL")
        .bind(receipt)
        .bind(delivery)
        .execute()
        .await?;
    Ok(())
}
