//! Launching by the API, following up, and reading how everyone stands.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::on_both;
use crate::served::Served;

const COUNTS: [&str; 10] = [
    "recipients",
    "acknowledged",
    "delivered",
    "accepted",
    "sending",
    "queued",
    "in_doubt",
    "failed",
    "unreachable",
    "excluded",
];

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// Launches with a key; answers the id.
async fn launch_with_key(served: &Served, key: &str, body: &Value) -> crate::served::Answer {
    let request = served
        .request(Method::POST, "/api/v1/alerts")
        .bearer_auth(&served.admin);
    served
        .send(request.header("Idempotency-Key", key).json(body))
        .await
}

on_both! {
    async fn a_launch_answers_with_the_alert_that_is_on_disk(served: Served) {
        served.staff().await;
        served.approve("closure").await;
        let answer = served.post("/api/v1/alerts", &Served::closure()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        let launched = answer.json();
        let id = launched["id"].as_str().unwrap();
        assert_eq!(launched["url"], format!("{}/alerts/{id}", served.url));
        assert_eq!(answer.header("location"), format!("/api/v1/alerts/{id}"));
        assert_eq!((number(&launched["recipients"]), number(&launched["number"])), (3, 1));
        assert_eq!((&launched["mode"], &launched["state"]), (&json!("live"), &json!("running")));

        let alert = served.get(&format!("/api/v1/alerts/{id}")).await.json();
        assert_eq!(alert["template"], "closure");
        assert_eq!(alert["title"], "Clinic closed");
        assert_eq!((&alert["severity"], &alert["kind"]), (&json!("moderate"), &json!("alert")));
        assert_eq!(alert["launched_at"], "2026-11-22T14:02:07.000Z");
        assert_eq!(alert["expires_at"], "2026-11-23T02:02:07.000Z");
        assert_eq!((&alert["follows"], &alert["thread"]), (&Value::Null, &launched["id"]));
    }

    async fn an_alert_says_until_when_it_waits_for_the_end_of_the_quiet_hours(served: Served) {
        let by_day = served.launched().await;
        let by_day = served.get(&format!("/api/v1/alerts/{by_day}")).await.json();
        assert_eq!(by_day["quiet_until"], Value::Null);
        served.app.clock.advance(std::time::Duration::from_mins(13 * 60 + 29));
        let by_night = served.post("/api/v1/alerts", &Served::closure()).await.json();
        let path = format!("/api/v1/alerts/{}", by_night["id"].as_str().unwrap());
        assert_eq!(served.get(&path).await.json()["quiet_until"], "2026-11-23T03:40:00.000Z");
        served.app.clock.advance(std::time::Duration::from_mins(9));
        assert_eq!(served.get(&path).await.json()["quiet_until"], Value::Null);
    }

    async fn the_ten_counts_are_named_and_add_up(served: Served) {
        served.start_sending().await;
        let id = served.launched().await;
        served.received(3).await;
        let path = format!("/api/v1/alerts/{id}");
        let alert = served.eventually(&path, |alert| {
            number(&alert["counts"]["delivered"]) + number(&alert["counts"]["accepted"]) == 3
        }).await;
        let counts = alert["counts"].as_object().unwrap();
        assert_eq!(counts.len(), COUNTS.len());
        assert!(COUNTS.iter().all(|name| counts.contains_key(*name)), "{counts:?}");
        let sum: i64 = COUNTS[1..].iter().map(|name| number(&counts[*name])).sum();
        assert_eq!((sum, number(&counts["recipients"])), (3, 3));
        assert!(alert["deliveries"]["sms"].is_object() && alert["deliveries"]["email"].is_object());
        let answers = alert["answers"].as_object().unwrap();
        assert!(answers.len() >= 2 && answers.values().all(|count| count == 0), "{answers:?}");
    }

    async fn twenty_requests_with_one_key_are_one_alert(served: Served) {
        served.staff().await;
        served.approve("closure").await;
        let body = Served::closure();
        let asked = (0..20).map(|_| launch_with_key(&served, "burst-1", &body));
        let answers = futures::future::join_all(asked).await;
        let mut ids: Vec<String> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
                answer.json()["id"].as_str().unwrap().to_owned()
            })
            .collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
        let listed = served.get("/api/v1/alerts").await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    }

    async fn a_key_belongs_to_its_request_and_its_token(served: Served) {
        served.staff().await;
        served.approve("closure").await;
        let body = Served::closure();
        let first = launch_with_key(&served, "k", &body).await.json();
        // The order of fields and spaces make no difference.
        let text = r#"{ "variables":{"reason":"burst pipe"}, "mode":"live",
            "audience":{"contacts":[],"groups":["all-staff"]}, "template":"closure" }"#;
        let request = served.request(Method::POST, "/api/v1/alerts").bearer_auth(&served.admin);
        let request = request.header("Idempotency-Key", "k");
        let request = request.header("content-type", "application/json; charset=utf-8");
        let again = served.send(request.body(text)).await;
        assert_eq!(again.json()["id"], first["id"]);

        let mut other = body.clone();
        other["variables"]["reason"] = json!("power cut");
        let (detail, field) = launch_with_key(&served, "k", &other).await.problem(422);
        assert_eq!(field, "Idempotency-Key");
        assert!(detail.contains("another request"), "{detail}");

        let token = served.token(&["alerts:send"]).await;
        let request = served.request(Method::POST, "/api/v1/alerts").bearer_auth(&token);
        let theirs = served.send(request.header("Idempotency-Key", "k").json(&body)).await;
        assert_eq!(theirs.status, StatusCode::ACCEPTED);
        assert_ne!(theirs.json()["id"], first["id"]);

        for key in ["", &"k".repeat(256)] {
            let (_, field) = launch_with_key(&served, key, &body).await.problem(422);
            assert_eq!(field, "Idempotency-Key");
        }
    }

    async fn a_drill_is_a_drill_everywhere(served: Served) {
        served.start_sending().await;
        served.staff().await;
        served.approve("closure").await;
        let mut body = Served::closure();
        body["mode"] = json!("drill");
        let launched = served.post("/api/v1/alerts", &body).await.json();
        assert_eq!(launched["mode"], "drill");
        let messages = served.received(3).await;
        for message in messages {
            assert_eq!(message["mode"], "drill");
            let text = message["text"].as_str().unwrap();
            let word = if message["language"] == "es" { "SIMULACRO" } else { "DRILL" };
            assert!(text.starts_with(word) && text.ends_with(word), "{text}");
        }
    }

    async fn recipients_are_paged_and_each_is_explained(served: Served) {
        served.start_sending().await;
        served.put("/api/v1/groups/all-staff", &json!({})).await;
        let nobody = json!({"name": "Nobody Reachable", "groups": ["all-staff"]});
        assert_eq!(served.post("/api/v1/contacts", &nobody).await.status, StatusCode::CREATED);
        let id = served.launched().await;
        served.received(3).await;
        let path = format!("/api/v1/alerts/{id}/recipients");
        served.eventually(&path, |page| {
            let waits = |one: &Value| one["state"] == "queued" || one["state"] == "sending";
            !page["items"].as_array().unwrap().iter().any(waits)
        }).await;

        let mut names = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = served.get(&format!("{path}?limit=2&cursor={cursor}")).await.json();
            for person in page["items"].as_array().unwrap() {
                names.push(person["name"].as_str().unwrap().to_owned());
            }
            let Some(next) = page["next"].as_str() else { break };
            cursor = next.to_owned();
        }
        assert_eq!(names, ["Ana Cruz", "Luis Gil", "Mia Roth", "Nobody Reachable"]);

        let page = served.get(&format!("{path}?state=unreachable")).await.json();
        let people = page["items"].as_array().unwrap();
        assert_eq!(people.len(), 1);
        assert_eq!(people[0]["name"], "Nobody Reachable");
        assert!(people[0]["reason"].as_str().unwrap().contains("number"));
        assert!(people[0]["contact"].is_string());

        let all = served.get(&path).await.json();
        let ana = &all["items"][0];
        let sms = ana["deliveries"].as_array().unwrap().iter().find(|one| one["channel"] == "sms");
        let sms = sms.unwrap();
        assert_eq!((&sms["gateway"], &sms["attempts"]), (&json!("phones"), &json!(1)));
        assert_eq!((&sms["possible_duplicate"], &sms["to"]), (&json!(false), &json!("+41•••••567")));
        assert!(sms["queued_at"].is_string() && sms["accepted_at"].is_string());
        assert_eq!(ana["responses"], json!([]));
        assert!(!all.to_string().contains("+41791234567"));

        let (_, field) = served.get(&format!("{path}?state=happy")).await.problem(422);
        assert_eq!(field, "state");
        served.get(&format!("{path}?cursor=x")).await.problem(422);
    }

    async fn what_a_person_wrote_instead_of_an_answer_is_part_of_their_entry(served: Served) {
        served.start_sending().await;
        let id = served.launched().await;
        served.received(3).await;
        let path = format!("/api/v1/alerts/{id}/recipients");
        let people = served.get(&path).await.json();
        assert_eq!(people["items"][0]["messages"], json!([]));
        let written = muster::channel::Inbound {
            from: muster::channel::Address::new("+41791234568"),
            text: "I am trapped on floor 2".to_owned(),
            gateway_id: "mo-1".to_owned(),
        };
        served.app.clock.advance(std::time::Duration::from_secs(1));
        muster::response::inbound(&served.app, "phones", written).await.unwrap();
        let people = served.get(&path).await.json();
        assert_eq!(people["items"][1]["messages"], json!([{
            "at": "2026-11-22T14:02:08.000Z", "text": "I am trapped on floor 2", "settled": false
        }]));
        assert_eq!(people["items"][0]["messages"], json!([]));
    }

    async fn a_stop_calls_off_what_has_not_left_and_a_second_one_is_refused(served: Served) {
        let id = served.launched().await;
        let path = format!("/api/v1/alerts/{id}/stop");
        let request = served.request(Method::POST, &path).bearer_auth(&served.admin);
        let stopped = served.send(request).await;
        assert_eq!(stopped.status, StatusCode::OK, "{}", stopped.text);
        assert_eq!(stopped.json()["state"], "stopped");
        let (detail, _) = served.post(&path, &json!({})).await.problem(409);
        assert!(detail.contains("over"), "{detail}");
        served.post(&format!("/api/v1/alerts/{id}/remind"), &json!({})).await.problem(409);
        served.post(&format!("/api/v1/alerts/{id}/update"), &json!({})).await.problem(422);
        let alert = served.get(&format!("/api/v1/alerts/{id}")).await.json();
        assert_eq!((&alert["state"], &alert["counts"]["excluded"]), (&json!("stopped"), &json!(3)));
        assert!(alert["closed_at"].is_string());
    }

    async fn follow_ups_are_alerts_of_the_same_thread(served: Served) {
        served.start_sending().await;
        let id = served.launched().await;
        served.received(3).await;
        for template in ["update", "correction", "all-clear"] {
            served.approve(template).await;
        }
        let path = format!("/api/v1/alerts/{id}");
        let update = json!({"variables": {"news": "We open at noon."}});
        let update = served.post(&format!("{path}/update"), &update).await;
        assert_eq!(update.status, StatusCode::ACCEPTED, "{}", update.text);
        assert_eq!(update.json()["recipients"], 3);
        served.received(6).await;

        let reminded = served.post(&format!("{path}/remind"), &json!({})).await;
        assert_eq!(reminded.status, StatusCode::ACCEPTED, "{}", reminded.text);
        served.received(9).await;

        let corrected = served.post(&format!("{path}/correct"), &json!({})).await;
        assert_eq!(corrected.status, StatusCode::ACCEPTED, "{}", corrected.text);
        let correction = corrected.json()["id"].as_str().unwrap().to_owned();
        let correction = served.get(&format!("/api/v1/alerts/{correction}")).await.json();
        assert_eq!((&correction["kind"], &correction["follows"]), (&json!("correction"), &json!(id)));
        assert_eq!(correction["thread"], json!(id));
        served.received(12).await;

        let cleared = served.post(&format!("{path}/all-clear"), &json!({})).await;
        assert_eq!(cleared.status, StatusCode::ACCEPTED, "{}", cleared.text);
        let first = served.get(&path).await.json();
        assert_eq!(first["state"], "stopped");
        let kinds: Vec<&Value> =
            first["follow_ups"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
        assert_eq!(kinds, ["update", "correction", "all_clear"]);
    }

    async fn a_correction_before_anybody_was_told_answers_with_the_alert_itself_stopped(served: Served) {
        served.approve("correction").await;
        let id = served.launched().await;
        let corrected = served.post(&format!("/api/v1/alerts/{id}/correct"), &json!({})).await;
        assert_eq!(corrected.status, StatusCode::ACCEPTED, "{}", corrected.text);
        let answer = corrected.json();
        assert_eq!((&answer["id"], &answer["state"]), (&json!(id), &json!("stopped")));
        served.start_sending().await;
        let alert = served.get(&format!("/api/v1/alerts/{id}")).await.json();
        assert_eq!((&alert["state"], &alert["counts"]["excluded"]), (&json!("stopped"), &json!(3)));
    }

    async fn alerts_are_listed_newest_first_by_pages(served: Served) {
        let first = served.launched().await;
        served.post("/api/v1/alerts", &Served::closure()).await;
        let page = served.get("/api/v1/alerts?limit=1").await.json();
        assert_eq!(page["items"][0]["number"], 2);
        let next = page["next"].as_str().unwrap();
        let page = served.get(&format!("/api/v1/alerts?limit=1&cursor={next}")).await.json();
        assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!(first), &Value::Null));
    }

    async fn an_alert_that_does_not_exist_is_not_found(served: Served) {
        let unknown = "/api/v1/alerts/0190a000-0000-7000-8000-000000000000";
        for path in [unknown, "/api/v1/alerts/17", &format!("{unknown}/recipients")] {
            served.get(path).await.problem(404);
        }
        served.post(&format!("{unknown}/stop"), &json!({})).await.problem(404);
    }
}
