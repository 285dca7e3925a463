//! The wall of simulated phones: what arrived is there, and can be answered.

use axum::http::StatusCode;
use muster::account::role::Role;
use muster::dispatch;

use crate::on_both;

on_both! {
    async fn a_message_is_on_its_phone_with_its_answers(house: House) {
        let ana = house.person("Ana Cruz", "+12025550101").await;
        let mut news = house.app.phones.subscribe();
        house.launch(&[ana]).await;
        dispatch::start(&house.app).await.unwrap();
        let serial = news.recv().await.unwrap();
        let mut browser = house.signed_in(&[Role::Sender]).await;

        let wall = browser.get("/sandbox").await;

        wall.says("Ana Cruz").says("+12025550101").says("burst pipe").says("href=\"/a/");
        let reply = format!("/sandbox/{serial}/reply");
        wall.says(&format!("action=\"{reply}\""));
        browser.get("/sandbox/wall").await.says("Ana Cruz").does_not_say("<!doctype");
        browser.post(&reply, &[("text", "1")]).await.leads_to("/sandbox");
        let gone = browser.post("/sandbox/999/reply", &[("text", "1")]).await;
        assert_eq!(gone.status, StatusCode::UNPROCESSABLE_ENTITY);
        house.app.stopping.cancel();
        house.app.tasks.close();
        house.app.tasks.wait().await;
    }

    async fn whoever_may_not_enter_answers_may_only_watch(house: House) {
        let mut auditor = house.signed_in(&[Role::Auditor]).await;
        assert_eq!(auditor.get("/sandbox").await.status, StatusCode::OK);
        let reply = auditor.post("/sandbox/1/reply", &[("text", "1")]).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
    }
}
