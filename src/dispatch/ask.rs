//! Asks a gateway that can be asked: whether it has a message that is in doubt, and what became of
//! one whose receipt is overdue.
//!
//! Any server may ask. Whoever does takes the deliveries up first, for a while in which nobody else
//! asks about them; no transaction is open during the asking.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::MissedTickBehavior;
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
    // The first look is at once: a server that died a moment ago may have left something.
    let mut look = tokio::time::interval(TICK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = look.tick() => {}
        }
        match turn(&app, &gateway).await {
            Ok(()) => app.turned(Part::Asking(&gateway.common.name)),
            Err(error) => error!(gateway.name = gateway.common.name, %error,
                "A gateway could not be asked; trying again in a second"),
        }
    }
}

/// Asks one gateway about all that is due now, or until the service stops.
pub async fn turn(app: &App, gateway: &Configured) -> Result<(), Error> {
    let name = &gateway.common.name;
    while !app.stopping.is_cancelled()
        && doubts::is_any_to_ask(&app.db, name, app.clock.now()).await?
    {
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
    if doubted.is_empty() {
        return Ok(());
    }
    let mut texts = Texts::new(gateway.common.channel);
    let claimed: Vec<_> = doubted.iter().map(|one| &one.claimed).collect();
    texts.load(&app.db, claimed).await?;
    let questions = doubted.iter().map(|one| ask(app, gateway, one, &texts));
    let answers = answers(app, gateway, join_all(questions)).await;
    let told = weigh(app, gateway, &doubted, answers).await?;
    settle(app, gateway, &doubted, told).await
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

/// What the answers mean.
async fn weigh(
    app: &App,
    gateway: &Configured,
    doubted: &[Doubted],
    answers: Vec<Result<Vec<Found>, Failure>>,
) -> Result<Vec<Told>, Error> {
    let found = answers.iter().flatten().flatten();
    let names: Vec<&str> = found.map(|one| one.receipt.gateway_id.as_str()).collect();
    let known = doubts::list_known(&app.db, &gateway.common.name, &names).await?;
    let answers = doubted.iter().zip(answers).map(|(one, answer)| {
        let id = one.claimed.id;
        let found = answer.inspect_err(|failure| {
            info!(
                gateway.name = gateway.common.name,
                delivery.id = id.0,
                reason = failure.reason,
                "A gateway did not say whether it has a message"
            );
        });
        (id, found.ok())
    });
    Ok(judge_all(answers, known.into_iter().collect()))
}

/// Judges one after the other: of two messages that read the same, the second sees what the first got.
/// `owners` are the deliveries whose names of the gateway's are known.
fn judge_all(
    answers: impl Iterator<Item = (DeliveryId, Option<Vec<Found>>)>,
    mut owners: HashMap<String, DeliveryId>,
) -> Vec<Told> {
    let judged = answers.map(|(id, found)| {
        let of_another = |name: &str| owners.get(name).is_some_and(|owner| *owner != id);
        let told = found.map_or(Told::CannotTell, |found| judge(&found, of_another));
        if let Told::Has(receipt) = &told {
            owners.insert(receipt.gateway_id.clone(), id);
        }
        told
    });
    judged.collect()
}

/// Writes down what was told of each.
async fn settle(
    app: &App,
    gateway: &Configured,
    doubted: &[Doubted],
    told: Vec<Told>,
) -> Result<(), Error> {
    let (mut has, mut receipts) = (Vec::new(), Vec::new());
    let (mut has_not, mut open) = (Vec::new(), Vec::new());
    for (one, told) in doubted.iter().zip(told) {
        let (id, attempt) = (one.claimed.id, one.claimed.attempts);
        match told {
            Told::Has(receipt) => {
                has.push((id, attempt, receipt.gateway_id.clone()));
                receipts.push(of_ours(receipt, id, attempt));
            }
            Told::HasNot => has_not.push((id, attempt)),
            Told::CannotTell => open.push((id, attempt)),
        }
    }
    let now = app.clock.now();
    let ask_at = next(now, now).unwrap_or(now);
    // What is to be sent again comes first: nothing that fails below may keep it waiting.
    if !has_not.is_empty() || !open.is_empty() {
        app.db
            .write("ask.decide", move |tx| {
                Box::pin(async move {
                    let open = (Again::Marked(RESEND_BELOW), open);
                    doubts::decide(tx, &[(Again::NotTaken, has_not), open], now).await
                })
            })
            .await?;
        app.wake();
    }
    if !has.is_empty() {
        app.db
            .write("ask.found", move |tx| {
                Box::pin(async move { doubts::found(tx, &has, ask_at, now).await })
            })
            .await?;
        receipt::record(app, &gateway.common.name, receipts).await?;
    }
    Ok(())
}

/// A receipt that was asked for is a receipt like any other, of the delivery it was asked for.
fn of_ours(receipt: Receipt, delivery: DeliveryId, attempt: i32) -> Receipt {
    Receipt {
        reference: Some(Reference {
            delivery,
            attempt: u32::try_from(attempt).ok(),
        }),
        ..receipt
    }
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
    let (mut again, mut receipts) = (Vec::new(), Vec::new());
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
                receipts.push(of_ours(receipt, one.id, one.attempts));
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
    if !receipts.is_empty() {
        receipt::record(app, &gateway.common.name, receipts).await?;
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
    fn of_two_that_are_asked_about_together_each_gets_its_own_too() {
        let both = || Some(vec![found("a", true), found("b", true)]);
        let (first, second, third) = (DeliveryId(1), DeliveryId(2), DeliveryId(3));
        let answers = [
            (first, both()),
            (second, both()),
            (third, both()),
            (third, None),
        ];
        let told = judge_all(answers.into_iter(), HashMap::new());
        assert_eq!(told[2..], [Told::HasNot, Told::CannotTell]);
        let names: Vec<_> = told.into_iter().filter_map(name).collect();
        assert_eq!(names, ["a", "b"]);
        let again = judge_all(
            [(first, both())].into_iter(),
            HashMap::from([("a".to_owned(), first)]),
        );
        assert_eq!(
            name(again[0].clone()).unwrap(),
            "a",
            "a receipt has named it already"
        );
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
