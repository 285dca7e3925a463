//! The gateway that takes everything, and knows when each message came.

use std::sync::{Arc, Mutex, PoisonError};
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
}

#[derive(Clone, Debug, Default)]
struct Counter(Arc<Mutex<Vec<Instant>>>, Duration);

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
            .with_state(Counter(Arc::default(), delay));
        axum::serve(listener, routes).await
    })?;
    Ok(())
}

async fn take(State(Counter(times, delay)): State<Counter>, body: Bytes) -> impl IntoResponse {
    let number = {
        let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
        times.push(Instant::now());
        times.len()
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let answer = format!(r#"{{"id":"{number:08x}-{:04x}"}}"#, body.len());
    (
        StatusCode::CREATED,
        [(header::CONTENT_TYPE, "application/json")],
        answer,
    )
}

async fn tell(State(Counter(times, _)): State<Counter>) -> Json<Seen> {
    let times = times.lock().unwrap_or_else(PoisonError::into_inner);
    let first = times.first().copied();
    let span = first.zip(times.last()).map(|(first, last)| *last - first);
    Json(Seen {
        messages: times.len() as u64,
        first_us_ago: first
            .map(|first| micros(first.elapsed()))
            .unwrap_or_default(),
        span_us: span.map(micros).unwrap_or_default(),
        most_in_a_second: most_in_a_second(&times),
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

/// Whole microseconds.
pub(crate) fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
