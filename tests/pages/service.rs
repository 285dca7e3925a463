//! How the service itself is: on its page, and on top of every page when something is wrong.

use axum::http::StatusCode;
use muster::account::role::Role;
use muster::operate::self_watch;
use muster::storage::Error;

use crate::on_both;

const HOUR: i64 = 3_600_000;

on_both! {
    async fn a_service_that_is_well_says_so_and_bothers_nobody(desk: Desk) {
        let sender = desk.sender().await;
        let page = sender.get("/service").await;
        page.says("All is well").says("works: nothing taken since the start");
        sender.get("/live").await.says_not("How the service is");
        let keeper = desk.signed_in("dora", &[Role::DirectoryAdmin]).await;
        assert_eq!(keeper.get("/service").await.status, StatusCode::FORBIDDEN);
        assert!(desk.stranger().get("/service").await.goes_to().starts_with("/sign-in"));
    }

    async fn a_broken_promise_stands_on_every_page_by_its_name(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.settle().await;
        desk.pass(6);
        desk.settle().await;
        let number = alert.number;
        let done: Result<u64, Error> = desk.app.db.write("test.tamper", move |tx| {
            Box::pin(async move {
                tx.sql("DELETE FROM delivery WHERE alert = $1").bind(number).execute().await
            })
        }).await;
        assert!(done.unwrap() > 0);
        self_watch::turn(&desk.app).await;
        for path in ["/live", "/alerts", "/service"] {
            sender.get(path).await.says("A promise is broken (plan-complete, 1×)");
        }
        sender.get("/service").await.says("BROKEN 1×");
    }

    async fn a_clock_that_jumped_is_told_and_an_administrator_says_that_it_is_right(desk: Desk) {
        let sender = desk.sender().await;
        let admin = desk.signed_in("ada", &[Role::SystemAdmin]).await;
        desk.app.clock.jump(HOUR);
        sender.get("/live").await.says("clock");
        sender.get("/service").await.says_not("The clock is right");
        let page = admin.get("/service").await;
        let form = page.form("/service/clock");
        assert_eq!(sender.post(&form).await.status, StatusCode::FORBIDDEN);
        assert_eq!(desk.app.clock.off(), HOUR);
        assert_eq!(admin.post(&form).await.goes_to(), "/service");
        assert_eq!(desk.app.clock.off(), 0);
        admin.get("/service").await.says_not("clock");
    }
}
