//! The gateway that takes everything, and knows when each message came.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use serde::{Deserialize, Serialize};

/// What the sink has seen.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Messages.
    pub(crate) messages: u64,
    /// How long ago the first one came, in microseconds; zero if none came.
    pub(crate) first_us_ago: u64,
    /// From the first to the last, in microseconds.
    pub(crate) span_us: u64,
    /// The most that came in any second.
    pub(crate) most_in_a_second: usize,
    /// Messages with the text that is watched for.
    pub(crate) watched: u64,
    /// How long ago the first of them came, in microseconds; zero if none came.
    pub(crate) first_watched_us_ago: u64,
    /// The same of the last.
    pub(crate) last_watched_us_ago: u64,
}

#[derive(Clone, Debug, Default)]
struct Counter(Arc<Mutex<Times>>, Duration);

#[derive(Debug, Default)]
struct Times {
    all: Vec<Instant>,
    /// What is watched for; nothing, if it is empty.
    text: Vec<u8>,
    watched: Vec<Instant>,
}

impl Counter {
    fn lock(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Prints its port, then answers until it is killed. One thread: a gateway is somebody else's
/// machine, and this one must leave room for what is measured.
pub(crate) fn run(delay: Duration) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?.port());
        let listener = listener.tap_io(|stream| {
            // Without it the figures would be those of delayed acknowledgements.
            stream
                .set_nodelay(true)
                .unwrap_or_else(|error| eprintln!("sink: {error}"));
        });
        let routes = axum::Router::new()
            .route("/messages", post(take))
            .route("/seen", get(tell))
            .route("/watch", post(begin_to_watch))
            .with_state(Counter(Arc::default(), delay));
        axum::serve(listener, routes).await
    })?;
    Ok(())
}

async fn take(State(counter): State<Counter>, body: Bytes) -> impl IntoResponse {
    let number = {
        let mut times = counter.lock();
        let now = Instant::now();
        times.all.push(now);
        let text = &times.text;
        if !text.is_empty() && body.windows(text.len()).any(|part| part == text) {
            times.watched.push(now);
        }
        times.all.len()
    };
    if !counter.1.is_zero() {
        tokio::time::sleep(counter.1).await;
    }
    let answer = format!(r#"{{"id":"{number:08x}-{:04x}"}}"#, body.len());
    (
        StatusCode::CREATED,
        [(header::CONTENT_TYPE, "application/json")],
        answer,
    )
}

async fn begin_to_watch(State(counter): State<Counter>, text: Bytes) {
    let mut times = counter.lock();
    times.text = text.to_vec();
    times.watched.clear();
}

async fn tell(State(counter): State<Counter>) -> Json<Seen> {
    let times = counter.lock();
    let ago = |time: Option<&Instant>| time.map_or(0, |time| micros(time.elapsed()));
    let ends = times.all.first().zip(times.all.last());
    Json(Seen {
        messages: times.all.len() as u64,
        first_us_ago: ago(times.all.first()),
        span_us: ends.map_or(0, |(first, last)| micros(*last - *first)),
        most_in_a_second: most_in_a_second(&times.all),
        watched: times.watched.len() as u64,
        first_watched_us_ago: ago(times.watched.first()),
        last_watched_us_ago: ago(times.watched.last()),
    })
}

fn most_in_a_second(times: &[Instant]) -> usize {
    let (mut most, mut from) = (0, 0);
    for (to, time) in times.iter().enumerate() {
        while *time - times[from] >= Duration::from_secs(1) {
            from += 1;
        }
        most = most.max(to - from + 1);
    }
    most
}

/// Asks the sink on that port.
pub(crate) async fn ask(port: u16) -> anyhow::Result<Seen> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .build()?;
    let answer = client
        .get(format!("http://127.0.0.1:{port}/seen"))
        .send()
        .await?;
    answer.json().await.context("the sink's answer")
}

/// Has the sink on that port count the messages with this text, from now on.
pub(crate) async fn watch(port: u16, text: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let asked = client
        .post(format!("http://127.0.0.1:{port}/watch"))
        .body(text.to_owned())
        .send();
    asked.await?.error_for_status()?;
    Ok(())
}

/// Whole microseconds.
pub(crate) fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
