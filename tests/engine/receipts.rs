//! Receipts: early, late, twice, shuffled, from the wrong gateway, for nobody.

use muster::channel::{Channel, Failure, Receipt, ReceiptStatus, Reference};
use muster::ids::DeliveryId;
use muster::receipt;
use muster::storage::standing::PersonState;

use crate::house::Order;
use crate::on_both;

fn said(delivery: Option<DeliveryId>, gateway_id: &str, status: ReceiptStatus) -> Vec<Receipt> {
    vec![Receipt {
        reference: delivery.map(|delivery| Reference {
            delivery,
            attempt: None,
        }),
        gateway_id: gateway_id.to_owned(),
        status,
        reason: (status == ReceiptStatus::Failed).then(|| "The phone is off.".to_owned()),
    }]
}

on_both! {
    async fn a_receipt_moves_a_person_and_the_same_again_changes_nothing(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let id = house.sms.taken()[0].delivery;
        for _ in 0..3 {
            receipt::record(&house.app, "sms", said(Some(id), "x", ReceiptStatus::Delivered)).await.unwrap();
        }
        assert_eq!(house.counts(&alert).await, [(PersonState::Delivered, 1)].into());
        let (kept,): (i64,) = house.app.db.sql("SELECT count(*) FROM receipt").fetch_one().await.unwrap();
        assert_eq!(kept, 1);
    }

    async fn a_receipt_that_nobody_could_place_is_news_once_it_names_its_message(house: House) {
        house.crowd(1).await;
        // The gateway's answer, and with it the gateway's name for the message, is lost.
        house.sms.next(Order::Refuse(Failure::unknown("no answer")));
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let nameless = said(None, "g7", ReceiptStatus::Delivered);
        receipt::record(&house.app, "sms", nameless).await.unwrap();
        let person = &house.people(&alert).await[0];
        let own = house.deliveries(person).await;
        let id = own.iter().find(|one| one.channel == Channel::Sms).unwrap().id;
        let named = [said(Some(id), "g7", ReceiptStatus::Delivered), said(None, "g7", ReceiptStatus::Delivered)];
        receipt::record(&house.app, "sms", named.concat()).await.unwrap();
        assert_eq!(house.delivery_words(person, Channel::Sms).await, ["delivered"]);
        let (kept,): (i64,) = house.app.db.sql("SELECT count(*) FROM receipt").fetch_one().await.unwrap();
        assert_eq!(kept, 1);
    }

    async fn delivered_stands_against_a_later_failed_and_replaces_an_earlier_one(house: House) {
        house.crowd(2).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let taken = house.sms.taken();
        let (one, two) = (taken[0].delivery, taken[1].delivery);
        for (id, order) in [
            (one, [ReceiptStatus::Delivered, ReceiptStatus::Failed]),
            (two, [ReceiptStatus::Failed, ReceiptStatus::Delivered]),
        ] {
            for status in order {
                receipt::record(&house.app, "sms", said(Some(id), &id.to_string(), status)).await.unwrap();
            }
        }
        for person in &house.people(&alert).await {
            assert_eq!(house.delivery_words(person, Channel::Sms).await, ["delivered"]);
        }
    }

    async fn a_failed_receipt_gives_the_reason(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let id = house.sms.taken()[0].delivery;
        receipt::record(&house.app, "sms", said(Some(id), "x", ReceiptStatus::Failed)).await.unwrap();
        let person = &house.people(&alert).await[0];
        assert_eq!(house.delivery_words(person, Channel::Sms).await, ["failed (The phone is off.)"]);
    }

    async fn a_receipt_is_found_by_the_gateways_own_name_for_the_message(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let name = format!("id-{}", house.sms.taken()[0].delivery);
        receipt::record(&house.app, "sms", said(None, &name, ReceiptStatus::Delivered)).await.unwrap();
        assert_eq!(house.counts(&alert).await, [(PersonState::Delivered, 1)].into());
    }

    async fn a_receipt_that_came_too_early_finds_its_message_later(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        let coming = format!("id-{}", alert.number.base() + 1);
        receipt::record(&house.app, "sms", said(None, &coming, ReceiptStatus::Delivered)).await.unwrap();
        house.settle().await;
        house.settle().await;
        assert_eq!(house.counts(&alert).await, [(PersonState::Delivered, 1)].into());
    }

    async fn another_gateways_receipt_cannot_speak_for_a_message(house: House) {
        house.crowd(1).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let id = house.sms.taken()[0].delivery;
        receipt::record(&house.app, "email", said(Some(id), "x", ReceiptStatus::Delivered)).await.unwrap();
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 1)].into());
    }

    async fn a_receipt_for_nobody_is_kept_and_changes_nothing(house: House) {
        receipt::record(&house.app, "sms", said(Some(DeliveryId(99)), "who", ReceiptStatus::Delivered)).await.unwrap();
        let (kept,): (i64,) = house.app.db
            .sql("SELECT count(*) FROM receipt WHERE delivery IS NULL").fetch_one().await.unwrap();
        assert_eq!(kept, 1);
    }

    async fn a_failure_of_an_earlier_try_does_not_fail_the_one_that_followed(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::unknown("No answer came.")));
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(11).await;
        let person = &house.people(&alert).await[0];
        let delivery = house.sms.taken()[0].delivery;
        let of = |attempt, status| vec![Receipt {
            reference: Some(Reference { delivery, attempt: Some(attempt) }),
            gateway_id: format!("{delivery}.{attempt}"),
            status,
            reason: None,
        }];
        receipt::record(&house.app, "sms", of(1, ReceiptStatus::Failed)).await.unwrap();
        assert_eq!(house.delivery_words(person, Channel::Sms).await, ["accepted"]);
        receipt::record(&house.app, "sms", of(2, ReceiptStatus::Failed)).await.unwrap();
        let words = house.delivery_words(person, Channel::Sms).await;
        assert_eq!(words, ["failed (the gateway reported that it was not delivered)"]);
        receipt::record(&house.app, "sms", of(1, ReceiptStatus::Delivered)).await.unwrap();
        assert_eq!(house.delivery_words(person, Channel::Sms).await, ["delivered"]);
    }
}
