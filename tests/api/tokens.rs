//! Who may do what: scopes, and tokens made and revoked by the API.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::on_both;
use crate::served::Served;

on_both! {
    async fn without_a_valid_token_nothing_is_shown(served: Served) {
        let answer = served.send(served.request(Method::GET, "/api/v1/alerts")).await;
        answer.problem(401);
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        for token in ["muster_guess", "", "x"] {
            let answer = served.get_as(token, "/api/v1/contacts").await;
            answer.problem(401);
            assert!(answer.header("www-authenticate").contains("invalid_token"));
        }
        let basic = served.request(Method::GET, "/api/v1/alerts").basic_auth("a", Some("b"));
        served.send(basic).await.problem(401);
    }

    async fn a_token_for_one_template_sends_and_follows_only_that(served: Served) {
        let other = served.launched().await;
        served.approve("evacuation").await;
        let token = served.token(&["alerts:send:evacuation"]).await;
        let (detail, _) = served.post_as(&token, "/api/v1/alerts", &Served::closure()).await.problem(403);
        assert!(detail.contains("alerts:send:closure"), "{detail}");
        served.get_as(&token, &format!("/api/v1/alerts/{other}")).await.problem(403);
        served.post_as(&token, &format!("/api/v1/alerts/{other}/stop"), &json!({})).await.problem(403);
        served.get_as(&token, "/api/v1/contacts").await.problem(403);

        let body = json!({
            "template": "evacuation", "mode": "live", "audience": {"groups": ["all-staff"]},
            "variables": {"hazard": "FIRE"}
        });
        let launched = served.post_as(&token, "/api/v1/alerts", &body).await;
        assert_eq!(launched.status, StatusCode::ACCEPTED, "{}", launched.text);
        let id = launched.json()["id"].as_str().unwrap().to_owned();
        let alert = served.get_as(&token, &format!("/api/v1/alerts/{id}")).await;
        assert_eq!(alert.status, StatusCode::OK);
        let listed = served.get_as(&token, "/api/v1/alerts").await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        let stopped = served.post_as(&token, &format!("/api/v1/alerts/{id}/stop"), &json!({})).await;
        assert_eq!(stopped.status, StatusCode::OK);
    }

    async fn reading_is_not_writing_and_shows_numbers_masked(served: Served) {
        served.staff().await;
        let reader = served.token(&["read"]).await;
        let people = served.get_as(&reader, "/api/v1/contacts").await;
        assert!(people.text.contains("+41•••••567") && !people.text.contains("+41791234567"));
        let writer = served.token(&["contacts:write"]).await;
        let people = served.get_as(&writer, "/api/v1/contacts").await;
        assert!(people.text.contains("+41791234567"), "{}", people.text);
        // The scope is looked at before the body is.
        let (detail, _) = served.post_as(&reader, "/api/v1/contacts", &json!([1])).await.problem(403);
        assert!(detail.contains("contacts:write"), "{detail}");
        let launch = served.post_as(&reader, "/api/v1/alerts", &json!([1])).await;
        assert!(launch.problem(403).0.contains("alerts:send"));
        let approve = "/api/v1/templates/closure/approve";
        assert!(served.post_as(&writer, approve, &json!({})).await.problem(403).0.contains("templates:write"));
        served.get_as(&writer, "/api/v1/tokens").await.problem(403);
        served.get_as(&reader, "/api/v1/contacts/export").await.problem(403);
    }

    async fn a_token_is_shown_once_and_opens_nothing_when_revoked(served: Served) {
        let draft = json!({"name": "fire panel", "scopes": ["alerts:send:evacuation", "read"]});
        let made = served.post("/api/v1/tokens", &draft).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let made = made.json();
        let secret = made["token"].as_str().unwrap();
        assert_eq!(served.get_as(secret, "/api/v1/alerts").await.status, StatusCode::OK);
        let listed = served.get("/api/v1/tokens").await;
        assert!(listed.text.contains("fire panel") && !listed.text.contains(secret));

        let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
        assert_eq!(served.delete(&path).await.status, StatusCode::NO_CONTENT);
        served.get_as(secret, "/api/v1/alerts").await.problem(401);
        served.delete(&path).await.problem(404);
    }

    async fn an_unknown_scope_is_refused_with_the_possible_ones(served: Served) {
        let draft = json!({"name": "x", "scopes": ["alerts:launch"]});
        let (detail, field) = served.post("/api/v1/tokens", &draft).await.problem(422);
        assert_eq!(field, "scopes");
        assert!(detail.contains("contacts:write") && detail.contains("alerts:send:<template>"));
        let draft = json!({"name": "", "scopes": ["read"]});
        assert_eq!(served.post("/api/v1/tokens", &draft).await.problem(422).1, "name");
        let draft = json!({"name": "x", "scopes": []});
        assert_eq!(served.post("/api/v1/tokens", &draft).await.problem(422).1, "scopes");
    }
}
