//! F6 and F7: whoever cannot be reached is marked and tried on the next channel at once, and people in
//! charge are told by another way when a gateway refuses us.

use muster::channel::{Channel, Failure, Receipt, ReceiptStatus, Reference};
use muster::directory::contact::{self, PointKind};
use muster::dispatch::trouble;
use muster::plan::{Plan, Step, Whom};

use super::{http, open, words};
use crate::house::{House, Order};
use crate::on_both;
use crate::support::rude_gateway::{self, Act, RudeGateway};

/// Text first, mail after five minutes, people after ten.
fn text_first() -> Plan {
    let step = |minutes: u32, whom, channels: &[Channel]| Step {
        after_seconds: minutes * 60,
        whom,
        channels: channels.to_vec(),
        call_list: minutes == 10,
    };
    Plan {
        name: "text-first".to_owned(),
        steps: vec![
            step(0, Whom::Everyone, &[Channel::Sms]),
            step(5, Whom::Silent, &[Channel::Email]),
            step(10, Whom::Silent, &[]),
        ],
    }
}

/// The same house with that plan, and an evacuation by it.
async fn launch(house: &House) -> (House, muster::storage::alerts::Alert) {
    let gateways = house.app.gateways.clone();
    let house = house.with_config(gateways, |config| config.plans.push(text_first()));
    let request = muster::alert::LaunchRequest {
        plan: Some("text-first".to_owned()),
        ..house.evacuation()
    };
    let alert = house.launch(request).await;
    house.settle().await;
    (house, alert)
}

/// Two people with one mobile phone and a mailbox each.
async fn family(house: &House) {
    let mut family = Vec::new();
    for name in ["Ana", "Ben"] {
        let mail = format!("{}@clinic.example", name.to_lowercase());
        let points = [
            (PointKind::Mobile, "+41790000009"),
            (PointKind::Email, mail.as_str()),
        ];
        family.push(house.person(name, &points).await);
    }
    house.group("everyone", &family).await;
}

async fn called(house: &House) -> i64 {
    let (count,): (i64,) = house
        .app
        .db
        .sql("SELECT count(*) FROM call_task")
        .fetch_one()
        .await
        .unwrap();
    count
}

/// A house with a gateway for texts that refuses our account, and these people in charge.
async fn refused(house: &House, notify: &[&str], more: &[String]) -> (House, RudeGateway) {
    house.crowd(6).await;
    let rude = RudeGateway::start(rude_gateway::json).await;
    rude.always(Act::Refuse("401 Unauthorized", "", ""));
    let mut gateways = vec![open(house, &http("sms", rude.port(), 10, "slots = 2"))];
    gateways.extend(more.iter().map(|table| open(house, table)));
    gateways.push(house.app.gateway("email").unwrap().clone());
    let notify = notify.iter().map(|it| (*it).to_owned()).collect();
    let house = house.with_config(gateways, |config| config.operations.notify = notify);
    (house, rude)
}

on_both! {
    async fn f06_whoever_cannot_be_reached_gets_the_next_channel_at_once_and_no_second_of_it(house: House) {
        house.crowd(5).await;
        house.sms.next(Order::Refuse(Failure::person("The number does not exist.")));
        let (house, alert) = launch(&house).await;
        assert_eq!((house.sms.taken().len(), house.email.taken().len()), (4, 1));
        assert_eq!(house.email.taken()[0].to.reveal(), "p0@clinic.example");
        house.pass(299).await;
        assert_eq!(house.email.taken().len(), 1, "the others have their time");
        house.pass(2).await;
        assert_eq!(house.email.taken().len(), 5);
        assert!(house.email.copies().values().all(|copies| *copies == 1));
        house.pass(300).await;
        assert_eq!(called(&house).await, 5);
        assert_eq!(house.counts(&alert).await.values().sum::<i64>(), 5);
    }

    async fn f06_whom_no_channel_reaches_people_phone_at_once(house: House) {
        let nobody = house.person("No Mail", &[(PointKind::Mobile, "+41790000007")]).await;
        let other = house.person("Other", &[(PointKind::Mobile, "+41790000008")]).await;
        house.group("everyone", &[nobody, other]).await;
        house.sms.next(Order::Refuse(Failure::person("The number does not exist.")));
        let (house, _) = launch(&house).await;
        assert_eq!(called(&house).await, 1);
        house.pass(601).await;
        assert_eq!(called(&house).await, 2);
    }

    async fn f06_people_who_share_a_phone_share_its_failure(house: House) {
        family(&house).await;
        house.sms.next(Order::Refuse(Failure::person("The number does not exist.")));
        let (house, _) = launch(&house).await;
        assert_eq!(house.email.taken().len(), 2);
        house.pass(301).await;
        assert_eq!(house.email.taken().len(), 2);
    }

    async fn f06_the_next_channel_is_not_left_to_someone_who_will_get_none(house: House) {
        family(&house).await;
        let gateways = house.app.gateways.clone();
        let house = house.with_config(gateways, |config| {
            let mut plan = text_first();
            plan.name = "mail-first".to_owned();
            plan.steps[0].channels = vec![Channel::Email];
            plan.steps[1].channels = vec![Channel::Sms];
            config.plans.push(plan);
        });
        house.email.next(Order::Refuse(Failure::person("There is no such mailbox.")));
        let request = muster::alert::LaunchRequest {
            plan: Some("mail-first".to_owned()),
            ..house.evacuation()
        };
        house.launch(request).await;
        house.settle().await;
        let refused = house.email.taken().iter().all(|one| one.to.reveal() == "ben@clinic.example");
        assert!(refused, "Ana's was refused; the order of a family is theirs");
        assert_eq!(house.sms.taken().len(), 1, "whoever has no mailbox is told by phone at once");
    }

    async fn f06_bad_news_that_comes_later_brings_the_next_channel_too(house: House) {
        house.crowd(2).await;
        let (house, _) = launch(&house).await;
        let failed = Receipt {
            reference: Some(Reference { delivery: house.sms.taken()[0].delivery, attempt: Some(1) }),
            gateway_id: "x".to_owned(),
            status: ReceiptStatus::Failed,
            reason: Some("The number is not in service.".to_owned()),
        };
        muster::receipt::record(&house.app, "sms", vec![failed]).await.unwrap();
        house.settle().await;
        assert_eq!(house.email.taken().len(), 1);
    }

    async fn f06_a_person_whom_something_else_reaches_waits_for_nothing(house: House) {
        house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::person("The number does not exist.")));
        house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.email.taken().len(), 1);
        house.pass(60).await;
        assert_eq!(house.email.taken().len(), 1);
    }

    async fn f06_the_directory_says_what_cannot_be_reached_until_something_arrives_there(house: House) {
        let people = house.crowd(1).await;
        house.sms.next(Order::Refuse(Failure::person("The number does not exist.")));
        house.launch(house.evacuation()).await;
        house.settle().await;
        let mobile = async || {
            let found = contact::find(&house.app.db, &house.app.keys, people[0]).await.unwrap().unwrap();
            let of = |kind| found.points.iter().find(|point| point.kind == kind).unwrap().unreachable.clone();
            assert_eq!(of(PointKind::Email), None);
            of(PointKind::Mobile)
        };
        let marked = mobile().await.unwrap();
        assert_eq!(marked, (house.app.clock.now(), "The number does not exist.".to_owned()));
        house.launch(house.evacuation()).await;
        house.settle().await;
        let arrived = Receipt {
            reference: Some(Reference { delivery: house.sms.taken()[0].delivery, attempt: None }),
            gateway_id: "x".to_owned(),
            status: ReceiptStatus::Delivered,
            reason: None,
        };
        muster::receipt::record(&house.app, "sms", vec![arrived]).await.unwrap();
        assert_eq!(mobile().await, None);
    }

    async fn f07_people_in_charge_are_told_once_by_another_way_and_it_is_written_down(house: House) {
        let (house, rude) = refused(&house, &["it@clinic.example", "+41790000099"], &[]).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        for _ in 0..20 {
            trouble::turn(&house.app).await.unwrap();
            house.pass(6).await;
        }
        let told: Vec<_> = house.email.taken().into_iter().filter(|mail| mail.to.reveal() == "it@clinic.example").collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].subject.as_deref(), Some("Muster: the gateway sms does not work"));
        assert_eq!(told[0].text, "Riverside Clinic: Muster's gateway sms has not worked since 14:02. \
            The gateway refuses our account (status 401). What it should send waits, or goes another way.");
        assert_eq!(words(&house, &alert).await, [("queued".to_owned(), 6)]);
        assert!(rude.taken().is_empty(), "nobody is told by the gateway that does not work");
        let (detail,): (String,) = house.app.db
            .sql("SELECT detail FROM audit_entry WHERE action = 'gateway.trouble'").fetch_one().await.unwrap();
        assert_eq!(detail, "{\"reason\":\"The gateway refuses our account (status 401).\",\"told\":1}");
    }

    async fn f07_a_number_is_told_through_the_other_gateway_of_its_channel(house: House) {
        let spare = RudeGateway::start(rude_gateway::json).await;
        let table = http("spare", spare.port(), 20, "");
        let (house, _rude) = refused(&house, &["+41790000099"], &[table]).await;
        house.launch(house.evacuation()).await;
        house.settle().await;
        trouble::turn(&house.app).await.unwrap();
        let told = spare.taken().iter().filter(|one| one.body.contains("+41790000099")).count();
        assert_eq!(told, 1);
    }

    async fn f07_a_trouble_that_comes_and_goes_is_told_of_again_only_after_half_an_hour(house: House) {
        let (house, rude) = refused(&house, &["it@clinic.example"], &[]).await;
        let told = || house.email.taken().iter().filter(|mail| mail.to.reveal() == "it@clinic.example").count();
        for (round, expected) in [(0, 1), (1, 1), (2, 2)] {
            rude.always(Act::Refuse("401 Unauthorized", "", ""));
            house.launch(house.evacuation()).await;
            house.settle().await;
            trouble::turn(&house.app).await.unwrap();
            assert_eq!(told(), expected, "round {round}");
            rude.always(Act::Accept);
            for _ in 0..6 {
                house.pass(6).await;
                trouble::turn(&house.app).await.unwrap();
            }
            if round == 1 {
                house.pass(1800).await;
            }
        }
    }
}
