//! People and groups: found, made, changed, and their numbers shown to few.

use axum::http::StatusCode;
use muster::account::role::Role;

use crate::on_both;

on_both! {
    async fn numbers_are_masked_for_whoever_may_only_look(house: House) {
        let ana = house.person("Ana Cruz", "+12025550101").await;
        let path = format!("/people/{ana}");

        let looks = house.signed_in(&[Role::Sender]).await.get(&path).await;
        let keeps = house.signed_in(&[Role::DirectoryAdmin]).await.get(&path).await;

        looks.says("+12•••••101").does_not_say("2025550101").does_not_say("Save</button>");
        keeps.says("tel:+12025550101").says("Save</button>");
    }

    async fn a_person_is_added_changed_and_taken_out_of_use(house: House) {
        house.group("Night shift", &[]).await;
        let mut browser = house.signed_in(&[Role::DirectoryAdmin]).await;
        let fields = |name, mobile| {
            [
                ("name", name), ("category", "staff"), ("language", "es"), ("mobile", mobile),
                ("role", "nurse"), ("groups", "night-shift"), ("tags", "keys; first aid"),
            ]
        };

        let wrong = browser.post("/people/new", &fields("Ana Cruz", "12")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.says("Too short for a phone number").says("value=\"Ana Cruz\"");
        let made = browser.post("/people/new", &fields("Ana Cruz", "(202) 555-0101")).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
        let page = made.header("location").split('?').next().unwrap().to_owned();
        browser.get(&page).await.says("+12025550101").says("Spanish").says("Night shift");

        let saved = browser.post(&page, &fields("Ana Cruz Gil", "+1 202 555 0109")).await;
        saved.leads_to(&format!("{page}?done=saved"));
        browser.get("/people?q=gil").await.says("Ana Cruz Gil");
        browser.get("/people?group=night-shift").await.says("Ana Cruz Gil");

        browser.post(&format!("{page}/archive"), &[]).await.leads_to(&page);
        browser.get("/people").await.does_not_say("Ana Cruz Gil");
        browser.get(&page).await.says("Taken out of use");
    }

    async fn a_group_by_rule_says_who_is_in_it(house: House) {
        house.person("Ana Cruz", "+12025550101").await;
        let mut browser = house.signed_in(&[Role::DirectoryAdmin]).await;

        let fields = [("title", "Intensive care"), ("unit", "ICU"), ("category", "staff")];
        browser.post("/groups", &fields).await.leads_to("/groups/intensive-care?done=saved");

        let page = browser.get("/groups/intensive-care").await;
        page.says("Ana Cruz").says("1 person").says("category is staff and unit is “ICU”");
        let wrong = browser.post("/groups", &[("title", "Guests"), ("category", "guest")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.says("Nothing was saved.");
    }

    async fn long_lists_are_read_page_by_page(house: House) {
        for number in 0..60 {
            let name = format!("Person {number:02}");
            house.person(&name, &format!("+120255501{number:02}")).await;
        }
        let mut browser = house.signed_in(&[Role::Sender]).await;

        let first = browser.get("/people?q=person").await;

        first.says("Person 49").does_not_say("Person 50").says("1 to 50");
        let (_, rest) = first.text.split_once("rel=\"next\"").map_or(("", ""), |parts| parts);
        assert!(!rest.is_empty());
        let before = first.text.split("\" rel=\"next\"").next().unwrap();
        let next = before.rsplit("href=\"").next().unwrap().replace("&#38;", "&");
        browser.get(&next).await.says("Person 59").does_not_say("Person 49").says("51 to 60");
    }

    async fn the_whole_directory_leaves_the_house_only_with_whoever_may_take_it(house: House) {
        house.person("Ana Cruz", "+12025550101").await;
        let mut sender = house.signed_in(&[Role::Sender]).await;
        assert_eq!(sender.get("/people/export.csv").await.status, StatusCode::FORBIDDEN);
        let file = house.signed_in(&[Role::DirectoryAdmin]).await.get("/people/export.csv").await;
        assert!(file.header("content-type").starts_with("text/csv"));
        file.says("Ana Cruz,,'+12025550101");
    }

    async fn two_entries_of_one_person_are_compared_and_made_one(house: House) {
        let ana = house.person("Ana Cruz", "+12025550101").await;
        let twin = house.person("A. Cruz", "+12025550101").await;
        let mut browser = house.signed_in(&[Role::DirectoryAdmin]).await;
        let pair = format!("/people/duplicates/{ana}/{twin}");

        browser.get("/people").await.says("/people/duplicates");
        browser.get("/people/duplicates").await.says(&pair).says("The same number or address");
        browser.get(&pair).await.says("One person or two?").says("+1 202-555-0101");
        let unsaid = browser.post(&pair, &[("keep", "neither")]).await;
        assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
        browser.post(&pair, &[("keep", &ana.to_string())]).await
            .leads_to(&format!("/people/{ana}?done=merged"));

        browser.get(&format!("/people/{twin}")).await.says("The entry that stayed").does_not_say("Save</button>");
        browser.get("/people/duplicates").await.says("Nobody seems to be in the directory twice");
        browser.get("/people").await.says("1 person: 1 staff").does_not_say("A. Cruz");
    }

    async fn entries_are_made_one_only_by_whoever_keeps_the_directory(house: House) {
        let ana = house.person("Ana Cruz", "+12025550101").await;
        let twin = house.person("A. Cruz", "+12025550101").await;
        let mut sender = house.signed_in(&[Role::Sender]).await;
        let pair = format!("/people/duplicates/{ana}/{twin}");

        assert_eq!(sender.get(&pair).await.status, StatusCode::FORBIDDEN);
        let posted = sender.post(&pair, &[("keep", &ana.to_string())]).await;
        assert_eq!(posted.status, StatusCode::FORBIDDEN);
        sender.get("/people").await.says("A. Cruz").does_not_say("/people/duplicates");
    }

    async fn a_number_is_opted_out_by_hand_shown_in_the_ledger_and_taken_back(house: House) {
        let ana = house.person("Ana Cruz", "+12025550101").await;
        let mut browser = house.signed_in(&[Role::DirectoryAdmin]).await;
        let person = browser.get(&format!("/people/{ana}")).await;
        person.says("Never verified");
        let point = person.text.split("/points/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let page = format!("/people/{ana}/points/{point}");

        let unsaid = browser.post(&page, &[("what", "out"), ("how", "")]).await;
        assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
        unsaid.says("Say how it was asked for");
        browser.post(&page, &[("what", "out"), ("how", "phone")]).await.leads_to(&page);

        let ledger = browser.get("/people/opt-outs").await;
        ledger.says("Ana Cruz").says("on the phone, entered by").says("+12•••••101");
        ledger.says("Emergencies are still sent here.").does_not_say("2025550101");
        browser.post(&page, &[("what", "in"), ("how", "mistake")]).await.leads_to(&page);
        browser.get("/people/opt-outs").await.says("Nobody has opted out").says("Taken back");
        browser.post(&page, &[("what", "verified")]).await.leads_to(&format!("/people/{ana}"));
        browser.get(&page).await.says("Verified on");
        assert_eq!(browser.get("/people?mend=never_verified").await.text.matches("Ana Cruz").count(), 0);
        let mut sender = house.signed_in(&[Role::Sender]).await;
        sender.get("/people/opt-outs").await.says("Taken back").does_not_say("2025550101");
        assert_eq!(sender.post(&page, &[("what", "out")]).await.status, StatusCode::FORBIDDEN);
    }
}
