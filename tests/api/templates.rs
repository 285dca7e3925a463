//! Templates as scripts see them.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::on_both;

fn find<'a>(page: &'a Value, name: &str) -> &'a Value {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .find(|template| template["name"] == name)
        .unwrap()
}

on_both! {
    async fn a_listed_template_says_what_a_launch_needs(served: Served) {
        let page = served.get("/api/v1/templates").await.json();
        assert_eq!(page["broken"], json!([]));
        let closure = find(&page, "closure");
        assert_eq!(closure["title"], "Clinic closed");
        assert_eq!(closure["titles"]["es"], "Clínica cerrada");
        assert_eq!((&closure["severity"], &closure["purpose"]), (&json!("moderate"), &json!("operations")));
        assert_eq!((&closure["approved"], &closure["state"]), (&json!(false), &json!("unapproved")));
        let channels = closure["channels"].as_array().unwrap();
        assert!(channels.contains(&json!("sms")) && channels.contains(&json!("email")));
        assert_eq!(closure["languages"], json!(["en", "es"]));
        let reason = &closure["variables"][0];
        assert_eq!((&reason["name"], &reason["type"]), (&json!("reason"), &json!("text")));
        assert_eq!((&reason["required"], &reason["example"]), (&json!(true), &json!("burst pipe")));
        assert!(reason["choices"].as_array().unwrap().contains(&json!("power cut")));
        let items = page["items"].as_array().unwrap();
        assert!(items.iter().any(|one| {
            let channels = one["channels"].as_array().unwrap();
            one["severity"] == "extreme"
                && channels.contains(&json!("sms"))
                && channels.contains(&json!("email"))
        }));
    }

    async fn an_approval_is_of_exactly_what_was_read(served: Served) {
        let before = served.get("/api/v1/templates/closure").await.json();
        let path = "/api/v1/templates/closure/approve";
        let stale = json!({"hash": "0".repeat(64)});
        served.post(path, &stale).await.problem(409);
        let read = json!({"hash": before["hash"]});
        let approved = served.post(path, &read).await;
        assert_eq!(approved.status, StatusCode::OK, "{}", approved.text);
        let approved = approved.json();
        assert_eq!((&approved["approved"], &approved["version"]), (&json!(true), &json!(1)));
        assert_eq!(approved["approved_by"], "token admin");
        assert_eq!(served.post(path, &json!({})).await.json()["version"], 1);
        served.post("/api/v1/templates/closing/approve", &json!({})).await.problem(404);
        served.get("/api/v1/templates/closing").await.problem(404);
    }

    async fn a_token_that_sends_one_template_sees_that_one(served: Served) {
        let token = served.token(&["alerts:send:closure"]).await;
        let page = served.get_as(&token, "/api/v1/templates").await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        served.get_as(&token, "/api/v1/templates/evacuation").await.problem(403);
    }

    async fn every_template_can_be_launched_with_its_own_examples(served: Served) {
        let csv = "name,mobile,email,groups,appointment,new_time\n\
                   Ana Cruz,+41 79 123 45 67,ana@clinic.example,all,10:20,tomorrow 09:40\n";
        served.import("/api/v1/contacts/import", csv).await;
        let page = served.get("/api/v1/templates").await.json();
        for template in page["items"].as_array().unwrap().iter().filter(|one| one["kind"] == "alert") {
            let name = template["name"].as_str().unwrap();
            served.approve(name).await;
            let variables: serde_json::Map<String, Value> = template["variables"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|variable| variable["required"] == true)
                .map(|one| (one["name"].as_str().unwrap().to_owned(), one["example"].clone()))
                .collect();
            let body = json!({
                "template": name, "mode": "drill", "audience": {"groups": ["all"]},
                "variables": variables
            });
            let answer = served.post("/api/v1/alerts", &body).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{name}: {}", answer.text);
        }
    }
}
