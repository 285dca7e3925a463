//! The gateway that takes everything: counts the messages and knows when the first one came.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

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
}

#[derive(Clone, Debug, Default)]
struct Counter(Arc<(AtomicU64, OnceLock<Instant>)>);

/// Prints its port, then answers until it is killed. One thread: a gateway is somebody else's
/// machine, and this one must leave room for what is measured.
pub(crate) fn run() -> anyhow::Result<()> {
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
            .with_state(Counter::default());
        axum::serve(listener, routes).await
    })?;
    Ok(())
}

async fn take(State(Counter(counter)): State<Counter>, body: Bytes) -> impl IntoResponse {
    counter.1.get_or_init(Instant::now);
    let number = counter.0.fetch_add(1, Ordering::Relaxed);
    let answer = format!(r#"{{"id":"{number:08x}-{:04x}"}}"#, body.len());
    (
        StatusCode::CREATED,
        [(header::CONTENT_TYPE, "application/json")],
        answer,
    )
}

async fn tell(State(Counter(counter)): State<Counter>) -> Json<Seen> {
    let ago = counter
        .1
        .get()
        .map(|first| micros(first.elapsed()))
        .unwrap_or_default();
    Json(Seen {
        messages: counter.0.load(Ordering::Relaxed),
        first_us_ago: ago,
    })
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
