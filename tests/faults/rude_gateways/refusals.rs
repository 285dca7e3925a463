//! F1, F2, F5, F6 and F7: gateways that say no, or something that is neither yes nor no.

use muster::channel::Channel;

use super::{http, kannel, texts, twilio, with_sms, words};
use crate::on_both;
use crate::support::rude_gateway::{self, Act, RudeGateway};
use crate::support::twilio::{REFUSED_NUMBERS, Twilio};
use muster::directory::contact::PointKind;

const BUSY: Act = Act::Refuse("429 Too Many Requests", "Retry-After: 20\r\n", "");
const BUSY_SOMEHOW: Act = Act::Refuse("429 Too Many Requests", "", "");
const BROKEN: Act = Act::Refuse("500 Oops", "", "");

on_both! {
    async fn f01_a_gateway_that_asks_for_a_pause_gets_it_and_mail_goes_on(house: House) {
        house.crowd(12).await;
        let rude = RudeGateway::start(rude_gateway::json).await;
        rude.always(BUSY);
        let house = with_sms(&house, &[http("sms", rude.port(), 10, "slots = 2")]);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.email.taken().len(), 12, "the other channel does not wait");
        // Two slots: two were on the wire when it said so.
        house.pass(19).await;
        assert_eq!(rude.requests().len(), 2, "nothing is sent before it wants to be asked again");
        rude.always(Act::Accept);
        house.pass(2).await;
        for _ in 0..12 {
            house.pass(6).await;
        }
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 12)]);
        assert_eq!(rude.taken().len(), 12, "each once");
    }

    async fn f01_while_one_gateway_rests_the_other_takes_its_messages(house: House) {
        house.crowd(12).await;
        let (rude, spare) = pair().await;
        rude.always(BUSY);
        let tables = [http("sms", rude.port(), 10, "slots = 2"), http("spare", spare.port(), 20, "")];
        let house = with_sms(&house, &tables);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(3).await;
        assert_eq!((rude.requests().len(), spare.taken().len()), (2, 12));
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 12)]);
    }

    async fn f01_without_a_wish_it_is_tried_less_and_less_and_nobody_is_lost(house: House) {
        house.crowd(20).await;
        let rude = RudeGateway::start(rude_gateway::json).await;
        rude.always(BUSY_SOMEHOW);
        let house = with_sms(&house, &[http("sms", rude.port(), 10, "slots = 5")]);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let before = rude.requests().len();
        house.pass(30).await;
        for _ in 0..6 {
            house.pass(5).await;
        }
        assert!(rude.requests().len() - before <= 8, "one probe in five seconds");
        rude.always(Act::Accept);
        for _ in 0..30 {
            house.pass(6).await;
        }
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 20)]);
        assert_eq!(rude.taken().len(), 20);
    }

    async fn f02_an_error_may_come_after_the_message_was_taken_so_it_is_marked(house: House) {
        house.crowd(4).await;
        let rude = RudeGateway::start(rude_gateway::json).await;
        rude.next([
            Act::Refuse("503 Busy", "", ""),
            BROKEN,
            Act::TakeAndSay("500 Oops", "", ""),
            Act::TakeAndSay("502 Bad Gateway", "", "<html>"),
        ]);
        let house = with_sms(&house, &[http("sms", rude.port(), 10, "")]);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(3).await;
        house.pass(11).await;
        let expected = [("accepted".to_owned(), 1), ("accepted, perhaps twice".to_owned(), 3)];
        assert_eq!(words(&house, &alert).await, expected);
        // 503 and the first 500 took nothing: two of the three marks were needless, none is missing.
        assert_eq!(rude.taken().len(), 4 + 2);
    }

    async fn f02_with_a_key_an_error_after_taking_makes_no_second_message(house: House) {
        house.crowd(6).await;
        let (rude, spare) = pair().await;
        rude.next([Act::TakeAndSay("500 Oops", "", ""), Act::TakeAndHang, Act::TakeAndSayHalf, BROKEN]);
        let key = "idempotency_header = \"Idempotency-Key\"";
        let tables = [http("sms", rude.port(), 10, key), http("spare", spare.port(), 20, "")];
        let house = with_sms(&house, &tables);
        // Not life-safety: without the key nothing in doubt would go again.
        let alert = house.launch(crate::house::request("closure", &[("reason", "burst pipe")])).await;
        house.settle().await;
        house.settle().await;
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 6)]);
        let mut keys: Vec<_> = rude.taken().iter().map(|one| one.header("idempotency-key").unwrap()).collect();
        assert_eq!(keys.len(), 6 + 3, "three were handed over twice");
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 6, "under the same key each");
        assert_eq!(spare.requests().len(), 0, "another gateway does not know the key");
        let bodies: std::collections::HashSet<_> = rude.taken().into_iter().map(|one| one.body).collect();
        assert_eq!(bodies.len(), 6, "the same bytes each time");
    }

    async fn f02_when_the_gateway_with_the_key_is_gone_another_sends_and_it_is_marked(house: House) {
        house.crowd(6).await;
        let (rude, spare) = pair().await;
        rude.next((0..6).map(|_| Act::TakeAndSay("500 Oops", "", "")));
        rude.always(Act::HangUp);
        let key = "idempotency_header = \"Idempotency-Key\"";
        let tables = [http("sms", rude.port(), 10, key), http("spare", spare.port(), 20, "")];
        let house = with_sms(&house, &tables);
        let alert = house.launch(house.evacuation()).await;
        for _ in 0..6 {
            house.pass(5).await;
        }
        assert_eq!(words(&house, &alert).await, [("accepted, perhaps twice".to_owned(), 6)]);
        assert_eq!((rude.taken().len(), spare.taken().len()), (6, 6));
    }

    async fn f02_when_the_gateway_with_the_key_is_configured_no_more_another_sends_and_it_is_marked(house: House) {
        house.crowd(6).await;
        let (rude, spare) = pair().await;
        rude.next((0..6).map(|_| Act::TakeAndSay("500 Oops", "", "")));
        rude.always(Act::HangUp);
        let key = "idempotency_header = \"Idempotency-Key\"";
        let with_key = with_sms(&house, &[http("sms", rude.port(), 10, key)]);
        let alert = with_key.launch(house.evacuation()).await;
        with_key.settle().await;
        with_key.settle().await;
        assert_eq!(words(&house, &alert).await, [("queued".to_owned(), 6)], "for that gateway alone");
        let house = with_sms(&house, &[http("spare", spare.port(), 20, "")]);
        house.pass(5).await;
        assert_eq!(words(&house, &alert).await, [("accepted, perhaps twice".to_owned(), 6)]);
        assert_eq!(spare.taken().len(), 6);
    }

    async fn f05_nothing_is_accepted_without_a_name_whatever_the_answer_looks_like(house: House) {
        house.crowd(4).await;
        let acts = [
            Act::TakeAndSay("200 OK", "Content-Type: application/json\r\n", "{\"error\":\"no credit\"}"),
            Act::TakeAndSay("200 OK", "Content-Type: application/json\r\n", "{\"id\":"),
            Act::TakeAndSay("200 OK", "Content-Type: text/html\r\n", "<h1>Welcome</h1>"),
            Act::TakeAndSay("204 No Content", "", ""),
        ];
        let rude = RudeGateway::start(rude_gateway::json).await;
        for table in [http("sms", rude.port(), 10, ""), twilio(rude.port(), ""), kannel(rude.port())] {
            rude.next(acts.clone());
            let house = with_sms(&house, std::slice::from_ref(&table));
            let alert = house.launch(house.evacuation()).await;
            house.settle().await;
            assert_eq!(words(&house, &alert).await, [("in_doubt".to_owned(), 4)], "{table}");
        }
    }

    async fn f05_a_redirect_is_a_failure_and_is_not_followed(house: House) {
        house.crowd(3).await;
        let (rude, elsewhere) = pair().await;
        rude.always(Act::Refuse("302 Found", "Location: http://127.0.0.1:1/elsewhere\r\n", ""));
        let tables = [http("sms", rude.port(), 10, ""), http("spare", elsewhere.port(), 20, "")];
        let house = with_sms(&house, &tables);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(6).await;
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 3)]);
        assert_eq!((rude.taken().len(), elsewhere.taken().len()), (0, 3));
        assert!(house.app.health["sms"].is_down());
    }

    async fn f06_a_number_that_is_none_ends_in_plain_words_and_is_not_tried_again(house: House) {
        let twilio_shaped = Twilio::start().await;
        let mut people = Vec::new();
        for (number, _) in REFUSED_NUMBERS {
            let mail = format!("p{}@clinic.example", people.len());
            let points = [(PointKind::Mobile, number), (PointKind::Email, mail.as_str())];
            people.push(house.person(&format!("Person {}", people.len()), &points).await);
        }
        house.group("everyone", &people).await;
        let port = twilio_shaped.base_url().rsplit_once(':').unwrap().1.parse().unwrap();
        let house = with_sms(&house, &[twilio(port, "")]);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(120).await;
        let mut said = Vec::new();
        for person in house.people(&alert).await {
            said.extend(house.delivery_words(&person, Channel::Sms).await);
        }
        assert_eq!(said, [
            "failed (The number does not exist.)",
            "failed (Twilio has no way to send a text message to this number.)",
            "failed (Our account may not send text messages to this country.)",
            "failed (The person replied STOP and gets no text messages from us.)",
            "failed (The number cannot receive text messages.)",
        ]);
        assert_eq!(house.email.taken().len(), 5);
        assert!(texts(&house, &alert).await.iter().all(|one| one.attempts == 1));
        assert!(!house.app.health["twilio"].is_down(), "it works");
    }

    async fn f07_an_account_that_is_refused_is_not_hammered_and_the_rows_wait(house: House) {
        house.crowd(30).await;
        let rude = RudeGateway::start(rude_gateway::json).await;
        rude.always(Act::Refuse("402 Payment Required", "", ""));
        let house = with_sms(&house, &[http("sms", rude.port(), 10, "slots = 3")]);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(rude.requests().len(), 3, "what was on the wire when it said so");
        for second in 1..=60 {
            house.pass(1).await;
            assert!(rude.requests().len() <= 3 + second / 5, "second {second}");
        }
        assert!(rude.requests().len() > 5, "it is tried all the same");
        assert_eq!(words(&house, &alert).await, [("queued".to_owned(), 30)]);
        rude.always(Act::Accept);
        for _ in 0..40 {
            house.pass(6).await;
        }
        assert_eq!(words(&house, &alert).await, [("accepted".to_owned(), 30)]);
        assert_eq!(rude.taken().len(), 30);
    }
}

/// Two gateways, polite until told otherwise.
async fn pair() -> (RudeGateway, RudeGateway) {
    (
        RudeGateway::start(rude_gateway::json).await,
        RudeGateway::start(rude_gateway::json).await,
    )
}
