//! The description of the API: served, kept in docs/openapi.json, and true.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::on_both;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

#[test]
fn the_kept_description_is_the_generated_one() {
    let generated = muster::web::api::document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(KEPT, &generated).unwrap();
    }
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    assert!(
        kept == generated,
        "docs/openapi.json is not what the code says: run \
         `UPDATE=1 cargo test --test api the_kept_description` and read the difference"
    );
}

#[test]
fn everything_is_described() {
    let document = serde_json::to_value(muster::web::api::document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["info"]["title"], "Muster");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        document["components"]["securitySchemes"]["token"]["scheme"],
        "bearer"
    );
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(operation["operationId"].is_string(), "{name}");
            assert!(operation["summary"].is_string(), "{name}");
            assert!(!operation["tags"].as_array().unwrap().is_empty(), "{name}");
            let refusals = operation["responses"].as_object().unwrap();
            for (status, response) in refusals
                .iter()
                .filter(|(status, _)| status.as_str() >= "400")
            {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{name} {status}");
            }
        }
    }
    assert_no_dangling_reference(&document, &document);
}

fn assert_no_dangling_reference(document: &Value, at: &Value) {
    match at {
        Value::Object(map) => {
            if let Some(target) = map.get("$ref").and_then(Value::as_str) {
                let pointer = target.trim_start_matches('#');
                assert!(document.pointer(pointer).is_some(), "{target}");
            }
            for value in map.values() {
                assert_no_dangling_reference(document, value);
            }
        }
        Value::Array(list) => {
            for value in list {
                assert_no_dangling_reference(document, value);
            }
        }
        _ => {}
    }
}

on_both! {
    async fn every_described_operation_exists_and_asks_for_a_token(served: Served) {
        let document = served.send(served.request(Method::GET, "/api/openapi.json")).await;
        assert_eq!(document.status, StatusCode::OK);
        let document = document.json();
        let mut count = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            let address = path
                .replace("{id}", "0190a000-0000-7000-8000-000000000000")
                .replace("{name}", "closure");
            for (method, operation) in item.as_object().unwrap() {
                let method: Method = method.to_uppercase().parse().unwrap();
                let answer = served.send(served.request(method, &address)).await;
                if operation["security"] == json!([{}]) {
                    assert_eq!(answer.status, StatusCode::OK, "{path}");
                } else {
                    answer.problem(401);
                }
                count += 1;
            }
        }
        assert!(count > 30, "{count} operations");
    }
}
