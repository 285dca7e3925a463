//! A clinic behind a real port: its own database, a clock that the test moves, simulated phones.

use std::sync::Arc;
use std::time::Duration;

use muster::account::token::{self, Scopes};
use muster::app::App;
use muster::audit::{self, Actor};
use muster::channel::Channel;
use muster::clock::{Clock, Timestamp};
use muster::config::{Config, Organisation, Quiet};
use muster::keys::Keys;
use muster::storage::{Access, DatabaseUrl, Db};
use muster::{dispatch, web};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::environment::http_client;
use crate::receiver::Receiver;

/// When every test begins: 2026-11-22 14:02:07 UTC.
pub const START: Timestamp = Timestamp(1_795_356_127_000);

/// Ten minutes at night in which texts wait, for the one test that goes there.
const QUIET: (&str, &str) = ("03:30", "03:40");

/// How long a fact may take to become true.
const PATIENCE: Duration = Duration::from_mins(1);

/// Gateways that are there for their callbacks only: nothing is ever sent through them.
const GATEWAYS: &str = r#"
[[gateway]]
name = "phones"
channel = "sms"
kind = "sandbox"
exercises = true
[[gateway]]
name = "mailboxes"
channel = "email"
kind = "sandbox"
exercises = true
[[gateway]]
name = "carrier"
channel = "sms"
kind = "twilio"
priority = 90
base_url = "http://127.0.0.1:9"
account_sid = "AC00000000000000000000000000000000"
auth_token = "the carrier's secret"
from = "+15005550006"
[[gateway]]
name = "modem"
channel = "sms"
kind = "kannel"
priority = 91
url = "http://127.0.0.1:9/cgi-bin/sendsms"
username = "muster"
password = "secret"
from = "13013"
callback_token = "modem-secret"
"#;

/// A running service for one test. Clones share one.
#[derive(Clone)]
pub struct Served {
    /// The service's own parts.
    pub app: App,
    /// Where it listens, without a slash at the end.
    pub url: String,
    client: Client,
    /// A token that may do everything.
    pub admin: String,
    /// The monitoring outside that waits for the heartbeat.
    pub monitoring: Arc<Receiver>,
    _guard: Arc<Guard>,
}

enum Guard {
    Folder(#[expect(dead_code, reason = "deleted when dropped")] tempfile::TempDir),
    Database(#[expect(dead_code, reason = "deleted when dropped")] crate::postgres::FreshDatabase),
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// One header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless this is a refusal of that status in the form that the contract promises.
    /// Answers its detail and field.
    #[track_caller]
    pub fn problem(&self, status: u16) -> (String, String) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(
            problem["type"]
                .as_str()
                .unwrap()
                .starts_with("urn:muster:problem:")
        );
        assert!(!problem["title"].as_str().unwrap().is_empty());
        let field = problem["field"].as_str().unwrap_or_default().to_owned();
        (problem["detail"].as_str().unwrap().to_owned(), field)
    }
}

impl Served {
    /// On the embedded database.
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("muster.db"));
        Self::open(url, Guard::Folder(folder)).await
    }

    /// On the test server's database.
    pub async fn on_postgres() -> Self {
        let database = crate::postgres::fresh_database().await;
        let url = DatabaseUrl::Postgres(database.url().to_owned());
        Self::open(url, Guard::Database(database)).await
    }

    async fn open(url: DatabaseUrl, guard: Guard) -> Self {
        let client = http_client();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let db = Db::open(&url, Access::Migrate).await.unwrap();
        let gateways: toml::Table = GATEWAYS.parse().unwrap();
        let mut config = Config {
            public_url: Some(address.clone()),
            organisation: Organisation {
                name: "Riverside Clinic".to_owned(),
                phone: "+41 44 555 01 00".to_owned(),
                region: "CH".to_owned(),
                languages: vec!["en".parse_language(), "es".parse_language()],
                quiet_hours: Some(Quiet {
                    from: QUIET.0.to_owned(),
                    until: QUIET.1.to_owned(),
                    channels: vec![Channel::Sms],
                }),
                ..Organisation::default()
            },
            gateways: gateways["gateway"]
                .as_array()
                .unwrap()
                .iter()
                .map(|table| table.as_table().unwrap().clone())
                .collect(),
            ..Config::default()
        };
        let monitoring = Receiver::start().await;
        config.operations.heartbeat_url = Some(monitoring.url("/ping/secret"));
        let keys = Keys::derive(&[7; 32]);
        let app = App::assemble(config, Clock::fake(START), db, keys, "test".to_owned()).unwrap();
        let scopes = Scopes::parse(&["admin"]).unwrap();
        let by = Actor::command_line();
        let admin = token::create(&app.db, "admin", &scopes, START, &by)
            .await
            .unwrap()
            .token;
        app.tasks.spawn(web::serve(app.clone(), listener));
        Self {
            app,
            url: address,
            client,
            admin,
            monitoring: Arc::new(monitoring),
            _guard: Arc::new(guard),
        }
    }

    /// Starts sending: from now on launched alerts reach the simulated phones.
    pub async fn start_sending(&self) {
        dispatch::start(&self.app).await.unwrap();
    }

    /// Ends the service; the audit chain must be whole.
    pub async fn close(self) {
        let verdict = audit::verify(&self.app.db).await.unwrap();
        assert_eq!(verdict.problems, Vec::<String>::new());
        self.app.stop().await;
    }

    /// A token with these scopes.
    pub async fn token(&self, scopes: &[&str]) -> String {
        let scopes = Scopes::parse(scopes).unwrap();
        let by = Actor::command_line();
        token::create(&self.app.db, "script", &scopes, START, &by)
            .await
            .unwrap()
            .token
    }

    /// A request without a token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.timeout(PATIENCE).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    /// Reads an address of the API with the administrator's token.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_as(&self.admin, path).await
    }

    /// Reads an address of the API with this token.
    pub async fn get_as(&self, token: &str, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(token))
            .await
    }

    /// Posts JSON with the administrator's token.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(&self.admin, path, body).await
    }

    /// Posts JSON with this token.
    pub async fn post_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send(
            self.request(Method::POST, path)
                .bearer_auth(token)
                .json(body),
        )
        .await
    }

    /// Replaces something by JSON with the administrator's token.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(
            self.request(Method::PUT, path)
                .bearer_auth(&self.admin)
                .json(body),
        )
        .await
    }

    /// Deletes something with the administrator's token.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).bearer_auth(&self.admin))
            .await
    }

    /// Posts a CSV file of people with the administrator's token.
    pub async fn import(&self, path: &str, csv: &str) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(&self.admin);
        self.send(
            request
                .header(CONTENT_TYPE, "text/csv")
                .body(csv.to_owned()),
        )
        .await
    }

    /// Approves a template.
    pub async fn approve(&self, template: &str) {
        let path = format!("/api/v1/templates/{template}/approve");
        let answer = self.post(&path, &json!({})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }

    /// A group "all-staff" of three people: Ana and Luis by SMS, Luis in Spanish, Mia by e-mail.
    pub async fn staff(&self) {
        let csv = "name,email,mobile,language,groups\n\
                   Ana Cruz,,+41 79 123 45 67,en,all-staff\n\
                   Luis Gil,,+41 79 123 45 68,es,all-staff\n\
                   Mia Roth,mia@clinic.example,,en,all-staff\n";
        let answer = self.import("/api/v1/contacts/import", csv).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.json()["new"], 3, "{}", answer.text);
    }

    /// What a launch of the approved closure to all staff sends.
    pub fn closure() -> Value {
        json!({
            "template": "closure", "mode": "live", "audience": {"groups": ["all-staff"]},
            "variables": {"reason": "burst pipe"}
        })
    }

    /// Staff, an approved closure, launched; answers its id.
    pub async fn launched(&self) -> String {
        self.staff().await;
        self.approve("closure").await;
        let answer = self.post("/api/v1/alerts", &Self::closure()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the simulated phones have received that many messages; answers them.
    pub async fn received(&self, count: usize) -> Vec<Value> {
        let mut arrivals = self.app.phones.subscribe();
        let waiting = async {
            loop {
                let messages = self.get("/api/v1/sandbox/messages").await.json();
                let messages = messages["items"].as_array().unwrap().clone();
                if messages.len() >= count {
                    return messages;
                }
                arrivals.recv().await.ok();
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("the messages arrive in time")
    }

    /// Waits until reading this address gives what `wanted` says.
    pub async fn eventually(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut news = self.app.news();
        let waiting = async {
            loop {
                let seen = self.get(path).await.json();
                if wanted(&seen) {
                    return seen;
                }
                news.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("it becomes true in time")
    }
}

/// The path of a link that a message holds.
pub fn path_of(served: &Served, message: &Value) -> String {
    let link = message["link"].as_str().unwrap();
    link.strip_prefix(&served.url).unwrap().to_owned()
}

trait ParseLanguage {
    fn parse_language(&self) -> muster::alert::words::Language;
}

impl ParseLanguage for str {
    fn parse_language(&self) -> muster::alert::words::Language {
        muster::alert::words::Language::parse(self).unwrap()
    }
}
