//! Asks a gateway that can be asked: whether it has a message that is in doubt, and what became of
//! one whose receipt is overdue.
//!
//! Any server may ask. Whoever does takes the deliveries up first, for a while in which nobody else
//! asks about them; no transaction is open during the asking.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::join_all;
use tracing::{error, info};

use super::message::{Texts, compose};
use super::pulse::Part;
use super::recovery::RESEND_BELOW;
use crate::app::App;
use crate::channel::{Configured, Failure, Found, Receipt, ReceiptStatus, Reference};
use crate::clock::Timestamp;
use crate::ids::DeliveryId;
use crate::receipt;
use crate::storage::doubts::{self, Again, Doubted, Silent};
use crate::storage::outcomes::Recorded;
use crate::storage::{Error, Tx};

/// How long after it was taken a message without a final receipt is asked about.
const OVERDUE: [Duration; 3] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
];
/// How often there is a look at what is due.
const TICK: Duration = Duration::from_secs(1);
/// Questions under way at once: few, so that asking never gets in the way of sending.
const AT_ONCE: i64 = 20;
/// For how long nobody else asks about what one server has taken up: longer than any answer takes.
const MINE: Duration = Duration::from_secs(30);

/// When a message that was taken at `taken_at` is to be asked about next; none after the last time.
pub fn next(taken_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let times = OVERDUE.iter().map(|wait| taken_at.after(*wait));
    times.into_iter().find(|at| *at > now)
}

/// What the gateway's answer means for one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It has it.
    Has(Receipt),
    /// It certainly never took it.
    HasNot,
    /// It has something that may or may not be it.
    CannotTell,
}

/// Which of the messages that a gateway has is the one in question. `is_taken` knows those that are
/// other deliveries': of two that read the same, each delivery gets its own.
pub fn judge(found: &[Found], is_taken: impl Fn(&str) -> bool) -> Told {
    let mut free = found
        .iter()
        .filter(|one| !is_taken(&one.receipt.gateway_id))
        .peekable();
    if free.peek().is_none() {
        return Told::HasNot;
    }
    // A provider may have changed the text on its way in, so what reads otherwise may be it too.
    match free.find(|one| one.same_text) {
        Some(one) => Told::Has(one.receipt.clone()),
        None => Told::CannotTell,
    }
}

/// Has the gateway asked, in a minute, about what it has just taken. Part of the transaction that
/// writes the taking down.
pub(super) async fn later(tx: &mut Tx, results: &[Recorded]) -> Result<(), Error> {
    let taken = results.iter().filter(|one| one.gateway_id.is_some());
    let taken: Vec<_> = taken
        .filter_map(|one| Some((one.id, next(one.at, one.at)?)))
        .collect();
    doubts::ask_later(tx, &taken).await?;
    Ok(())
}

/// Asks one gateway until the service stops.
pub async fn run(app: App, gateway: Configured) {
    app.pulse.begin_asking(&gateway.common.name);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(TICK) => {} // paces the look at the database
        }
        match turn(&app, &gateway).await {
            Ok(()) => app.turned(Part::Asking(&gateway.common.name)),
            Err(error) => error!(gateway.name = gateway.common.name, %error,
                "A gateway could not be asked; trying again in a second"),
        }
    }
}

/// Asks one gateway about all that is due now.
pub async fn turn(app: &App, gateway: &Configured) -> Result<(), Error> {
    let name = &gateway.common.name;
    while doubts::is_any_to_ask(&app.db, name, app.clock.now()).await? {
        about_doubted(app, gateway).await?;
        about_silent(app, gateway).await?;
    }
    Ok(())
}

/// Waits for a gateway's answers. One that is slow to answer is no standstill of ours: the wait has an
/// end, and until then this counts as turning.
async fn answers<T>(app: &App, gateway: &Configured, questions: impl Future<Output = T>) -> T {
    let mut beat = tokio::time::interval(TICK);
    let mut questions = std::pin::pin!(questions);
    loop {
        tokio::select! {
            biased;
            answers = &mut questions => return answers,
            _ = beat.tick() => app.turned(Part::Asking(&gateway.common.name)),
        }
    }
}

async fn about_doubted(app: &App, gateway: &Configured) -> Result<(), Error> {
    let (name, now) = (gateway.common.name.clone(), app.clock.now());
    let doubted: Vec<Doubted> = app
        .db
        .write("ask.take_doubted", move |tx| {
            Box::pin(
                async move { doubts::take_doubted(tx, &name, now, now.after(MINE), AT_ONCE).await },
            )
        })
        .await?;
    let mut texts = Texts::new(gateway.common.channel);
    let claimed: Vec<_> = doubted.iter().map(|one| &one.claimed).collect();
    texts.load(&app.db, claimed).await?;
    let questions = doubted.iter().map(|one| ask(app, gateway, one, &texts));
    let answers = answers(app, gateway, join_all(questions)).await;
    // One after the other: of two that read the same, the second must see what the first got.
    for (one, answer) in doubted.iter().zip(answers) {
        settle(app, gateway, one, answer).await?;
    }
    Ok(())
}

async fn ask(
    app: &App,
    gateway: &Configured,
    doubted: &Doubted,
    texts: &Texts,
) -> Result<Vec<Found>, Failure> {
    let texts = texts.of(&doubted.claimed);
    let message = compose(app, gateway, &doubted.claimed, texts.as_deref())?;
    gateway.gateway.ask(&message, doubted.sending_at).await
}

async fn settle(
    app: &App,
    gateway: &Configured,
    doubted: &Doubted,
    answer: Result<Vec<Found>, Failure>,
) -> Result<(), Error> {
    let (id, attempt) = (doubted.claimed.id, doubted.claimed.attempts);
    let told = match answer {
        Ok(found) => {
            let names: Vec<_> = found
                .iter()
                .map(|it| it.receipt.gateway_id.as_str())
                .collect();
            let taken = doubts::list_taken(&app.db, &gateway.common.name, &names, id).await?;
            let taken: HashSet<String> = taken.into_iter().map(|(name,)| name).collect();
            judge(&found, |name| taken.contains(name))
        }
        Err(failure) => {
            info!(
                gateway.name = gateway.common.name,
                delivery.id = id.0,
                reason = failure.reason,
                "A gateway did not say whether it has a message"
            );
            Told::CannotTell
        }
    };
    let now = app.clock.now();
    let again = match told {
        Told::Has(receipt) => return keep(app, gateway, (id, attempt), receipt).await,
        Told::HasNot => Again::NotTaken,
        Told::CannotTell => Again::Marked(RESEND_BELOW),
    };
    app.db
        .write("ask.decide", move |tx| {
            Box::pin(async move { doubts::decide(tx, &[(id, attempt)], again, now).await })
        })
        .await?;
    app.wake();
    Ok(())
}

/// It has it: the message was taken, and its state is what the gateway says.
async fn keep(
    app: &App,
    gateway: &Configured,
    (delivery, attempt): (DeliveryId, i32),
    receipt: Receipt,
) -> Result<(), Error> {
    let (now, name) = (app.clock.now(), receipt.gateway_id.clone());
    let ask_at = next(now, now).unwrap_or(now);
    app.db
        .write("ask.found", move |tx| {
            Box::pin(async move { doubts::found(tx, delivery, attempt, &name, ask_at, now).await })
        })
        .await?;
    record(app, gateway, delivery, attempt, receipt).await
}

/// A receipt that was asked for is a receipt like any other.
async fn record(
    app: &App,
    gateway: &Configured,
    delivery: DeliveryId,
    attempt: i32,
    receipt: Receipt,
) -> Result<(), Error> {
    let reference = Some(Reference {
        delivery,
        attempt: u32::try_from(attempt).ok(),
    });
    let said = vec![Receipt {
        reference,
        ..receipt
    }];
    receipt::record(app, &gateway.common.name, said).await
}

async fn about_silent(app: &App, gateway: &Configured) -> Result<(), Error> {
    let (name, now) = (gateway.common.name.clone(), app.clock.now());
    let silent: Vec<Silent> = app
        .db
        .write("ask.take_silent", move |tx| {
            Box::pin(
                async move { doubts::take_silent(tx, &name, now, now.after(MINE), AT_ONCE).await },
            )
        })
        .await?;
    if silent.is_empty() {
        return Ok(());
    }
    let questions = silent
        .iter()
        .map(|one| gateway.gateway.status(&one.gateway_id));
    let answers = answers(app, gateway, join_all(questions)).await;
    let mut again = Vec::new();
    for (one, answer) in silent.iter().zip(answers) {
        let mut next = next(one.accepted_at, now);
        match answer {
            Ok(Some(receipt)) => {
                if matches!(
                    receipt.status,
                    ReceiptStatus::Failed | ReceiptStatus::Delivered
                ) {
                    next = None;
                }
                record(app, gateway, one.id, one.attempts, receipt).await?;
            }
            Ok(None) => {}
            Err(failure) => info!(
                gateway.name = gateway.common.name,
                delivery.id = one.id.0,
                reason = failure.reason,
                "A gateway did not say what became of a message"
            ),
        }
        again.push((one.id, next));
    }
    app.db
        .write("ask.again", move |tx| {
            Box::pin(async move { doubts::ask_again(tx, &again).await })
        })
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(name: &str, same_text: bool) -> Found {
        let receipt = Receipt {
            reference: None,
            gateway_id: name.to_owned(),
            status: ReceiptStatus::Accepted,
            reason: None,
        };
        Found { receipt, same_text }
    }

    fn name(told: Told) -> Option<String> {
        match told {
            Told::Has(receipt) => Some(receipt.gateway_id),
            _ => None,
        }
    }

    #[test]
    fn an_overdue_receipt_is_asked_for_after_1_5_and_15_minutes_and_then_no_more() {
        let taken = Timestamp(0);
        let at = |minutes: u64| taken.after(Duration::from_mins(minutes));
        assert_eq!(next(taken, taken), Some(at(1)));
        assert_eq!(next(taken, at(1)), Some(at(5)));
        assert_eq!(next(taken, at(7)), Some(at(15)));
        assert_eq!(next(taken, at(15)), None);
    }

    #[test]
    fn of_two_that_read_the_same_each_delivery_gets_its_own() {
        let both = [found("a", true), found("b", true)];
        assert_eq!(name(judge(&both, |_| false)).unwrap(), "a");
        assert_eq!(name(judge(&both, |name| name == "a")).unwrap(), "b");
        assert_eq!(judge(&both, |_| true), Told::HasNot);
    }

    #[test]
    fn what_reads_otherwise_and_is_nobody_elses_leaves_it_open() {
        assert_eq!(judge(&[found("a", false)], |_| false), Told::CannotTell);
        assert_eq!(judge(&[found("a", false)], |_| true), Told::HasNot);
        assert_eq!(judge(&[], |_| false), Told::HasNot);
    }

    proptest! {
        #[test]
        fn the_next_time_lies_ahead_and_there_are_at_most_three(
            taken in 0_i64..1_000_000, late in 0_i64..2_000_000,
        ) {
            let mut now = Timestamp(taken + late);
            let mut times = 0;
            while let Some(at) = next(Timestamp(taken), now) {
                prop_assert!(at > now);
                now = at;
                times += 1;
            }
            prop_assert!(times <= 3);
        }
    }
}
