//! Corrections and all-clears: to whom, about what, and when nobody has been told yet.

use std::time::Duration;

use muster::alert::follow_up::{self, FollowUpRequest};
use muster::alert::words::{AlertKind, AlertState};
use muster::audit::Actor;
use muster::channel::Failure;
use muster::directory::contact::PointKind::{Landline, Mobile};
use muster::ids::AlertId;
use muster::phone_tree::Caller;
use muster::phone_tree::calling::{self, Call, Came};
use muster::storage::alerts::Alert;
use muster::storage::calls::Whose;

use crate::house::{House, Order};
use crate::on_both;

fn request(alert: AlertId, kind: AlertKind) -> FollowUpRequest {
    FollowUpRequest {
        alert,
        kind,
        template: None,
        variables: std::collections::BTreeMap::new(),
        hold: Duration::ZERO,
        composed_at: None,
        actor: Actor::user("manager"),
    }
}

async fn correct(house: &House, alert: &Alert) -> Alert {
    let request = request(alert.id, AlertKind::Correction);
    let sent = follow_up::follow_up(&house.app, request)
        .await
        .unwrap()
        .alert;
    house.settle().await;
    sent
}

on_both! {
    async fn a_correction_before_anybody_was_told_stops_the_alert_and_writes_to_nobody(house: House) {
        house.crowd(3).await;
        for _ in 0..3 {
            house.sms.next(Order::Refuse(Failure::try_again("down")));
            house.email.next(Order::Refuse(Failure::try_again("down")));
        }
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let answer = correct(&house, &alert).await;
        assert_eq!((answer.number, answer.state), (alert.number, AlertState::Stopped));
        house.pass(600).await;
        assert!(house.sms.taken().is_empty() && house.email.taken().is_empty());
    }

    async fn the_same_goes_for_the_moment_before_the_first_message(house: House) {
        house.crowd(2).await;
        let alert = house.launch(house.evacuation()).await;
        let answer = correct(&house, &alert).await;
        assert_eq!(answer.number, alert.number);
        assert!(house.sms.taken().is_empty());
    }

    async fn whoever_every_gateway_refused_for_certain_is_not_told_that_it_was_a_mistake(house: House) {
        let told = house.person("Told", &[(Mobile, "+41790000001")]).await;
        let refused = house.person("Wrong number", &[(Mobile, "+41790000002")]).await;
        house.group("everyone", &[told, refused]).await;
        let alert = house.launch(house.evacuation()).await;
        let mut lanes = house.lanes();
        muster::escalation::turn(&house.app).await.unwrap();
        // Messages leave in the order of the names.
        house.sms.next(Order::Refuse(Failure::unknown("No answer came.")));
        house.sms.next(Order::Refuse(Failure::person("The number does not exist.")));
        for lane in &mut lanes {
            lane.turn().await.unwrap();
            lane.drain().await;
        }
        let correction = correct(&house, &alert).await;
        let people: Vec<_> = house.people(&correction).await.into_iter().map(|one| one.name).collect();
        assert_eq!(people, ["Told"], "the outcome is unknown: they may have been told");
    }

    async fn whoever_was_phoned_is_told_that_it_was_a_mistake(house: House) {
        let told = house.person("Told", &[(Mobile, "+41790000001")]).await;
        let phoned = house.person("Phoned", &[(Landline, "+41440000001")]).await;
        let nobody = house.person("Not phoned", &[(Landline, "+41440000002")]).await;
        house.group("everyone", &[told, phoned, nobody]).await;
        let escalating = muster::alert::LaunchRequest { plan: None, ..house.evacuation() };
        let alert = house.launch(escalating).await;
        house.settle().await;
        house.pass(301).await;
        let person = house.standing_of(&alert, "Phoned").await;
        let call = Call {
            recipient: person.id,
            came: Came::Spoke(None),
            seen: None,
            note: None,
        };
        let caller = Caller { actor: Actor::user("manager"), whose: Whose::All };
        calling::report(&house.app, &caller, call).await.unwrap();
        let correction = correct(&house, &alert).await;
        let mut people: Vec<_> = house.people(&correction).await.into_iter().map(|one| one.name).collect();
        people.sort();
        assert_eq!(people, ["Phoned", "Told"]);
    }

    async fn an_act_on_a_follow_up_is_about_the_alert_that_began_it(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let mut update = request(alert.id, AlertKind::Update);
        update.variables.insert("news".to_owned(), "The fire brigade is here.".to_owned());
        let update = follow_up::follow_up(&house.app, update).await.unwrap().alert;
        house.settle().await;
        let correction = correct(&house, &update).await;
        assert_eq!(correction.follows, Some(alert.number));
        let last = house.sms.taken().pop().unwrap().text;
        assert!(last.contains("Evacuate the building"), "{last}");
        for number in [alert.number, update.number] {
            assert_eq!(house.alert(number).await.state, AlertState::Stopped);
        }
    }
}
