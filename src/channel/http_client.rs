//! Talks HTTP to gateways, and tells a failure that is certain from one that nobody can be sure of.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response, StatusCode, Url};
use tokio::net::TcpStream;

use super::kinds::{OpenError, Opening};
use super::{Common, Failure, tls};
use crate::clock::{Clock, Timestamp};

/// What we call ourselves in `User-Agent`.
const USER_AGENT: &str = concat!("muster/", env!("CARGO_PKG_VERSION"));

/// No gateway has more to say that we need.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Kept short: a connection that the gateway is just closing looks like an answer that never came,
/// and that leaves a message in doubt. Many servers close after 5 s.
const IDLE: Duration = Duration::from_secs(4);

/// How long a gateway may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Name look-up, TCP and TLS.
    pub(crate) connect: Duration,
    /// The whole exchange, up to the last byte of the answer.
    pub(crate) total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
        }
    }
}

impl Limits {
    fn hurried(self, by: u32) -> Self {
        Self {
            connect: self.connect / by,
            total: self.total / by,
        }
    }
}

/// The way to the gateway, from the keys `tls_ca_file` and `proxy` of its kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// A PEM file with the clinic's own certificate authority.
    pub(crate) ca_file: Option<PathBuf>,
    /// An HTTP proxy. The environment's is not used: what leaves the house is written in one place.
    pub(crate) proxy: Option<String>,
    /// Time limits; tests shorten them.
    pub(crate) limits: Limits,
}

/// One gateway's own client: nothing another gateway does can use up its connections.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: Client,
    tls: rustls::ClientConfig,
    proxy: Option<Url>,
    limits: Limits,
    clock: Clock,
}

/// What every client of ours is: it checks certificates, gives up in time, follows nobody elsewhere,
/// asks once, and goes through no proxy that nobody configured.
pub(crate) fn careful(tls: rustls::ClientConfig, limits: Limits) -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .tls_backend_preconfigured(tls)
        .connect_timeout(limits.connect)
        .timeout(limits.total)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true)
}

/// What a gateway answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// At most 64 KB of it.
    pub(crate) body: Vec<u8>,
    /// When it came.
    at: Timestamp,
}

impl HttpClient {
    /// Makes the client; connects to nothing.
    pub(crate) fn open(common: &Common, way: &Way, opening: &Opening) -> Result<Self, OpenError> {
        let tls = tls::client_config(way.ca_file.as_deref())?;
        let limits = way.limits.hurried(opening.hurry);
        let mut builder = careful(tls.clone(), limits)
            .pool_max_idle_per_host(common.slots)
            .pool_idle_timeout(IDLE);
        let mut proxy = None;
        if let Some(text) = &way.proxy {
            let wrong = || OpenError::new("proxy", "\"proxy\" must look like http://host:port");
            builder = builder.proxy(reqwest::Proxy::all(text).map_err(|_ignored| wrong())?);
            proxy = Some(Url::parse(text).map_err(|_ignored| wrong())?);
        }
        let client = builder.build().map_err(|error| {
            OpenError::new(
                "url",
                format!("the HTTP client cannot start: {}", error.without_url()),
            )
        })?;
        Ok(Self {
            client,
            tls,
            proxy,
            limits,
            clock: opening.clock.clone(),
        })
    }

    /// Begins a request.
    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends it and reads the answer. A failure to connect is certain; once connected, a silence or
    /// a broken connection is ambiguous.
    pub(crate) async fn exchange(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let mut response = request.send().await.map_err(without_answer)?;
        let body = read(&mut response).await;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let at = self.clock.now();
        match body {
            Ok(body) => Ok(Answer {
                status,
                headers,
                body,
                at,
            }),
            // A clear no does not need the rest of its explanation.
            Err(_) if status.is_client_error() => Ok(Answer {
                status,
                headers,
                body: Vec::new(),
                at,
            }),
            Err(error) => {
                Err(Failure::unknown("The gateway's answer broke off.")
                    .because(error.without_url()))
            }
        }
    }

    /// Whether something at the address (or the proxy on the way to it) takes connections, with the
    /// right certificate if it is `https`. Sends no request.
    pub(crate) async fn reach(&self, url: &Url) -> Result<(), Failure> {
        let url = self.proxy.as_ref().unwrap_or(url);
        let knock = async {
            let host = url.host_str().unwrap_or_default();
            let port = url.port_or_known_default().unwrap_or(80);
            // An IPv6 literal comes in brackets, which the resolver does not take.
            let bare = host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned();
            let stream = TcpStream::connect((bare.clone(), port)).await?;
            if url.scheme() == "https" {
                let name =
                    rustls::pki_types::ServerName::try_from(bare).map_err(std::io::Error::other)?;
                tokio_rustls::TlsConnector::from(std::sync::Arc::new(self.tls.clone()))
                    .connect(name, stream)
                    .await?;
            }
            Ok::<(), std::io::Error>(())
        };
        match tokio::time::timeout(self.limits.connect, knock).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::try_again(UNREACHABLE).because(error)),
            Err(_) => Err(Failure::try_again(UNREACHABLE)),
        }
    }
}

const UNREACHABLE: &str = "The gateway could not be reached.";

fn without_answer(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if error.is_connect() {
        return Failure::try_again(UNREACHABLE).because(error);
    }
    if error.is_builder() {
        return Failure::refused_us("The gateway's settings make no valid request.").because(error);
    }
    if error.is_timeout() {
        return Failure::unknown("The gateway did not answer in time.").because(error);
    }
    Failure::unknown("The connection to the gateway broke before it answered.").because(error)
}

async fn read(response: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = LARGEST_ANSWER - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == LARGEST_ANSWER {
            break;
        }
    }
    Ok(body)
}

impl Answer {
    /// The body as JSON; `None` if it is none.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as text; broken characters are replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// When the gateway wants us back: `Retry-After` in seconds or as a date.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        // The gateway's own clock, so that a wrong one of ours does not matter.
        let now = self
            .headers
            .get(DATE)
            .and_then(|date| parse_date(date.to_str().ok()?));
        parse_retry_after(
            self.headers.get(RETRY_AFTER)?.to_str().ok()?,
            now.unwrap_or(self.at),
        )
    }

    /// What an HTTP status other than success says, when nothing else is known of the gateway.
    pub(crate) fn failure(&self) -> Failure {
        let status = self.status.as_u16();
        let answered = std::io::Error::other(format!("HTTP status {status}"));
        let failure = match status {
            429 => Failure::try_again("The gateway asks us to slow down (status 429)."),
            503 | 408 | 425 => {
                Failure::try_again(format!("The gateway is too busy (status {status})."))
            }
            401 | 403 | 407 => Failure::refused_us(format!(
                "The gateway refuses our account (status {status})."
            )),
            402 => Failure::refused_us("The gateway wants to be paid first (status 402)."),
            404 | 410 => Failure::refused_us(format!(
                "The gateway's address leads nowhere (status {status}): check its url."
            )),
            405 | 406 | 415 | 426 | 501 => Failure::refused_us(format!(
                "The gateway does not take requests as ours are set up (status {status})."
            )),
            300..=399 => Failure::refused_us(format!(
                "The gateway pointed to another address (status {status}); its configured address \
                 must be the final one."
            )),
            413 => Failure::person("The gateway refused the message as too long (status 413)."),
            400..=499 => Failure::person(format!(
                "The gateway refused this recipient (status {status})."
            )),
            // A server error may come after the message was taken.
            _ => Failure::unknown(format!("The gateway had an error (status {status}).")),
        };
        failure.after(self.retry_after()).because(answered)
    }
}

fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    match text.trim().parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => parse_date(text).map(|then| then.since(now)),
    }
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()?;
    Some(Timestamp(time.as_millisecond()))
}

/// Reads an address from the configuration: `http` or `https`, with a host.
pub(crate) fn parse_url(key: &str, text: &str) -> Result<Url, OpenError> {
    let wrong = |why: &str| {
        OpenError::new(
            key,
            format!("\"{key}\" must look like https://host/path, and it {why}"),
        )
    };
    let url = Url::parse(text).map_err(|error| wrong(&format!("is no address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("begins with something else than http:// or https://"));
    }
    if url.host_str().unwrap_or_default().is_empty() {
        return Err(wrong("has no host"));
    }
    Ok(url)
}

#[cfg(test)]
pub(crate) mod tests;
