//! Talks to a running server through its API.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::header::LOCATION;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::failure::{Failure, said};
use crate::config::environment;

/// Where a server is unless it is said.
const USUAL_URL: &str = "http://127.0.0.1:8080";

/// How often a request is tried while the server cannot be reached, or says that it cannot now.
const TRIES: u32 = 5;

/// The wait after the first such try; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// Which server, and by what right.
#[derive(Args)]
pub(super) struct Server {
    /// The server's address; without it MUSTER_URL, else http://127.0.0.1:8080
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A file with the API token; without it MUSTER_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A way to one server.
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// Why a request has no good answer.
struct NoAnswer {
    /// A sentence for the person.
    why: String,
    /// Whether the server may have done what was asked all the same.
    may_be_done: bool,
    /// Whether the next try may fare better.
    may_pass: bool,
}

/// When a request is tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Whenever the next try may fare better: asking twice is asking once.
    Freely,
    /// Only while no server can have seen it.
    Unseen,
}

impl Server {
    /// Prepares to talk; connects with the first request.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let url = self
            .url
            .clone()
            .or_else(|| environment::variable("MUSTER_URL"));
        let url = url
            .unwrap_or_else(|| USUAL_URL.to_owned())
            .trim_end_matches('/')
            .to_owned();
        let parsed = reqwest::Url::parse(&url)
            .ok()
            .filter(reqwest::Url::has_host);
        let parsed = parsed.ok_or_else(|| {
            said(format!(
                "\"{url}\" is not the address of a server, as {USUAL_URL} is one"
            ))
        })?;
        let token = match &self.token_file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| said(format!("{} cannot be read: {error}", file.display())))?,
            None => environment::variable("MUSTER_TOKEN").unwrap_or_default(),
        };
        let token = token.trim().to_owned();
        if token.is_empty() {
            return Err(said(
                "no API token was given: make one with `muster token create --name N --scope \
                 alerts:send`, then set MUSTER_TOKEN or use --token-file",
            ));
        }
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")));
        // A proxy of the house does not know this machine from inside.
        if matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            http = http.no_proxy();
        }
        Ok(Client {
            http: http.build()?,
            url,
            token,
        })
    }
}

impl Client {
    /// A page of alerts, the newest first.
    pub(super) async fn alerts(&self, cursor: &str) -> Result<Value, Failure> {
        let path = format!("/api/v1/alerts?limit=100{cursor}");
        let ask = || self.start(Method::GET, &path);
        let is_list = |body: &Value| body["items"].is_array();
        let page = self.request(ask, is_list, Repeat::Freely).await;
        page.map_err(|no| said(no.why))
    }

    /// One alert with its counts.
    pub(super) async fn alert(&self, id: Uuid) -> Result<Value, Failure> {
        let path = format!("/api/v1/alerts/{id}");
        let ask = || self.start(Method::GET, &path);
        let is_it = |body: &Value| id_of(body) == Some(id) && body["counts"].is_object();
        let alert = self.request(ask, is_it, Repeat::Freely).await;
        alert.map_err(|no| said(no.why))
    }

    /// What the server answers to an act, which `key` makes safe to ask for again and again. A
    /// failure behind which it may be done all the same says so, and names the key.
    pub(super) async fn act(&self, path: &str, body: &Value, key: &str) -> Result<Value, Failure> {
        let ask = || {
            let request = self.start(Method::POST, path).json(body);
            request.header("Idempotency-Key", key)
        };
        let done = self.request(ask, has_id, Repeat::Freely).await;
        done.map_err(|no| {
            no.told(&format!(
                "the same command with --key {key} does it once at most"
            ))
        })
    }

    /// What the server answers to a stop, which takes no key: the second one is refused.
    pub(super) async fn stop(&self, id: Uuid) -> Result<Value, Failure> {
        let path = format!("/api/v1/alerts/{id}/stop");
        let ask = || self.start(Method::POST, &path).json(&json!({}));
        let is_it = |body: &Value| id_of(body) == Some(id);
        let stopped = self.request(ask, is_it, Repeat::Unseen).await;
        stopped.map_err(|no| no.told(&format!("`muster status {id}` says how it stands")))
    }

    fn start(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token)
    }

    /// Asks until there is an answer, or a refusal, or it was tried often enough.
    async fn request(
        &self,
        ask: impl Fn() -> RequestBuilder,
        is_right: impl Fn(&Value) -> bool,
        repeat: Repeat,
    ) -> Result<Value, NoAnswer> {
        let mut wait = FIRST_WAIT;
        let mut may_be_done = false;
        for _ in 1..TRIES {
            match self.once(ask(), &is_right).await {
                Err(no) if no.may_pass && (repeat == Repeat::Freely || !no.may_be_done) => {
                    may_be_done |= no.may_be_done;
                }
                answered => return answered.map_err(|no| no.after(may_be_done)),
            }
            tokio::time::sleep(wait).await; // paces the tries
            wait *= 2;
        }
        let answered = self.once(ask(), &is_right).await;
        answered.map_err(|no| no.after(may_be_done))
    }

    /// One try. Only an answer that is what was asked for is believed: anything may listen there.
    async fn once(
        &self,
        request: RequestBuilder,
        is_right: impl Fn(&Value) -> bool,
    ) -> Result<Value, NoAnswer> {
        let lost = |error: reqwest::Error| self.unreachable(&error);
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        let elsewhere = response.headers().get(LOCATION).cloned();
        let text = response.text().await.map_err(lost)?;
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() && is_right(&body) {
            return Ok(body);
        }
        let part = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let why = match part("detail").or_else(|| part("title")) {
            Some(sentence) if !status.is_success() => sentence,
            _ if status.is_success() || status == StatusCode::NOT_FOUND => format!(
                "there is no Muster server at this address: {} is something else. Name the \
                 server's own address with --url or MUSTER_URL",
                self.url
            ),
            _ => match elsewhere.as_ref().and_then(|place| place.to_str().ok()) {
                Some(place) => format!(
                    "{} sends us on to {place}: name the server's own address with --url or \
                     MUSTER_URL",
                    self.url
                ),
                None => format!("the server answered {status} and gave no reason"),
            },
        };
        Err(NoAnswer {
            why,
            may_be_done: status.is_success() || status.is_server_error(),
            may_pass: status == StatusCode::SERVICE_UNAVAILABLE,
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> NoAnswer {
        if error.is_builder() {
            return NoAnswer {
                why: "the token or the key holds characters that cannot be sent".to_owned(),
                may_be_done: false,
                may_pass: false,
            };
        }
        let why = if error.is_connect() {
            "cannot be reached"
        } else if error.is_timeout() {
            "did not answer in time"
        } else {
            "hung up before it answered"
        };
        NoAnswer {
            why: format!(
                "the server at {} {why}: see that `muster serve` is running, and name it with \
                 --url or MUSTER_URL",
                self.url
            ),
            may_be_done: !error.is_connect(),
            may_pass: true,
        }
    }
}

impl NoAnswer {
    /// The same behind tries of which one may have been heard.
    fn after(mut self, may_be_done: bool) -> Self {
        self.may_be_done |= may_be_done;
        self
    }

    /// The sentence, with what to do about an act of which nobody knows whether it was done.
    fn told(self, what_to_do: &str) -> Failure {
        if self.may_be_done {
            let why = self.why;
            return said(format!(
                "{why}\nwhether it was done is not known: {what_to_do}"
            ));
        }
        said(self.why)
    }
}

/// The id that a good answer about an alert has.
pub(super) fn id_of(body: &Value) -> Option<Uuid> {
    body.get("id")?.as_str()?.parse().ok()
}

fn has_id(body: &Value) -> bool {
    id_of(body).is_some()
}
