//! What a launch takes, what it refuses, and what it leaves behind.

use std::time::Duration;

use muster::alert::launch::RequestKey;
use muster::alert::words::Mode;
use muster::alert::{LaunchRequest, Refusal, follow_up, launch};
use muster::audit::Actor;
use muster::channel::Channel;
use muster::storage::alerts;
use muster::storage::standing::PersonState;

use crate::house::{House, request};
use crate::on_both;

fn with_key(house: &House, key: &str, request_hash: &str) -> LaunchRequest {
    let key = RequestKey {
        scope: "token".to_owned(),
        key: key.to_owned(),
        request_hash: request_hash.to_owned(),
    };
    LaunchRequest {
        key: Some(key),
        ..house.evacuation()
    }
}

async fn alerts_of(house: &House) -> usize {
    alerts::list(&house.app.db, muster::ids::AlertNumber(i64::MAX), 100)
        .await
        .unwrap()
        .len()
}

on_both! {
    /// The whole path in one test: read this one first.
    async fn an_alert_reaches_everyone_and_stops_for_whoever_answers(house: House) {
        house.crowd(3).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;

        let texts = house.sms.taken();
        assert_eq!(texts.len(), 3);
        assert!(texts[0].text.starts_with("Riverside Clinic"), "{}", texts[0].text);
        assert!(texts[0].text.contains(&texts[0].link));
        assert_eq!(house.email.taken().len(), 3);
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 3)].into());
    }

    async fn the_same_key_is_the_same_alert_and_another_request_with_it_is_refused(house: House) {
        house.crowd(2).await;
        let first = house.launch(with_key(&house, "k1", "a")).await;
        let again = launch(&house.app, with_key(&house, "k1", "a")).await.unwrap();
        assert!(again.is_replay);
        assert_eq!(again.alert.id, first.id);
        let other = house.try_launch(with_key(&house, "k1", "b")).await;
        assert!(matches!(other, Err(Refusal::KeyReused)));
        assert_eq!(alerts_of(&house).await, 1);
    }

    async fn twenty_requests_at_once_with_one_key_are_one_alert(house: House) {
        house.crowd(2).await;
        let requests = (0..20).map(|_| launch(&house.app, with_key(&house, "k", "a")));
        let launched = futures::future::join_all(requests).await;
        let first = launched[0].as_ref().unwrap().alert.id;
        assert!(launched.iter().all(|one| one.as_ref().unwrap().alert.id == first));
        assert_eq!(alerts_of(&house).await, 1);
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 2);
    }

    async fn what_cannot_be_right_is_refused_by_name_and_leaves_nothing(house: House) {
        house.crowd(2).await;
        house.group("nobody", &[]).await;
        let refused = |request| {
            let house = house.clone();
            async move { house.try_launch(request).await.unwrap_err().to_string() }
        };
        let base = || house.evacuation();
        let unfilled = refused(request("evacuation", &[])).await;
        assert!(unfilled.contains("\"hazard\" is not filled"), "{unfilled}");
        let unknown = refused(request("evacuation", &[("hazard", "fire"), ("colour", "x")])).await;
        assert!(unknown.contains("colour"), "{unknown}");
        let template = refused(request("no-such", &[])).await;
        assert!(template.contains("no-such"), "{template}");
        let groups = vec!["everyone".to_owned(), "ghosts".to_owned()];
        let group = refused(LaunchRequest { groups, ..base() }).await;
        assert_eq!(group, "there is no group \"ghosts\"");
        let empty = refused(LaunchRequest { groups: vec!["nobody".to_owned()], ..base() }).await;
        assert!(empty.contains("the audience is empty"), "{empty}");
        let none = refused(LaunchRequest { groups: Vec::new(), ..base() }).await;
        assert!(none.contains("say who is to be told"), "{none}");
        let plan = refused(LaunchRequest { plan: Some("later".to_owned()), ..base() }).await;
        assert_eq!(plan, "there is no plan \"later\"");
        let soon = refused(LaunchRequest { expires_in: Some(Duration::from_millis(999)), ..base() }).await;
        assert!(soon.contains("expires_in"), "{soon}");
        let kind = refused(request("all-clear", &[])).await;
        assert!(kind.contains("all-clear"), "{kind}");
        assert_eq!(alerts_of(&house).await, 0);
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 0);
    }

    async fn a_template_that_nobody_approved_or_that_was_changed_is_refused(house: House) {
        house.crowd(1).await;
        let hash_changed = house.app.db.write("test.change", |tx| Box::pin(async move {
            tx.sql("UPDATE template_approval SET hash = 'another' WHERE name = 'closure'").execute().await?;
            tx.sql("DELETE FROM template_approval WHERE name = 'evacuation'").execute().await
        })).await as Result<u64, muster::storage::Error>;
        hash_changed.unwrap();
        let unapproved = house.try_launch(house.evacuation()).await;
        assert!(matches!(unapproved, Err(Refusal::Unapproved(name)) if name == "evacuation"));
        let changed = house.try_launch(request("closure", &[("reason", "burst pipe")])).await;
        assert!(matches!(changed, Err(Refusal::ChangedAfterApproval(name)) if name == "closure"));
    }

    async fn a_person_without_their_own_appointment_is_named_instead_of_told_nonsense(house: House) {
        use muster::directory::contact::PointKind::Mobile;
        house.crowd(1).await;
        let ana = house.person_with("Ana", &[(Mobile, "+41790000100")], |draft| {
            draft.fields = [("appointment", "10:20"), ("new_time", "Tuesday 09:40")]
                .map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        }).await;
        house.group("patients", &[ana]).await;
        let refused = house.try_launch(request("rescheduling", &[])).await.unwrap_err().to_string();
        assert!(refused.contains("appointment") && refused.contains("Person 00000"), "{refused}");
        let groups = vec!["patients".to_owned()];
        house.launch(LaunchRequest { groups, ..request("rescheduling", &[]) }).await;
        house.settle().await;
        let text = &house.sms.taken()[0].text;
        assert!(text.contains("10:20") && text.contains("Tuesday 09:40"), "{text}");
    }

    async fn a_drill_says_so_at_both_ends_of_every_text(house: House) {
        house.crowd(1).await;
        let alert = house.launch(LaunchRequest { mode: Mode::Exercise, ..house.evacuation() }).await;
        house.settle().await;
        assert_eq!(house.alert(alert.number).await.mode, Mode::Exercise);
        let text = &house.sms.taken()[0].text;
        assert!(text.starts_with("DRILL") && text.ends_with("DRILL"), "{text}");
        let mail = &house.email.taken()[0];
        assert!(mail.subject.as_ref().unwrap().starts_with("DRILL"));
    }

    async fn during_the_hold_a_stop_means_that_nobody_got_anything(house: House) {
        house.crowd(5).await;
        let held = LaunchRequest { hold: Duration::from_secs(5), ..house.evacuation() };
        let alert = house.launch(held).await;
        house.pass(4).await;
        assert_eq!(house.sms.taken().len(), 0);
        let stopped = follow_up::stop(&house.app, alert.id, Actor::user("manager")).await.unwrap();
        assert_eq!(stopped.called_off, 10);
        house.pass(60).await;
        assert_eq!(house.sms.taken().len(), 0);
        assert_eq!(house.counts(&alert).await, [(PersonState::Excluded, 5)].into());
        let again = follow_up::stop(&house.app, alert.id, Actor::user("manager")).await;
        assert!(matches!(again, Err(Refusal::NotRunning)));
    }

    async fn a_correction_goes_to_exactly_those_who_were_contacted(house: House) {
        use muster::alert::words::{AlertKind, AlertState};
        use muster::directory::contact::PointKind::{Landline, Mobile};
        let told = house.person("Told", &[(Mobile, "+41790000001")]).await;
        let landline = house.person("Landline", &[(Landline, "+41440000001")]).await;
        house.group("everyone", &[told, landline]).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let request = follow_up::FollowUpRequest {
            alert: alert.id,
            kind: AlertKind::Correction,
            template: None,
            variables: std::collections::BTreeMap::new(),
            hold: Duration::ZERO,
            composed_at: None,
            actor: Actor::user("manager"),
        };
        let correction = follow_up::follow_up(&house.app, request).await.unwrap().alert;
        house.settle().await;
        assert_eq!(correction.recipients, 1);
        assert_eq!(correction.follows, Some(alert.number));
        assert_eq!(house.alert(alert.number).await.state, AlertState::Stopped);
        let texts = house.sms.taken();
        assert_eq!(texts.len(), 2);
        assert!(texts[1].text.contains("Evacuate the building"), "{}", texts[1].text);
    }

    async fn an_update_leaves_the_alert_running_and_a_reminder_reaches_only_the_silent(house: House) {
        house.crowd(2).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let first = &house.people(&alert).await[0];
        let behalf = muster::response::OnBehalf {
            recipient: first.id,
            answer: "safe".to_owned(),
            via: muster::storage::responses::Via::Manager,
            actor: Actor::user("manager"),
            note: None,
        };
        muster::response::on_behalf(&house.app, behalf).await.unwrap();
        follow_up::remind(&house.app, alert.id, Actor::user("manager")).await.unwrap();
        house.settle().await;
        let silent = &house.people(&alert).await[1];
        assert_eq!(house.delivery_words(first, Channel::Sms).await, ["accepted"]);
        assert_eq!(house.delivery_words(silent, Channel::Sms).await, ["accepted", "accepted"]);
    }

    async fn two_launches_are_two_numbers(house: House) {
        house.crowd(1).await;
        let one = house.launch(house.evacuation()).await;
        let two = house.launch(house.evacuation()).await;
        assert_eq!(two.number.0, one.number.0 + 1);
    }
}
