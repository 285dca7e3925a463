//! Who goes first, how fast, and through which gateway.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use muster::channel::{Channel, Failure};
use muster::dispatch::lane::{Lane, Turn};
use muster::dispatch::recovery;
use muster::escalation;

use crate::house::{House, Order, Scripted, configured, request};
use crate::on_both;

/// A text to everyone that is no matter of life.
fn closure() -> muster::alert::LaunchRequest {
    request("closure", &[("reason", "burst pipe")])
}

/// One turn of one lane, with all its answers.
async fn turn(lane: &mut Lane) -> Turn {
    let turn = lane.turn().await.unwrap();
    lane.drain().await;
    turn
}

/// The same house with these gateways for texts, each with its settings changed.
async fn with(house: &House, gateways: &[(&str, Change)]) -> (House, Vec<Arc<Scripted>>) {
    let scripted: Vec<_> = gateways
        .iter()
        .map(|_| Arc::new(Scripted::default()))
        .collect();
    let configured = gateways
        .iter()
        .zip(&scripted)
        .map(|((name, change), gateway)| {
            let mut one = configured(name, Channel::Sms, 10, gateway);
            change(&mut one.common);
            one
        });
    let house = house.with_gateways(configured.collect());
    // A server renews its lease before it sends.
    recovery::turn(&house.app, house.boot()).await.unwrap();
    (house, scripted)
}

type Change = fn(&mut muster::channel::Common);

on_both! {
    async fn an_evacuation_overtakes_what_waits(house: House) {
        house.crowd(30).await;
        let routine = house.launch(closure()).await;
        escalation::turn(&house.app).await.unwrap();
        let urgent = house.launch(house.evacuation()).await;
        escalation::turn(&house.app).await.unwrap();
        let mut lane = house.lanes().remove(0);
        turn(&mut lane).await;
        let alerts: BTreeSet<_> = house.sms.taken().iter().map(|one| one.delivery.alert()).collect();
        assert_eq!(alerts, [urgent.number].into());
        while turn(&mut lane).await == Turn::Worked {}
        assert_eq!(house.sms.taken().len(), 60);
        assert_eq!(house.sms.taken()[59].delivery.alert(), routine.number);
    }

    async fn an_evacuation_is_written_before_the_rest_of_a_long_list(house: House) {
        house.crowd(210).await;
        let routine = house.launch(closure()).await;
        let urgent = house.launch(house.evacuation()).await;
        let written = async |alert: &muster::storage::alerts::Alert| house.alert(alert.number).await.deliveries;
        assert_eq!((written(&routine).await, written(&urgent).await), (400, 400), "the first chunk of each");
        let first = muster::storage::alerts::first_unwritten_step(&house.app.db, house.app.clock.now(), &[]).await;
        assert_eq!(first.unwrap().unwrap().alert, urgent.number);
        escalation::turn(&house.app).await.unwrap();
        assert_eq!((written(&routine).await, written(&urgent).await), (420, 420));
    }

    async fn a_gateway_that_hangs_on_appointments_keeps_slots_for_an_evacuation(house: House) {
        house.crowd(30).await;
        house.launch(closure()).await;
        for _ in 0..20 {
            house.sms.next(Order::Hang);
        }
        let mut lane = house.lanes().remove(0);
        lane.turn().await.unwrap();
        while house.sms.taken().len() < 15 {
            tokio::task::yield_now().await;
        }
        lane.turn().await.unwrap();
        assert_eq!(house.sms.taken().len(), 15, "a quarter of the slots stays free");
        let urgent = house.launch(house.evacuation()).await;
        lane.turn().await.unwrap();
        while house.sms.taken().len() < 20 {
            tokio::task::yield_now().await;
        }
        let last = &house.sms.taken()[15..];
        assert!(last.iter().all(|one| one.delivery.alert() == urgent.number));
        // The exchanges go on for ever: the process that holds them is forgotten.
        std::mem::forget(lane);
        house.app.clock.advance(Duration::from_mins(4));
        recovery::turn(&house.app, house.boot()).await.unwrap();
    }

    async fn a_day_has_only_so_many_messages_but_for_an_evacuation(house: House) {
        house.crowd(8).await;
        let (house, sms) = with(&house, &[("sms", |common| common.daily_cap = Some(5))]).await;
        house.launch(closure()).await;
        house.settle().await;
        assert_eq!(sms[0].taken().len(), 5);
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(sms[0].taken().len(), 13, "our own limit is lifted");
        house.pass(10 * 60 * 60).await;
        assert_eq!(sms[0].taken().len(), 16, "the next day goes on");
    }

    async fn gateways_with_weights_share_the_messages_in_proportion(house: House) {
        house.crowd(40).await;
        let (house, sms) = with(&house, &[
            ("big", |common| common.weight = Some(3)),
            ("small", |common| common.weight = Some(1)),
        ]).await;
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!((sms[0].taken().len(), sms[1].taken().len()), (30, 10));
    }

    async fn a_gateways_part_goes_to_the_others_when_it_is_down_or_late(house: House) {
        house.crowd(40).await;
        let (house, sms) = with(&house, &[
            ("big", |common| common.weight = Some(3)),
            ("small", |common| common.weight = Some(1)),
        ]).await;
        for _ in 0..5 {
            sms[0].next(Order::Refuse(Failure::try_again("It is down.")));
        }
        house.launch(house.evacuation()).await;
        let mut lanes = house.lanes();
        turn(&mut lanes[1]).await;
        assert_eq!(sms[1].taken().len(), 10, "its own part");
        house.app.clock.advance(Duration::from_secs(3));
        turn(&mut lanes[1]).await;
        assert_eq!(sms[1].taken().len(), 30, "what the other one left for two seconds");
        house.settle().await;
        house.pass(5).await;
        house.pass(10).await;
        assert_eq!(sms[0].taken().len() + sms[1].taken().len(), 40);
    }

    async fn a_gateway_is_asked_no_faster_than_its_rate_by_all_servers_together(house: House) {
        house.crowd(30).await;
        let (house, sms) = with(&house, &[("sms", |common| common.rate_per_second = Some(20.0))]).await;
        house.launch(house.evacuation()).await;
        // Two servers at the same moment: the second finds the instants of the first taken.
        let mut one = house.lanes().remove(0);
        let mut other = house.lanes().remove(0);
        turn(&mut one).await;
        turn(&mut other).await;
        let at_first = sms[0].taken().len();
        assert!((1..=2).contains(&at_first), "{at_first} of those in the next tenth of a second");
    }

    async fn what_was_claimed_and_not_begun_goes_back_as_if_nothing_had_been(house: House) {
        house.crowd(3).await;
        let (house, sms) = with(&house, &[("sms", |common| common.rate_per_second = Some(20.0))]).await;
        let alert = house.launch(house.evacuation()).await;
        let mut lane = house.lanes().remove(0);
        turn(&mut lane).await;
        let taken = sms[0].taken().len();
        assert!(taken < 3, "the others' instants had not come");
        let mut tries = Vec::new();
        for person in &house.people(&alert).await {
            let deliveries = house.deliveries(person).await;
            let text = deliveries.iter().find(|one| one.channel == Channel::Sms).unwrap();
            tries.push((text.state.to_string(), text.attempts, text.gateway.clone()));
        }
        tries.sort();
        let waiting = ("queued".to_owned(), 0, None);
        assert_eq!(tries.iter().filter(|one| **one == waiting).count(), 3 - taken, "{tries:?}");
    }
}
