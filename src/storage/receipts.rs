//! What gateways said later: each receipt once, its delivery's state by rank.

use std::collections::{HashMap, HashSet};

use super::{Conn, Error, Tx};
use crate::channel::ReceiptStatus;
use crate::clock::Timestamp;
use crate::ids::{DeliveryId, ReceiptId};
use crate::storage::deliveries::DeliveryState;

/// A receipt as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
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

/// Finds whose these receipts are: by our own reference, but only if that delivery really went
/// through this gateway; else by the gateway's name for the message.
pub async fn resolve(tx: &mut Tx, rows: &mut [ReceiptRow]) -> Result<(), Error> {
    let found: Vec<(i64, Option<DeliveryId>)> = tx
        .sql_for(
            "SELECT said.key, COALESCE(
                 (SELECT own.id FROM delivery own
                  WHERE own.id = said.value ->> 'delivery'
                    AND (own.gateway = said.value ->> 'gateway' OR EXISTS (SELECT 1 FROM attempt
                         WHERE attempt.delivery = own.id AND attempt.gateway = said.value ->> 'gateway'))),
                 (SELECT named.id FROM delivery named
                  WHERE named.gateway_id = said.value ->> 'gateway_id'
                    AND named.gateway = said.value ->> 'gateway' ORDER BY named.id LIMIT 1))
             FROM json_each($1) AS said",
            "SELECT said.number - 1, COALESCE(
                 (SELECT own.id FROM delivery own
                  WHERE own.id = (said.value ->> 'delivery')::bigint
                    AND (own.gateway = said.value ->> 'gateway' OR EXISTS (SELECT 1 FROM attempt
                         WHERE attempt.delivery = own.id AND attempt.gateway = said.value ->> 'gateway'))),
                 (SELECT named.id FROM delivery named
                  WHERE named.gateway_id = said.value ->> 'gateway_id'
                    AND named.gateway = said.value ->> 'gateway' ORDER BY named.id LIMIT 1))
             FROM jsonb_array_elements($1) WITH ORDINALITY AS said (value, number)",
        )
        .bind(sqlx::types::Json(&*rows))
        .fetch_all()
        .await?;
    for (index, delivery) in found {
        let row = usize::try_from(index)
            .ok()
            .and_then(|index| rows.get_mut(index));
        if let Some(row) = row {
            row.delivery = delivery;
        }
    }
    Ok(())
}

/// How a delivery stands that a receipt speaks of.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Spoken {
    /// Which.
    pub id: DeliveryId,
    /// Its state.
    pub state: DeliveryState,
    /// The gateway of its last try.
    pub gateway: Option<String>,
    /// That gateway's name for it, once it has answered.
    pub gateway_id: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
}

/// What to do about deliveries that someone else is writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// Leave them out. With more than one to take, only so nobody waits in a circle.
    Skip,
    /// Wait for them.
    Wait,
}

/// Takes the rows of these receipts' deliveries and tells how they stand.
pub async fn lock_deliveries(
    tx: &mut Tx,
    rows: &[ReceiptRow],
    busy: Busy,
) -> Result<HashMap<DeliveryId, Spoken>, Error> {
    let ids: Vec<DeliveryId> = rows.iter().filter_map(|row| row.delivery).collect();
    let statement = match busy {
        Busy::Skip => tx.sql_for(
            "SELECT id, state, gateway, gateway_id, attempts FROM delivery
             WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, state, gateway, gateway_id, attempts FROM delivery
             WHERE id IN (SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))
             FOR UPDATE OF delivery SKIP LOCKED",
        ),
        Busy::Wait => tx.sql_for(
            "SELECT id, state, gateway, gateway_id, attempts FROM delivery
             WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, state, gateway, gateway_id, attempts FROM delivery
             WHERE id IN (SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value))
             FOR UPDATE OF delivery",
        ),
    };
    let found: Vec<Spoken> = statement.bind(sqlx::types::Json(ids)).fetch_all().await?;
    Ok(found.into_iter().map(|one| (one.id, one)).collect())
}

/// What becomes of a receipt that is there already: nothing, unless it came before we knew whose it is
/// and comes again with our own reference. Then it is news.
macro_rules! again {
    () => {
        " ON CONFLICT (gateway, gateway_id, status) DO UPDATE
              SET id = excluded.id, delivery = excluded.delivery, attempt = excluded.attempt
              WHERE receipt.delivery IS NULL AND excluded.delivery IS NOT NULL
          RETURNING id"
    };
}

/// Keeps receipts. Answers those that are news.
pub async fn insert(tx: &mut Tx, rows: &[ReceiptRow]) -> Result<HashSet<ReceiptId>, Error> {
    let added: Vec<(ReceiptId,)> = tx
        .sql_for(
            concat!(
                "INSERT INTO receipt (id, gateway, gateway_id, status, delivery, attempt, reason, at)
             SELECT unhex(replace(value ->> 'id', '-', '')), value ->> 'gateway',
                    value ->> 'gateway_id', value ->> 'status', value ->> 'delivery',
                    value ->> 'attempt', value ->> 'reason', value ->> 'at'
             FROM json_each($1) WHERE TRUE",
                again!()
            ),
            // One statement may touch a row only once: of what comes twice in one batch, the better.
            concat!(
                "INSERT INTO receipt (id, gateway, gateway_id, status, delivery, attempt, reason, at)
             SELECT DISTINCT ON (gateway, gateway_id, status) * FROM jsonb_to_recordset($1) AS said (id uuid, gateway text, gateway_id text,
                    status text, delivery bigint, attempt int, reason text, at bigint)
             ORDER BY gateway, gateway_id, status, delivery NULLS LAST",
                again!()
            ),
        )
        .bind(sqlx::types::Json(rows))
        .fetch_all()
        .await?;
    Ok(added.into_iter().map(|(id,)| id).collect())
}

/// Where a receipt moves its delivery.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Which.
    pub id: DeliveryId,
    /// Its new state.
    pub state: DeliveryState,
    /// For a failure, why.
    pub reason: Option<String>,
    /// When the receipt came.
    pub at: Timestamp,
}

macro_rules! apply {
    ($from:literal) => {
        concat!(
            "UPDATE delivery SET state = said.state, reason = said.reason,
                 accepted_at = COALESCE(accepted_at, said.at),
                 sent_at = CASE WHEN said.state IN ('sent', 'delivered')
                     THEN COALESCE(sent_at, said.at) ELSE sent_at END,
                 delivered_at = CASE WHEN said.state = 'delivered'
                     THEN COALESCE(delivered_at, said.at) ELSE delivered_at END,
                 closed_at = CASE WHEN said.state IN ('delivered', 'failed')
                     THEN COALESCE(closed_at, said.at) ELSE closed_at END,
                 ask_at = CASE WHEN said.state IN ('delivered', 'failed') THEN NULL ELSE ask_at END
             FROM (", $from, ") AS said WHERE delivery.id = said.id"
        )
    };
}

/// Moves deliveries to the states that receipts give them. Where something arrived, the directory no
/// longer says that nothing does.
pub async fn apply(tx: &mut Tx, changes: &[Change]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    tx.sql_for(
        apply!(
            "SELECT value ->> 'id' AS id, value ->> 'state' AS state, value ->> 'reason' AS reason,
                    value ->> 'at' AS at FROM json_each($1)"
        ),
        apply!(
            "SELECT * FROM jsonb_to_recordset($1) AS read (id bigint, state text, reason text,
                    at bigint)"
        ),
    )
    .bind(sqlx::types::Json(changes))
    .execute()
    .await?;
    let arrived = changes
        .iter()
        .filter(|one| one.state == DeliveryState::Delivered);
    let arrived: Vec<_> = arrived.map(|one| one.id).collect();
    if arrived.is_empty() {
        return Ok(());
    }
    tx.sql_for(
        "UPDATE contact_point SET unreachable_at = NULL, unreachable_reason = NULL
         WHERE unreachable_at IS NOT NULL AND id IN (
             SELECT point_id FROM delivery WHERE id IN (SELECT value FROM json_each($1)))",
        "UPDATE contact_point SET unreachable_at = NULL, unreachable_reason = NULL
         WHERE unreachable_at IS NOT NULL AND id IN (
             SELECT point_id FROM delivery WHERE id IN (
                 SELECT value::bigint FROM jsonb_array_elements_text($1) AS asked (value)))",
    )
    .bind(sqlx::types::Json(arrived))
    .execute()
    .await?;
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
pub async fn adopt(tx: &mut Tx, row: &ReceiptRow) -> Result<(), Error> {
    tx.sql("UPDATE receipt SET delivery = $2 WHERE id = $1 AND delivery IS NULL")
        .bind(row.id)
        .bind(row.delivery)
        .execute()
        .await?;
    Ok(())
}
