//! Steps with waits: the silent get the next one, whoever answered is left alone.

use muster::alert::LaunchRequest;
use muster::alert::words::AlertState;
use muster::channel::Channel;
use muster::response;
use muster::storage::standing::PersonState;

use crate::house::{House, request};
use crate::on_both;

fn escalating(house: &House) -> LaunchRequest {
    LaunchRequest {
        plan: None,
        ..house.evacuation()
    }
}

fn token(house: &House, index: usize) -> String {
    house.sms.taken()[index]
        .link
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned()
}

on_both! {
    async fn the_silent_are_reminded_and_whoever_answered_is_not(house: House) {
        house.crowd(3).await;
        let alert = house.launch(escalating(&house)).await;
        house.settle().await;
        response::link(&house.app, &token(&house, 0), "safe", None).await.unwrap();
        house.pass(121).await;
        assert_eq!(house.sms.taken().len(), 3 + 2);
        let answered = &house.people(&alert).await[0];
        assert_eq!(house.delivery_words(answered, Channel::Sms).await, ["accepted"]);
    }

    async fn an_alert_whose_plan_cannot_be_carried_on_keeps_no_other_waiting(house: House) {
        house.crowd(2).await;
        let broken = house.launch(escalating(&house)).await;
        let sound = house.launch(LaunchRequest { plan: None, ..request("closure", &[("reason", "burst pipe")]) }).await;
        house.settle().await;
        let number = broken.number;
        let damaged: Result<u64, muster::storage::Error> = house.app.db.write("test.damage", move |tx| {
            Box::pin(async move {
                tx.sql("UPDATE alert_step SET plan_step = 99 WHERE alert = $1 AND step = 1").bind(number).execute().await
            })
        }).await;
        assert_eq!(damaged.unwrap(), 1);
        house.app.clock.advance(std::time::Duration::from_secs(301));
        let turned = muster::escalation::turn(&house.app).await;
        assert!(turned.is_err(), "it is told");
        let person = house.people(&sound).await.remove(0);
        let texts = house.delivery_words(&person, Channel::Sms).await;
        assert_eq!(texts.len(), 2, "the other's reminder is written");
        let mended: Result<u64, muster::storage::Error> = house.app.db.write("test.mend", move |tx| {
            Box::pin(async move {
                tx.sql("UPDATE alert_step SET plan_step = 1 WHERE alert = $1 AND step = 1").bind(number).execute().await
            })
        }).await;
        assert_eq!(mended.unwrap(), 1);
        house.settle().await;
    }

    async fn the_silent_come_onto_the_call_list_once(house: House) {
        house.crowd(3).await;
        let alert = house.launch(escalating(&house)).await;
        house.settle().await;
        response::link(&house.app, &token(&house, 1), "safe", None).await.unwrap();
        house.pass(301).await;
        house.pass(301).await;
        let (tasks,): (i64,) = house.app.db
            .sql("SELECT count(*) FROM call_task WHERE alert = $1")
            .bind(alert.number).fetch_one().await.unwrap();
        assert_eq!(tasks, 2);
    }

    async fn an_answer_calls_off_what_was_still_to_be_sent(house: House) {
        house.crowd(1).await;
        house.email.next(crate::house::Order::Refuse(muster::channel::Failure::try_again("busy")));
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        response::link(&house.app, &token(&house, 0), "safe", None).await.unwrap();
        house.pass(60).await;
        assert_eq!(house.email.taken().len(), 0);
        let person = &house.people(&alert).await[0];
        assert_eq!(house.delivery_words(person, Channel::Email).await, ["cancelled (answered)"]);
    }

    async fn when_its_time_is_over_nothing_more_leaves_and_everyone_is_explained(house: House) {
        house.crowd(2).await;
        for _ in 0..2 {
            house.sms.next(crate::house::Order::Refuse(muster::channel::Failure::try_again("busy")));
        }
        let short = LaunchRequest {
            expires_in: Some(std::time::Duration::from_mins(1)),
            ..request("closure", &[("reason", "power cut")])
        };
        let alert = house.launch(short).await;
        house.settle().await;
        house.app.clock.advance(std::time::Duration::from_secs(61));
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 0);
        assert_eq!(house.alert(alert.number).await.state, AlertState::Ended);
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 2)].into());
    }

    async fn a_plan_of_more_people_than_a_chunk_is_written_to_its_end_after_a_crash(house: House) {
        house.crowd(450).await;
        let alert = house.launch(house.evacuation()).await;
        // The server dies after the first chunk: two hundred people of four hundred and fifty.
        let restarted = house.restarted().await;
        restarted.settle().await;
        assert_eq!(restarted.sms.copies().len(), 450);
        assert!(restarted.sms.copies().values().all(|copies| *copies == 1));
        assert_eq!(restarted.counts(&alert).await, [(PersonState::Accepted, 450)].into());
    }
}
