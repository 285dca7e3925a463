//! The list of alerts and their reports.

use std::path::Path;
use std::process::Command;

use axum::http::StatusCode;
use muster::account::role::Role;
use muster::directory::contact::PointKind;

use crate::desk::STAFF;
use crate::on_both;

/// What an independent reader finds on each page of a PDF.
fn read_pdf(bytes: &[u8]) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let read = Command::new("pdftotext")
        .arg("-layout")
        .args([file.path(), Path::new("-")])
        .output()
        .unwrap();
    assert!(read.status.success() && read.stderr.is_empty(), "{read:?}");
    let text = String::from_utf8(read.stdout).unwrap();
    text.trim_end_matches('\u{c}')
        .split('\u{c}')
        .map(str::to_owned)
        .collect()
}

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

    async fn the_report_on_paper_has_everybody_every_text_and_a_number_on_every_page(desk: Desk) {
        let mut everyone = vec![desk.person("Ελένη Жаннова", &[]).await, desk.person("محمد", &[]).await];
        for number in 0..60 {
            everyone.push(desk.person(&format!("Person {number:02}"), &[]).await);
        }
        everyone.push(desk.person("Zoë", &[(PointKind::Mobile, "+41791234569")]).await);
        desk.set_members(STAFF, &everyone).await;
        let sender = desk.sender().await;
        let form = sender.get("/drill/closure?reason=burst+pipe").await;
        let sent = sender.post(&form.form("/drill/closure").with("has-read", "yes")).await;
        let report = sent.goes_to().replace("alerts", "reports");
        desk.pass(6);
        desk.settle().await;
        let page = sender.get(&report).await;
        let file = sender.get(&page.link("PDF")).await;
        assert_eq!(file.headers["content-type"], "application/pdf");

        let pages = read_pdf(&file.bytes);
        let all = pages.join("\n");
        for number in 0..60 {
            assert!(all.contains(&format!("Person {number:02}")), "{all}");
        }
        assert!(all.contains("Ελένη Жаннова") && all.contains("[4 letters not shown]"), "{all}");
        assert!(all.contains("DRILL: ") && all.contains("DRILL") && all.contains("SHA-256"), "{all}");
        assert!(pages.len() > 2, "{all}");
        for (number, page) in (1..).zip(&pages) {
            assert!(page.contains(&format!("Page {number} of {}", pages.len())), "{page}");
            assert!(page.contains("DRILL"), "{page}");
        }
        let of_people = pages.iter().filter(|page| page.contains("Person 2") || page.contains("Person 5"));
        for page in of_people {
            assert!(page.contains("What to mend"), "no headings: {page}");
        }
        let json: serde_json::Value = serde_json::from_str(&sender.get(&page.link("JSON")).await.html).unwrap();
        let head = json["audit_head"].as_str().unwrap();
        assert!(all.contains(head), "{head} is not in: {all}");
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
