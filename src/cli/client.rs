//! Talks to a running server through its API.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

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
    /// What the server answers to a question.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.request(|| self.start(Method::GET, path)).await
    }

    /// What the server answers to an act. `key` makes trying again safe; without one an act is tried
    /// again only if the server cannot have seen it.
    pub(super) async fn post(
        &self,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> Result<Value, Failure> {
        let start = || {
            let request = self.start(Method::POST, path).json(body);
            match key {
                Some(key) => request.header("Idempotency-Key", key),
                None => request,
            }
        };
        if key.is_some() {
            return self.request(start).await;
        }
        match start().send().await {
            Ok(response) => answer(response).await,
            Err(error) if error.is_connect() => self.request(start).await,
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    fn start(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token)
    }

    /// Tries again while there is no connection, or the server says "not now".
    async fn request(&self, start: impl Fn() -> RequestBuilder) -> Result<Value, Failure> {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES {
            match start().send().await {
                Ok(response) if response.status() != StatusCode::SERVICE_UNAVAILABLE => {
                    return answer(response).await;
                }
                Ok(_) | Err(_) => tokio::time::sleep(wait).await, // paces the tries
            }
            wait *= 2;
        }
        match start().send().await {
            Ok(response) => answer(response).await,
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let why = if error.is_timeout() {
            "did not answer in time"
        } else {
            "cannot be reached"
        };
        said(format!(
            "the server at {} {why}: see that `muster serve` is running, and name it with --url or \
             MUSTER_URL",
            self.url
        ))
    }
}

/// The body of a good answer; the server's own sentence of a bad one.
async fn answer(response: reqwest::Response) -> Result<Value, Failure> {
    let status = response.status();
    let text = response.text().await?;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    let part = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let sentence = part("detail").or_else(|| part("title"));
    Err(said(match sentence {
        Some(sentence) => sentence,
        None if status == StatusCode::NOT_FOUND => {
            "there is no Muster server at this address".to_owned()
        }
        None => format!("the server answered {status} and gave no reason"),
    }))
}
