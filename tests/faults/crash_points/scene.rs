//! One person, one gateway, and a server that dies where it is told to.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::net::TcpListener;

use crate::book::{Desk, Entry, Reader};
use crate::gateway::{self, Gateway};
use crate::muster::{Muster, Store};

/// How long the gateway may wait for its messages.
const PATIENCE: Duration = Duration::from_mins(1);

/// An installation whose one gateway keeps a book.
pub(super) struct Scene {
    pub(super) muster: Muster,
    pub(super) gateway: Gateway,
    store: Store,
    book: PathBuf,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// Its gateway is of this kind; `more` is further configuration, of the gateway first.
    pub(super) async fn new(store: Store, desk: Desk, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let book = folder.path().join("book.jsonl");
        let gateway = Gateway::new(&book, 0..=0);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let channel = if desk == Desk::Mail { "email" } else { "sms" };
        match desk {
            Desk::Mail => tokio::spawn(gateway.clone().serve_mail(listener)),
            _ => tokio::spawn(gateway.clone().serve(listener)),
        };
        let config = gateway::table(desk, channel, port) + more;
        let muster = Muster::install(store, &config).await;
        muster
            .import("name,mobile,email,groups\nAna,+41791000001,ana@clinic.example,all-staff\n")
            .await;
        muster.json(&["templates", "approve", "evacuation"]).await;
        Self {
            muster,
            gateway,
            store,
            book,
            _folder: folder,
        }
    }

    /// Starts the server, which will die at this point.
    pub(super) async fn start(&mut self, fail_point: &str) {
        self.muster.start(fail_point);
        self.muster.ready().await;
    }

    /// Starts it again after a death. Nobody is to wait for the dead server's lease.
    pub(super) async fn restart(&mut self) {
        if self.store == Store::Postgres {
            let url = self.muster.database();
            let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
            sqlx::query("UPDATE boot SET lease_until = 0")
                .execute(&mut connection)
                .await
                .unwrap();
        }
        self.muster.serve().await;
    }

    /// Asks for the one alert, under the same key each time. None if the server died over it.
    pub(super) async fn launch(&self) -> Option<Value> {
        self.launch_by("all-at-once").await
    }

    /// [`Scene::launch`] by another plan.
    pub(super) async fn launch_by(&self, plan: &str) -> Option<Value> {
        let body = json!({
            "template": "evacuation", "mode": "live", "plan": plan,
            "audience": { "groups": ["all-staff"] }, "variables": { "hazard": "fire" },
        });
        let (status, answer) = self
            .muster
            .try_post("/api/v1/alerts", "once", &body)
            .await?;
        assert_eq!(status, 202, "{answer}");
        Some(answer)
    }

    /// Every alert there is.
    pub(super) async fn alerts(&self) -> Vec<Value> {
        let listed = self.muster.get("/api/v1/alerts").await;
        listed["items"].as_array().unwrap().clone()
    }

    /// The one person of the one alert.
    pub(super) async fn person(&self) -> Value {
        let alerts = self.alerts().await;
        let id = alerts[0]["id"].as_str().unwrap();
        let page = self
            .muster
            .get(&format!("/api/v1/alerts/{id}/recipients"))
            .await;
        page["items"][0].clone()
    }

    /// The one person, once so many messages were taken.
    pub(super) async fn accepted(&self, messages: u64) -> Value {
        let alerts = self.alerts().await;
        let id = alerts[0]["id"].as_str().unwrap();
        let taken = |shown: &Value| -> u64 {
            let channels = shown["deliveries"].as_object().unwrap().values();
            let states = channels.flat_map(|states| [&states["accepted"], &states["sent"]]);
            states.filter_map(Value::as_u64).sum()
        };
        let what = format!("{messages} messages are taken");
        self.muster
            .wait_for(id, &what, |shown| taken(shown) == messages)
            .await;
        self.person().await
    }

    /// The gateway's book.
    pub(super) fn entries(&self) -> Vec<Entry> {
        Reader::open(&self.book).news()
    }

    /// Waits until the gateway has so many entries.
    pub(super) async fn expect_entries(&self, entries: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.entries().len() < entries {
            assert!(
                Instant::now() < deadline,
                "never {entries} entries in the book: {:?}\n{}",
                self.entries(),
                self.muster.log()
            );
            tokio::time::sleep(Duration::from_millis(5)).await; // paces the look into the book
        }
    }

    /// Rows of a table.
    pub(super) async fn count(&self, table: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let url = self.muster.database();
        if self.store == Store::Postgres {
            let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
            return sqlx::query_scalar(sql)
                .fetch_one(&mut connection)
                .await
                .unwrap();
        }
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query_scalar(sql)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }
}
