//! Answers: by link, by digit, by a manager; twice, late, for a shared phone, for nobody.

use muster::alert::follow_up;
use muster::audit::Actor;
use muster::channel::{Address, Inbound};
use muster::report::written;
use muster::response::{self, Answered};
use muster::storage::responses::{self as rows, ReplyOutcome, Via};
use muster::storage::standing::PersonState;

use crate::house::{House, mobile};
use crate::on_both;

fn from(number: u32, text: &str, id: &str) -> Inbound {
    Inbound {
        from: Address::new(mobile(number)),
        text: text.to_owned(),
        gateway_id: id.to_owned(),
    }
}

fn token(house: &House) -> String {
    house.sms.taken()[0]
        .link
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned()
}

on_both! {
    async fn opening_a_link_records_nothing_and_pressing_does(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        for _ in 0..3 {
            assert!(response::open(&house.app, &token(&house)).await.unwrap().is_some());
        }
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 1)].into());
        let answered = response::link(&house.app, &token(&house), "safe", None).await.unwrap();
        assert!(matches!(answered, Answered::Recorded(response) if response.via == Via::Link && !response.late));
        assert_eq!(house.counts(&alert).await, [(PersonState::Acknowledged, 1)].into());
    }

    async fn a_second_answer_is_the_current_one_and_the_first_time_stands(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        response::link(&house.app, &token(&house), "safe", None).await.unwrap();
        let first = house.people(&alert).await[0].answered_at;
        house.pass(60).await;
        response::link(&house.app, &token(&house), "help", None).await.unwrap();
        let person = &house.people(&alert).await[0];
        assert_eq!(person.answered_at, first);
        assert_eq!(person.answer.as_deref(), Some("help"));
        assert_eq!(rows::list_of(&house.app.db, person.id).await.unwrap().len(), 2);
    }

    async fn an_unknown_link_and_an_answer_that_is_not_offered_record_nothing(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let unknown = response::link(&house.app, "1111111111111111111111", "safe", None).await.unwrap();
        assert!(matches!(unknown, Answered::UnknownLink));
        let odd = response::link(&house.app, &token(&house), "dance", None).await.unwrap();
        assert!(matches!(odd, Answered::NotOffered));
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 1)].into());
    }

    async fn a_digit_by_sms_answers_and_the_same_message_twice_answers_once(house: House) {
        house.crowd(2).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        for _ in 0..2 {
            let outcome = response::inbound(&house.app, "sms", from(0, "2", "mo-1")).await.unwrap();
            assert_eq!(outcome, ReplyOutcome::Answered);
        }
        let person = house.standing_of(&alert, "Person 00000").await;
        assert_eq!(person.answer.as_deref(), Some("help"));
        assert_eq!(rows::list_of(&house.app.db, person.id).await.unwrap().len(), 1);
        assert_eq!(house.counts(&alert).await.get(&PersonState::Acknowledged), Some(&1));
    }

    async fn with_two_alerts_open_a_digit_answers_the_newer_one(house: House) {
        house.crowd(1).await;
        let older = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(5).await;
        let newer = house.launch(house.evacuation()).await;
        house.settle().await;
        response::inbound(&house.app, "sms", from(0, "1", "mo-1")).await.unwrap();
        assert_eq!(house.counts(&newer).await, [(PersonState::Acknowledged, 1)].into());
        assert_eq!(house.counts(&older).await, [(PersonState::Accepted, 1)].into());
    }

    async fn stop_opts_the_number_out_and_words_that_mean_nothing_are_kept_for_a_person(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let odd = response::inbound(&house.app, "sms", from(0, "who is this?", "mo-1")).await.unwrap();
        assert_eq!(odd, ReplyOutcome::NotUnderstood);
        let kept = written::of_alert(&house.app, &alert).await.unwrap();
        assert_eq!((kept.len(), kept[0].text.as_str(), kept[0].settled), (1, "who is this?", false));
        assert!(!format!("{kept:?}").contains("who is"));
        let stop = response::inbound(&house.app, "sms", from(0, "STOP", "mo-2")).await.unwrap();
        assert_eq!(stop, ReplyOutcome::OptedOut);
        let stranger = response::inbound(&house.app, "sms", from(77, "1", "mo-3")).await.unwrap();
        assert_eq!(stranger, ReplyOutcome::UnknownSender);
    }

    async fn an_answer_after_the_end_is_kept_and_labelled_late(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        follow_up::stop(&house.app, alert.id, Actor::user("manager")).await.unwrap();
        let answered = response::link(&house.app, &token(&house), "safe", None).await.unwrap();
        assert!(matches!(answered, Answered::Recorded(response) if response.late));
        assert_eq!(house.counts(&alert).await, [(PersonState::Acknowledged, 1)].into());
    }

    async fn a_quick_answer_by_mail_may_be_a_scanners(house: House) {
        house.crowd(1).await;
        house.launch(house.evacuation()).await;
        house.settle().await;
        let token = house.email.taken()[0].link.rsplit('/').next().unwrap().to_owned();
        let quick = response::link(&house.app, &token, "safe", None).await.unwrap();
        assert!(matches!(quick, Answered::Recorded(response) if response.maybe_automatic));
        house.pass(11).await;
        let slow = response::link(&house.app, &token, "safe", None).await.unwrap();
        assert!(matches!(slow, Answered::Recorded(response) if !response.maybe_automatic));
    }
}
