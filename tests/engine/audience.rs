//! Who is told: groups in groups, rules, one person once, one phone once.

use muster::alert::LaunchRequest;
use muster::alert::words::Category;
use muster::audit::Actor;
use muster::channel::{Address, Channel, Inbound};
use muster::directory::contact::PointKind::{Email, Landline, Mobile};
use muster::directory::group::Rule;
use muster::directory::merge;
use muster::response;
use muster::storage::standing::PersonState;

use crate::house::House;
use crate::on_both;

fn to(house: &House, groups: &[&str]) -> LaunchRequest {
    let groups = groups.iter().map(|name| (*name).to_owned()).collect();
    LaunchRequest {
        groups,
        ..house.evacuation()
    }
}

on_both! {
    async fn a_person_in_five_groups_is_one_recipient(house: House) {
        let ana = house.person("Ana", &[(Mobile, "+41790000001")]).await;
        for name in ["a", "b", "c"] {
            house.group(name, &[ana]).await;
        }
        house.group_of("d", None, Some(vec!["a".to_owned(), "b".to_owned()]), None).await;
        house.group_of("e", None, Some(vec!["d".to_owned()]), None).await;
        let alert = house.launch(to(&house, &["a", "b", "c", "d", "e"])).await;
        house.settle().await;
        assert_eq!(alert.recipients, 1);
        assert_eq!(house.sms.taken().len(), 1);
    }

    async fn a_rule_needs_every_field_and_any_of_its_values(house: House) {
        let add = |name: &'static str, number: &'static str, site: &'static str, tag: &'static str| {
            let house = house.clone();
            async move {
                house.person_with(name, &[(Mobile, number)], |draft| {
                    draft.site = site.to_owned();
                    draft.tags = vec![tag.to_owned()];
                }).await
            }
        };
        add("North nurse", "+41790000001", "north", "nurse").await;
        add("South nurse", "+41790000002", "south", "nurse").await;
        add("North clerk", "+41790000003", "north", "clerk").await;
        add("West doctor", "+41790000004", "west", "doctor").await;
        let rule = |field: &str, value: &str| Rule { field: field.parse().unwrap(), value: value.to_owned() };
        let rules = vec![rule("site", "north"), rule("tag", "nurse"), rule("tag", "doctor")];
        house.group_of("north-clinicians", None, None, Some(rules)).await;
        let alert = house.launch(to(&house, &["north-clinicians"])).await;
        let names: Vec<_> = house.people(&alert).await.into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["North nurse"]);
    }

    async fn two_people_with_one_phone_are_both_shown_told_once_and_can_both_answer(house: House) {
        let ana = house.person("Ana Ruiz", &[(Mobile, "+41790000001")]).await;
        let ben = house.person("Ben Ruiz", &[(Mobile, "+41790000001")]).await;
        house.group("everyone", &[ana, ben]).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 1);
        assert_eq!(house.counts(&alert).await, [(PersonState::Accepted, 2)].into());

        let token = house.sms.taken()[0].link.rsplit('/').next().unwrap().to_owned();
        let opened = muster::response::open(&house.app, &token).await.unwrap().unwrap();
        assert_eq!(opened.people.len(), 2);
        for person in &opened.people {
            muster::response::link(&house.app, &token, "safe", Some(person.recipient)).await.unwrap();
        }
        assert_eq!(house.counts(&alert).await, [(PersonState::Acknowledged, 2)].into());
    }

    async fn someone_without_a_mobile_is_mailed_and_someone_with_nothing_is_unreachable(house: House) {
        let mail = house.person("Mail", &[(Email, "m@clinic.example")]).await;
        let landline = house.person("Landline", &[(Landline, "+41440000001")]).await;
        let nothing = house.person("Nothing", &[]).await;
        house.group("everyone", &[mail, landline, nothing]).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let expected = [(PersonState::Accepted, 1), (PersonState::Unreachable, 2)].into();
        assert_eq!(house.counts(&alert).await, expected);
        let person = house.standing_of(&alert, "Landline").await;
        assert_eq!(house.delivery_words(&person, Channel::Sms).await, ["excluded (no address)"]);
    }

    async fn who_opted_out_is_left_out_of_news_but_not_of_danger(house: House) {
        house.crowd(1).await;
        let said = Inbound {
            from: Address::new(crate::house::mobile(0)),
            text: "STOP".to_owned(),
            gateway_id: "reply".to_owned(),
        };
        response::inbound(&house.app, "sms", said).await.unwrap();
        let news = house.launch(crate::house::request("closure", &[("reason", "burst pipe")])).await;
        let danger = house.launch(house.evacuation()).await;
        house.settle().await;
        let person = &house.people(&news).await[0];
        assert_eq!(house.delivery_words(person, Channel::Sms).await, ["excluded (opted out)"]);
        let person = &house.people(&danger).await[0];
        assert_eq!(house.delivery_words(person, Channel::Sms).await, ["accepted"]);
    }

    async fn staff_are_told_before_patients_and_danger_before_news(house: House) {
        let patient = house.person_with("A patient", &[(Mobile, "+41790000001")], |draft| {
            draft.category = Category::Patient;
        }).await;
        let nurse = house.person("Z nurse", &[(Mobile, "+41790000002")]).await;
        house.group("everyone", &[patient, nurse]).await;
        house.launch(crate::house::request("closure", &[("reason", "burst pipe")])).await;
        house.launch(house.evacuation()).await;
        house.settle().await;
        let order: Vec<_> = house.sms.taken().iter()
            .map(|one| (one.delivery.alert().0, one.to.reveal().to_owned())).collect();
        let (nurse, patient) = ("+41790000002".to_owned(), "+41790000001".to_owned());
        let expected = vec![(2, nurse.clone()), (2, patient.clone()), (1, nurse), (1, patient)];
        assert_eq!(order, expected);
    }

    async fn a_later_change_in_the_directory_changes_no_audience(house: House) {
        let people = house.crowd(2).await;
        let alert = house.launch(house.evacuation()).await;
        muster::directory::contact::archive(&house.app.db, people[0], crate::house::START,
            &muster::audit::Actor::system()).await.unwrap();
        house.settle().await;
        assert_eq!(house.people(&alert).await.len(), 2);
        assert_eq!(house.sms.taken().len(), 2);
    }

    async fn no_number_or_address_is_readable_in_the_database(house: House) {
        house.crowd(3).await;
        house.launch(house.evacuation()).await;
        house.settle().await;
        let sealed: Vec<(Vec<u8>,)> = house.app.db
            .sql("SELECT address FROM contact_point UNION ALL SELECT address FROM delivery WHERE address IS NOT NULL")
            .fetch_all().await.unwrap();
        assert_eq!(sealed.len(), 12);
        let needle = b"+4179";
        assert!(sealed.iter().all(|(bytes,)| !bytes.windows(needle.len()).any(|part| part == needle)));
    }

    async fn an_entry_that_a_running_alert_tells_stays_when_two_are_made_one(house: House) {
        let ana = house.person("Ana Ruiz", &[(Mobile, "+41790000001")]).await;
        let twin = house.person("A. Ruiz", &[(Mobile, "+41790000002")]).await;
        house.group("twins", &[twin]).await;
        let alert = house.launch(to(&house, &["twins"])).await;
        let merge = async |keep, gone| {
            let (app, by) = (&house.app, Actor::system());
            merge::merge(&app.db, &app.keys, keep, gone, crate::house::START, &by).await
        };

        assert!(merge(ana, twin).await.unwrap_err().to_string().contains("running alert"));
        merge(twin, ana).await.unwrap();

        house.settle().await;
        assert_eq!(house.standing_of(&alert, "A. Ruiz").await.contact_id, twin);
        assert_eq!(house.sms.taken().len(), 1);
    }
}
