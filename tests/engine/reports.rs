//! The account of an alert: its figures, its curves and its lists say the same.

use muster::channel::{Receipt, ReceiptStatus, Reference};
use muster::directory::contact::PointKind::Mobile;
use muster::ids::DeliveryId;
use muster::receipt;
use muster::report::Report;
use muster::response;

use crate::on_both;

fn said(delivery: DeliveryId, status: ReceiptStatus) -> Vec<Receipt> {
    vec![Receipt {
        reference: Some(Reference {
            delivery,
            attempt: Some(1),
        }),
        gateway_id: delivery.to_string(),
        status,
        reason: None,
    }]
}

on_both! {
    async fn a_message_that_failed_after_the_gateway_took_it_told_nobody(house: House) {
        let mut people = Vec::new();
        for (name, number) in [("Failed", 1), ("Arrived", 2), ("Answered", 3), ("Taken", 4)] {
            people.push(house.person(name, &[(Mobile, &format!("+4179000000{number}"))]).await);
        }
        house.group("everyone", &people).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let of = |number: u32| {
            let taken = house.sms.taken();
            let number = format!("+4179000000{number}");
            taken.into_iter().find(|one| one.to.reveal() == number).unwrap()
        };
        house.pass(2).await;
        receipt::record(&house.app, "sms", said(of(1).delivery, ReceiptStatus::Failed)).await.unwrap();
        receipt::record(&house.app, "sms", said(of(2).delivery, ReceiptStatus::Delivered)).await.unwrap();
        house.pass(3).await;
        let link = of(3).link;
        response::link(&house.app, link.rsplit('/').next().unwrap(), "safe", None).await.unwrap();

        let report = Report::build(&house.app, &house.alert(alert.number).await).await.unwrap();
        let figures = &report.figures;
        assert_eq!((figures.notified, figures.reached, figures.answered), (3, 2, 1));
        assert_eq!((figures.first_notified_ms, figures.last_answer_ms), (Some(0), Some(5000)));
        let last = report.curve.last().unwrap();
        assert_eq!((last.reached, last.answered), (2, 1));
    }

    async fn whoever_shares_a_phone_is_reached_when_the_phone_is(house: House) {
        let ana = house.person("Ana Ruiz", &[(Mobile, "+41790000001")]).await;
        let ben = house.person("Ben Ruiz", &[(Mobile, "+41790000001")]).await;
        house.group("everyone", &[ana, ben]).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let only = house.sms.taken()[0].delivery;
        receipt::record(&house.app, "sms", said(only, ReceiptStatus::Delivered)).await.unwrap();
        let report = Report::build(&house.app, &alert).await.unwrap();
        assert_eq!((report.figures.reached, report.curve.last().unwrap().reached), (2, 2));
    }
}
