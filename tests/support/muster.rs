//! The real program, run as its users run it: a server on a free port, and commands beside it.
#![expect(clippy::panic, reason = "a command that fails is a failed test")]

use std::fmt::Write as _;
use std::io::{Read as _, Seek as _};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::Connection as _;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::environment::http_client;
use crate::support::ports::free_port;
use crate::support::postgres::{FreshDatabase, fresh_database};

/// How long a fact may take to become true before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// An installation in a folder of its own, with its server.
#[derive(Debug)]
pub struct Muster {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
    token: String,
    database: Option<FreshDatabase>,
}

/// Which database it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// The embedded one.
    Sqlite,
    /// The test server's.
    Postgres,
}

impl Muster {
    /// An installation with these `[[gateway]]` tables; the server is not started. In the text,
    /// `{public}` stands for the server's own address.
    pub async fn install(store: Store, gateways: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let mut config = format!(
            "listen = \"127.0.0.1:{port}\"\ndata_dir = \"{}\"\n",
            folder.path().join("data").display()
        );
        let mut database = None;
        if store == Store::Postgres {
            let fresh = fresh_database().await;
            writeln!(config, "database = \"{}\"", fresh.url()).expect("writing to a string");
            database = Some(fresh);
        }
        config.push_str(
            "[organisation]\nname = \"Riverside Clinic\"\nphone = \"555 0100\"\nregion = \"CH\"\n\
             languages = [\"en\", \"es\"]\n",
        );
        config.push_str(gateways);
        std::fs::write(folder.path().join("muster.toml"), config).expect("the folder is ours");
        let mut muster = Self {
            folder,
            port,
            server: None,
            token: String::new(),
            database,
        };
        let made = muster
            .json(&["token", "create", "--name", "test", "--scope", "admin"])
            .await;
        made["token"]
            .as_str()
            .expect("a token is printed")
            .clone_into(&mut muster.token);
        muster
    }

    /// Starts the server and waits until it is ready.
    pub async fn serve(&mut self) {
        self.start("");
        self.ready().await;
    }

    /// Starts the server, which dies at this fail point; none if the name is empty.
    pub fn start(&mut self, fail_point: &str) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))
            .expect("the folder is ours");
        let server = self
            .command(&["serve"])
            .env("FAILPOINTS", fail_point)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program can be run");
        self.server = Some(server);
    }

    /// Waits until the server that was started is ready.
    pub async fn ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        let client = http_client();
        while client.get(self.url("/readyz")).send().await.is_err() {
            assert!(
                Instant::now() < deadline,
                "the server does not start:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await; // paces the question
        }
    }

    /// Kills the server without a word (SIGKILL) and waits until it is gone.
    pub async fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().await.expect("the server was running");
        }
    }

    /// Waits until the server has died by itself, at its fail point.
    pub async fn died(&mut self) {
        use std::os::unix::process::ExitStatusExt as _;
        const SIGABRT: i32 = 6;
        let mut server = self.server.take().expect("the server was started");
        let ended = tokio::time::timeout(PATIENCE, server.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("it never came there:\n{}", self.log()));
        let status = status.expect("it is ours to wait for");
        assert_eq!(status.signal(), Some(SIGABRT), "{}", self.log());
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// The database's address, as in the configuration.
    pub fn database(&self) -> String {
        let file = self.folder.path().join("data/muster.db");
        self.database.as_ref().map_or_else(
            || format!("sqlite:{}", file.display()),
            |one| one.url().to_owned(),
        )
    }

    /// The one number that a statement answers with, asked of the database itself.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let url = self.database();
        if url.starts_with("postgres") {
            let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut connection).await
        } else {
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut connection).await
        }
        .unwrap()
    }

    /// The folder of this installation.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of a path on the server.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command
            .args(["--config", "muster.toml"])
            .args(arguments)
            .current_dir(self.folder.path())
            .env("MUSTER_URL", self.url(""))
            .env("MUSTER_TOKEN", &self.token)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a command beside the server. Answers its exit code, what it printed, and its errors.
    pub async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self
            .command(arguments)
            .output()
            .await
            .expect("the program can be run");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
        (
            output.status.code().unwrap_or(-1),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// Runs a command and kills it (SIGKILL) after a pause. Whether it had ended well before.
    pub async fn run_until_killed(&self, arguments: &[&str], pause: Duration) -> bool {
        let mut command = self.command(arguments);
        let mut errors = tempfile::tempfile().expect("there is room for a log");
        let log = errors.try_clone().expect("the log has another handle");
        let command = command.stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().expect("the program can be run");
        let ended = tokio::time::timeout(pause, child.wait()).await;
        let Ok(status) = ended else {
            child.kill().await.expect("it is ours to kill");
            return false;
        };
        let status = status.expect("it is ours to wait for");
        let mut said = String::new();
        errors.rewind().expect("a file can be read again");
        errors.read_to_string(&mut said).expect("it wrote text");
        assert!(status.success(), "{arguments:?}: {said}");
        true
    }

    /// Runs a command that must succeed, with `--json`.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let (code, printed, errors) = self.run(&arguments).await;
        assert_eq!(code, 0, "{arguments:?}: {errors}\n{printed}");
        serde_json::from_str(&printed).unwrap_or_else(|_| panic!("no JSON: {printed}"))
    }

    /// Asks the API.
    pub async fn get(&self, path: &str) -> Value {
        let request = http_client().get(self.url(path)).bearer_auth(&self.token);
        let answer = request.send().await.expect("the server answers");
        answer.json().await.expect("the API speaks JSON")
    }

    /// Tells the API. Answers the status code and the body.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = http_client()
            .post(self.url(path))
            .bearer_auth(&self.token)
            .json(body);
        let answer = request.send().await.expect("the server answers");
        (
            answer.status().as_u16(),
            answer.json().await.unwrap_or(Value::Null),
        )
    }

    /// Tells the API under an idempotency key. None if the server is away or breaks off.
    pub async fn try_post(&self, path: &str, key: &str, body: &Value) -> Option<(u16, Value)> {
        let request = http_client()
            .post(self.url(path))
            .bearer_auth(&self.token)
            .header("Idempotency-Key", key)
            .json(body);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    /// Adds people by the import, from a file's text.
    pub async fn import(&self, csv: &str) {
        let file = self.folder.path().join("people.csv");
        std::fs::write(&file, csv).expect("the folder is ours");
        let (code, printed, errors) = self
            .run(&["contacts", "import", &file.display().to_string()])
            .await;
        assert_eq!(code, 0, "{errors}\n{printed}");
    }

    /// Approves every shipped template.
    pub async fn approve_all(&self) {
        let (code, _, errors) = self.run(&["templates", "approve", "--all"]).await;
        assert_eq!(code, 0, "{errors}");
    }

    /// Launches by the API, live, to groups. Answers the alert's id.
    pub async fn launch(&self, template: &str, groups: &[&str], variables: Value) -> String {
        let body = json!({
            "template": template, "mode": "live", "audience": { "groups": groups },
            "variables": variables,
        });
        let (status, answer) = self.post("/api/v1/alerts", &body).await;
        assert_eq!(status, 202, "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    }

    /// Waits until an alert, as the API shows it, is as wanted.
    pub async fn wait_for(&self, alert: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.get(&format!("/api/v1/alerts/{alert}")).await;
            if is(&shown) {
                return shown;
            }
            assert!(
                Instant::now() < deadline,
                "never came true: {what}\n{shown:#}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await; // paces the question
        }
    }

    /// The promises hold and the chain is whole.
    pub async fn audit(&self) {
        for arguments in [["audit", "check"], ["audit", "verify"]] {
            let (code, printed, errors) = self.run(&arguments).await;
            assert_eq!(code, 0, "{arguments:?}: {printed}{errors}");
        }
    }
}
