//! All alerts, newest first.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::account::role::Act;
use crate::alert::words::{AlertState, Mode};
use crate::app::App;
use crate::ids::AlertNumber;
use crate::storage::alerts::{self, Alert};
use crate::web::form::Fields;
use crate::web::format::{self, Times};
use crate::web::pages::{PageError, board, frame, show, written};
use crate::web::session::SignedIn;
use crate::web::view::alerts::{AlertList, AlertRow};
use crate::web::view::people::Filter;
use crate::web::view::{Link, Pages, Section, Severity, Tone};

/// Alerts on a page.
const ROWS: usize = 50;

/// `/alerts`.
pub fn router() -> Router<App> {
    Router::new().route("/alerts", get(page))
}

async fn page(
    State(app): State<App>,
    by: SignedIn,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    by.require(Act::SeeBoards)?;
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let shown = fields.get("show");
    let (mode, state) = match shown {
        "live" => (Some(Mode::Actual), None),
        "drills" => (Some(Mode::Exercise), None),
        "running" => (None, Some(AlertState::Running)),
        _ => (None, None),
    };
    let before = fields.get("before").parse().unwrap_or(i64::MAX);
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let mut list = alerts::list_where(&app.db, AlertNumber(before), mode, state, limit).await?;
    let has_more = list.len() > ROWS;
    list.truncate(ROWS);
    let rows = rows(&app, &list).await?;
    let next = list
        .last()
        .filter(|_| has_more)
        .map(|last| format!("/alerts?show={shown}&before={}", last.number));
    let is_first = before == i64::MAX;
    let pages = Pages {
        shown: match (list.first(), list.last()) {
            (Some(first), Some(last)) if has_more || !is_first => {
                format!("Alerts {} to {}", first.number, last.number)
            }
            _ => String::new(),
        },
        previous: (!is_first).then(|| format!("/alerts?show={shown}")),
        next,
    };
    show(
        StatusCode::OK,
        &AlertList {
            page: frame(&app, &by.user, "Alerts", Section::Alerts),
            filters: filters(shown),
            rows,
            strays: if is_first {
                let times = Times::new(&app.config, app.clock.now());
                written::strays(&app, &by.user, &times).await?
            } else {
                Vec::new()
            },
            pages,
            first: by
                .user
                .may(Act::LaunchAlert)
                .then(|| Link::new("Send a drill first", "/drill")),
        },
    )
}

fn filters(shown: &str) -> Vec<Filter> {
    [
        ("All", ""),
        ("Running", "running"),
        ("LIVE", "live"),
        ("Drills", "drills"),
    ]
    .into_iter()
    .map(|(label, value)| Filter {
        label: label.to_owned(),
        count: None,
        href: if value.is_empty() {
            "/alerts".to_owned()
        } else {
            format!("/alerts?show={value}")
        },
        current: shown == value,
    })
    .collect()
}

async fn rows(app: &App, list: &[Alert]) -> Result<Vec<AlertRow>, PageError> {
    let (Some(newest), Some(oldest)) = (list.first(), list.last()) else {
        return Ok(Vec::new());
    };
    let counted = alerts::count_answered(&app.db, oldest.number, newest.number).await?;
    let counted: BTreeMap<AlertNumber, (u64, u64)> = counted
        .into_iter()
        .map(|(alert, answered, help)| (alert, (format::count(answered), format::count(help))))
        .collect();
    let times = Times::new(&app.config, app.clock.now());
    let language = app.config.organisation.language();
    let row = |alert: &Alert| {
        let (answered, help) = counted.get(&alert.number).copied().unwrap_or_default();
        let (state, tone) = state(alert, &times);
        let mut numbers = format!("{answered} of {} answered", alert.recipients);
        if help > 0 {
            let verb = if help == 1 { "needs" } else { "need" };
            numbers.push_str(&format!(", {help} {verb} help"));
        }
        AlertRow {
            title: board::title(alert, &language),
            href: format!("/alerts/{}", alert.id),
            report_href: format!("/reports/{}", alert.id),
            mode: alert.mode.into(),
            severity: Severity::of(alert.kind, alert.severity),
            state,
            tone,
            started: times.moment(alert.launched_at),
            numbers,
        }
    };
    let (running, over): (Vec<_>, Vec<_>) = list
        .iter()
        .partition(|alert| alert.state == AlertState::Running);
    Ok(running.into_iter().chain(over).map(row).collect())
}

fn state(alert: &Alert, times: &Times) -> (String, Tone) {
    let closed = alert.closed_at.map(|at| times.near(at)).unwrap_or_default();
    match alert.state {
        AlertState::Running => ("Running".to_owned(), Tone::Careful),
        AlertState::Stopped => (format!("Stopped {closed}"), Tone::Plain),
        AlertState::Ended => (format!("Ended {closed}"), Tone::Plain),
    }
}
