//! Answers: by link, by digit, by a manager; twice, late, for a shared phone, for nobody.

use muster::alert::follow_up;
use muster::audit::Actor;
use muster::channel::{Address, Channel, Failure, Inbound};
use muster::directory::contact::PointKind::{Email, Mobile};
use muster::report::written;
use muster::response::{self, Answered};
use muster::storage::Error;
use muster::storage::responses::{self as rows, ReplyOutcome, Via};
use muster::storage::standing::PersonState;

use crate::house::{House, Order, mobile};
use crate::on_both;

fn from(number: u32, text: &str, id: &str) -> Inbound {
    Inbound {
        from: Address::new(mobile(number)),
        text: text.to_owned(),
        gateway_id: id.to_owned(),
    }
}

fn from_number(number: &str, text: &str, id: &str) -> Inbound {
    Inbound {
        from: Address::new(number),
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
        let answered = response::link(&house.app, &token(&house), "safe", None).await.unwrap().answered;
        assert!(matches!(answered, Answered::Recorded(response) if response.via == Via::Link && !response.late));
        assert_eq!(house.counts(&alert).await, [(PersonState::Acknowledged, 1)].into());
    }

    async fn an_answer_is_recorded_though_the_alerts_texts_can_no_longer_be_read(house: House) {
        house.crowd(1).await;
        house.launch(house.evacuation()).await;
        house.settle().await;
        let broken: Result<u64, Error> = house.app.db.write("test.break", |tx| Box::pin(async move {
            tx.sql("UPDATE alert_text SET filled = '{'").execute().await
        })).await;
        assert!(broken.unwrap() > 0);
        assert!(response::open(&house.app, &token(&house)).await.unwrap().is_some());
        let answered = response::link(&house.app, &token(&house), "safe", None).await.unwrap().answered;
        assert!(matches!(answered, Answered::Recorded(_)), "{answered:?}");
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
        assert_eq!(rows::list_of(&house.app.db, &[person.id]).await.unwrap().len(), 2);
    }

    async fn an_unknown_link_and_an_answer_that_is_not_offered_record_nothing(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let unknown = response::link(&house.app, "1111111111111111111111", "safe", None).await.unwrap().answered;
        assert!(matches!(unknown, Answered::UnknownLink));
        let odd = response::link(&house.app, &token(&house), "dance", None).await.unwrap().answered;
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
        assert_eq!(rows::list_of(&house.app.db, &[person.id]).await.unwrap().len(), 1);
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
        let answered = response::link(&house.app, &token(&house), "safe", None).await.unwrap().answered;
        assert!(matches!(answered, Answered::Recorded(response) if response.late));
        assert_eq!(house.counts(&alert).await, [(PersonState::Acknowledged, 1)].into());
    }

    async fn a_quick_answer_by_mail_may_be_a_scanners_and_counts_for_nothing(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let token = house.email.taken()[0].link.rsplit('/').next().unwrap().to_owned();
        let quick = response::link(&house.app, &token, "safe", None).await.unwrap().answered;
        assert!(matches!(quick, Answered::Recorded(response) if response.maybe_automatic));
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 1)].into(), "nobody has answered");
        house.pass(11).await;
        let slow = response::link(&house.app, &token, "safe", None).await.unwrap().answered;
        assert!(matches!(slow, Answered::Recorded(response) if !response.maybe_automatic));
        assert_eq!(house.counts(&alert).await, [(PersonState::Acknowledged, 1)].into());
    }

    async fn a_digit_is_about_the_message_that_came_and_not_about_one_that_never_left(house: House) {
        house.crowd(1).await;
        let told = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(5).await;
        house.sms.next(Order::Refuse(Failure::try_again("It is busy.")));
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 1, "the second alert was taken up and put back");
        response::inbound(&house.app, "sms", from(0, "1", "mo-1")).await.unwrap();
        assert_eq!(house.counts(&told).await, [(PersonState::Acknowledged, 1)].into());
        house.pass(3).await;
        assert_eq!(house.sms.taken().len(), 2, "the danger is still told");
    }

    async fn a_hundred_answers_of_one_moment_are_all_kept_each_with_its_own(house: House) {
        house.crowd(100).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let links: Vec<String> = house.sms.taken().iter().map(|one| one.link.clone()).collect();
        let answers = links.iter().enumerate().map(|(number, link)| {
            let answer = if number % 3 == 0 { "help" } else { "safe" };
            let app = &house.app;
            async move {
                let token = link.rsplit('/').next().unwrap();
                let odd = if number % 10 == 0 { "dance" } else { answer };
                (answer, odd, response::link(app, token, odd, None).await.unwrap().answered)
            }
        });
        let (mut kept, mut refused) = (0, 0);
        for (answer, odd, answered) in futures::future::join_all(answers).await {
            match answered {
                Answered::Recorded(response) => {
                    assert_eq!(response.answer, answer);
                    kept += 1;
                }
                Answered::NotOffered => {
                    assert_eq!(odd, "dance");
                    refused += 1;
                }
                Answered::UnknownLink => panic!("it was sent"),
            }
        }
        assert_eq!((kept, refused), (90, 10));
        assert_eq!(house.counts(&alert).await.get(&PersonState::Acknowledged), Some(&90));
    }

    async fn a_sender_is_known_however_the_gateway_writes_the_number(house: House) {
        house.crowd(5).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let written = ["+41790000000", "41790000001", "0041790000002", " 41790000003", "079 000 00 04"];
        for (number, from) in written.into_iter().enumerate() {
            let reply = Inbound {
                from: Address::new(from),
                text: "1".to_owned(),
                gateway_id: format!("r{number}"),
            };
            let outcome = response::inbound(&house.app, "sms", reply).await.unwrap();
            assert_eq!(outcome, ReplyOutcome::Answered, "{from}");
        }
        assert_eq!(house.counts(&alert).await, [(PersonState::Acknowledged, 5)].into());
    }

    async fn a_stop_is_in_the_audit_log_once_and_calls_off_what_is_no_emergency(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::try_again("busy")));
        let alert = house.launch(crate::house::request("closure", &[("reason", "burst pipe")])).await;
        house.settle().await;
        for id in ["a", "b"] {
            response::inbound(&house.app, "sms", from(0, "STOP", id)).await.unwrap();
        }
        house.pass(3).await;
        assert!(house.sms.taken().is_empty());
        let person = &house.people(&alert).await[0];
        assert_eq!(house.delivery_words(person, Channel::Sms).await, ["excluded (opted out)"]);
        let (entries,): (i64,) = house.app.db
            .sql("SELECT count(*) FROM audit_entry WHERE action = 'contact.opt_out'")
            .fetch_one().await.unwrap();
        assert_eq!(entries, 1);
    }

    async fn yes_takes_an_opt_out_back_and_is_otherwise_for_a_person_to_read(house: House) {
        house.crowd(1).await;
        house.launch(house.evacuation()).await;
        house.settle().await;
        let say = async |text: &str, id: &str| {
            response::inbound(&house.app, "sms", from(0, text, id)).await.unwrap()
        };
        assert_eq!(say("yes", "a").await, ReplyOutcome::NotUnderstood);
        assert_eq!(say("stop", "b").await, ReplyOutcome::OptedOut);
        assert_eq!(say("yes", "c").await, ReplyOutcome::OptedIn);
    }

    async fn what_a_mail_scanner_presses_does_not_undo_a_call_for_help(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        response::inbound(&house.app, "sms", from(0, "2", "a")).await.unwrap();
        let link = house.email.taken()[0].link.clone();
        let token = link.rsplit('/').next().unwrap();
        response::link(&house.app, token, "safe", None).await.unwrap();
        let person = &house.people(&alert).await[0];
        assert_eq!(person.answer.as_deref(), Some("help"));
        // The person themselves, later, may.
        house.pass(60).await;
        response::link(&house.app, token, "safe", None).await.unwrap();
        assert_eq!(house.people(&alert).await[0].answer.as_deref(), Some("safe"));
    }

    async fn what_a_mail_scanner_presses_calls_nothing_off(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::try_again("busy")));
        house.launch(house.evacuation()).await;
        house.settle().await;
        let link = house.email.taken()[0].link.clone();
        response::link(&house.app, link.rsplit('/').next().unwrap(), "safe", None).await.unwrap();
        house.pass(3).await;
        assert_eq!(house.sms.taken().len(), 1, "the person may know of nothing");
    }

    async fn an_answer_does_not_call_off_what_tells_someone_else_on_the_same_phone(house: House) {
        let ana = house.person("Ana Ruiz", &[(Mobile, "+41790000001"), (Email, "a@clinic.example")]).await;
        let ben = house.person("Ben Ruiz", &[(Mobile, "+41790000001")]).await;
        house.group("everyone", &[ana, ben]).await;
        house.sms.next(Order::Refuse(Failure::try_again("busy")));
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(1).await;
        let ana = house.standing_of(&alert, "Ana Ruiz").await;
        let safe = muster::response::OnBehalf {
            recipient: ana.id,
            answer: "safe".to_owned(),
            via: Via::Manager,
            actor: Actor::user("manager"),
            note: None,
        };
        response::on_behalf(&house.app, safe.clone()).await.unwrap();
        house.pass(3).await;
        assert_eq!(house.sms.taken().len(), 1, "Ben has not been told otherwise");
        let counts = house.counts(&alert).await;
        assert_eq!(counts, [(PersonState::Acknowledged, 1), (PersonState::Accepted, 1)].into());
    }

    async fn once_everyone_on_a_phone_has_answered_nothing_more_goes_to_it(house: House) {
        let ana = house.person("Ana Ruiz", &[(Mobile, "+41790000001")]).await;
        let ben = house.person("Ben Ruiz", &[(Mobile, "+41790000001")]).await;
        house.group("everyone", &[ana, ben]).await;
        house.sms.next(Order::Refuse(Failure::try_again("busy")));
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        for person in house.people(&alert).await {
            let safe = muster::response::OnBehalf {
                recipient: person.id,
                answer: "safe".to_owned(),
                via: Via::Manager,
                actor: Actor::user("manager"),
                note: None,
            };
            response::on_behalf(&house.app, safe).await.unwrap();
        }
        house.pass(3).await;
        assert!(house.sms.taken().is_empty());
    }

    async fn a_reply_from_a_shared_phone_is_of_the_one_who_was_asked_last_and_is_silent(house: House) {
        let ana = house.person("Ana Ruiz", &[(Mobile, "+41790000001")]).await;
        let ben = house.person("Ben Ruiz", &[(Mobile, "+41790000001")]).await;
        house.group("everyone", &[ana, ben]).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        response::inbound(&house.app, "sms", from_number("+41790000001", "1", "a")).await.unwrap();
        assert!(house.standing_of(&alert, "Ana Ruiz").await.answered_at.is_some());
        house.pass(60).await;
        follow_up::remind(&house.app, alert.id, Actor::user("manager")).await.unwrap();
        house.settle().await;
        response::inbound(&house.app, "sms", from_number("+41790000001", "1", "b")).await.unwrap();
        assert!(house.standing_of(&alert, "Ben Ruiz").await.answered_at.is_some());
    }
}
