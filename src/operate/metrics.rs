//! Figures in the text form that Prometheus reads. Labels are names from the configuration and words
//! of ours: never a person, a number or an alert. docs/operations has alert rules for them.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use crate::alert::words::Mode;
use crate::app::App;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::storage::deliveries::{self, DeliveryState};
use crate::storage::{Error, alerts, figures};

/// How long the database may take for its figures.
const DATABASE: Duration = Duration::from_secs(3);

/// Every figure as it is now. Those of the database are left out when it does not answer: what is known
/// without it must not be missing then.
pub async fn text(app: &App) -> String {
    let mut figures = Figures::default();
    let build = [("version", env!("CARGO_PKG_VERSION"))];
    figures.gauge("muster_build_info", "The program that answers");
    figures.line(&build, 1);
    gateways(app, &mut figures);
    let asked = tokio::time::timeout(DATABASE, of_database(app)).await;
    let answer = asked.ok().and_then(Result::ok);
    figures.gauge(
        "muster_database_up",
        "1 if the database has just answered; its figures are missing otherwise",
    );
    figures.line(&[], u64::from(answer.is_some()));
    figures.write(&answer.unwrap_or_default());
    commits(app, &mut figures);
    watch(app, &mut figures);
    figures.text
}

async fn of_database(app: &App) -> Result<String, Error> {
    let mut figures = Figures::default();
    queue(app, &mut figures).await?;
    running(app, &mut figures).await?;
    Ok(figures.text)
}

fn gateways(app: &App, figures: &mut Figures) {
    let facts: Vec<_> = app
        .health
        .iter()
        .map(|(name, health)| (name.as_str(), health.facts()))
        .collect();
    figures.counter(
        "muster_gateway_accepted_total",
        "Messages a gateway took since the start",
    );
    for gateway in &app.gateways {
        let common = &gateway.common;
        let labels = [
            ("gateway", common.name.as_str()),
            ("channel", common.channel.word()),
        ];
        figures.line(&labels, app.health[&common.name].facts().accepted);
    }
    figures.counter(
        "muster_gateway_failed_total",
        "Attempts that failed since the start",
    );
    for (name, facts) in &facts {
        figures.line(&[("gateway", name)], facts.failed);
    }
    figures.gauge(
        "muster_gateway_down",
        "1 while a gateway's breaker is open: messages avoid it",
    );
    for (name, facts) in &facts {
        figures.line(&[("gateway", name)], u64::from(facts.is_down));
    }
}

async fn queue(app: &App, figures: &mut Figures) -> Result<(), Error> {
    let now = app.clock.now();
    let backlog = deliveries::backlog(&app.db, now, &app.quiet_channels()).await?;
    figures.gauge(
        "muster_deliveries_waiting",
        "Messages that are due and have not left",
    );
    for channel in channels(app) {
        let row = backlog.iter().find(|row| row.channel == channel);
        figures.line(
            &[("channel", channel.word())],
            row.map_or(0, |row| row.waiting),
        );
    }
    figures.gauge(
        "muster_oldest_waiting_seconds",
        "How long the oldest of them has been due",
    );
    let lag = |oldest: Option<Timestamp>| oldest.map_or(Duration::ZERO, |due| now.since(due));
    for channel in channels(app) {
        let row = backlog.iter().find(|row| row.channel == channel);
        let oldest = row.and_then(|row| row.oldest);
        figures.seconds(&[("channel", channel.word())], lag(oldest));
    }
    figures.gauge(
        "muster_lag_seconds",
        "How long the oldest message that has not left has been due",
    );
    let oldest = backlog.iter().filter_map(|row| row.oldest).min();
    figures.seconds(&[], lag(oldest));
    figures.gauge(
        "muster_deliveries_in_doubt",
        "Messages of which nobody knows whether they went out, still to be decided about",
    );
    figures.line(&[], figures::in_doubt(&app.db).await?);
    Ok(())
}

/// Those that a gateway serves.
fn channels(app: &App) -> Vec<Channel> {
    app.channels(Mode::Actual)
}

async fn running(app: &App, figures: &mut Figures) -> Result<(), Error> {
    let running = alerts::list_running(&app.db).await?;
    figures.gauge("muster_alerts_running", "Alerts that are not over");
    for mode in [Mode::Actual, Mode::Exercise] {
        let count = running.iter().filter(|alert| alert.mode == mode).count();
        figures.line(&[("mode", mode.path())], count);
    }
    let counts = figures::deliveries(&app.db).await?;
    figures.gauge("muster_deliveries", "Messages of running alerts");
    for channel in channels(app) {
        for state in DeliveryState::ALL {
            let row = counts
                .iter()
                .find(|row| (row.0, row.1) == (channel, *state));
            let labels = [("channel", channel.word()), ("state", state.word())];
            figures.line(&labels, row.map_or(0, |row| row.2));
        }
    }
    let answers = figures::answers(&app.db).await?;
    figures.gauge("muster_answers", "Answers to running alerts");
    for (class, count) in answers {
        figures.line(&[("class", class.word())], count);
    }
    Ok(())
}

fn commits(app: &App, figures: &mut Figures) {
    let store = if app.db.is_shared() {
        "postgres"
    } else {
        "sqlite"
    };
    let commits = app.db.commits();
    let name = "muster_commit_seconds";
    figures.head(
        name,
        "histogram",
        "How long a write took until it was on disk",
    );
    for (end, count) in &commits.buckets {
        let end = end.as_secs_f64().to_string();
        figures.part("_bucket", &[("store", store), ("le", &end)], count);
    }
    figures.part(
        "_bucket",
        &[("store", store), ("le", "+Inf")],
        commits.count,
    );
    figures.part("_sum", &[("store", store)], commits.sum.as_secs_f64());
    figures.part("_count", &[("store", store)], commits.count);
}

/// What the service knows of itself.
fn watch(app: &App, figures: &mut Figures) {
    let now = app.clock.elapsed();
    if let Some(look) = app.watch.last() {
        figures.gauge(
            "muster_check_broken",
            "Rows that break an invariant of `muster audit check`, as of the last look",
        );
        for one in &look.checked {
            figures.line(&[("invariant", one.name)], one.violations);
        }
        figures.gauge(
            "muster_check_passed",
            "1 if the last look of the service at itself found nothing wrong",
        );
        figures.line(&[], u64::from(look.problems.is_empty()));
        figures.gauge("muster_check_duration_seconds", "How long that look took");
        figures.seconds(&[], look.took);
    }
    // What has never been since the start grows old from there.
    if let Some(since) = app.watch.last_look_or_start() {
        figures.gauge(
            "muster_check_age_seconds",
            "How long ago the service last looked at itself",
        );
        figures.seconds(&[], now.saturating_sub(since));
    }
    let has_heartbeat = app.config.operations.heartbeat_url.is_some();
    if let Some(since) = app.watch.last_told_or_start().filter(|_| has_heartbeat) {
        figures.gauge(
            "muster_heartbeat_age_seconds",
            "How long ago the monitoring outside was told that all is well",
        );
        figures.seconds(&[], now.saturating_sub(since));
    }
    if app.db.is_shared() {
        figures.gauge(
            "muster_lease_held",
            "1 while this server may send; otherwise others do its work",
        );
        figures.line(&[], u64::from(app.lease.holds(now)));
    }
    figures.gauge(
        "muster_clock_offset_seconds",
        "How far a clock has jumped from the time that the service goes by; 0 while they agree",
    );
    figures.line(&[], millis(app.clock.off()));
    if let Some(reserve) = app.db.reserve() {
        figures.gauge(
            "muster_disk_low",
            "1 while the disk is full or nearly: no alert can be launched",
        );
        figures.line(&[], u64::from(reserve.is_low()));
        if let Some(free) = reserve.free() {
            figures.gauge("muster_disk_free_bytes", "Room on the disk of the database");
            figures.line(&[], free);
        }
    }
}

fn millis(millis: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure for a graph")]
    let millis = millis as f64;
    millis / 1000.0
}

/// The text while it is written: the head of each figure, then its lines.
#[derive(Default)]
struct Figures {
    text: String,
    name: &'static str,
}

impl Figures {
    fn gauge(&mut self, name: &'static str, help: &str) {
        self.head(name, "gauge", help);
    }

    fn counter(&mut self, name: &'static str, help: &str) {
        self.head(name, "counter", help);
    }

    fn head(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        self.write(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn seconds(&mut self, labels: &[(&str, &str)], span: Duration) {
        self.line(labels, span.as_secs_f64());
    }

    fn line(&mut self, labels: &[(&str, &str)], figure: impl Display) {
        self.part("", labels, figure);
    }

    /// A line of a part of the figure, such as a histogram's buckets.
    fn part(&mut self, part: &str, labels: &[(&str, &str)], figure: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.join(",") {
            none if none.is_empty() => none,
            some => format!("{{{some}}}"),
        };
        let name = self.name;
        self.write(&format!("{name}{part}{labels} {figure}\n"));
    }

    fn write(&mut self, text: &str) {
        self.text
            .write_str(text)
            .expect("writing to a string cannot fail");
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
