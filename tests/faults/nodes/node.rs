//! Several real servers on one database: each with a folder, a port and an address of its own at the
//! gateway, so that its book says who sent what.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::book::Book;
use crate::support::environment::http_client;
use crate::support::ports::free_port;

/// How long a fact may take to become true before the test fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

/// What the servers of one test have in common.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The database's address; none: SQLite in the first server's folder.
    pub(super) database: Option<String>,
    /// Messages that one server has on the wire at once.
    pub(super) slots: u32,
    /// More lines for every configuration.
    pub(super) more: String,
}

/// One server.
#[derive(Debug)]
pub(super) struct Node {
    /// What the gateway calls it.
    pub(super) name: String,
    folder: TempDir,
    listen: String,
    /// What stands before the program's name: a network of its own.
    wrapper: Vec<String>,
    server: Option<Child>,
    token: String,
    database: Option<String>,
}

/// Where a server runs.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The address that it listens on and that tests reach it by.
    pub(super) host: String,
    /// The address that it reaches the gateway by.
    pub(super) gateway: String,
    /// The command that goes there.
    pub(super) wrapper: Vec<String>,
}

impl Place {
    /// On this machine like any other program.
    pub(super) fn here() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            gateway: "127.0.0.1".to_owned(),
            wrapper: Vec::new(),
        }
    }
}

impl Node {
    /// Installs a server and makes its key and its token. It is not started.
    pub(super) async fn first(site: &Site, name: &str, book: &Book) -> Self {
        let mut node = Self::install(site, name, book, &Place::here());
        let made = node
            .run(&[
                "token", "create", "--name", "test", "--scope", "admin", "--json",
            ])
            .await;
        let made: Value = serde_json::from_str(&made).unwrap();
        made["token"].as_str().unwrap().clone_into(&mut node.token);
        node.run(&["templates", "approve", "--all"]).await;
        node
    }

    /// Installs another server on the same database, with the same key.
    pub(super) fn beside(&self, site: &Site, name: &str, book: &Book, place: &Place) -> Self {
        let mut node = Self::install(site, name, book, place);
        let key = |folder: &Path| folder.join("data/muster.key");
        std::fs::create_dir(node.folder.path().join("data")).unwrap();
        std::fs::copy(key(self.folder.path()), key(node.folder.path())).unwrap();
        node.token.clone_from(&self.token);
        node
    }

    fn install(site: &Site, name: &str, book: &Book, place: &Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen = format!("{}:{}", place.host, free_port());
        let mut config = format!(
            "listen = \"{listen}\"\ndata_dir = \"{}\"\n",
            folder.path().join("data").display()
        );
        if let Some(url) = &site.database {
            writeln!(config, "database = \"{url}\"").unwrap();
        }
        writeln!(
            config,
            "[organisation]\nname = \"Riverside Clinic\"\nphone = \"555 0100\"\nregion = \"CH\"\n\
             [[gateway]]\nname = \"sms\"\nchannel = \"sms\"\nkind = \"http\"\nurl = \"{}\"\nslots = {}\n{}",
            book.url(&place.gateway, name),
            site.slots,
            site.more
        )
        .unwrap();
        std::fs::write(folder.path().join("muster.toml"), config).unwrap();
        Self {
            name: name.to_owned(),
            folder,
            listen,
            wrapper: place.wrapper.clone(),
            server: None,
            token: String::new(),
            database: site.database.clone(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_muster").to_owned();
        let words: Vec<&String> = self.wrapper.iter().chain([&program]).collect();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(["--config", "muster.toml"])
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a command beside the server: its exit code, and all that it printed.
    pub(super) async fn try_run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command(arguments).output().await.unwrap();
        let mut printed = String::from_utf8(output.stdout).unwrap();
        if !output.status.success() {
            printed.push_str(&String::from_utf8(output.stderr).unwrap());
        }
        (output.status.code().unwrap_or(-1), printed)
    }

    /// Runs a command that must succeed.
    pub(super) async fn run(&self, arguments: &[&str]) -> String {
        let (code, printed) = self.try_run(arguments).await;
        assert_eq!(code, 0, "{arguments:?}: {printed}");
        printed
    }

    /// Adds that many people with a mobile number to a group.
    pub(super) async fn import(&self, group: &str, first: u32, count: u32) {
        let mut csv = "name,mobile,groups\n".to_owned();
        for number in first..first + count {
            writeln!(
                csv,
                "Person {number:04},+4179{:07},{group}",
                1_000_000 + number
            )
            .unwrap();
        }
        let file = self.folder.path().join("people.csv");
        std::fs::write(&file, csv).unwrap();
        self.run(&["contacts", "import", &file.display().to_string()])
            .await;
    }

    /// Starts the server and waits until it is ready.
    pub(super) async fn serve(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))
            .unwrap();
        let server = self
            .command(&["serve"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.server = Some(server.unwrap());
        self.wait_until("ready", async || self.ready().await.0 == 200)
            .await;
    }

    /// Asks again and again until it is so.
    pub(super) async fn wait_until(&self, what: &str, is: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is().await {
            assert!(
                Instant::now() < deadline,
                "{}: never {what}\n{}",
                self.name,
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await; // paces the question
        }
    }

    /// What `/readyz` says; 0 if nothing answers.
    pub(super) async fn ready(&self) -> (u16, String) {
        self.page("/readyz").await
    }

    /// What a page says without signing in; 0 if nothing answers.
    pub(super) async fn page(&self, path: &str) -> (u16, String) {
        match http_client().get(self.url(path)).send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                (status, answer.text().await.unwrap_or_default())
            }
            Err(_) => (0, String::new()),
        }
    }

    /// What the server logged.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// The address of a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listen)
    }

    /// Sends the server's process a signal: `TERM`, `STOP`, `CONT`.
    pub(super) async fn signal(&self, name: &str) {
        let id = self.server.as_ref().and_then(Child::id).unwrap();
        let sent = Command::new("kill")
            .args([format!("-{name}"), id.to_string()])
            .status()
            .await;
        assert!(sent.unwrap().success());
    }

    /// Kills the server without a word and waits until it is gone.
    pub(super) async fn kill(&mut self) {
        self.server.take().unwrap().kill().await.unwrap();
    }

    /// Waits until the server has ended by itself.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        let mut server = self.server.take().unwrap();
        let ended = tokio::time::timeout(PATIENCE, server.wait()).await;
        ended.expect("a server that is told to stop stops").unwrap()
    }

    /// Asks for a launch of the evacuation to a group: the status, 0 if nothing answered, and the body.
    pub(super) async fn try_launch(
        &self,
        group: &str,
        plan: &str,
        key: Option<&str>,
    ) -> (u16, Value) {
        let body = json!({
            "template": "evacuation", "mode": "live", "audience": { "groups": [group] },
            "variables": { "hazard": "fire" }, "plan": plan,
        });
        let mut request = http_client()
            .post(self.url("/api/v1/alerts"))
            .bearer_auth(&self.token)
            .timeout(Duration::from_secs(20))
            .json(&body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                (status, answer.json().await.unwrap_or_default())
            }
            Err(_) => (0, Value::Null),
        }
    }

    /// Launches all at once.
    pub(super) async fn launch(&self, group: &str) -> String {
        let (status, answer) = self.try_launch(group, "all-at-once", None).await;
        assert_eq!(status, 202, "{answer}\n{}", self.log());
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Whether the server finds this alert in the database.
    pub(super) async fn has_alert(&self, id: &str) -> bool {
        let url = self.url(&format!("/api/v1/alerts/{id}"));
        let asked = http_client().get(url).bearer_auth(&self.token).send().await;
        let status = asked.unwrap().status().as_u16();
        assert!(matches!(status, 200 | 404), "{status}");
        status == 200
    }

    /// Numbers that one statement answers with, asked of the database itself.
    pub(super) async fn ask(&self, sql: &'static str) -> Vec<i64> {
        let rows = if let Some(url) = &self.database {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::query_scalar(sql).fetch_all(&mut connection).await
        } else {
            let file = self.folder.path().join("data/muster.db");
            let address = format!("sqlite:{}", file.display());
            let mut connection = SqliteConnection::connect(&address).await.unwrap();
            sqlx::query_scalar(sql).fetch_all(&mut connection).await
        };
        let mut rows: Vec<i64> = rows.unwrap();
        rows.sort_unstable();
        rows
    }

    /// The one number that a statement answers with.
    pub(super) async fn count(&self, sql: &'static str) -> i64 {
        self.ask(sql).await[0]
    }

    /// Waits until everything that was launched has been handed over.
    pub(super) async fn all_accepted(&self) {
        let open = "SELECT count(*) FROM delivery WHERE state NOT IN ('accepted', 'excluded', 'cancelled')";
        let unwritten = "SELECT count(*) FROM alert_step WHERE state = 'writing' OR (step = 0 AND state = 'waiting')";
        self.wait_until("everything handed over", async || {
            self.count(unwritten).await == 0 && self.count(open).await == 0
        })
        .await;
    }

    /// The promises hold and the chain is whole.
    pub(super) async fn audit(&self) {
        self.run(&["audit", "check"]).await;
        self.run(&["audit", "verify"]).await;
    }

    /// The gateway's book and the database agree: nobody is missing, and whoever got a message twice is
    /// marked. Answers how many got it twice.
    pub(super) async fn compare(&self, book: &Book) -> usize {
        let copies = book.copies();
        let sent = "SELECT id FROM delivery WHERE state = 'accepted'";
        for delivery in self.ask(sent).await {
            assert!(copies.contains_key(&delivery), "{delivery} is lost");
        }
        let marked = self
            .ask("SELECT id FROM delivery WHERE possible_duplicate")
            .await;
        let twice: Vec<_> = copies.iter().filter(|(_, copies)| **copies > 1).collect();
        for (delivery, copies) in &twice {
            assert!(
                marked.contains(delivery),
                "{delivery} came {copies} times and is not marked"
            );
        }
        twice.len()
    }
}
