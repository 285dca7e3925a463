//! When phones are left alone, and places that must not be reached too fast.

use std::time::{Duration, Instant};

use muster::alert::LaunchRequest;
use muster::alert::follow_up::{self, FollowUpRequest};
use muster::alert::words::{AlertKind, AlertState};
use muster::audit::Actor;
use muster::call_out::Wanted;
use muster::channel::{Channel, Message};
use muster::clock::Timestamp;
use muster::config::{Destination, Quiet};
use muster::storage::alerts::Alert;
use muster::storage::deliveries;

use crate::house::{House, START, request};
use crate::on_both;

/// A text to everyone that is no matter of life; a second one to the silent after five minutes.
fn closure() -> LaunchRequest {
    LaunchRequest {
        plan: None,
        ..request("closure", &[("reason", "burst pipe")])
    }
}

/// The house at 14:02 in hours that are quiet until 22:00.
fn quiet(house: &House) -> House {
    house.with_config(house.app.gateways.clone(), |config| {
        config.organisation.quiet_hours = Some(Quiet {
            from: "14:00".to_owned(),
            until: "22:00".to_owned(),
            channels: vec![Channel::Sms, Channel::Voice],
        });
    })
}

/// The house with a switchboard behind every number of the crowd, which takes two calls a second.
fn switchboard(house: &House) -> House {
    house.with_config(house.app.gateways.clone(), |config| {
        config.destinations = vec![Destination {
            name: "switchboard".to_owned(),
            numbers: vec!["+4179".to_owned()],
            domains: Vec::new(),
            rate_per_second: 2.0,
        }];
    })
}

fn correction(alert: &Alert) -> FollowUpRequest {
    FollowUpRequest {
        alert: alert.id,
        kind: AlertKind::Correction,
        template: None,
        variables: std::collections::BTreeMap::new(),
        hold: Duration::ZERO,
        composed_at: None,
        actor: Actor::system(),
    }
}

/// Seconds from the beginning until the hours are over.
const UNTIL_TEN: u64 = 7 * 3600 + 57 * 60 + 53;

on_both! {
    async fn in_quiet_hours_texts_wait_for_their_end_and_mails_do_not(house: House) {
        house.crowd(3).await;
        let house = quiet(&house);
        let alert = house.launch(closure()).await;
        house.settle().await;
        assert_eq!((house.sms.taken().len(), house.email.taken().len()), (0, 3));
        let now = house.app.clock.now();
        let waiting = deliveries::backlog(&house.app.db, now, &house.app.quiet_channels()).await.unwrap();
        assert_eq!(waiting, [], "nothing is late");
        house.pass(UNTIL_TEN - 1).await;
        assert_eq!(house.sms.taken().len(), 0);
        house.pass(1).await;
        assert_eq!(house.sms.taken().len(), 3);
        house.pass(299).await;
        assert_eq!(house.sms.taken().len(), 3, "the silent are given their five minutes from then");
        house.pass(1).await;
        assert_eq!(house.sms.taken().len(), 6);
        house.pass(12 * 3600 - 300 - 1).await;
        assert_eq!(house.alert(alert.number).await.state, AlertState::Running, "so is the alert its time");
        house.pass(1).await;
        assert_eq!(house.alert(alert.number).await.state, AlertState::Ended);
    }

    async fn danger_and_its_correction_do_not_wait(house: House) {
        house.crowd(2).await;
        let house = quiet(&house);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 2);
        follow_up::follow_up(&house.app, correction(&alert)).await.unwrap();
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 4);
    }

    async fn an_alert_that_runs_into_the_quiet_hours_waits_and_says_why_it_ended(house: House) {
        house.crowd(1).await;
        let alert = house.launch(LaunchRequest {
            expires_in: Some(Duration::from_mins(30)),
            ..closure()
        }).await;
        let house = quiet(&house);
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 0, "launched before, not sent before");
        house.pass(30 * 60).await;
        let person = house.people(&alert).await.remove(0);
        let texts = house.deliveries(&person).await.into_iter();
        let reasons: Vec<_> = texts.filter(|one| one.channel == Channel::Sms).map(|one| one.reason).collect();
        let why = "the alert's time was over before the quiet hours were".to_owned();
        assert!(!reasons.is_empty() && reasons.iter().all(|reason| *reason == Some(why.clone())), "{reasons:?}");
    }

    async fn a_call_out_asks_nobody_next_before_the_first_could_be_woken(house: House) {
        house.crowd(5).await;
        let house = quiet(&house);
        house.launch(LaunchRequest {
            call_out: Some(Wanted { needed: 1, answer_within: None, ahead: Some(0) }),
            ..request("staff-call-out", &[("who", "nurses")])
        }).await;
        house.settle().await;
        assert_eq!(house.email.taken().len(), 1);
        house.pass(UNTIL_TEN).await;
        let texts = house.sms.taken();
        assert_eq!((texts.len(), house.email.taken().len()), (1, 1), "nobody else in all that time");
        house.pass(600).await;
        assert!(house.email.taken().len() > 1, "now the next is asked");
    }

    async fn a_switchboard_is_given_one_message_at_a_time_and_the_rest_is_as_if_never_tried(house: House) {
        house.crowd(4).await;
        let house = switchboard(&house);
        muster::dispatch::recovery::turn(&house.app, house.boot()).await.unwrap();
        let alert = house.launch(house.evacuation()).await;
        let mut lanes = house.lanes();
        for lane in &mut lanes {
            lane.turn().await.unwrap();
            lane.drain().await;
        }
        assert_eq!((house.sms.taken().len(), house.email.taken().len()), (1, 4), "mails go elsewhere");
        let mut tries = Vec::new();
        for person in &house.people(&alert).await {
            let deliveries = house.deliveries(person).await;
            let text = deliveries.iter().find(|one| one.channel == Channel::Sms).unwrap();
            tries.push((text.state.to_string(), text.attempts));
        }
        tries.sort();
        assert_eq!(tries[1..], vec![("queued".to_owned(), 0); 3]);
    }

    async fn what_waits_for_a_switchboard_is_not_taken_up_again_before_its_turn(house: House) {
        house.crowd(60).await;
        let house = switchboard(&house);
        muster::dispatch::recovery::turn(&house.app, house.boot()).await.unwrap();
        let alert = house.launch(closure()).await;
        let begun = Instant::now();
        for _ in 0..8 {
            house.settle().await;
        }
        // PostgreSQL's clock has gone on by so much, and the test's has not: with it goes what is promised
        // in one claim and the next.
        let (slack, claims) = if house.app.db.is_shared() {
            (begun.elapsed(), 16)
        } else {
            (Duration::ZERO, 0)
        };
        let mut due = Vec::new();
        for person in &house.people(&alert).await {
            let deliveries = house.deliveries(person).await;
            let texts = deliveries.into_iter().filter(|one| one.channel == Channel::Sms);
            due.extend(texts.filter(|one| one.attempts == 0).map(|one| one.due_at));
        }
        due.sort_unstable();
        let (first, last) = (due[0], due[due.len() - 1]);
        assert!(due.len() >= 55, "{}", due.len());
        // 560 ms from one to the next, however many claims it took.
        let is_short = |pair: &&[Timestamp]| pair[1].since(pair[0]) < Duration::from_millis(540);
        assert!(due.windows(2).filter(is_short).count() <= claims, "{slack:?} {due:?}");
        assert!(last.since(first) + slack >= Duration::from_secs(29), "{slack:?} {due:?}");
    }

    async fn other_numbers_do_not_wait_for_a_switchboard(house: House) {
        house.crowd(4).await;
        let house = house.with_config(house.app.gateways.clone(), |config| {
            config.destinations = vec![Destination {
                name: "elsewhere".to_owned(),
                numbers: vec!["+4144".to_owned()],
                domains: Vec::new(),
                rate_per_second: 1.0,
            }];
        });
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 4);
    }
}

/// On SQLite, where the test's clock is the database's: the whole queue, at its pace.
#[tokio::test]
async fn a_switchboards_queue_goes_out_at_its_rate_and_nobody_is_forgotten() {
    let house = House::on_sqlite().await;
    house.crowd(9).await;
    let house = switchboard(&house);
    house.launch(house.evacuation()).await;
    house.settle().await;
    let mut went = vec![house.sms.taken().len()];
    for _ in 0..60 {
        house.app.clock.advance(Duration::from_millis(100));
        house.settle().await;
        went.push(house.sms.taken().len());
    }
    assert_eq!(went[0], 1);
    assert!(
        went.windows(10).all(|second| second[9] - second[0] <= 2),
        "{went:?}"
    );
    assert_eq!(went[60], 9, "{went:?}");
    let numbers: std::collections::BTreeSet<_> = house
        .sms
        .taken()
        .iter()
        .map(|one: &Message| one.to.reveal().to_owned())
        .collect();
    assert_eq!(numbers.len(), 9, "each once");
    assert_eq!(house.app.clock.now().since(START), Duration::from_secs(6));
}
