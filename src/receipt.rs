//! What became of a message, by what its gateway says later: each thing once, ordered by rank.
//!
//! Receipts come early, late, twice and shuffled. The order they come in decides nothing:
//! [`after`] looks only at where the delivery stands and what the receipt says.

use tracing::info;

use crate::app::App;
use crate::channel::{Receipt, ReceiptStatus, Reference};
use crate::ids::ReceiptId;
use crate::storage::deliveries::DeliveryState;
use crate::storage::receipts::{self, ReceiptRow, Spoken};
use crate::storage::{Error, Tx};

/// Where a delivery stands after a receipt.
///
/// `delivered` stands above everything: it may come after `failed`, and even after we called the
/// message off, and is true all the same. `failed` never takes back `delivered`. A receipt that
/// speaks of an attempt which will be repeated (`queued`) changes nothing unless it is `delivered`:
/// then the repetition is needless.
pub fn after(state: DeliveryState, receipt: ReceiptStatus) -> DeliveryState {
    use DeliveryState as S;
    match (receipt, state) {
        (_, S::Delivered | S::Excluded) => state,
        (ReceiptStatus::Delivered, _) => S::Delivered,
        (ReceiptStatus::Failed, S::Sending | S::Accepted | S::Sent | S::InDoubt) => S::Failed,
        (ReceiptStatus::Sent, S::Sending | S::Accepted | S::InDoubt) => S::Sent,
        (ReceiptStatus::Accepted, S::Sending | S::InDoubt) => S::Accepted,
        _ => state,
    }
}

/// Writes down what a gateway says. A receipt that came before is no news; one for a message we do
/// not know is kept until we do, or for ever.
pub async fn record(app: &App, gateway: &str, said: Vec<Receipt>) -> Result<(), Error> {
    let now = app.clock.now();
    let rows: Vec<ReceiptRow> = said
        .into_iter()
        .map(|receipt| ReceiptRow {
            id: ReceiptId::new(),
            gateway: gateway.to_owned(),
            gateway_id: receipt.gateway_id,
            status: receipt.status,
            delivery: receipt.reference.map(|reference| reference.delivery),
            attempt: receipt
                .reference
                .and_then(|reference| reference.attempt)
                .and_then(|attempt| i32::try_from(attempt).ok()),
            reason: receipt.reason,
            at: now,
        })
        .collect();
    app.db
        .write("receipt.record", move |tx| {
            Box::pin(async move {
                for row in rows {
                    record_one(tx, row).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await?;
    app.tell();
    Ok(())
}

async fn record_one(tx: &mut Tx, mut row: ReceiptRow) -> Result<(), Error> {
    // Our own reference, but only if that delivery really went through this gateway.
    let mut spoken = None;
    if let Some(delivery) = row.delivery {
        spoken = receipts::lock_delivery(tx, delivery, &row.gateway).await?;
    }
    if spoken.is_none() {
        row.delivery = receipts::find_delivery(tx, &row.gateway, &row.gateway_id).await?;
        if let Some(delivery) = row.delivery {
            spoken = receipts::lock_delivery(tx, delivery, &row.gateway).await?;
        }
    }
    let is_news = receipts::insert(tx, &row).await?;
    let (true, Some(delivery), Some(spoken)) = (is_news, row.delivery, spoken) else {
        if row.delivery.is_none() {
            info!(
                gateway.name = row.gateway,
                "Kept a receipt for a message that is not known yet"
            );
        }
        return Ok(());
    };
    apply(tx, &row, delivery, &spoken).await
}

/// Whether a receipt speaks of the try that counts now. A gateway that says nothing of the try is
/// taken at its word unless its own name for the message is another one's.
fn is_of_last_try(row: &ReceiptRow, spoken: &Spoken) -> bool {
    if spoken.gateway.as_ref() != Some(&row.gateway) {
        return false;
    }
    match (row.attempt, &spoken.gateway_id) {
        (Some(attempt), _) => attempt == spoken.attempts,
        // The only try there was, or a name of our own making because the gateway gave none.
        (None, Some(name)) if spoken.attempts > 1 && name.parse::<Reference>().is_err() => {
            *name == row.gateway_id
        }
        (None, _) => true,
    }
}

async fn apply(
    tx: &mut Tx,
    row: &ReceiptRow,
    delivery: crate::ids::DeliveryId,
    spoken: &Spoken,
) -> Result<(), Error> {
    // That an earlier try failed says nothing about the one that followed it; that it arrived, or
    // is on its way, is true whichever it was.
    if row.status == ReceiptStatus::Failed && !is_of_last_try(row, spoken) {
        return Ok(());
    }
    let next = after(spoken.state, row.status);
    if next == spoken.state {
        return Ok(());
    }
    let reason = (next == DeliveryState::Failed).then(|| {
        row.reason
            .as_deref()
            .unwrap_or("the gateway reported that it was not delivered")
    });
    receipts::apply(tx, delivery, next, reason, row.at).await
}

/// Gives receipts that came too early to their deliveries. Answers how many found theirs.
pub async fn adopt_orphans(app: &App) -> Result<usize, Error> {
    let orphans = receipts::list_orphans(&app.db).await?;
    if orphans.is_empty() {
        return Ok(0);
    }
    let count = orphans.len();
    app.db
        .write("receipt.adopt", move |tx| {
            Box::pin(async move {
                for row in orphans {
                    let Some(delivery) = row.delivery else {
                        continue;
                    };
                    receipts::adopt(tx, row.id, delivery).await?;
                    let spoken = receipts::lock_delivery(tx, delivery, &row.gateway).await?;
                    if let Some(spoken) = spoken {
                        apply(tx, &row, delivery, &spoken).await?;
                    }
                }
                Ok::<_, Error>(())
            })
        })
        .await?;
    app.tell();
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    #[test]
    fn delivered_replaces_failed_and_never_the_reverse() {
        assert_eq!(
            after(DeliveryState::Failed, ReceiptStatus::Delivered),
            DeliveryState::Delivered
        );
        assert_eq!(
            after(DeliveryState::Delivered, ReceiptStatus::Failed),
            DeliveryState::Delivered
        );
    }

    #[test]
    fn a_message_that_waits_for_its_next_try_is_not_failed_by_the_last_one() {
        assert_eq!(
            after(DeliveryState::Queued, ReceiptStatus::Failed),
            DeliveryState::Queued
        );
        assert_eq!(
            after(DeliveryState::Queued, ReceiptStatus::Delivered),
            DeliveryState::Delivered
        );
    }

    #[test]
    fn an_excluded_person_stays_excluded() {
        assert_eq!(
            after(DeliveryState::Excluded, ReceiptStatus::Delivered),
            DeliveryState::Excluded
        );
    }

    proptest! {
        #[test]
        fn receipts_in_any_order_and_number_end_in_the_same_state(
            said in proptest::collection::vec(select(ReceiptStatus::ALL), 1..6),
            seed in any::<u64>(),
        ) {
            let run = |order: &[ReceiptStatus]| {
                order.iter().fold(DeliveryState::Sending, |state, receipt| after(state, *receipt))
            };
            let mut shuffled = said.clone();
            let turn = usize::try_from(seed % 6).unwrap() % said.len();
            shuffled.rotate_left(turn);
            shuffled.extend_from_slice(&said);
            prop_assert_eq!(run(&said), run(&shuffled));
        }
    }
}
