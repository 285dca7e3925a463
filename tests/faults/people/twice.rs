//! F23: the same alert asked for more than once, by one or by several.

use muster::alert::launch::RequestKey;
use muster::alert::{LaunchRequest, Refusal, launch};
use muster::audit::Actor;
use muster::ids::AlertNumber;
use muster::storage::alerts;

use crate::house::{House, request};
use crate::on_both;

fn with_key(house: &House, key: &str) -> LaunchRequest {
    let key = RequestKey {
        scope: "token:monitoring".to_owned(),
        key: key.to_owned(),
        request_hash: "the same".to_owned(),
    };
    LaunchRequest {
        key: Some(key),
        ..house.evacuation()
    }
}

/// What the page of one manager asks for, read now.
fn on_the_page(house: &House, manager: &str) -> LaunchRequest {
    LaunchRequest {
        actor: Actor::user(manager),
        composed_at: Some(house.app.clock.now()),
        warn_of_similar: true,
        ..request("closure", &[("reason", "burst pipe")])
    }
}

async fn count(house: &House) -> usize {
    alerts::list(&house.app.db, AlertNumber(i64::MAX), 100)
        .await
        .unwrap()
        .len()
}

on_both! {
    async fn f23_a_script_that_asks_twenty_times_at_once_makes_one_alert(house: House) {
        house.crowd(5).await;
        let asked = (0..20).map(|_| launch(&house.app, with_key(&house, "page-4711")));
        let launched = futures::future::join_all(asked).await;
        let ids: std::collections::BTreeSet<_> =
            launched.iter().map(|one| one.as_ref().unwrap().alert.id).collect();
        assert_eq!(ids.len(), 1);
        let new = launched.iter().filter(|one| !one.as_ref().unwrap().is_replay).count();
        assert_eq!(new, 1, "one made it, the others were told so");
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 5);
        assert_eq!(count(&house).await, 1);
    }

    async fn f23_of_two_managers_who_press_send_at_once_one_sends_and_the_other_is_told(house: House) {
        house.crowd(3).await;
        let (one, two) = (on_the_page(&house, "mara"), on_the_page(&house, "noor"));
        house.app.clock.advance(std::time::Duration::from_secs(1));
        let both = tokio::join!(launch(&house.app, one), launch(&house.app, two.clone()));
        let refused = [both.0, both.1].into_iter().filter(|one| {
            matches!(one, Err(Refusal::Similar))
        });
        assert_eq!(refused.count(), 1);
        assert_eq!(count(&house).await, 1);
        // It is a warning: whoever has read it can send.
        house.app.clock.advance(std::time::Duration::from_secs(1));
        let again = LaunchRequest { composed_at: Some(house.app.clock.now()), ..two };
        launch(&house.app, again).await.unwrap();
        assert_eq!(count(&house).await, 2);
    }

    async fn f23_another_template_a_drill_and_a_script_are_not_held_up(house: House) {
        house.crowd(3).await;
        let page = on_the_page(&house, "mara");
        house.app.clock.advance(std::time::Duration::from_secs(1));
        launch(&house.app, page.clone()).await.unwrap();
        let other = LaunchRequest { template: "it-outage".to_owned(), variables: [
            ("systems".to_owned(), "the phones".to_owned())].into(), ..page.clone() };
        let drill = LaunchRequest { mode: muster::alert::words::Mode::Exercise, ..page.clone() };
        let script = LaunchRequest { warn_of_similar: false, ..page };
        for request in [other, drill, script] {
            launch(&house.app, request).await.unwrap();
        }
    }
}
