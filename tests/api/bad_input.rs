//! Bad input never half-works: the right status, a plain sentence, nothing sent, the server stays.

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::served::{Answer, Served};

async fn post_text(served: &Served, content_type: &str, text: impl Into<reqwest::Body>) -> Answer {
    let request = served
        .request(Method::POST, "/api/v1/alerts")
        .bearer_auth(&served.admin);
    served
        .send(request.header("content-type", content_type).body(text))
        .await
}

/// Refused with 422, naming `field` and saying `word`.
#[track_caller]
fn refused(answer: &Answer, field: &str, word: &str) {
    let (detail, given) = answer.problem(422);
    assert_eq!(given, field, "{detail}");
    assert!(detail.contains(word), "{detail}");
}

on_both! {
    async fn what_cannot_be_launched_is_refused_by_name_and_nothing_is_sent(served: Served) {
        served.staff().await;
        let path = "/api/v1/alerts";
        let with = |change: &dyn Fn(&mut Value)| {
            let mut body = Served::closure();
            change(&mut body);
            body
        };
        refused(&served.post(path, &Served::closure()).await, "template", "\"closure\" is not approved");
        served.approve("closure").await;
        served.put("/api/v1/groups/empty", &json!({})).await;

        let unknown = with(&|body| body["template"] = json!("closing"));
        refused(&served.post(path, &unknown).await, "template", "\"closing\"");
        let unfilled = with(&|body| body["variables"] = json!({}));
        refused(&served.post(path, &unfilled).await, "variables.reason", "\"reason\" is not filled");
        let extra = with(&|body| body["variables"]["resaon"] = json!("x"));
        refused(&served.post(path, &extra).await, "variables.resaon", "resaon");
        let group = with(&|body| body["audience"] = json!({"groups": ["nobody"]}));
        refused(&served.post(path, &group).await, "audience.groups", "\"nobody\"");
        let empty = with(&|body| body["audience"] = json!({"groups": ["empty"]}));
        refused(&served.post(path, &empty).await, "audience.groups", "\"empty\"");
        let none = with(&|body| body["audience"] = json!({}));
        refused(&served.post(path, &none).await, "audience", "no group");
        let stranger = json!({"contacts": ["0190a000-0000-7000-8000-000000000000"]});
        let stranger = with(&|body| body["audience"] = stranger.clone());
        refused(&served.post(path, &stranger).await, "audience.contacts",
            "0190a000-0000-7000-8000-000000000000");
        let crowd: Vec<String> =
            (0..5).map(|n| format!("0190a000-0000-7000-8000-00000000000{n}")).collect();
        let crowd = with(&|body| body["audience"] = json!({"contacts": crowd}));
        refused(&served.post(path, &crowd).await, "audience.contacts", "000000000002 and 2 more");
        let plan = with(&|body| body["plan"] = json!("gently"));
        refused(&served.post(path, &plan).await, "plan", "\"gently\"");
        let expiry = with(&|body| body["expires_in"] = json!(0));
        refused(&served.post(path, &expiry).await, "expires_in", "1 second");
        let expiry = with(&|body| body["expires_in"] = json!(2_592_001));
        refused(&served.post(path, &expiry).await, "expires_in", "30 days");
        let kind = with(&|body| body["template"] = json!("correction"));
        served.approve("correction").await;
        refused(&served.post(path, &kind).await, "template", "correction");

        let listed = served.get(path).await.json();
        assert_eq!(listed["items"], json!([]));
        assert!(served.app.phones.messages(None, 1).is_empty());
    }

    async fn a_body_that_cannot_be_read_is_refused_with_the_right_status(served: Served) {
        let json_type = "application/json";
        post_text(&served, json_type, "").await.problem(400);
        post_text(&served, json_type, "{\"template\":").await.problem(400);
        post_text(&served, json_type, "[".repeat(10_000)).await.problem(400);
        post_text(&served, json_type, vec![0xff, 0xfe]).await.problem(400);
        post_text(&served, "text/plain", "{}").await.problem(415);
        post_text(&served, json_type, " ".repeat(1_000_001)).await.problem(413);

        let (_, field) = post_text(&served, json_type, "{}").await.problem(422);
        assert_eq!(field, "template");
        let text = r#"{"template":"closure","mode":"loud"}"#;
        let (detail, field) = post_text(&served, json_type, text).await.problem(422);
        assert_eq!(field, "mode");
        assert!(detail.contains("live") && detail.contains("drill"), "{detail}");
        let text = r#"{"template":"closure","mode":"live","audience":{"groups":"all-staff"}}"#;
        let (_, field) = post_text(&served, json_type, text).await.problem(422);
        assert_eq!(field, "audience.groups");
        let text = r#"{"template":"closure","mode":"live","varaibles":{}}"#;
        let (detail, field) = post_text(&served, json_type, text).await.problem(422);
        assert_eq!(field, "varaibles");
        assert!(detail.contains("variables"), "{detail}");
        let text = r#"{"template":"closure","mode":"live","audience":{"groups":["a\u0000b"]}}"#;
        let (_, field) = post_text(&served, json_type, text).await.problem(422);
        assert_eq!(field, "audience.groups[0]");
        assert_eq!(served.get("/api/v1/alerts").await.status.as_u16(), 200);
    }

    async fn a_list_in_an_objects_place_launches_and_stops_nothing(served: Served) {
        let id = served.launched().await;
        let json_type = "application/json";
        for (text, field) in [
            (r#"["closure","live",[["all-staff"],[]],{"reason":"x"}]"#, ""),
            (r#"{"template":"closure","mode":"live","audience":[["all-staff"],[]],
                "variables":{"reason":"x"}}"#, "audience"),
            (r#"{"template":"closure","mode":"live","audience":{"groups":["all-staff"]},
                "variables":[["reason","x"]]}"#, "variables"),
        ] {
            refused(&post_text(&served, json_type, text).await, field, "an object, not a list");
        }
        for act in ["stop", "remind", "update", "correct", "all-clear"] {
            let answer = served.post(&format!("/api/v1/alerts/{id}/{act}"), &json!([])).await;
            refused(&answer, "", "an object, not a list");
        }
        let group = json!({"title": "x", "rules": [["category", "staff"]]});
        refused(&served.post("/api/v1/groups", &group).await, "rules[0]", "an object, not a list");
        let listed = served.get("/api/v1/alerts").await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        assert_eq!(listed["items"][0]["state"], "running");
    }

    async fn a_field_that_is_given_twice_is_refused_by_name(served: Served) {
        served.staff().await;
        served.approve("closure").await;
        let rest = r#""mode":"live","audience":{"groups":["all-staff"]}"#;
        for (text, field) in [
            (format!(r#"{{"template":"closure",{rest},"variables":{{"reason":"a","reason":"b"}}}}"#), "variables.reason"),
            (format!(r#"{{"template":"closure","template":"closure",{rest},"variables":{{"reason":"a"}}}}"#), "template"),
        ] {
            refused(&post_text(&served, "application/json", text).await, field, "given twice");
        }
        assert_eq!(served.get("/api/v1/alerts").await.json()["items"], json!([]));
    }

    async fn no_refusal_speaks_the_programs_own_language(served: Served) {
        let stop = "/api/v1/alerts/17/stop";
        let (detail, field) = served.post(stop, &json!({})).await.problem(404);
        assert_eq!(field, "id");
        assert!(detail.contains("is no id, which looks like"), "{detail}");
        let null = r#"{"template":"closure","mode":"live","audience":null}"#;
        let ids = r#"{"template":"closure","mode":"live","audience":{"contacts":["17"]}}"#;
        let seconds = r#"{"template":"closure","mode":"live","expires_in":"an hour"}"#;
        for (text, field, words) in [
            ("[]", "", "must be an object"),
            (null, "audience", "must be an object, not null"),
            (ids, "audience.contacts[0]", "must be an id, which looks like"),
            (seconds, "expires_in", "must be a whole number, not text"),
        ] {
            refused(&post_text(&served, "application/json", text).await, field, words);
        }
        refused(&served.get("/api/v1/contacts?limit=ten").await, "limit", "a whole number, 0 or more, not \"ten\"");
        refused(&served.get("/api/v1/contacts?archived=yes").await, "archived", "true or false, not \"yes\"");
        refused(&served.get("/api/v1/sandbox/messages?after=-1").await, "after", "a whole number");
    }

    async fn a_cursor_that_no_list_gave_is_refused(served: Served) {
        let id = served.launched().await;
        let recipients = format!("/api/v1/alerts/{id}/recipients");
        let other = muster::ids::AlertNumber(2).base() + 1;
        for cursor in ["-5", "0", "99", "x", &other.to_string()] {
            for list in ["/api/v1/alerts", &recipients] {
                let answer = served.get(&format!("{list}?cursor={cursor}")).await;
                assert_eq!(answer.problem(422).1, "cursor", "{list} {cursor}");
            }
        }
    }

    async fn an_expiry_of_a_second_is_taken(served: Served) {
        served.staff().await;
        served.approve("closure").await;
        let mut body = Served::closure();
        body["expires_in"] = json!(1);
        let launched = served.post("/api/v1/alerts", &body).await;
        assert_eq!(launched.status.as_u16(), 202, "{}", launched.text);
        let alert = served.get(launched.header("location")).await.json();
        assert_eq!(alert["expires_at"], "2026-11-22T14:02:08.000Z");
    }

    async fn addresses_and_methods_that_do_not_exist_are_problems_too(served: Served) {
        served.get("/api").await.problem(404);
        served.get("/api/").await.problem(404);
        served.get("/api/v1/alerts/").await.problem(404);
        served.get("/api/v2/alerts").await.problem(404);
        served.get("/api/v1/alerts/%ff").await.problem(400);
        served.get("/api/v1/groups/a%00b").await.problem(404);
        let answer = served.delete("/api/v1/alerts").await;
        answer.problem(405);
        assert!(answer.header("allow").contains("POST"), "{}", answer.header("allow"));
    }

    async fn a_wrong_parameter_is_named_and_too_much_is_cut(served: Served) {
        for (query, field) in [("limit=0", "limit"), ("limit=ten", "limit"), ("pages=2", "pages")] {
            let answer = served.get(&format!("/api/v1/contacts?{query}")).await;
            assert_eq!(answer.problem(422).1, field);
        }
        served.get("/api/v1/contacts?cursor=nobody").await.problem(422);
        served.get("/api/v1/contacts?limit=1&limit=2").await.problem(422);
        served.get("/api/v1/contacts?text=a%00").await.problem(422);
        assert_eq!(served.get("/api/v1/contacts?limit=100000").await.status.as_u16(), 200);
    }
}
