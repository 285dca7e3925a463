//! A gateway for several servers that writes down who sent what to whom, and when.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::watch;

/// So many messages show that a server takes part.
const SOME: usize = 5;

/// The gateway. Clones share one.
#[derive(Clone)]
pub(super) struct Book(Arc<Pages>);

struct Pages {
    port: u16,
    taken: Mutex<Vec<Taken>>,
    count: watch::Sender<usize>,
    /// Milliseconds until an answer.
    latency: AtomicU64,
    /// The server whose messages are taken and not answered, if there is one.
    held: watch::Sender<String>,
}

/// A message that was taken.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// Which server sent it.
    pub(super) node: String,
    /// Its text.
    pub(super) text: String,
    /// The delivery that it is.
    pub(super) delivery: i64,
    /// When.
    pub(super) at: Instant,
}

impl Book {
    /// Opens on a free port of every address of this machine.
    pub(super) async fn open(latency: Duration) -> Self {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        let book = Self(Arc::new(Pages {
            port: listener.local_addr().unwrap().port(),
            taken: Mutex::default(),
            count: watch::Sender::new(0),
            latency: AtomicU64::default(),
            held: watch::Sender::new(String::new()),
        }));
        book.answer_after(latency);
        let router = Router::new()
            .route("/send/{node}", post(take))
            .with_state(book.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        book
    }

    /// Where this server sends to, as seen from `host`.
    pub(super) fn url(&self, host: &str, node: &str) -> String {
        format!("http://{host}:{}/send/{node}", self.0.port)
    }

    /// How long an answer takes from now on.
    pub(super) fn answer_after(&self, latency: Duration) {
        let millis = u64::try_from(latency.as_millis()).unwrap();
        self.0.latency.store(millis, Ordering::Relaxed);
    }

    /// Takes this server's messages without answering, until [`Book::release`].
    pub(super) fn hold(&self, node: &str) {
        self.0.held.send_replace(node.to_owned());
    }

    /// Answers what was held.
    pub(super) fn release(&self) {
        self.0.held.send_replace(String::new());
    }

    /// Everything that was taken, in order.
    pub(super) fn taken(&self) -> Vec<Taken> {
        self.0.taken.lock().unwrap().clone()
    }

    /// How many messages this server has sent.
    pub(super) fn sent_by(&self, node: &str) -> usize {
        let taken = self.0.taken.lock().unwrap();
        taken.iter().filter(|one| one.node == node).count()
    }

    /// How many messages were taken.
    pub(super) fn count(&self) -> usize {
        *self.0.count.borrow()
    }

    /// Waits until that many messages were taken.
    pub(super) async fn wait_for(&self, count: usize) {
        let mut seen = self.0.count.subscribe();
        let enough = seen.wait_for(|taken| *taken >= count);
        let waited = tokio::time::timeout(super::node::PATIENCE, enough).await;
        assert!(
            waited.is_ok(),
            "only {} of {count} messages came",
            self.count()
        );
    }

    /// Waits until each of these servers has sent some.
    pub(super) async fn wait_for_each(&self, nodes: &[&str]) {
        let mut seen = self.0.count.subscribe();
        let all = seen.wait_for(|_| nodes.iter().all(|node| self.sent_by(node) >= SOME));
        let waited = tokio::time::timeout(super::node::PATIENCE, all).await;
        let shares: Vec<usize> = nodes.iter().map(|node| self.sent_by(node)).collect();
        assert!(waited.is_ok(), "not all of them send: {nodes:?} {shares:?}");
    }

    /// How often each delivery was taken.
    pub(super) fn copies(&self) -> BTreeMap<i64, usize> {
        let mut copies = BTreeMap::new();
        for one in self.taken() {
            *copies.entry(one.delivery).or_default() += 1;
        }
        copies
    }
}

async fn take(
    State(book): State<Book>,
    Path(node): Path<String>,
    Json(message): Json<Value>,
) -> Json<Value> {
    let word = |key: &str| message[key].as_str().unwrap().to_owned();
    let pages = &book.0;
    pages.taken.lock().unwrap().push(Taken {
        text: word("text"),
        delivery: word("reference").parse().unwrap(),
        at: Instant::now(),
        node: node.clone(),
    });
    pages.count.send_modify(|count| *count += 1);
    let latency = Duration::from_millis(pages.latency.load(Ordering::Relaxed));
    tokio::time::sleep(latency).await; // the simulated gateway's latency
    let mut held = pages.held.subscribe();
    held.wait_for(|held| *held != node).await.unwrap();
    // Each copy gets a name of its own, as with a provider.
    let id = format!(
        "{}-{}",
        word("reference"),
        pages.taken.lock().unwrap().len()
    );
    Json(json!({ "id": id }))
}
