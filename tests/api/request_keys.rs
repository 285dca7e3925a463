//! Follow-ups and reminders with a key of their own: asked twice, done once.

use muster::ids::AlertNumber;
use muster::storage::alerts::list_steps;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::on_both;
use crate::served::{Answer, Served};

async fn act_with_key(served: &Served, path: &str, key: &str, body: &Value) -> Answer {
    let request = served
        .request(Method::POST, path)
        .bearer_auth(&served.admin);
    served
        .send(request.header("Idempotency-Key", key).json(body))
        .await
}

/// Fails unless the key belongs to another request.
#[track_caller]
fn is_another(answer: &Answer) {
    let (detail, field) = answer.problem(422);
    assert_eq!(field, "Idempotency-Key");
    assert!(detail.contains("another request"), "{detail}");
}

async fn alerts(served: &Served) -> usize {
    let listed = served.get("/api/v1/alerts").await.json();
    listed["items"].as_array().unwrap().len()
}

on_both! {
    async fn the_same_key_is_the_same_follow_up_and_another_body_is_refused(served: Served) {
        served.start_sending().await;
        let id = served.launched().await;
        served.received(3).await;
        for template in ["update", "correction", "all-clear"] {
            served.approve(template).await;
        }
        let path = |act: &str| format!("/api/v1/alerts/{id}/{act}");
        let news = |news: &str| json!({"variables": {"news": news}});
        let first = act_with_key(&served, &path("update"), "u", &news("Open at noon.")).await;
        assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
        let again = act_with_key(&served, &path("update"), "u", &news("Open at noon.")).await;
        assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.text);
        assert_eq!(again.json()["id"], first.json()["id"]);
        is_another(&act_with_key(&served, &path("update"), "u", &news("Open at one.")).await);
        // What is asked for is part of the request, not only what is said.
        is_another(&act_with_key(&served, &path("correct"), "u", &json!({})).await);

        for act in ["correct", "all-clear"] {
            let first = act_with_key(&served, &path(act), act, &json!({})).await;
            assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
            let again = act_with_key(&served, &path(act), act, &json!({})).await;
            assert_eq!(again.json()["id"], first.json()["id"]);
        }
        assert_eq!(alerts(&served).await, 4);
        let (_, field) = act_with_key(&served, &path("update"), "", &news("x")).await.problem(422);
        assert_eq!(field, "Idempotency-Key");
    }

    async fn the_same_key_is_the_same_reminder_even_after_the_end(served: Served) {
        served.start_sending().await;
        let id = served.launched().await;
        served.received(3).await;
        let path = format!("/api/v1/alerts/{id}/remind");
        for _ in 0..3 {
            let reminded = act_with_key(&served, &path, "r", &json!({})).await;
            assert_eq!(reminded.status, StatusCode::ACCEPTED, "{}", reminded.text);
        }
        served.received(6).await;
        let other = served.post("/api/v1/alerts", &Served::closure()).await.json();
        let other = format!("/api/v1/alerts/{}/remind", other["id"].as_str().unwrap());
        is_another(&act_with_key(&served, &other, "r", &json!({})).await);
        served.post(&format!("/api/v1/alerts/{id}/stop"), &json!({})).await;
        let late = act_with_key(&served, &path, "r", &json!({})).await;
        assert_eq!(late.status, StatusCode::ACCEPTED, "{}", late.text);
        // The closure's plan has three steps of its own.
        let steps = list_steps(&served.app.db, AlertNumber(1)).await.unwrap();
        assert_eq!(steps.len(), 3 + 1, "reminded more than once");
        act_with_key(&served, &path, "r2", &json!({})).await.problem(409);
    }
}
