//! Says to watchers whether the service lives, is ready, sends, and how much: no personal data.

use std::fmt::Write as _;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::alert::words::Mode;
use crate::app::App;
use crate::storage::{Error, alerts, deliveries, meta};

/// How long the engine may take for its next turn; it takes one each second.
const TURN: Duration = Duration::from_secs(3);
/// How long the database may take for a small question.
const DATABASE: Duration = Duration::from_secs(3);

/// `/livez`, `/readyz`, `/healthz/engine`, `/metrics`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/healthz/engine", get(engine))
        .route("/metrics", get(metrics))
}

/// The process answers. Never fails because something else does.
async fn alive() -> &'static str {
    "alive\n"
}

/// Requests can be served: the database answers, and we are not about to stop.
async fn ready(State(app): State<App>) -> Response {
    if app.stopping.is_cancelled() {
        return no("stopping\n");
    }
    match tokio::time::timeout(DATABASE, meta::key_fingerprint(&app.db)).await {
        Ok(Ok(_)) => "ready\n".into_response(),
        _ => no("the database does not answer\n"),
    }
}

/// The engine finished its next turn: it answers only after that, so that a stuck one is noticed.
async fn engine(State(app): State<App>) -> Response {
    let mut turns = app.turns();
    match tokio::time::timeout(TURN, turns.changed()).await {
        Ok(Ok(())) => "the engine turns\n".into_response(),
        _ => no("the engine did not finish a turn within 3 s\n"),
    }
}

fn no(sentence: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response()
}

/// Figures in the text form that Prometheus reads.
async fn metrics(State(app): State<App>) -> Response {
    match figures(&app).await {
        Ok(text) => {
            let kind = [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )];
            (kind, text).into_response()
        }
        Err(_) => no("the database does not answer\n"),
    }
}

async fn figures(app: &App) -> Result<String, Error> {
    let now = app.clock.now();
    let backlog = deliveries::backlog(&app.db, now).await?;
    let running = alerts::list_running(&app.db).await?;
    let mut text = Figures::default();
    text.head(
        "muster_gateway_accepted_total",
        "counter",
        "Messages a gateway took since the start",
    );
    for (name, health) in &app.health {
        text.line(
            "muster_gateway_accepted_total",
            "gateway",
            name,
            health.facts().accepted,
        );
    }
    text.head(
        "muster_gateway_failed_total",
        "counter",
        "Attempts that failed since the start",
    );
    for (name, health) in &app.health {
        text.line(
            "muster_gateway_failed_total",
            "gateway",
            name,
            health.facts().failed,
        );
    }
    text.head(
        "muster_gateway_down",
        "gauge",
        "1 while messages avoid the gateway",
    );
    for (name, health) in &app.health {
        text.line(
            "muster_gateway_down",
            "gateway",
            name,
            u64::from(health.is_down()),
        );
    }
    text.head(
        "muster_deliveries_waiting",
        "gauge",
        "Messages that are due and have not left",
    );
    for row in &backlog {
        let waiting = u64::try_from(row.waiting).unwrap_or_default();
        text.line(
            "muster_deliveries_waiting",
            "channel",
            row.channel.word(),
            waiting,
        );
    }
    text.head(
        "muster_oldest_waiting_seconds",
        "gauge",
        "How long the oldest of them has been due",
    );
    for row in &backlog {
        let seconds = row.oldest.map_or(0, |oldest| now.since(oldest).as_secs());
        text.line(
            "muster_oldest_waiting_seconds",
            "channel",
            row.channel.word(),
            seconds,
        );
    }
    text.head("muster_alerts_running", "gauge", "Alerts that are not over");
    for mode in [Mode::Actual, Mode::Exercise] {
        let count = running.iter().filter(|alert| alert.mode == mode).count();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        text.line("muster_alerts_running", "mode", mode.path(), count);
    }
    Ok(text.0)
}

#[derive(Default)]
struct Figures(String);

impl Figures {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}")
            .expect("writing to a string cannot fail");
    }

    fn line(&mut self, name: &str, label: &str, value: &str, figure: u64) {
        writeln!(self.0, "{name}{{{label}=\"{value}\"}} {figure}")
            .expect("writing to a string cannot fail");
    }
}
