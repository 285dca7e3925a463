//! People, groups, call trees and files of people by the API.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::on_both;

/// An id that nobody has.
const STRANGER: &str = "0190a000-0000-7000-8000-000000000000";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

on_both! {
    async fn a_person_is_made_changed_and_archived(served: Served) {
        served.put("/api/v1/groups/night-shift", &json!({"title": "Night shift"})).await;
        let draft = json!({
            "name": " Dana  Ortiz ", "mobile": "079 123 45 67", "email": "Dana@Clinic.example",
            "language": "es", "role": "nurse", "groups": ["night-shift"], "tags": ["keys"],
            "fields": {"room": "12"}, "external_id": "p-1"
        });
        let made = served.post("/api/v1/contacts", &draft).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let path = made.header("location").to_owned();
        let made = made.json();
        assert_eq!((&made["name"], &made["mobile"]), (&json!("Dana Ortiz"), &json!("+41791234567")));
        assert_eq!(made["groups"], json!(["night-shift"]));
        assert_eq!(served.get(&path).await.json(), made);

        let changed = json!({"name": "Dana Ortiz", "mobile": "079 123 45 67", "category": "vendor"});
        let changed = served.put(&path, &changed).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
        let changed = changed.json();
        assert_eq!((&changed["email"], &changed["category"]), (&Value::Null, &json!("vendor")));
        assert_eq!(changed["points"][0]["id"], made["points"].as_array().unwrap().iter()
            .find(|point| point["kind"] == "mobile").unwrap()["id"]);

        assert_eq!(served.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert_eq!(served.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert_eq!(served.get("/api/v1/contacts").await.json()["items"], json!([]));
        let all = served.get("/api/v1/contacts?archived=true").await.json();
        assert!(all["items"][0]["archived_at"].is_string());
    }

    async fn what_a_person_cannot_be_is_refused_by_field(served: Served) {
        let path = "/api/v1/contacts";
        for (draft, field) in [
            (json!({"name": "A", "mobile": "12"}), "mobile"),
            (json!({"name": "A", "email": "nobody"}), "email"),
            (json!({"name": "A", "language": "English"}), "language"),
            (json!({"name": "A", "category": "friend"}), "category"),
            (json!({"name": "A", "points": [{"kind": "email", "address": "x"}]}), "points[0].address"),
            (json!({}), "name"),
            (json!({"name": " "}), "name"),
            (json!({"name": "A", "groups": ["nobody"]}), "groups"),
            (json!({"name": "A", "manager": STRANGER}), "manager"),
            (json!({"name": "A", "tags": ["x".repeat(201)]}), "tags"),
        ] {
            assert_eq!(served.post(path, &draft).await.problem(422).1, field, "{draft}");
        }
        let stranger = json!({"name": "A", "groups": ["nobody"]});
        let (detail, _) = served.post(path, &stranger).await.problem(422);
        assert!(detail.contains("\"nobody\""), "{detail}");
        let (detail, _) = served.post(path, &json!({"name": " "})).await.problem(422);
        assert!(detail.contains("no name"), "{detail}");
        assert_eq!(served.get(path).await.json()["items"], json!([]));
        served.get("/api/v1/contacts/17").await.problem(404);
        served.get("/api/v1/contacts?group=nobody").await.problem(422);
    }

    async fn a_field_that_a_file_would_read_as_something_else_is_refused(served: Served) {
        let path = "/api/v1/contacts";
        for name in ["name", "", " ", "!", "Name", "external_id", "Tel\u{e9}fono", "full name"] {
            let draft = json!({"name": "A", "fields": {name: "x"}});
            let (detail, field) = served.post(path, &draft).await.problem(422);
            assert_eq!(field, format!("fields.{name}"));
            assert!(detail.contains("cannot be named"), "{detail}");
        }
        let good = json!({"name": "A", "mobile": "079 123 45 67", "fields": {"room": "12", "new_time": "9:00"}});
        let made = served.post(path, &good).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let place = made.header("location").to_owned();
        let bad = json!({"name": "A", "fields": {"email": "x"}});
        assert_eq!(served.put(&place, &bad).await.problem(422).1, "fields.email");
        let export = served.get("/api/v1/contacts/export").await;
        let back = served.import("/api/v1/contacts/import", &export.text).await;
        assert_eq!((back.status, &back.json()["unchanged"]), (StatusCode::OK, &json!(1)), "{}", back.text);
    }

    async fn people_are_found_and_paged_in_the_order_of_their_names(served: Served) {
        served.staff().await;
        let first = served.get("/api/v1/contacts?limit=2").await.json();
        assert_eq!(text(&first["items"][0]["name"]), "Ana Cruz");
        let next = text(&first["next"]);
        let second = served.get(&format!("/api/v1/contacts?limit=2&cursor={next}")).await.json();
        assert_eq!((text(&second["items"][0]["name"]), &second["next"]), ("Mia Roth", &Value::Null));
        let found = served.get("/api/v1/contacts?text=gil").await.json();
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
        let members = served.get("/api/v1/contacts?group=all-staff&category=staff").await.json();
        assert_eq!(members["items"].as_array().unwrap().len(), 3);
    }

    async fn a_file_is_looked_at_then_applied_and_bad_rows_are_listed(served: Served) {
        let csv = "\u{feff}name;mobile;groups;room\n\
                   Ana Cruz;079 123 45 67;all-staff;12\n\
                   Broken;12;;\n\
                   Luis Gil;+41 79 123 45 68;all-staff;14\n";
        let looked = served.import("/api/v1/contacts/import?dry_run=true", csv).await;
        assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
        let looked = looked.json();
        assert_eq!((&looked["dry_run"], &looked["new"]), (&json!(true), &json!(2)));
        assert_eq!(looked["new_groups"], json!(["all-staff"]));
        assert_eq!(served.get("/api/v1/contacts").await.json()["items"], json!([]));

        let applied = served.import("/api/v1/contacts/import", csv).await.json();
        assert_eq!((&applied["new"], &applied["changed"]), (&json!(2), &json!(0)));
        assert_eq!(applied["rejected"][0]["line"], 3);
        assert!(text(&applied["rejected"][0]["reasons"][0]).contains("mobile"));
        let again = served.import("/api/v1/contacts/import", csv).await.json();
        assert_eq!((&again["new"], &again["unchanged"]), (&json!(0), &json!(2)));

        let export = served.get("/api/v1/contacts/export").await;
        assert!(export.header("content-type").starts_with("text/csv"));
        assert!(export.text.contains("Ana Cruz") && export.text.contains("room"));
        let back = served.import("/api/v1/contacts/import", &export.text).await.json();
        assert_eq!((&back["new"], &back["changed"], &back["unchanged"]),
            (&json!(0), &json!(0), &json!(2)), "{back}");
    }

    async fn a_file_without_one_good_row_is_refused_with_the_reasons(served: Served) {
        let csv = "name,mobile\nBroken,12\nAna Cruz,nothing\n";
        let path = "/api/v1/contacts/import";
        let answer = served.import(path, csv).await;
        let (detail, field) = answer.problem(422);
        assert_eq!(field, "file");
        assert!(detail.contains("nothing was changed"), "{detail}");
        let report = answer.json();
        assert_eq!((&report["new"], &report["dry_run"]), (&json!(0), &json!(false)));
        assert_eq!((&report["rejected"][0]["line"], &report["rejected"][1]["line"]), (&json!(2), &json!(3)));
        assert!(text(&report["rejected"][0]["reasons"][0]).contains("mobile"));
        // A look changes nothing either way, and says what it saw.
        let looked = served.import(&format!("{path}?dry_run=true"), csv).await;
        assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
        let empty = served.import(path, "name,mobile\n").await;
        assert_eq!(empty.status, StatusCode::OK, "{}", empty.text);
    }

    async fn a_file_of_the_wrong_kind_changes_nothing(served: Served) {
        let path = "/api/v1/contacts/import";
        let (detail, _) = served.import(path, "PK\u{3}\u{4}zip").await.problem(422);
        assert!(detail.contains("not an Excel workbook"), "{detail}");
        served.import(path, "").await.problem(422);
        served.import(path, "amount,currency\n12,CHF\n").await.problem(422);
        served.import("/api/v1/contacts/import?dryrun=true", "name\nAna\n").await.problem(422);
        served.import("/api/v1/contacts/import?dry_run=yes", "name\nAna\n").await.problem(422);
        served.import(path, &"x".repeat(20_000_002)).await.problem(413);
        let request = served.request(Method::POST, path).bearer_auth(&served.admin);
        served.send(request.json(&json!([]))).await.problem(415);
        assert_eq!(served.get("/api/v1/contacts?archived=true").await.json()["items"], json!([]));
    }

    async fn a_workbook_comes_in_as_the_whole_list_and_is_taken_back(served: Served) {
        served.staff().await;
        let before = served.get("/api/v1/contacts").await.json();
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let import = async |path: &str| {
            let request = served.request(Method::POST, path).bearer_auth(&served.admin);
            let file = include_bytes!("../support/staff.xlsx").to_vec();
            served.send(request.header("content-type", kind).body(file)).await
        };
        let looked = import("/api/v1/contacts/import?dry_run=true").await.json();
        assert!(!looked["absent"].as_array().unwrap().is_empty(), "{looked}");
        assert!(text(&looked["absent_stay"]).contains("cannot be read"), "{looked}");
        let (detail, _) = import("/api/v1/contacts/import?whole=true").await.problem(422);
        assert!(detail.contains("cannot be read"), "{detail}");
        let new = import("/api/v1/contacts/import").await.json()["new"].clone();

        let undone = served.post("/api/v1/contacts/import/undo", &json!({})).await;

        assert_eq!(undone.json(), json!({"restored": 1, "taken_out": new}));
        assert_ne!(new, json!(0));
        assert_eq!(served.get("/api/v1/contacts").await.json(), before);
    }

    async fn a_group_is_made_by_list_by_rule_and_of_groups(served: Served) {
        served.staff().await;
        let people = served.get("/api/v1/contacts").await.json();
        let ana = people["items"][0]["id"].clone();
        let made = served.post("/api/v1/groups", &json!({"title": "Night shift", "members": [ana]})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        assert_eq!((&made.json()["name"], &made.json()["people"]), (&json!("night-shift"), &json!(1)));
        let (detail, _) = served.post("/api/v1/groups", &json!({"name": "night-shift"})).await.problem(422);
        assert!(detail.contains("already"), "{detail}");

        let rule = json!({"rules": [{"field": "category", "value": "staff"}]});
        let ruled = served.put("/api/v1/groups/everyone", &rule).await;
        assert_eq!((ruled.status, &ruled.json()["people"]), (StatusCode::CREATED, &json!(3)));
        let whole = served.put("/api/v1/groups/whole", &json!({"parts": ["everyone", "night-shift"]})).await;
        assert_eq!(whole.json()["people"], 3);
        let renamed = served.put("/api/v1/groups/whole", &json!({"title": "The whole house"})).await;
        assert_eq!(renamed.status, StatusCode::OK, "{}", renamed.text);
        assert_eq!(renamed.json()["parts"], json!(["everyone", "night-shift"]));
        served.put("/api/v1/groups/everyone", &json!({"parts": ["whole"]})).await.problem(422);
        served.put("/api/v1/groups/x", &json!({"rules": [{"field": "shoe", "value": "9"}]})).await.problem(422);

        let listed = served.get("/api/v1/groups?limit=2").await.json();
        assert_eq!(listed["items"][0]["name"], "all-staff");
        assert_eq!(served.delete("/api/v1/groups/whole").await.status, StatusCode::NO_CONTENT);
        served.get("/api/v1/groups/whole").await.problem(404);
        served.delete("/api/v1/groups/whole").await.problem(404);
    }

    async fn people_whom_nobody_knows_are_refused_by_their_ids(served: Served) {
        served.staff().await;
        let ana = served.get("/api/v1/contacts").await.json()["items"][0]["id"].clone();
        let members = json!({"title": "Night", "members": [ana, STRANGER]});
        for answer in [
            served.post("/api/v1/groups", &members).await,
            served.put("/api/v1/groups/night", &members).await,
            served.put("/api/v1/groups/all-staff", &json!({"members": [STRANGER]})).await,
        ] {
            let (detail, field) = answer.problem(422);
            assert_eq!(field, "members");
            assert!(detail.contains(STRANGER), "{detail}");
        }
        served.get("/api/v1/groups/night").await.problem(404);
        assert_eq!(served.get("/api/v1/groups/all-staff").await.json()["people"], 3);

        for branch in [
            json!({"caller": STRANGER, "people": []}),
            json!({"caller": STRANGER, "people": [ana]}),
            json!({"caller": ana, "people": [STRANGER]}),
        ] {
            let tree = json!({"name": "Night", "branches": [branch]});
            let (detail, field) = served.post("/api/v1/call-trees", &tree).await.problem(422);
            assert_eq!(field, "branches");
            assert!(detail.contains(STRANGER), "{detail}");
        }
        assert_eq!(served.get("/api/v1/call-trees").await.json()["items"], json!([]));
    }

    async fn a_call_tree_is_made_replaced_and_deleted(served: Served) {
        served.staff().await;
        let people = served.get("/api/v1/contacts").await.json();
        let id = |place: usize| people["items"][place]["id"].clone();
        let draft = json!({"name": "Night", "branches": [{"caller": id(0), "people": [id(1)]}]});
        let made = served.post("/api/v1/call-trees", &draft).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let path = made.header("location").to_owned();
        assert_eq!(made.json()["roots"], json!([id(0)]));
        served.post("/api/v1/call-trees", &draft).await.problem(409);
        let circle = json!({"branches": [
            {"caller": id(0), "people": [id(1)]}, {"caller": id(1), "people": [id(0)]}
        ]});
        assert!(served.put(&path, &circle).await.problem(422).0.contains("circle"));
        let more = json!({"branches": [{"caller": id(2), "people": [id(0), id(1)]}]});
        assert_eq!(served.put(&path, &more).await.json()["branches"], more["branches"]);
        assert_eq!(served.get("/api/v1/call-trees").await.json()["items"][0]["name"], "Night");
        assert_eq!(served.delete(&path).await.status, StatusCode::NO_CONTENT);
        served.get(&path).await.problem(404);
    }
}
