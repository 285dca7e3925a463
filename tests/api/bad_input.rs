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
        refused(&served.post(path, &stranger).await, "audience.contacts", "do not exist");
        let plan = with(&|body| body["plan"] = json!("gently"));
        refused(&served.post(path, &plan).await, "plan", "\"gently\"");
        let expiry = with(&|body| body["expires_in"] = json!(5));
        refused(&served.post(path, &expiry).await, "expires_in", "60 seconds");
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
        post_text(&served, json_type, "[".repeat(10_000)).await.problem(422);
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

    async fn addresses_and_methods_that_do_not_exist_are_problems_too(served: Served) {
        served.get("/api").await.problem(404);
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
