//! Two things at the same moment: whichever is written second knows of the first.

use std::future::Future;

use futures::future::BoxFuture;
use muster::alert::Refusal;
use muster::alert::follow_up::{self, FollowUpRequest};
use muster::alert::words::{AlertKind, AlertState};
use muster::audit::{self, Actor};
use muster::channel::Failure;
use muster::clock::Timestamp;
use muster::ids::{AlertId, BootId, RecipientId, ResponseId};
use muster::response::AnswerClass;
use muster::storage::alerts;
use muster::storage::call_off;
use muster::storage::deliveries::DeliveryState;
use muster::storage::outcomes::{self, Recorded};
use muster::storage::responses::{self, Response, Via};
use muster::storage::{Error, Tx};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::house::{House, Order};
use crate::on_both;

/// Begins a write, and holds it open between its last statement and its commit.
struct Held {
    commit: oneshot::Sender<()>,
    task: JoinHandle<Result<(), Error>>,
}

async fn hold<F>(house: &House, work: F) -> Held
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<(), Error>> + Send + 'static,
{
    hold_between(house, work, |_| Box::pin(async { Ok(()) })).await
}

/// The same, with something still to be done before the commit.
async fn hold_between<F, G>(house: &House, work: F, rest: G) -> Held
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<(), Error>> + Send + 'static,
    G: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<(), Error>> + Send + 'static,
{
    let (commit, wait) = oneshot::channel();
    let (say, begun) = oneshot::channel();
    let db = house.app.db.clone();
    let task = tokio::spawn(async move {
        db.write("test.hold", move |tx| {
            Box::pin(async move {
                work(tx).await?;
                say.send(()).unwrap();
                wait.await.unwrap();
                rest(tx).await
            })
        })
        .await
    });
    begun.await.unwrap();
    Held { commit, task }
}

/// Runs `second` while `first` is held open, and lets the first commit once the second waits for it
/// or is through without having waited.
async fn meanwhile<T: Send + 'static>(
    house: &House,
    first: Held,
    second: impl Future<Output = T> + Send + 'static,
) -> T {
    let second = tokio::spawn(second);
    while house.app.db.is_shared() && !second.is_finished() && !house.is_anyone_waiting().await {
        tokio::task::yield_now().await;
    }
    first.commit.send(()).unwrap();
    first.task.await.unwrap().unwrap();
    second.await.unwrap()
}

async fn queued(house: &House) -> i64 {
    let (queued,): (i64,) = house
        .app
        .db
        .sql("SELECT count(*) FROM delivery WHERE state = 'queued'")
        .fetch_one()
        .await
        .unwrap();
    queued
}

/// A message that is being sent, and its result: to be tried again.
async fn to_be_tried_again(house: &House) -> (BootId, Recorded) {
    let (id, attempt, boot): (i64, i32, i64) = house
        .app
        .db
        .sql("SELECT id, attempts, boot FROM delivery WHERE state = 'sending'")
        .fetch_one()
        .await
        .unwrap();
    let recorded = Recorded {
        id: muster::ids::DeliveryId(id),
        is_tried: true,
        attempt,
        state: DeliveryState::Queued,
        reason: Some("busy".to_owned()),
        gateway_id: None,
        due_at: crate::house::START,
        at: crate::house::START,
    };
    (BootId(boot), recorded)
}

/// Claims the only text and leaves it hanging.
async fn hang_one(house: &House) {
    house.sms.next(Order::Hang);
    muster::escalation::turn(&house.app).await.unwrap();
    let mut lane = house.lanes().remove(0);
    lane.turn().await.unwrap();
    while house.sms.taken().is_empty() {
        tokio::task::yield_now().await;
    }
    // Forgotten rather than dropped: dropping would end the exchange.
    std::mem::forget(lane);
}

fn safe(recipient: RecipientId, at: Timestamp) -> Response {
    Response {
        id: ResponseId::new(),
        alert: recipient.alert(),
        recipient,
        delivery: None,
        answer: "safe".to_owned(),
        answer_class: AnswerClass::Positive,
        via: Via::Link,
        at,
        late: false,
        maybe_automatic: false,
        recorded_by: None,
        note: None,
    }
}

fn follow_up(alert: AlertId, kind: AlertKind) -> FollowUpRequest {
    FollowUpRequest {
        alert,
        kind,
        template: None,
        variables: std::collections::BTreeMap::new(),
        hold: std::time::Duration::ZERO,
        composed_at: None,
        actor: Actor::user("manager"),
    }
}

on_both! {
    async fn a_correction_and_a_launch_do_not_wait_for_each_other_in_a_circle(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        // What a launch holds, in the order in which it takes it.
        let launching = hold_between(
            &house,
            |tx| Box::pin(async move { alerts::next_number(tx).await.map(|_| ()) }),
            |tx| Box::pin(audit::begin(tx)),
        ).await;
        let app = house.app.clone();
        let corrected = meanwhile(&house, launching, async move {
            follow_up::follow_up(&app, follow_up(alert.id, AlertKind::Correction)).await
        }).await;
        assert_eq!(corrected.unwrap().alert.follows, Some(alert.number));
    }

    async fn an_update_that_comes_second_to_an_all_clear_is_refused(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let number = alert.number;
        let clearing = hold(&house, move |tx| Box::pin(async move {
            alerts::close(tx, number, AlertState::Ended, crate::house::START, "manager").await.map(|_| ())
        })).await;
        let app = house.app.clone();
        let updated = meanwhile(&house, clearing, async move {
            let mut update = follow_up(alert.id, AlertKind::Update);
            update.variables = [("news".to_owned(), "still burning".to_owned())].into();
            follow_up::follow_up(&app, update).await
        }).await;
        assert!(matches!(updated, Err(Refusal::NotRunning)), "{updated:?}");
    }

    async fn a_stop_while_a_message_is_put_back_leaves_nothing_waiting(house: House) {
        let person = house.person("Ana", &[(muster::directory::contact::PointKind::Mobile, "+41790000001")]).await;
        house.group("everyone", &[person]).await;
        let alert = house.launch(house.evacuation()).await;
        hang_one(&house).await;
        let (boot, again) = to_be_tried_again(&house).await;
        let put_back = hold(&house, move |tx| Box::pin(async move {
            outcomes::record(tx, boot, &[again]).await.map(|_| ())
        })).await;
        let app = house.app.clone();
        meanwhile(&house, put_back, async move {
            follow_up::stop(&app, alert.id, Actor::user("manager")).await.unwrap()
        }).await;
        assert_eq!(queued(&house).await, 0);
    }

    async fn a_message_put_back_while_its_person_answers_is_called_off(house: House) {
        let person = house.person("Ana", &[(muster::directory::contact::PointKind::Mobile, "+41790000001")]).await;
        house.group("everyone", &[person]).await;
        let alert = house.launch(house.evacuation()).await;
        hang_one(&house).await;
        let (boot, again) = to_be_tried_again(&house).await;
        let answer = safe(house.people(&alert).await[0].id, crate::house::START);
        let answering = hold(&house, move |tx| Box::pin(async move {
            responses::insert(tx, std::slice::from_ref(&answer)).await?;
            call_off::answered(tx, &[answer.recipient], answer.at).await
        })).await;
        let db = house.app.db.clone();
        let put_back: Result<u64, Error> = meanwhile(&house, answering, async move {
            db.write("test.record", move |tx| Box::pin(async move {
                outcomes::record(tx, boot, &[again]).await
            })).await
        }).await;
        assert_eq!(put_back.unwrap(), 1);
        assert_eq!(queued(&house).await, 0);
    }

    async fn whoever_answers_while_a_step_is_written_does_not_get_that_step(house: House) {
        house.crowd(2).await;
        let escalating = muster::alert::LaunchRequest { plan: None, ..house.evacuation() };
        let alert = house.launch(escalating).await;
        house.settle().await;
        let answer = safe(house.people(&alert).await[0].id, crate::house::START);
        house.app.clock.advance(std::time::Duration::from_secs(121));
        let answering = hold(&house, move |tx| Box::pin(async move {
            responses::insert(tx, std::slice::from_ref(&answer)).await?;
            call_off::answered(tx, &[answer.recipient], answer.at).await
        })).await;
        let app = house.app.clone();
        meanwhile(&house, answering, async move { muster::escalation::turn(&app).await.unwrap() }).await;
        let (for_the_other,): (i64,) = house.app.db
            .sql("SELECT count(*) FROM delivery WHERE step = 1 AND state = 'queued'")
            .fetch_one().await.unwrap();
        assert_eq!(for_the_other, queued(&house).await);
        let first = &house.people(&alert).await[0];
        assert!(house.deliveries(first).await.iter().all(|one| one.step == 0), "{first:?}");
    }

    async fn of_two_answers_the_earlier_time_stands_whichever_is_written_first(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let recipient = house.people(&alert).await[0].id;
        let at = |seconds: i64| Timestamp(crate::house::START.0 + seconds * 1000);
        let (later, mut earlier) = (safe(recipient, at(9)), safe(recipient, at(4)));
        earlier.answer = "help".to_owned();
        earlier.answer_class = AnswerClass::Help;
        let first = hold(&house, move |tx| Box::pin(async move { responses::insert(tx, std::slice::from_ref(&later)).await })).await;
        let db = house.app.db.clone();
        let written: Result<(), Error> = meanwhile(&house, first, async move {
            db.write("test.answer", move |tx| Box::pin(async move {
                responses::insert(tx, std::slice::from_ref(&earlier)).await
            })).await
        }).await;
        written.unwrap();
        let person = &house.people(&alert).await[0];
        assert_eq!(person.answered_at, Some(at(4)));
        assert_eq!(person.answer.as_deref(), Some("safe"), "the latest is what counts");
    }

    async fn what_a_lane_has_lost_sight_of_is_in_doubt_after_the_longest_exchange(house: House) {
        let person = house.person("Ana", &[(muster::directory::contact::PointKind::Mobile, "+41790000001")]).await;
        house.group("everyone", &[person]).await;
        house.launch(house.evacuation()).await;
        hang_one(&house).await;
        house.pass(100).await;
        assert_eq!(house.sms.taken().len(), 1, "an exchange may take that long");
        house.pass(100).await;
        house.pass(11).await;
        assert_eq!(house.sms.taken().len(), 2, "danger is sent again, and marked");
    }

    async fn a_message_that_was_put_back_after_a_stop_says_why_it_was_not_sent(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::try_again("busy")));
        let alert = house.launch(house.evacuation()).await;
        muster::escalation::turn(&house.app).await.unwrap();
        let mut lane = house.lanes().remove(0);
        lane.turn().await.unwrap();
        follow_up::stop(&house.app, alert.id, Actor::user("manager")).await.unwrap();
        lane.drain().await;
        let person = &house.people(&alert).await[0];
        let words = house.delivery_words(person, muster::channel::Channel::Sms).await;
        assert_eq!(words, ["cancelled (stopped)"]);
        assert!(house.deliveries(person).await.iter().all(|one| one.closed_at.is_some()));
    }
}
