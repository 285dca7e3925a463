//! The real program is killed (SIGKILL) in the middle of 500 recipients: the gateway's own book and
//! the database are compared afterwards.
#![expect(clippy::unwrap_used, reason = "in a test a missing value is a failure")]

#[path = "support/muster.rs"]
pub mod muster;
#[path = "support/rig.rs"]
pub mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::muster::{Muster, Store};

/// A gateway that writes down every message it takes before it answers.
#[derive(Clone, Default)]
struct Book(Arc<Pages>);

#[derive(Default)]
struct Pages {
    copies: Mutex<BTreeMap<String, usize>>,
    written: Notify,
}

impl Book {
    async fn open(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/send", post(take)).with_state(self);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("http://{address}/send")
    }

    fn messages(&self) -> usize {
        self.0.copies.lock().unwrap().values().sum()
    }

    async fn wait_for(&self, messages: usize) {
        while self.messages() < messages {
            self.0.written.notified().await;
        }
    }
}

async fn take(State(book): State<Book>, Json(message): Json<Value>) -> Json<Value> {
    let to = message["to"].as_str().unwrap().to_owned();
    *book.0.copies.lock().unwrap().entry(to).or_default() += 1;
    book.0.written.notify_one();
    // A provider takes a moment to answer: that is when a kill leaves messages in doubt.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await; // the simulated gateway's latency
    Json(json!({ "id": message["reference"] }))
}

async fn nobody_is_lost_and_every_possible_duplicate_is_marked(store: Store) {
    let book = Book::default();
    let url = book.clone().open().await;
    let config = format!(
        "[[gateway]]\nname = \"sms\"\nchannel = \"sms\"\nkind = \"http\"\nurl = \"{url}\"\nslots = 20\n"
    );
    let mut muster = Muster::install(store, &config).await;
    let rows: Vec<String> = (0..500)
        .map(|n| format!("Person {n:03},+4179{:07},all-staff", 1_000_000 + n))
        .collect();
    muster
        .import(&format!("name,mobile,groups\n{}", rows.join("\n")))
        .await;
    muster.approve_all().await;
    muster.serve().await;
    let alert = muster
        .launch("evacuation", &["all-staff"], json!({ "hazard": "fire" }))
        .await;

    for taken in [60, 200] {
        book.wait_for(taken).await;
        muster.kill().await;
        muster.serve().await;
    }
    muster
        .wait_for(&alert, "everyone handed over", |shown| {
            shown["counts"]["accepted"] == 500
        })
        .await;

    let copies = book.0.copies.lock().unwrap().clone();
    assert_eq!(copies.len(), 500, "nobody is lost");
    let twice = copies.values().filter(|copies| **copies > 1).count();
    let most = copies.values().max().copied().unwrap();
    assert!(
        most <= 3,
        "one copy, and one more for each of two kills: {most}"
    );
    let page = muster
        .get(&format!("/api/v1/alerts/{alert}/recipients?limit=1000"))
        .await;
    let marked = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["deliveries"][0]["possible_duplicate"] == true)
        .count();
    assert!(
        marked >= twice,
        "{twice} got it twice and only {marked} are marked"
    );
    assert!(
        marked <= 2 * (20 + 100),
        "{marked} are marked, more than two times the slots and what is taken during a commit"
    );
    muster.audit().await;
}

#[tokio::test]
async fn nobody_is_lost_and_every_possible_duplicate_is_marked_on_sqlite() {
    nobody_is_lost_and_every_possible_duplicate_is_marked(Store::Sqlite).await;
}

#[tokio::test]
async fn nobody_is_lost_and_every_possible_duplicate_is_marked_on_postgres() {
    nobody_is_lost_and_every_possible_duplicate_is_marked(Store::Postgres).await;
}
