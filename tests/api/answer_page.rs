//! The page behind a recipient's link: opening it changes nothing, pressing a button records.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::on_both;
use crate::served::{Answer, Served, path_of};

/// The most that a page may weigh on the way to a phone.
const BUDGET: usize = 1024;

/// Everyone's page of a launched closure, Ana's (English, by SMS) first, Luis's (Spanish) second.
async fn pages(served: &Served) -> (String, String, String) {
    served.start_sending().await;
    let id = served.launched().await;
    let messages = served.received(3).await;
    let to = |number: &str| {
        let message = messages
            .iter()
            .find(|message| message["to"] == number)
            .unwrap();
        path_of(served, message)
    };
    (id, to("+41791234567"), to("+41791234568"))
}

async fn open(served: &Served, path: &str) -> Answer {
    served.send(served.request(Method::GET, path)).await
}

async fn press(served: &Served, path: &str, fields: &[(&str, &str)]) -> Answer {
    served
        .send(served.request(Method::POST, path).form(fields))
        .await
}

async fn answers(served: &Served, id: &str) -> Value {
    served.get(&format!("/api/v1/alerts/{id}")).await.json()["answers"].clone()
}

/// The key of the alert's first answer, and of its second.
async fn keys(served: &Served) -> (String, String) {
    let closure = served.get("/api/v1/templates/closure").await.json();
    let key = |place: usize| {
        closure["options"][place]["key"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    (key(0), key(1))
}

async fn weight(served: &Served, path: &str, encoding: &str) -> usize {
    let request = served
        .request(Method::GET, path)
        .header("accept-encoding", encoding);
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], encoding);
    response.bytes().await.unwrap().len()
}

on_both! {
    async fn a_press_right_after_a_mail_is_kept_and_asks_for_a_second_one(served: Served) {
        served.start_sending().await;
        let id = served.launched().await;
        let messages = served.received(3).await;
        let is_mail = |message: &&Value| message["to"].as_str().unwrap().contains('@');
        let mia = path_of(&served, messages.iter().find(is_mail).unwrap());
        let (first, _) = keys(&served).await;
        let before = answers(&served, &id).await;
        let page = press(&served, &mia, &[("o", &first)]).await;
        assert!(page.text.contains("Please answer once more"), "{}", page.text);
        assert_eq!(answers(&served, &id).await, before, "nobody has answered yet");
        assert!(open(&served, &mia).await.text.contains("Please answer once more"));
    }

    async fn opening_the_link_changes_nothing_and_a_button_records(served: Served) {
        let (id, ana, luis) = pages(&served).await;
        let (first, second) = keys(&served).await;
        let before = answers(&served, &id).await;
        for _ in 0..3 {
            let page = open(&served, &ana).await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.text.contains("No answer has been recorded yet."), "{}", page.text);
            assert!(page.text.contains("BUILDING CLOSED") && !page.text.contains("http"), "{}", page.text);
            let button = page.text.find("<button").unwrap();
            assert!(page.text[button..].starts_with(&format!("<button name=\"o\" value=\"{first}\"")));
        }
        assert_eq!(answers(&served, &id).await, before);

        let recorded = press(&served, &ana, &[("o", &first)]).await;
        assert_eq!(recorded.status, StatusCode::OK, "{}", recorded.text);
        assert!(recorded.text.contains("Recorded:") && recorded.text.contains("14:02:07"), "{}", recorded.text);
        assert_eq!(answers(&served, &id).await[&first], 1);

        served.app.clock.advance(Duration::from_mins(1));
        let changed = press(&served, &ana, &[("o", &second)]).await;
        assert!(changed.text.contains("14:03:07"), "{}", changed.text);
        let now = answers(&served, &id).await;
        assert_eq!((&now[&first], &now[&second]), (&json!(0), &json!(1)));
        let people = served.get(&format!("/api/v1/alerts/{id}/recipients")).await.json();
        assert_eq!(people["items"][0]["answered_at"], "2026-11-22T14:02:07.000Z");
        assert_eq!(people["items"][0]["responses"].as_array().unwrap().len(), 2);
        assert_eq!(people["items"][0]["responses"][0]["via"], "link");

        let spanish = open(&served, &luis).await;
        assert!(spanish.text.contains("lang=\"es\"") && spanish.text.contains("EDIFICIO CERRADO"));
        assert!(!spanish.text.contains("Ana"));
    }

    async fn the_page_is_kept_nowhere_and_loads_nothing(served: Served) {
        let (_, ana, _) = pages(&served).await;
        let page = open(&served, &ana).await;
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-robots-tag"), "noindex");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'sha256-"));
        assert!(page.headers.get("set-cookie").is_none());
        assert!(!page.text.contains("<script") && !page.text.contains("src="));

        let head = served.send(served.request(Method::HEAD, &ana)).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
        assert_eq!(head.header("content-security-policy"), policy);
    }

    async fn the_style_that_the_policy_allows_is_the_pages_own(served: Served) {
        use base64::Engine as _;
        use sha2::Digest as _;
        let page = open(&served, "/a/unknown").await;
        let (_, rest) = page.text.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
        assert!(page.header("content-security-policy").contains(&format!("'sha256-{hash}'")));
    }

    async fn an_unknown_link_gets_a_kind_page_with_the_phone_number(served: Served) {
        let page = open(&served, "/a/2222222222222222222222").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.text.contains("+41 44 555 01 00") && page.text.contains("tel:+41445550100"));
        assert!(page.text.contains("expired or is wrong"));
        assert_eq!(page.header("cache-control"), "no-store");
        let posted = press(&served, "/a/2222222222222222222222", &[("o", "read")]).await;
        assert_eq!((posted.status, &posted.text), (StatusCode::NOT_FOUND, &page.text));
        assert_eq!(open(&served, "/a/%ff").await.status, StatusCode::NOT_FOUND);
        for cut in ["/a/", "/a", "/a/2222222222222222222222/", "/a/2222222222222222222222/x"] {
            let broken = open(&served, cut).await;
            assert_eq!((broken.status, &broken.text), (StatusCode::NOT_FOUND, &page.text), "{cut}");
        }
    }

    async fn a_link_with_something_behind_it_is_an_unknown_one_and_records_nothing(served: Served) {
        let (id, ana, _) = pages(&served).await;
        let (first, _) = keys(&served).await;
        let before = answers(&served, &id).await;
        let longer = format!("{ana}/");
        let page = open(&served, &longer).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.text.contains("tel:+41445550100"), "{}", page.text);
        assert_eq!(press(&served, &longer, &[("o", &first)]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(answers(&served, &id).await, before);
    }

    async fn what_is_not_recorded_is_said_in_the_readers_language(served: Served) {
        let (_, _, luis) = pages(&served).await;
        let long = "x".repeat(3000);
        for answer in ["launch", &long] {
            let page = press(&served, &luis, &[("o", answer)]).await;
            assert!(page.status.is_client_error());
            assert!(page.text.contains("NO se ha registrado"), "{}", page.text);
            assert!(page.text.contains("Llamar +41 44 555 01 00"), "{}", page.text);
        }
    }

    async fn guessing_is_slowed_down_and_real_links_are_not(served: Served) {
        let (_, ana, _) = pages(&served).await;
        for number in 0..30 {
            let page = open(&served, &format!("/a/guess{number}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND);
        }
        let page = open(&served, "/a/guess").await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(page.text.contains("+41 44 555 01 00"));
        assert_eq!(open(&served, &ana).await.status, StatusCode::OK);
        served.app.clock.advance(Duration::from_secs(61));
        assert_eq!(open(&served, "/a/guess").await.status, StatusCode::NOT_FOUND);
    }

    async fn what_is_not_offered_is_not_recorded(served: Served) {
        let (id, ana, _) = pages(&served).await;
        let before = answers(&served, &id).await;
        let (first, _) = keys(&served).await;
        for fields in [&[("o", "launch")][..], &[], &[("o", &first), ("w", "1")]] {
            let page = press(&served, &ana, fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(page.text.contains("NOT recorded") && page.text.contains("+41 44 555 01 00"));
        }
        let long = "x".repeat(3000);
        let page = press(&served, &ana, &[("o", &long)]).await;
        assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answers(&served, &id).await, before);
    }

    async fn the_page_says_how_the_alert_stands_and_late_answers_are_marked(served: Served) {
        let (id, ana, _) = pages(&served).await;
        let (first, _) = keys(&served).await;
        served.approve("correction").await;
        served.post(&format!("/api/v1/alerts/{id}/correct"), &json!({})).await;
        served.received(6).await;
        let page = open(&served, &ana).await;
        assert!(page.text.contains("CORRECTED: this was a false alarm."), "{}", page.text);
        assert!(page.text.contains("FALSE ALARM") && !page.text.contains("BUILDING CLOSED"));
        let late = press(&served, &ana, &[("o", &first)]).await;
        assert!(late.text.contains("after the end"), "{}", late.text);
        let people = served.get(&format!("/api/v1/alerts/{id}/recipients")).await.json();
        assert_eq!(people["items"][0]["responses"][0]["late"], true);

        served.app.clock.advance(Duration::from_hours(71));
        let page = open(&served, &ana).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("22 November 2026, 14:02:07"), "{}", page.text);
        served.app.clock.advance(Duration::from_hours(2));
        assert_eq!(open(&served, &ana).await.status, StatusCode::NOT_FOUND);
        assert_eq!(press(&served, &ana, &[("o", &first)]).await.status, StatusCode::NOT_FOUND);
    }

    async fn people_who_share_a_phone_say_who_they_are(served: Served) {
        served.start_sending().await;
        let csv = "name,mobile,groups\n\
                   Ana Cruz,+41 79 123 45 67,all-staff\n\
                   Luis Cruz,+41 79 123 45 67,all-staff\n";
        served.import("/api/v1/contacts/import", csv).await;
        served.approve("closure").await;
        let launched = served.post("/api/v1/alerts", &Served::closure()).await.json();
        let id = launched["id"].as_str().unwrap();
        let messages = served.received(1).await;
        let path = path_of(&served, &messages[0]);
        let page = open(&served, &path).await;
        assert!(page.text.contains("Who is answering?"), "{}", page.text);
        let (before, _) = page.text.split_once("> Luis").unwrap();
        let (_, value) = before.rsplit_once("value=\"").unwrap();
        let who = value.split('"').next().unwrap();
        let (first, _) = keys(&served).await;
        let page = press(&served, &path, &[("w", who), ("o", &first)]).await;
        assert!(page.text.contains("Luis: "), "{}", page.text);
        let people = served.get(&format!("/api/v1/alerts/{id}/recipients?state=acknowledged")).await.json();
        assert_eq!(people["items"].as_array().unwrap().len(), 1);
        assert_eq!(people["items"][0]["name"], "Luis Cruz");
    }

    async fn every_page_weighs_less_than_a_kilobyte(served: Served) {
        let (id, ana, luis) = pages(&served).await;
        let (first, _) = keys(&served).await;
        let mut heaviest = 0;
        let mut weigh = async |path: &str| {
            for encoding in ["gzip", "br"] {
                let weight = weight(&served, path, encoding).await;
                heaviest = heaviest.max(weight);
                assert!(weight <= BUDGET, "{path}: {weight} bytes in {encoding}");
            }
        };
        weigh("/a/unknown").await;
        for path in [&ana, &luis] {
            weigh(path).await;
            press(&served, path, &[("o", &first)]).await;
            weigh(path).await;
        }
        served.approve("correction").await;
        served.post(&format!("/api/v1/alerts/{id}/correct"), &json!({})).await;
        for path in [&ana, &luis] {
            press(&served, path, &[("o", &first)]).await;
            weigh(path).await;
        }
        assert!(heaviest > 300, "nothing was weighed");
    }
}
