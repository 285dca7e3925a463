//! A template is read on its page and approved there: exactly what was read, by whoever may.

use axum::http::StatusCode;
use muster::account::role::Role;

use crate::on_both;

on_both! {
    async fn approving_on_the_page_changes_how_the_template_stands(house: House) {
        let mut browser = house.signed_in(&[Role::Approver]).await;
        browser.get("/templates").await.says("not approved yet");
        let page = browser.get("/templates/closure").await;
        page.says("Nobody has approved it yet").says("burst pipe").says("2 parts");
        let hash = page.hidden("hash");

        let answer = browser.post("/templates/closure/approve", &[("hash", &hash)]).await;

        answer.leads_to("/templates/closure?done=approved");
        let after = browser.get("/templates/closure").await;
        after.says("Approved by approver on 22 November 2026: version 1").says("Version 1");
        after.does_not_say("Approve this text");
        browser.post("/templates/closure/approve", &[("hash", &hash)]).await;
        browser.get("/templates/closure").await.does_not_say("Version 2");
        browser.get("/templates").await.says("1 approved");
    }

    async fn what_was_not_read_is_not_approved(house: House) {
        let mut browser = house.signed_in(&[Role::Approver]).await;

        let answer = browser.post("/templates/closure/approve", &[("hash", "another")]).await;

        assert_eq!(answer.status, StatusCode::CONFLICT);
        answer.says("It was not approved").says("Nobody has approved it yet");
    }

    async fn only_an_approver_approves(house: House) {
        let mut browser = house.signed_in(&[Role::DirectoryAdmin]).await;
        let page = browser.get("/templates/closure").await;
        page.does_not_say("Approve this text").says("approver");

        let answer = browser.post("/templates/closure/approve", &[("hash", "any")]).await;

        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        browser.get("/templates/closure").await.says("Nobody has approved it yet");
    }

    async fn every_shipped_template_has_its_page(house: House) {
        let mut browser = house.signed_in(&[Role::Approver]).await;
        let names: Vec<String> =
            house.app.shelf().templates.iter().map(|one| one.name.clone()).collect();
        assert!(names.len() >= 10);
        for name in names {
            let page = browser.get(&format!("/templates/{name}")).await;
            assert_eq!(page.status, StatusCode::OK, "{name}");
            page.says("Approve this text").does_not_say("tone-wrong");
        }
        assert_eq!(browser.get("/templates/nothing").await.status, StatusCode::NOT_FOUND);
    }
}
