//! The list of alerts and their reports.

use axum::http::StatusCode;
use muster::account::role::Role;

use crate::desk::STAFF;
use crate::on_both;

on_both! {
    async fn a_report_accounts_for_every_person_in_all_its_forms(desk: Desk) {
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        desk.pass(6);
        desk.settle().await;
        let page = sender.get(&format!("/reports/{}", alert.id)).await;
        page.says("Every person is accounted for")
            .says("3 people: 0 reached")
            .says("Not reached (1)")
            .says("Mia Roth")
            .says("accepted by a gateway and not confirmed by the phone")
            .says("real event")
            .says("By group")
            .says("By gateway")
            .says("No message was sent twice, as far as anybody can know.")
            .says("Began step 1 of ");
        let csv = sender.get(&page.link("CSV")).await;
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(csv.html.lines().count(), 4, "{}", csv.html);
        let json = sender.get(&page.link("JSON")).await;
        let json: serde_json::Value = serde_json::from_str(&json.html).unwrap();
        assert_eq!(json["recipients"], 3);
        assert!(!csv.html.contains("791234567") && !json.to_string().contains("791234567"));
    }

    async fn no_name_runs_as_a_formula_in_the_table(desk: Desk) {
        let formula = desk.person("=HYPERLINK(\"http://evil\")", &[]).await;
        desk.set_members(STAFF, &[formula]).await;
        let sender = desk.sender().await;
        let alert = desk.closed(&sender).await;
        let csv = sender.get(&format!("/reports/{}.csv", alert.id)).await;
        assert!(csv.html.contains("\"'=HYPERLINK("), "{}", csv.html);
    }

    async fn the_list_shows_running_alerts_first_and_can_be_narrowed(desk: Desk) {
        let sender = desk.sender().await;
        let auditor = desk.signed_in("auditor", &[Role::Auditor]).await;
        auditor.get("/alerts").await.says("No alert has been sent").says_not("Send a drill first");
        desk.closed(&sender).await;
        let drill = sender.get("/drill/closure?reason=burst+pipe").await;
        sender.post(&drill.form("/drill/closure").with("has-read", "yes")).await.goes_to();
        let page = auditor.get("/alerts").await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.html.matches("0 of 3 answered").count(), 2);
        auditor.get("/alerts?show=live").await.says("LIVE CAUTION").says_not("DRILL CAUTION");
        auditor.get("/alerts?show=drills").await.says("DRILL CAUTION").says_not("LIVE CAUTION");
    }
}
