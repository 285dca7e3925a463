//! Who gets in where: roles, strangers, other sites, addresses that lead nowhere.

use axum::http::StatusCode;
use muster::account::role::Role;

use crate::browser::Form;
use crate::on_both;

/// Every address of these pages that is read, for one alert and one of its people.
fn addresses(alert: &str, person: &str) -> Vec<String> {
    let mut all = vec![
        "/live".to_owned(),
        "/drill".to_owned(),
        "/alerts".to_owned(),
    ];
    all.extend(["/live/closure", "/drill/closure", "/live/closure/preview"].map(ToOwned::to_owned));
    all.push(format!("/alerts/{alert}"));
    for part in [
        "live",
        "events",
        "correct",
        "all-clear",
        "update",
        "remind",
        "stop",
    ] {
        all.push(format!("/alerts/{alert}/{part}"));
    }
    all.push(format!("/alerts/{alert}/people/{person}"));
    all.extend(["", ".csv", ".json"].map(|kind| format!("/reports/{alert}{kind}")));
    all
}

/// Every address that changes something.
fn acts(alert: &str, person: &str) -> Vec<String> {
    let mut all = vec!["/live/closure".to_owned(), "/drill/closure".to_owned()];
    for part in ["correct", "all-clear", "update", "remind", "stop"] {
        all.push(format!("/alerts/{alert}/{part}"));
    }
    for part in ["calling", "answer"] {
        all.push(format!("/alerts/{alert}/people/{person}/{part}"));
    }
    all
}

on_both! {
    async fn a_stranger_is_sent_to_the_door_and_comes_back_to_where_they_wanted(desk: Desk) {
        let alert = desk.closed(&desk.sender().await).await;
        let person = desk.recipient(&alert, "Ana Cruz").await;
        let stranger = desk.stranger();
        for path in addresses(&alert.id.to_string(), &person.to_string()) {
            let to = stranger.get(&path).await.goes_to();
            assert!(to.starts_with("/sign-in?next="), "{path} leads to {to}");
        }
        for path in acts(&alert.id.to_string(), &person.to_string()) {
            let form = Form { action: path.clone(), fields: Vec::new() };
            let to = stranger.post(&form).await.goes_to();
            assert!(to.starts_with("/sign-in"), "{path} leads to {to}");
        }
        assert_eq!(desk.alerts().await.len(), 1);
    }

    async fn without_a_role_every_page_is_refused(desk: Desk) {
        let alert = desk.closed(&desk.sender().await).await;
        let person = desk.recipient(&alert, "Ana Cruz").await;
        let nobody = desk.signed_in("nobody", &[]).await;
        for path in addresses(&alert.id.to_string(), &person.to_string()) {
            let page = nobody.get(&path).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            page.says("Your account may not do this").says("Nothing was changed or sent.");
        }
    }

    async fn whoever_may_only_look_can_change_nothing(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        let person = desk.recipient(&alert, "Ana Cruz").await;
        let form = desk.closure_form(&sender).await;
        let mut readers = Vec::new();
        for role in [Role::Auditor, Role::DirectoryAdmin, Role::SystemAdmin] {
            readers.push(desk.signed_in(role.word().replace('_', "-").as_str(), &[role]).await);
        }
        let path = format!("/alerts/{}", alert.id);
        for reader in &readers {
            assert_eq!(reader.get("/").await.goes_to(), "/alerts");
            for path in acts(&alert.id.to_string(), &person.to_string()) {
                let form = Form { action: path.clone(), fields: form.fields.clone() };
                let page = reader.post(&form).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
                page.says("sender");
            }
            let board = reader.get(&path).await;
            board.says("Sending in 5 s");
            assert!(!board.has_button("Stop"));
        }
        desk.pass(6);
        for reader in &readers {
            let board = reader.get(&path).await;
            board.says("answered of 3").says_not("Correct: false alarm").says_not("I am calling");
        }
        assert_eq!(desk.alerts().await.len(), 1);
    }

    async fn a_form_from_another_site_is_refused(desk: Desk) {
        let sender = desk.sender().await;
        let form = desk.closure_form(&sender).await;
        let page = sender.post_from(&form, Some("https://evil.example")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        page.says("This form came from somewhere else");
        assert!(desk.alerts().await.is_empty());
        sender.post_from(&form, Some("http://muster.example")).await.goes_to();
    }

    async fn an_address_that_leads_nowhere_is_a_page_with_a_way_on(desk: Desk) {
        let sender = desk.sender().await;
        for path in [
            "/nothing", "/live/nothing", "/alerts/nothing", "/alerts/99",
            "/alerts/0193f2a0-0000-7000-8000-000000000000", "/reports/99", "/reports/99.csv",
        ] {
            let page = sender.get(path).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
            page.says("There is no such page").says("Our clinic").says("Go to the start");
        }
        let alert = desk.closed(&sender).await;
        for path in ["people/1", "people/nobody", "nonsense"] {
            let page = sender.get(&format!("/alerts/{}/{path}", alert.id)).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    async fn every_page_is_kept_out_of_caches_and_allows_no_foreign_script(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        for path in ["/live".to_owned(), "/live/closure".to_owned(), format!("/alerts/{}", alert.id)] {
            let page = sender.get(&path).await;
            assert_eq!(page.headers["cache-control"], "no-store", "{path}");
            let policy = page.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("script-src 'self'"), "{policy}");
            assert!(!page.html.contains(" style=") && !page.html.contains(" onclick="), "{path}");
        }
    }
}
