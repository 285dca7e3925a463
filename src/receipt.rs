//! What became of a message, by what its gateway says later: each thing once, ordered by rank.
//!
//! Receipts come early, late, twice and shuffled. The order they come in decides nothing:
//! [`after`] looks only at where the delivery stands and what the receipt says.

use std::collections::HashMap;

use tokio::sync::oneshot;
use tracing::info;

use crate::app::App;
use crate::channel::{Receipt, ReceiptStatus, Reference};
use crate::fail_point::fail_point;
use crate::gather::Gathered;
use crate::ids::{DeliveryId, ReceiptId};
use crate::storage::deliveries::DeliveryState;
use crate::storage::receipts::{self, Busy, Change, ReceiptRow, Spoken};
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

/// So many callbacks are written together at most: it bounds how long the first of them waits.
const MOST: usize = 256;

/// What gateways said and nobody has written down yet, each with who waits to hear that it is kept.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: Gathered<(Vec<ReceiptRow>, Kept)>,
    /// Held by whoever writes down.
    turn: tokio::sync::Mutex<()>,
}

type Kept = oneshot::Sender<Result<(), Error>>;

/// Writes down what a gateway says, together with what others say in the same moment. A receipt that
/// came before is no news; one for a message we do not know is kept until we do, or for ever.
pub async fn record(app: &App, gateway: &str, said: Vec<Receipt>) -> Result<(), Error> {
    let now = app.clock.now();
    let rows = said
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
    let (kept, outcome) = oneshot::channel();
    if app.receipts.waiting.add((rows, kept)) {
        call(app);
    }
    outcome
        .await
        .unwrap_or(Err(Error::Broken("nobody wrote the receipts down")))
}

/// Has all that waits written down. In a task of its own: a gateway that hangs up must not take the
/// others' receipts with it.
fn call(app: &App) {
    app.tasks.spawn(write_waiting(app.clone()));
}

async fn write_waiting(app: App) {
    let _turn = app.receipts.turn.lock().await;
    let (waiting, is_more) = app.receipts.waiting.take(MOST);
    if is_more {
        call(&app);
    }
    let rows = waiting.iter().flat_map(|(rows, _)| rows.clone()).collect();
    let together = write(&app, rows).await;
    for (rows, kept) in waiting {
        let outcome = match &together {
            Ok(()) => Ok(()),
            // The database is away: it is for the others too.
            Err(cause) if cause.is_of_database() => Err(cause.again()),
            // One that cannot be kept must not keep out the others.
            Err(_) => write(&app, rows).await,
        };
        kept.send(outcome).ok(); // whoever waited may have hung up
    }
    app.tell();
}

async fn write(app: &App, rows: Vec<ReceiptRow>) -> Result<(), Error> {
    let busy = app
        .db
        .write("receipt.record", move |tx| {
            Box::pin(async move {
                let busy = record_all(tx, rows, Busy::Skip).await;
                fail_point!("receipt.before_commit");
                busy
            })
        })
        .await?;
    fail_point!("receipt.after_commit");
    // One after the other: who holds one row and waits for another may wait in a circle.
    for row in busy {
        app.db
            .write("receipt.record_busy", move |tx| {
                Box::pin(async move { record_all(tx, vec![row], Busy::Wait).await })
            })
            .await?;
    }
    Ok(())
}

/// Gives back the receipts of deliveries that someone else is writing just now.
async fn record_all(
    tx: &mut Tx,
    mut rows: Vec<ReceiptRow>,
    busy: Busy,
) -> Result<Vec<ReceiptRow>, Error> {
    receipts::resolve(tx, &mut rows).await?;
    let mut spoken = receipts::lock_deliveries(tx, &rows, busy).await?;
    let is_busy = |row: &ReceiptRow| row.delivery.is_some_and(|id| !spoken.contains_key(&id));
    let (left, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_busy);
    let news = receipts::insert(tx, &rows).await?;
    let rows = rows.into_iter().filter(|row| news.contains(&row.id));
    apply_all(tx, rows, &mut spoken).await?;
    Ok(left)
}

async fn apply_all(
    tx: &mut Tx,
    rows: impl Iterator<Item = ReceiptRow>,
    spoken: &mut HashMap<DeliveryId, Spoken>,
) -> Result<(), Error> {
    let mut changes: HashMap<DeliveryId, Change> = HashMap::new();
    for row in rows {
        let Some(id) = row.delivery else {
            info!(
                gateway.name = row.gateway,
                "Kept a receipt for a message that is not known yet"
            );
            continue;
        };
        if let Some(stands) = spoken.get_mut(&id)
            && let Some(change) = change(&row, id, stands)
        {
            stands.state = change.state;
            changes.insert(id, change);
        }
    }
    receipts::apply(tx, &changes.into_values().collect::<Vec<_>>()).await
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

/// What a receipt changes about its delivery; none if nothing.
fn change(row: &ReceiptRow, id: DeliveryId, spoken: &Spoken) -> Option<Change> {
    // That an earlier try failed says nothing about the one that followed it; that it arrived, or
    // is on its way, is true whichever it was.
    if row.status == ReceiptStatus::Failed && !is_of_last_try(row, spoken) {
        return None;
    }
    let state = after(spoken.state, row.status);
    let reason = || {
        let said = row.reason.clone();
        said.unwrap_or_else(|| "the gateway reported that it was not delivered".to_owned())
    };
    (state != spoken.state).then(|| Change {
        id,
        state,
        reason: (state == DeliveryState::Failed).then(reason),
        at: row.at,
    })
}

/// Gives receipts that came too early to their deliveries. Answers how many found theirs.
pub async fn adopt_orphans(app: &App) -> Result<usize, Error> {
    let orphans = receipts::list_orphans(&app.db).await?;
    let count = orphans.len();
    for row in orphans {
        app.db
            .write("receipt.adopt", move |tx| {
                Box::pin(async move {
                    let rows = vec![row];
                    let mut spoken = receipts::lock_deliveries(tx, &rows, Busy::Wait).await?;
                    receipts::adopt(tx, &rows[0]).await?;
                    apply_all(tx, rows.into_iter(), &mut spoken).await
                })
            })
            .await?;
    }
    if count > 0 {
        app.tell();
    }
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

    /// Where a message that is on the wire stands once this is the highest that was said of it.
    fn named_by(highest: ReceiptStatus) -> DeliveryState {
        match highest {
            ReceiptStatus::Accepted => DeliveryState::Accepted,
            ReceiptStatus::Sent => DeliveryState::Sent,
            ReceiptStatus::Failed => DeliveryState::Failed,
            ReceiptStatus::Delivered => DeliveryState::Delivered,
        }
    }

    /// Some receipts, each as often as may be, in an order of their own.
    fn receipts() -> impl Strategy<Value = Vec<ReceiptStatus>> {
        proptest::collection::vec(select(ReceiptStatus::ALL), 1..9).prop_shuffle()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn in_any_order_and_number_the_highest_receipt_decides(
            said in receipts(),
            from in select(vec![DeliveryState::Sending, DeliveryState::InDoubt]),
        ) {
            let stands = said.iter().fold(from, |state, receipt| after(state, *receipt));
            let highest = said.iter().max().copied().unwrap();
            prop_assert_eq!(stands, named_by(highest));
        }

        #[test]
        fn no_receipt_lowers_what_is_known_or_opens_what_is_closed(
            said in receipts(),
            from in select(DeliveryState::ALL),
        ) {
            let mut state = from;
            for receipt in said {
                let next = after(state, receipt);
                let may_be = next == state
                    || next == named_by(receipt) && state != DeliveryState::Delivered;
                prop_assert!(may_be, "{} by {} became {}", state, receipt, next);
                prop_assert!(state != DeliveryState::Excluded || next == state);
                state = next;
            }
        }
    }
}
