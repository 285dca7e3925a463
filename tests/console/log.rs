//! The log of acts: read by those who may, checked, and taken out as files that prove themselves.

use axum::http::StatusCode;
use muster::account::role::Role;
use sha2::{Digest as _, Sha256};

use crate::browser::House;
use crate::on_both;

/// What the chain must hold, computed from the exported lines alone, as an auditor without Muster would.
fn head_of(lines: &str) -> String {
    let mut previous = Vec::new();
    for line in lines.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| entry[key].as_str().unwrap().as_bytes().to_vec();
        let number = |key: &str| entry[key].as_i64().unwrap().to_be_bytes().to_vec();
        let parts = [
            previous,
            number("number"),
            number("at_ms"),
            text("actor"),
            text("action"),
            text("subject"),
            text("detail"),
        ];
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        previous = hasher.finalize().to_vec();
        let hash = muster::keys::hex(&previous);
        assert_eq!(entry["sha256"], hash, "entry {}", entry["number"]);
    }
    muster::keys::hex(&previous)
}

async fn with_acts(house: &House) {
    let rosa = house.person("=Rosa Ortiz", "+12025550123").await;
    house.group("=cmd|' /C calc'!A0", &[rosa]).await;
    house.launch(&[rosa]).await;
}

on_both! {
    async fn the_auditor_reads_who_did_what_and_finds_it_by_kind_and_by_person(house: House) {
        with_acts(&house).await;
        let mut auditor = house.signed_in(&[Role::Auditor]).await;
        let page = auditor.get("/log").await;
        page.says("sent an alert").says("added a person").says("22 November 2026, 14:02:07");
        page.does_not_say("Rosa").does_not_say("2025550123");
        auditor.get("/log?what=alerts").await.says("sent an alert").does_not_say("added a person");
        auditor.get("/log?what=people").await.says("added a person").does_not_say("sent an alert");
        auditor.get("/log?who=AUDITOR").await.says("signed in").does_not_say("sent an alert");
        auditor.get("/log?who=nobody%25").await.says("There is no such entry");
        auditor.get("/log?what=nonsense&before=x").await.says("sent an alert");
    }

    async fn a_long_log_has_pages_and_is_taken_out_whole(house: House) {
        house.acts(1_100).await;
        let mut auditor = house.signed_in(&[Role::Auditor]).await;
        let page = auditor.get("/log").await;
        assert_eq!(page.text.matches("<li class=\"row\">").count(), 100);
        let (_, rest) = page.text.split_once("/log?before=").unwrap();
        let older = format!("/log?before={}", rest.split('"').next().unwrap());
        auditor.get(&older).await.says("Entries").says("Before");
        let lines = auditor.get("/log.jsonl").await.text;
        assert!(lines.lines().count() > 1_100);
        head_of(&lines);
    }

    async fn the_check_names_the_end_that_the_exported_lines_lead_to(house: House) {
        with_acts(&house).await;
        let mut auditor = house.signed_in(&[Role::Auditor]).await;
        let lines = auditor.get("/log.jsonl").await;
        assert!(lines.header("content-disposition").contains("muster-log.jsonl"));
        let verdict = auditor.post("/log/check", &[]).await;
        verdict.says("Nothing was changed").says(&head_of(&lines.text));
    }

    async fn a_changed_entry_is_found(house: House) {
        with_acts(&house).await;
        let before: Vec<(String,)> =
            house.app.db.sql("SELECT actor FROM audit_entry WHERE number = 1").fetch_all().await.unwrap();
        house.set_actor_of_first_entry("user somebody.else").await;
        let mut auditor = house.signed_in(&[Role::Auditor]).await;
        let verdict = auditor.post("/log/check", &[]).await;
        verdict.says("The log was changed").says("Entry 1 was changed");
        house.set_actor_of_first_entry(&before[0].0).await;
        auditor.post("/log/check", &[]).await.says("Nothing was changed");
    }

    async fn no_cell_of_the_table_runs_as_a_formula(house: House) {
        with_acts(&house).await;
        house.user("-rosa", &[]).await;
        let mut auditor = house.signed_in(&[Role::Auditor]).await;
        let table = auditor.get("/log.csv").await.text;
        for line in table.lines() {
            for cell in line.split(',') {
                let cell = cell.trim_start_matches('"');
                assert!(!cell.starts_with(['=', '+', '-', '@']), "{line}");
            }
        }
        assert!(table.contains("\"'-rosa\""), "{table}");
    }

    async fn nobody_else_reads_the_log(house: House) {
        for role in [Role::Sender, Role::Approver, Role::DirectoryAdmin] {
            let mut browser = house.signed_in(&[role]).await;
            for path in ["/log", "/log.csv", "/log.jsonl"] {
                assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{role} {path}");
            }
            assert_eq!(browser.post("/log/check", &[]).await.status, StatusCode::FORBIDDEN, "{role}");
        }
        house.browser().get("/log.jsonl").await.leads_to("/sign-in?next=%2Flog.jsonl");
    }
}
