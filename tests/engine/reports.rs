//! The account of an alert: its figures, its curves and its lists say the same.

use muster::alert::{LaunchRequest, follow_up};
use muster::audit::Actor;
use muster::channel::{Receipt, ReceiptStatus, Reference};
use muster::directory::contact::PointKind::Mobile;
use muster::directory::group;
use muster::ids::DeliveryId;
use muster::receipt;
use muster::report::Report;
use muster::report::slices::By;
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

    async fn the_audience_is_cut_by_the_groups_of_then_and_by_what_carried_the_messages(house: House) {
        let at = |name: &'static str, number: &'static str, site: &'static str| {
            let house = house.clone();
            async move {
                house.person_with(name, &[(Mobile, number)], |draft| site.clone_into(&mut draft.site)).await
            }
        };
        let ana = at("Ana", "+41790000001", "north").await;
        let ben = at("Ben", "+41790000002", "south").await;
        let cleo = at("Cleo", "+41790000003", "north").await;
        house.group("nurses", &[ana, ben]).await;
        house.group("doctors", &[ben, cleo]).await;
        let groups = vec!["nurses".to_owned(), "doctors".to_owned()];
        let alert = house.launch(LaunchRequest { groups, ..house.evacuation() }).await;
        house.settle().await;
        let to_ana = house.sms.taken().into_iter().find(|one| one.to.reveal() == "+41790000001").unwrap();
        house.pass(2).await;
        receipt::record(&house.app, "sms", said(to_ana.delivery, ReceiptStatus::Delivered)).await.unwrap();
        response::link(&house.app, to_ana.link.rsplit('/').next().unwrap(), "safe", None).await.unwrap();
        let nurses = group::find_by_name(&house.app.db, "nurses").await.unwrap().unwrap();
        group::delete(&house.app.db, nurses.id, house.app.clock.now(), &Actor::system()).await.unwrap();

        let report = Report::build(&house.app, &house.alert(alert.number).await).await.unwrap();
        let cut = |by: By| -> Vec<_> {
            let slices = report.slices.iter().filter(|one| one.by == by);
            slices.map(|one| (one.name.as_str(), one.people, one.reached, one.answered)).collect()
        };
        assert_eq!(cut(By::Group), [("doctors", 2, 0, 0), ("nurses", 2, 1, 1)]);
        assert_eq!(cut(By::Site), [("north", 2, 1, 1), ("south", 1, 0, 0)]);
        assert_eq!(cut(By::Language), [("en", 3, 1, 1)]);
        assert_eq!(cut(By::Channel), [("sms", 3, 1, 1)]);
        assert_eq!(cut(By::Gateway), [("sms", 3, 1, 1)]);
    }

    async fn an_audience_that_was_one_group_is_that_group(house: House) {
        house.crowd(3).await;
        let alert = house.launch(house.evacuation()).await;
        let report = Report::build(&house.app, &alert).await.unwrap();
        let group = report.slices.iter().find(|one| one.by == By::Group).unwrap();
        assert_eq!((group.name.as_str(), group.people), ("everyone", 3));
    }

    async fn the_time_line_has_the_acts_of_people_and_of_the_program_in_order(house: House) {
        house.crowd(2).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        house.pass(10).await;
        follow_up::stop(&house.app, alert.id, Actor::user("mara")).await.unwrap();
        let report = Report::build(&house.app, &house.alert(alert.number).await).await.unwrap();
        let line: Vec<_> = report.acts.iter().map(|act| (act.actor.as_str(), act.words.as_str())).collect();
        assert!(line[0].1.starts_with("Launched version 1"), "{line:?}");
        assert_eq!(line[1].0, "system");
        assert!(line[1].1.starts_with("Began step 1 of 1: 2 people, by text"), "{line:?}");
        assert_eq!(line[2].0, "user mara");
        assert!(line[2].1.starts_with("Stopped the alert"), "{line:?}");
        assert!(report.acts.is_sorted_by_key(|act| act.at));
        assert_eq!(report.approved.unwrap().by, "test");
    }
}
