//! What follows when a gateway says no, says nothing, or fails.

use muster::alert::follow_up;
use muster::audit::Actor;
use muster::channel::{Channel, Failure};
use muster::storage::standing::PersonState;

use crate::house::{Order, request};
use crate::on_both;

on_both! {
    async fn a_temporary_refusal_is_tried_again_with_the_same_bytes(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::try_again("The gateway is busy.")));
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let person = &house.people(&alert).await[0];
        let waiting = house.delivery_words(person, Channel::Sms).await;
        assert_eq!(waiting, ["queued (The gateway is busy.)"]);
        house.pass(3).await;
        assert_eq!(house.sms.taken().len(), 1);
        let delivery = &house.deliveries(person).await[1];
        assert_eq!((delivery.channel, delivery.attempts), (Channel::Sms, 2));
        assert!(!delivery.possible_duplicate);
    }

    async fn a_refused_number_is_final_with_its_reason_and_others_go_on(house: House) {
        house.crowd(3).await;
        house.sms.next(Order::Refuse(Failure::person("The number does not exist.")));
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(300).await;
        assert_eq!(house.sms.taken().len(), 2);
        let person = &house.people(&alert).await[0];
        let words = house.delivery_words(person, Channel::Sms).await;
        assert_eq!(words, ["failed (The number does not exist.)"]);
        assert_eq!(person.state, PersonState::Accepted, "the e-mail was taken");
    }

    async fn danger_of_unknown_outcome_is_sent_again_and_marked(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::unknown("No answer came.")));
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let person = &house.people(&alert).await[0];
        assert_eq!(house.delivery_words(person, Channel::Sms).await, ["in_doubt (No answer came.)"]);
        house.pass(11).await;
        assert_eq!(house.sms.taken().len(), 1);
        let sms = &house.deliveries(person).await[1];
        assert!(sms.possible_duplicate);
    }

    async fn news_of_unknown_outcome_is_not_sent_again_and_said_plainly(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::unknown("No answer came.")));
        let alert = house.launch(request("closure", &[("reason", "burst pipe")])).await;
        house.settle().await;
        house.pass(60).await;
        assert_eq!(house.sms.taken().len(), 0);
        let person = &house.people(&alert).await[0];
        assert_eq!(house.delivery_words(person, Channel::Sms).await, ["in_doubt (No answer came.)"]);
    }

    async fn a_panic_in_an_adapter_is_one_messages_trouble(house: House) {
        house.crowd(2).await;
        house.sms.next(Order::Panic);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 1);
        house.pass(11).await;
        assert_eq!(house.sms.taken().len(), 2);
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 2)].into());
    }

    async fn a_gateway_that_fails_is_left_alone_and_the_other_channel_goes_on(house: House) {
        house.crowd(30).await;
        for _ in 0..30 {
            house.sms.next(Order::Refuse(Failure::try_again("down")));
        }
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert!(house.app.health["sms"].is_down());
        assert_eq!(house.email.taken().len(), 30);
        // One probe every five seconds, until one is taken; then everything goes.
        for _ in 0..40 {
            house.pass(6).await;
        }
        assert_eq!(house.sms.copies().len(), 30);
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 30)].into());
    }

    async fn a_message_that_failed_is_left_to_other_servers_while_the_gateway_fails_here(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::refused_us("Wrong password.")));
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert!(house.app.health["sms"].is_down());
        house.pass(6).await;
        assert!(house.sms.taken().is_empty(), "due since a second: a server whose gateway works takes it");
        house.pass(2).await;
        assert_eq!(house.sms.taken().len(), 1, "nobody else did");
    }

    async fn a_gateway_that_fails_is_tried_again_with_a_new_message(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::refused_us("Wrong password.")));
        let first = house.launch(house.evacuation()).await;
        house.settle().await;
        follow_up::stop(&house.app, first.id, Actor::system()).await.unwrap();
        house.pass(6).await;
        assert!(house.app.health["sms"].is_down());
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 1, "at once: else it would never find out while others take all");
    }

    async fn what_one_gateway_fails_at_the_other_takes_though_it_is_a_single_message(house: House) {
        house.crowd(1).await;
        let (house, spare) = house.with_spare();
        house.sms.next(Order::Refuse(Failure::try_again("The gateway could not be reached.")));
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert!(spare.taken().is_empty(), "first the one that comes first");
        house.pass(3).await;
        assert_eq!((house.sms.taken().len(), spare.taken().len()), (0, 1));
        assert!(!house.app.health["sms"].is_down(), "one failure opens no breaker");
    }

    async fn a_message_that_both_gateways_fail_at_goes_back_and_forth(house: House) {
        house.crowd(1).await;
        let (house, spare) = house.with_spare();
        house.sms.next(Order::Refuse(Failure::try_again("down")));
        spare.next(Order::Refuse(Failure::try_again("down too")));
        house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(3).await;
        house.pass(7).await;
        assert_eq!((house.sms.taken().len(), spare.taken().len()), (1, 0));
    }

    async fn while_the_first_gateway_works_the_second_takes_nothing_new(house: House) {
        house.crowd(30).await;
        let (house, spare) = house.with_spare();
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!((house.sms.taken().len(), spare.taken().len()), (30, 0));
    }

    async fn a_gateway_without_a_way_is_no_reason_to_give_a_person_up(house: House) {
        house.crowd(2).await;
        let (house, spare) = house.with_spare();
        for _ in 0..2 {
            house.sms.next(Order::Refuse(Failure::no_way("Not routable.")));
        }
        spare.next(Order::Refuse(Failure::no_way("Not routable either.")));
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(spare.taken().len(), 1);
        // One of them may just not have worked for a moment: a few more tries, then it is over.
        for _ in 0..4 {
            for gateway in [&house.sms, &spare] {
                gateway.next(Order::Refuse(Failure::no_way("Not routable either.")));
            }
        }
        house.pass(7).await;
        house.pass(20).await;
        let mut words = Vec::new();
        for person in house.people(&alert).await {
            words.extend(house.delivery_words(&person, Channel::Sms).await);
        }
        words.sort();
        assert_eq!(words, ["accepted", "failed (Not routable either.)"]);
    }

    async fn a_person_whose_address_cannot_be_read_says_nothing_about_the_gateway(house: House) {
        house.crowd(5).await;
        for _ in 0..5 {
            house.sms.next(Order::Refuse(Failure::try_again("down")));
        }
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert!(house.app.health["sms"].is_down());
        let broken: Result<u64, muster::storage::Error> = house.app.db.write("test", |tx| Box::pin(async move {
            tx.sql("UPDATE delivery SET address = $1 WHERE channel = 'sms' AND state = 'queued'")
                .bind(vec![0_u8]).execute().await
        })).await;
        assert!(broken.unwrap() > 0);
        house.pass(6).await;
        assert!(house.app.health["sms"].is_down(), "nothing was asked of it");
    }

    async fn an_audit_of_old_drills_does_not_depend_on_todays_gateways(house: House) {
        house.crowd(1).await;
        let (spared, spare) = house.with_spare();
        spared.sms.next(Order::Refuse(Failure::try_again("down")));
        let drill = muster::alert::LaunchRequest {
            mode: muster::alert::words::Mode::Exercise,
            ..spared.evacuation()
        };
        spared.launch(drill).await;
        spared.settle().await;
        spared.pass(3).await;
        assert_eq!(spare.taken().len(), 1);
        // The house itself knows no gateway of that name; its audit at the end finds nothing.
        let marked: Vec<(bool,)> = house.app.db
            .sql("SELECT gateway_marked FROM delivery UNION ALL SELECT marked FROM attempt")
            .fetch_all().await.unwrap();
        assert_eq!(marked, [(true,), (true,), (true,)]);
    }
}
