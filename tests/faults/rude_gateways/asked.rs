//! F2 and F10 with a gateway that can be asked: what is in doubt is settled by asking, and a receipt
//! that does not come is fetched.

use muster::channel::Channel;
use muster::storage::standing::PersonState;

use super::{texts, twilio, with_sms, words};
use crate::house::{House, START, request};
use crate::on_both;
use crate::support::rude_gateway::{self, Act, RudeGateway};
use crate::support::twilio::{Fault, Twilio};

/// The house with a Twilio-shaped gateway whose clock shows the test's time.
async fn asked(house: &House) -> (House, Twilio) {
    let server = Twilio::start().await;
    server.set_time(START.0 / 1000);
    let port = server
        .base_url()
        .rsplit_once(':')
        .unwrap()
        .1
        .parse()
        .unwrap();
    (with_sms(house, &[twilio(port, "")]), server)
}

on_both! {
    async fn f02_what_the_gateway_says_it_has_is_accepted_and_what_it_has_not_goes_again(house: House) {
        house.crowd(6).await;
        let (house, server) = asked(&house).await;
        server.spoil([Fault::ServerError, Fault::Silence, Fault::NotTaken]);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 3), ("in_doubt".to_owned(), 3)]);
        house.pass(11).await;
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 6)], "and none marked");
        assert_eq!(server.messages().len(), 6, "nobody was told twice");
        let mut names: Vec<_> = texts(&house, &alert).await.into_iter().filter_map(|one| one.gateway_id).collect();
        let mut sids: Vec<_> = server.messages().into_iter().map(|one| one.sid).collect();
        names.sort();
        sids.sort();
        assert_eq!(names, sids);
    }

    async fn f02_asking_settles_doubts_of_every_severity(house: House) {
        house.crowd(2).await;
        let (house, server) = asked(&house).await;
        server.spoil([Fault::ServerError, Fault::NotTaken]);
        let alert = house.launch(request("closure", &[("reason", "burst pipe")])).await;
        house.settle().await;
        house.pass(11).await;
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 2)]);
        assert_eq!(server.messages().len(), 2);
    }

    async fn f02_a_crash_while_sending_leaves_no_second_copy_with_a_gateway_that_can_be_asked(house: House) {
        house.crowd(10).await;
        let (house, server) = asked(&house).await;
        // A look beforehand, for the lease.
        house.settle().await;
        let alert = house.launch(house.evacuation()).await;
        server.spoil((0..10).map(|n| if n % 2 == 0 { Fault::Silence } else { Fault::NotTaken }));
        // The process dies with ten on the wire: five were taken.
        let mut lanes = house.lanes();
        for lane in &mut lanes {
            muster::escalation::turn(&house.app).await.unwrap();
            lane.turn().await.unwrap();
        }
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while server.messages().len() < 5 {
            assert!(std::time::Instant::now() < deadline, "the messages never left");
            tokio::task::yield_now().await;
        }
        drop(lanes);
        let house = house.restarted().await;
        house.settle().await;
        for _ in 0..4 {
            house.pass(11).await;
        }
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 10)]);
        assert_eq!(server.messages().len(), 10);
    }

    async fn f02_where_asking_tells_nothing_it_is_as_if_it_could_not_be_asked(house: House) {
        house.crowd(1).await;
        let rude = RudeGateway::start(rude_gateway::twilio).await;
        rude.next([Act::TakeAndSay("500 Oops", "", ""), Act::Refuse("503 Busy", "", "")]);
        let house = with_sms(&house, &[twilio(rude.port(), "")]);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(11).await;
        assert_eq!(words(&house, &alert).await, [("accepted, perhaps twice".to_owned(), 1)]);
    }

    async fn f10_without_receipts_the_gateway_is_asked_after_1_5_and_15_minutes(house: House) {
        house.crowd(2).await;
        let (house, server) = asked(&house).await;
        let request = muster::alert::LaunchRequest {
            expires_in: Some(std::time::Duration::from_mins(30)),
            ..house.evacuation()
        };
        let alert = house.launch(request).await;
        house.settle().await;
        house.pass(59).await;
        assert_eq!(server.asked(), 0);
        house.pass(1).await;
        assert_eq!(server.asked(), 2);
        let one = server.messages()[0].sid.clone();
        server.becomes(&one, "delivered");
        house.pass(240).await;
        assert_eq!(server.asked(), 4);
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 1), ("delivered".to_owned(), 1)]);
        house.pass(600).await;
        assert_eq!(server.asked(), 5, "what is delivered is not asked about again");
        for _ in 0..15 {
            house.pass(60).await;
        }
        assert_eq!(server.asked(), 5, "nor is anything after the third time");
        let alert = house.alert(alert.number).await;
        assert_eq!(alert.state, muster::alert::words::AlertState::Ended);
        let counts = house.counts(&alert).await;
        assert_eq!(counts, [(PersonState::Accepted, 1), (PersonState::Delivered, 1)].into());
    }

    async fn f10_what_is_asked_for_can_be_bad_news_too(house: House) {
        house.crowd(1).await;
        let (house, server) = asked(&house).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        server.becomes(&server.messages()[0].sid, "undelivered");
        house.pass(60).await;
        let person = &house.people(&alert).await[0];
        let said = house.delivery_words(person, Channel::Sms).await;
        assert_eq!(said, ["failed (It did not arrive; Twilio gave no reason.)"]);
    }
}
