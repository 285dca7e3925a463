//! A scripted gateway for every HTTP adapter's tests, and what the client makes of rude ones.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::channel::sandbox::Phones;
use crate::channel::{Certainty, Scope};
use crate::ids::DeliveryId;

/// What the scripted gateway does with one request, after reading it whole.
pub(crate) enum Act {
    /// Writes these bytes and closes.
    Say(String),
    /// Writes these bytes, then nothing more, and keeps the connection.
    Stall(String),
    /// Closes without a word.
    HangUp,
}

/// An answer with a body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Say(format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    ))
}

/// A gateway on the loopback that follows a script, one act for each request.
pub(crate) struct Script {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub(crate) async fn play(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut acts = VecDeque::from(acts);
            let mut stalled = Vec::new();
            while let Some(act) = acts.pop_front() {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                record.lock().unwrap().push(request);
                match act {
                    Act::Say(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
                    Act::HangUp => {}
                    Act::Stall(bytes) => {
                        stream.write_all(bytes.as_bytes()).await.unwrap();
                        stalled.push(stream);
                    }
                }
            }
            // Keeps what stalls open; later connections wait in the queue.
            std::future::pending::<()>().await;
        });
        Self { url, seen }
    }

    /// The requests so far: head and body as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                })
                .unwrap_or(0);
            if count == 0 || body.len() >= length {
                return text;
            }
        }
        assert_ne!(count, 0, "the request broke off");
    }
}

/// An address where nobody listens.
pub(crate) async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub(crate) fn opening() -> Opening {
    // 1994-11-06T08:49:37Z
    let clock = Clock::fake(Timestamp(784_111_777_000));
    Opening {
        hurry: 1,
        public_url: "https://clinic.example".to_owned(),
        organisation: "Riverside Clinic".to_owned(),
        instance: "k3xq".to_owned(),
        sandbox: Phones::new(clock.clone()),
        clock,
    }
}

pub(crate) fn common(channel: &str, kind: &str) -> Common {
    toml::from_str(&format!(
        "name = \"main\"\nchannel = \"{channel}\"\nkind = \"{kind}\""
    ))
    .unwrap()
}

/// Short enough for a test that waits for the end of it.
fn impatient() -> Way {
    let limits = Limits {
        total: Duration::from_millis(700),
        ..Limits::default()
    };
    Way {
        limits,
        ..Way::default()
    }
}

/// A message of delivery 73014444033 (alert 17, ordinal 1).
pub(crate) fn message(text: &str) -> crate::channel::Message {
    crate::channel::Message {
        delivery: DeliveryId(73_014_444_033),
        attempt: 1,
        mode: crate::alert::words::Mode::Exercise,
        to: crate::channel::Address::new("+15005550006"),
        language: crate::alert::words::Language::parse("en").unwrap(),
        subject: None,
        text: text.to_owned(),
        html: None,
        link: "https://clinic.example/a/token".to_owned(),
        status_url: "https://clinic.example/callbacks/main/status?ref=73014444033".to_owned(),
    }
}

async fn exchange(url: &str) -> Result<Answer, Failure> {
    exchange_within(url, &Way::default()).await
}

async fn exchange_within(url: &str, way: &Way) -> Result<Answer, Failure> {
    let client = HttpClient::open(&common("sms", "http"), way, &opening()).unwrap();
    client
        .exchange(
            client
                .request(Method::POST, url.parse().unwrap())
                .body("hello"),
        )
        .await
}

#[tokio::test]
async fn a_refused_connection_is_certain() {
    let failure = exchange(&closed_port().await).await.unwrap_err();
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Gateway)
    );
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_certain() {
    let failure = exchange("http://gateway.invalid/").await.unwrap_err();
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Gateway)
    );
}

/// Answers one request over TLS, if the client gets as far as to send one.
async fn play_tls() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(mut stream) = tls::tests::acceptor().accept(stream).await {
            let mut buffer = [0; 4096];
            assert_ne!(stream.read(&mut buffer).await.unwrap(), 0);
            let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }
    });
    url
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_certain_and_never_passed_over() {
    let failure = exchange(&play_tls().await).await.unwrap_err();
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Gateway)
    );
}

#[tokio::test]
async fn the_clinics_own_authority_is_believed_once_it_is_configured() {
    let way = Way {
        ca_file: Some(tls::tests::AUTHORITY.into()),
        ..Way::default()
    };
    let client = HttpClient::open(&common("sms", "http"), &way, &opening()).unwrap();
    let url: Url = play_tls().await.parse().unwrap();
    let answer = client
        .exchange(client.request(Method::POST, url).body("hello"))
        .await
        .unwrap();
    assert_eq!(answer.status, 201);
    let url: Url = play_tls().await.parse().unwrap();
    assert!(client.reach(&url).await.is_ok());
}

#[tokio::test]
async fn a_proxy_gets_the_request_and_the_check() {
    let script = Script::play(vec![answer("202 Accepted", "", "")]).await;
    let way = Way {
        proxy: Some(script.url.clone()),
        ..Way::default()
    };
    let client = HttpClient::open(&common("sms", "http"), &way, &opening()).unwrap();
    let url: Url = "http://gateway.invalid/send".parse().unwrap();
    assert!(
        client
            .exchange(client.request(Method::POST, url.clone()))
            .await
            .is_ok()
    );
    assert!(script.requests()[0].starts_with("POST http://gateway.invalid/send HTTP/1.1"));
    assert!(client.reach(&url).await.is_ok());
}

#[tokio::test]
async fn a_silence_a_hang_up_and_a_half_answer_are_ambiguous() {
    let silent = Script::play(vec![Act::Stall(String::new())]).await;
    let rude = Script::play(vec![Act::HangUp]).await;
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":";
    let cut = Script::play(vec![Act::Say(half.to_owned())]).await;
    let slow = Script::play(vec![Act::Stall(half.to_owned())]).await;
    for script in [silent, rude, cut, slow] {
        let failure = exchange_within(&script.url, &impatient())
            .await
            .unwrap_err();
        assert_eq!(failure.certainty, Certainty::Ambiguous);
        assert_eq!(
            script.requests().len(),
            1,
            "it is not tried again down here"
        );
    }
}

#[tokio::test]
async fn a_clear_no_counts_even_if_its_explanation_breaks_off() {
    let half = "HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{\"co";
    let script = Script::play(vec![Act::Say(half.to_owned())]).await;
    assert_eq!(exchange(&script.url).await.unwrap().status, 400);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let script = Script::play(vec![answer("302 Found", "Location: /elsewhere\r\n", "")]).await;
    let answer = exchange(&script.url).await.unwrap();
    assert_eq!(answer.failure().scope, Scope::Configuration);
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn an_endless_answer_is_read_up_to_64_kilobytes() {
    let body = "x".repeat(200_000);
    let script = Script::play(vec![answer("200 OK", "", &body)]).await;
    assert_eq!(exchange(&script.url).await.unwrap().body.len(), 65_536);
}

#[tokio::test]
async fn the_cause_of_a_failure_names_no_address() {
    let url = format!(
        "{}/?to=%2B15005550006&password=hunter2",
        closed_port().await
    );
    let shown = format!("{:?}", exchange(&url).await.unwrap_err());
    assert!(
        !shown.contains("hunter2") && !shown.contains("15005550006"),
        "{shown}"
    );
}

#[test]
fn retry_after_is_read_in_seconds_and_as_a_date() {
    let now = Timestamp(784_111_777_000);
    assert_eq!(
        parse_retry_after(" 17 ", now),
        Some(Duration::from_secs(17))
    );
    assert_eq!(
        parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now),
        Some(Duration::from_secs(30))
    );
    assert_eq!(
        parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now),
        Some(Duration::ZERO)
    );
    assert_eq!(parse_retry_after("soon", now), None);
    assert_eq!(parse_retry_after("-3", now), None);
}

#[tokio::test]
async fn each_status_has_its_certainty_and_its_scope() {
    let of = |status: u16| {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            at: Timestamp(0),
        };
        let failure = answer.failure();
        (failure.certainty, failure.scope)
    };
    assert_eq!(of(429), (Certainty::Certain, Scope::Gateway));
    assert_eq!(of(503), (Certainty::Certain, Scope::Gateway));
    assert_eq!(of(500), (Certainty::Ambiguous, Scope::Gateway));
    assert_eq!(of(502), (Certainty::Ambiguous, Scope::Gateway));
    assert_eq!(of(504), (Certainty::Ambiguous, Scope::Gateway));
    assert_eq!(of(401), (Certainty::Certain, Scope::Configuration));
    assert_eq!(of(402), (Certainty::Certain, Scope::Configuration));
    assert_eq!(of(307), (Certainty::Certain, Scope::Configuration));
    assert_eq!(of(400), (Certainty::Certain, Scope::Person));
    assert_eq!(of(422), (Certainty::Certain, Scope::Person));
}

#[tokio::test]
async fn reach_tells_an_open_door_from_a_closed_one() {
    let client = HttpClient::open(&common("sms", "http"), &Way::default(), &opening()).unwrap();
    let script = Script::play(vec![]).await;
    assert!(client.reach(&script.url.parse().unwrap()).await.is_ok());
    let closed = closed_port().await.parse().unwrap();
    assert_eq!(
        client.reach(&closed).await.unwrap_err().scope,
        Scope::Gateway
    );
}
