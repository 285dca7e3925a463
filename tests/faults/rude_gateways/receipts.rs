//! F8, F9 and F10: receipts that come early, late, twice, shuffled, forged, for nobody, all at once, or
//! not at all.

use std::time::Duration;

use futures::StreamExt as _;

use muster::callback::{self, CallbackFailure};
use muster::channel::{Callback, CallbackError, Channel};
use muster::storage::standing::PersonState;

use super::{http, texts, twilio, with_sms, words};
use crate::house::House;
use crate::on_both;
use crate::support::rude_gateway::{self, RudeGateway};
use crate::support::twilio::{Message, Twilio};

/// A receipt of this message as Twilio posts it.
fn posted(house: &House, message: &Message, status: &str) -> Callback {
    let url = message.status_callback.clone().unwrap();
    let (form, signature) = Twilio::receipt_form(message, status, &url);
    let query = url
        .split_once('?')
        .map(|(_, query)| query)
        .unwrap_or_default();
    Callback {
        method: "POST".to_owned(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: vec![("x-twilio-signature".to_owned(), signature)],
        body: form.into_bytes(),
        at: house.app.clock.now(),
        url,
    }
}

/// The house with a Twilio-shaped gateway, and what it took of one alert.
async fn sent(house: &House, people: u32) -> (House, Twilio, muster::storage::alerts::Alert) {
    house.crowd(people).await;
    let server = Twilio::start().await;
    let port = server
        .base_url()
        .rsplit_once(':')
        .unwrap()
        .1
        .parse()
        .unwrap();
    let house = with_sms(house, &[twilio(port, "")]);
    let alert = house.launch(house.evacuation()).await;
    house.settle().await;
    (house, server, alert)
}

async fn post(house: &House, callback: &Callback) -> Result<(), CallbackFailure> {
    callback::status(&house.app, "twilio", callback).await
}

on_both! {
    async fn f08_receipts_in_any_order_and_number_end_in_the_highest_and_are_kept_once(house: House) {
        let (house, server, alert) = sent(&house, 3).await;
        let orders = [
            ["sent", "delivered", "sent", "delivered", "sent"],
            ["delivered", "sent", "queued", "undelivered", "delivered"],
            ["undelivered", "sent", "delivered", "delivered", "undelivered"],
        ];
        for (message, order) in server.messages().iter().zip(orders) {
            for status in order {
                for _ in 0..5 {
                    post(&house, &posted(&house, message, status)).await.unwrap();
                }
                // In the field `sent` has come 24 s after `delivered`.
                house.pass(3).await;
            }
        }
        assert_eq!(words(&house, &alert).await, [("delivered".to_owned(), 3)]);
        let (kept,): (i64,) = house.app.db.sql("SELECT count(*) FROM receipt").fetch_one().await.unwrap();
        assert_eq!(kept, 2 + 4 + 3);
    }

    async fn f08_a_receipt_three_days_late_is_still_true(house: House) {
        let (house, server, alert) = sent(&house, 1).await;
        for _ in 0..72 {
            house.pass(3600).await;
        }
        let ended = house.alert(alert.number).await;
        assert_eq!(ended.state, muster::alert::words::AlertState::Ended);
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 1)].into());
        post(&house, &posted(&house, &server.messages()[0], "delivered")).await.unwrap();
        assert_eq!(house.counts(&alert).await, [(PersonState::Delivered, 1)].into());
    }

    async fn f08_a_receipt_that_comes_before_the_answer_counts(house: House) {
        house.crowd(2).await;
        let server = Twilio::start().await;
        let port = server.base_url().rsplit_once(':').unwrap().1.parse().unwrap();
        let house = with_sms(&house, &[twilio(port, "")]);
        // A look beforehand, for the lease.
        house.settle().await;
        let alert = house.launch(house.evacuation()).await;
        muster::escalation::turn(&house.app).await.unwrap();
        let mut lanes = house.lanes();
        for lane in &mut lanes {
            lane.turn().await.unwrap();
        }
        // On the wire: taken there, and nothing written down here.
        for number in 0..2 {
            let message = server.expect_message(&crate::house::mobile(number)).await;
            post(&house, &posted(&house, &message, "delivered")).await.unwrap();
        }
        assert_eq!(words(&house, &alert).await, [("delivered".to_owned(), 2)]);
        for lane in &mut lanes {
            lane.drain().await;
        }
        house.settle().await;
        assert_eq!(words(&house, &alert).await, [("delivered".to_owned(), 2)]);
        let sids: Vec<_> = server.messages().into_iter().map(|one| Some(one.sid)).collect();
        for one in texts(&house, &alert).await {
            assert!(sids.contains(&one.gateway_id), "the gateway's name is kept all the same");
        }
    }

    async fn f08_a_receipt_of_an_unknown_message_is_kept_and_joined_later(house: House) {
        house.crowd(1).await;
        let rude = RudeGateway::start(rude_gateway::json).await;
        let house = with_sms(&house, &[http("sms", rude.port(), 10, "")]);
        let url = format!("{}/callbacks/sms/status?token=secret", house.app.public_url);
        let early = Callback {
            method: "POST".to_owned(),
            query: vec![("token".to_owned(), "secret".to_owned())],
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            // The first name that this gateway gives.
            body: b"{\"id\":\"rude-1\",\"status\":\"delivered\"}".to_vec(),
            at: house.app.clock.now(),
            url,
        };
        callback::status(&house.app, "sms", &early).await.unwrap();
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.settle().await;
        assert_eq!(words(&house, &alert).await, [("delivered".to_owned(), 1)]);
    }

    async fn f08_a_forged_receipt_changes_nothing(house: House) {
        let (house, server, alert) = sent(&house, 1).await;
        let message = &server.messages()[0];
        let honest = posted(&house, message, "delivered");
        let mut unsigned = honest.clone();
        unsigned.headers.clear();
        let mut altered = posted(&house, message, "sent");
        altered.headers.clone_from(&honest.headers);
        for forged in [unsigned, altered] {
            let refused = post(&house, &forged).await.unwrap_err();
            assert!(matches!(refused, CallbackFailure::Refused(CallbackError::Forged)));
        }
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 1)]);
        let (kept,): (i64,) = house.app.db.sql("SELECT count(*) FROM receipt").fetch_one().await.unwrap();
        assert_eq!(kept, 0);
        assert_eq!(house.app.health["twilio"].facts().forged, 2, "and it is counted");
    }

    async fn f10_a_gateway_that_never_says_more_leaves_its_messages_unconfirmed_at_the_end(house: House) {
        house.crowd(3).await;
        let rude = RudeGateway::start(rude_gateway::json).await;
        let house = with_sms(&house, &[http("sms", rude.port(), 10, "")]);
        let request = muster::alert::LaunchRequest {
            expires_in: Some(Duration::from_mins(20)),
            ..house.evacuation()
        };
        let alert = house.launch(request).await;
        house.settle().await;
        for _ in 0..21 {
            house.pass(60).await;
        }
        let ended = house.alert(alert.number).await;
        assert_eq!(ended.state, muster::alert::words::AlertState::Ended);
        for person in house.people(&alert).await {
            assert_eq!(person.state, PersonState::Accepted);
            assert_eq!(house.delivery_words(&person, Channel::Sms).await, ["accepted"]);
        }
        assert_eq!(rude.requests().len(), 3, "and it was not sent again");
    }

    async fn f09_a_storm_of_receipts_holds_up_neither_the_launch_nor_the_answers(house: House) {
        const PEOPLE: u32 = 400;
        const STORM: usize = 2000;
        house.crowd(PEOPLE).await;
        let server = Twilio::start().await;
        let port = server.base_url().rsplit_once(':').unwrap().1.parse().unwrap();
        let house = with_sms(&house, &[twilio(port, "")]);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let messages = server.messages();
        // Another launch goes out while the receipts of this one come.
        let second = house.launch(house.evacuation()).await;
        let begun = std::time::Instant::now();
        let storm = async {
            let statuses = ["sent", "delivered", "sent", "delivered", "sent"];
            let all = statuses.iter().flat_map(|status| messages.iter().map(move |one| (one, *status)));
            let mut slowest = Vec::new();
            let posts = all.map(|(message, status)| {
                let callback = posted(&house, message, status);
                let house = &house;
                async move {
                    let begun = std::time::Instant::now();
                    post(house, &callback).await.unwrap();
                    begun.elapsed()
                }
            });
            let mut posts = futures::stream::iter(posts).buffer_unordered(50);
            while let Some(took) = posts.next().await {
                slowest.push(took);
            }
            slowest.sort();
            (begun.elapsed(), slowest)
        };
        let ((storm, took), ()) = tokio::join!(storm, house.settle());
        assert_eq!(took.len(), STORM);
        let rate = STORM as u128 * 1000 / storm.as_millis();
        let p99 = took[STORM * 99 / 100];
        println!("f09: {rate} receipts a second, 99 of 100 kept within {p99:?}");
        assert!(p99 < Duration::from_secs(1), "{p99:?}");
        assert_eq!(words(&house, &alert).await, [("delivered".to_owned(), 400)]);
        assert_eq!(words(&house, &second).await, [("accepted".to_owned(), 400)]);
    }
}
