//! All alerts, newest first.

use askama::Template;

use super::people::Filter;
use super::{Frame, Link, Mode, Pages, Severity, Tone};

/// `/alerts`.
#[derive(Clone, Debug, Template)]
#[template(path = "alerts.html")]
pub struct AlertList {
    /// What surrounds the page.
    pub page: Frame,
    /// All, live, drills, running.
    pub filters: Vec<Filter>,
    /// The alerts shown, running ones first.
    pub rows: Vec<AlertRow>,
    /// Where the reader is.
    pub pages: Pages,
    /// Where to send the first one, for whoever may; shown when there are none.
    pub first: Option<Link>,
}

/// One alert in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// Its name.
    pub title: String,
    /// Its board.
    pub href: String,
    /// Its report.
    pub report_href: String,
    /// LIVE or DRILL.
    pub mode: Mode,
    /// How bad it is.
    pub severity: Severity,
    /// "Running", "Ended", "Stopped", "Corrected 14:09:12".
    pub state: String,
    /// How that is meant: `Careful` for running.
    pub tone: Tone,
    /// "22 November 2026, 14:02:07".
    pub started: String,
    /// "121 of 143 answered, 3 need help, 6 not reached".
    pub numbers: String,
}
