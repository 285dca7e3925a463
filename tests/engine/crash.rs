//! The server dies in the middle of sending: nobody is forgotten, every possible duplicate is marked.

use std::time::Duration;

use muster::channel::Channel;
use muster::dispatch::recovery;
use muster::storage::standing::PersonState;

use muster::ids::BootId;
use muster::storage::deliveries::DeliveryState;
use muster::storage::outcomes::{self, Recorded};
use muster::storage::standing::Delivery;

use crate::house::{House, Order, START, request};
use crate::on_both;

/// A server is taken for dead while it hands a text over; another one carries on, until the first
/// wakes up and says that the message is to be tried again. Answers how the text then goes on.
async fn carried_on(house: &House, is_tried: bool, reason: Option<&str>) -> Delivery {
    house.crowd(1).await;
    house.sms.next(Order::Hang);
    let alert = house.launch(house.evacuation()).await;
    die_while_sending(house).await;
    let restarted = house.restarted().await;
    let text = async || {
        let person = &restarted.people(&alert).await[0];
        let own = restarted.deliveries(person).await;
        own.into_iter()
            .find(|one| one.channel == Channel::Sms)
            .unwrap()
    };
    let late = Recorded {
        id: text().await.id,
        is_tried,
        attempt: 1,
        state: DeliveryState::Queued,
        reason: reason.map(str::to_owned),
        gateway_id: None,
        due_at: START,
        at: START,
    };
    let recorded: Result<u64, muster::storage::Error> = restarted
        .app
        .db
        .write("test.late", move |tx| {
            Box::pin(async move { outcomes::record(tx, BootId(1), &[late]).await })
        })
        .await;
    assert_eq!(recorded.unwrap(), 1);
    restarted.settle().await;
    text().await
}

/// Claims a batch and lets the server die while the gateway has the bytes and no answer has come.
async fn die_while_sending(house: &House) {
    muster::escalation::turn(&house.app).await.unwrap();
    for mut lane in house.lanes() {
        lane.turn().await.unwrap();
        // Lets the sending tasks reach the gateway, which keeps the messages and never answers.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

on_both! {
    async fn danger_that_was_half_sent_is_sent_again_and_marked(house: House) {
        house.crowd(30).await;
        for _ in 0..20 {
            house.sms.next(Order::Hang);
        }
        let alert = house.launch(house.evacuation()).await;
        die_while_sending(&house).await;
        let restarted = house.restarted().await;
        let doubtful = restarted.counts(&alert).await;
        assert!(!doubtful.contains_key(&PersonState::Sending), "{doubtful:?}");
        restarted.settle().await;
        restarted.pass(11).await;

        let copies = restarted.sms.copies();
        assert_eq!(copies.len(), 30, "nobody is forgotten");
        let twice = copies.values().filter(|copies| **copies == 2).count();
        assert_eq!(twice, 20, "only what was in flight is sent twice");
        let mut marked = 0;
        for person in &restarted.people(&alert).await {
            let deliveries = restarted.deliveries(person).await;
            let sms = deliveries.iter().find(|one| one.channel == Channel::Sms).unwrap();
            marked += usize::from(sms.possible_duplicate);
        }
        assert_eq!(marked, 20, "every possible duplicate is marked");
    }

    async fn news_that_was_half_sent_stays_in_doubt_and_the_next_step_takes_over(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Hang);
        house.email.next(Order::Hang);
        let mut closure = request("closure", &[("reason", "burst pipe")]);
        closure.plan = None;
        let alert = house.launch(closure).await;
        die_while_sending(&house).await;
        let restarted = house.restarted().await;
        restarted.pass(11).await;
        assert_eq!(restarted.sms.taken().len(), 1);
        assert_eq!(restarted.counts(&alert).await, [(PersonState::InDoubt, 1)].into());
        restarted.pass(3600).await;
        assert!(restarted.sms.taken().len() > 1, "the reminder goes out");
    }

    async fn what_turns_out_to_have_been_taken_is_not_sent_again(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Hang);
        let alert = house.launch(house.evacuation()).await;
        die_while_sending(&house).await;
        let restarted = house.restarted().await;
        restarted.app.clock.advance(Duration::from_secs(11));
        recovery::turn(&restarted.app, restarted.boot()).await.unwrap();
        let person = restarted.people(&alert).await.remove(0);
        let text = async || {
            let own = restarted.deliveries(&person).await;
            own.into_iter().find(|one| one.channel == Channel::Sms).unwrap()
        };
        let waiting = text().await;
        assert_eq!((waiting.state, waiting.possible_duplicate), (DeliveryState::Queued, true));
        // The first process was only cut off, and brings what the gateway said.
        let taken = Recorded {
            id: waiting.id, is_tried: true,
            attempt: 1, state: DeliveryState::Accepted, reason: None,
            gateway_id: Some("g".to_owned()), due_at: START, at: START,
        };
        let recorded: Result<u64, muster::storage::Error> = restarted.app.db.write("test", move |tx| {
            Box::pin(async move { outcomes::record(tx, BootId(1), &[taken]).await })
        }).await;
        assert_eq!(recorded.unwrap(), 1);
        restarted.settle().await;
        assert_eq!(text().await.state, DeliveryState::Accepted);
        assert_eq!(restarted.sms.taken().len(), 1, "one copy");
    }

    async fn a_result_of_a_dead_process_changes_nothing(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Hang);
        let alert = house.launch(house.evacuation()).await;
        die_while_sending(&house).await;
        let restarted = house.restarted().await;
        restarted.settle().await;
        restarted.pass(11).await;
        let person = &restarted.people(&alert).await[0];
        assert_eq!(restarted.delivery_words(person, Channel::Sms).await, ["accepted"]);
        // The first process wakes up and says that its first attempt failed.
        let id = restarted.sms.taken()[0].delivery;
        let late = Recorded {
            id, is_tried: true,
            attempt: 1, state: DeliveryState::Failed, reason: Some("late".to_owned()),
            gateway_id: None, due_at: crate::house::START, at: crate::house::START,
        };
        let changed: Result<u64, muster::storage::Error> = restarted.app.db.write("test", move |tx| {
            Box::pin(async move { outcomes::record(tx, muster::ids::BootId(1), &[late]).await })
        }).await;
        assert_eq!(changed.unwrap(), 0);
        assert_eq!(restarted.delivery_words(person, Channel::Sms).await, ["accepted"]);
    }

    async fn a_server_that_was_taken_for_dead_and_had_not_begun_leaves_no_doubt(house: House) {
        let text = carried_on(&house, false, None).await;
        assert_eq!((text.state, text.attempts), (DeliveryState::Accepted, 1));
        assert!(!text.possible_duplicate);
    }

    async fn a_server_that_was_taken_for_dead_and_was_refused_leaves_no_doubt(house: House) {
        let text = carried_on(&house, true, Some("The gateway is full.")).await;
        assert_eq!((text.state, text.attempts), (DeliveryState::Accepted, 2));
        assert!(!text.possible_duplicate);
    }

    async fn a_server_whose_lease_ran_out_sends_nothing_until_it_is_renewed(house: House) {
        house.crowd(1).await;
        house.launch(house.evacuation()).await;
        muster::escalation::turn(&house.app).await.unwrap();
        house.app.clock.advance(std::time::Duration::from_secs(16));
        let mut lane = house.lanes().remove(0);
        lane.turn().await.unwrap();
        lane.drain().await;
        // On SQLite there is nobody who could take over.
        let expected = usize::from(!house.app.db.is_shared());
        assert_eq!(house.sms.taken().len(), expected);
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 1);
    }
}
