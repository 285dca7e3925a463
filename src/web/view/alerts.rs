//! All alerts, newest first.

use askama::Template;

use super::people::Filter;
use super::{Act, Frame, Link, Mode, Pages, Severity, Tone};

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
    /// Messages from nobody in a running alert that nobody has dealt with, the newest first.
    pub strays: Vec<StrayRow>,
    /// Where to send the first one, for whoever may; shown when there are none.
    pub first: Option<Link>,
}

/// A message from nobody in a running alert.
#[derive(Clone, PartialEq, Eq)]
pub struct StrayRow {
    /// "14:02:07".
    pub time: String,
    /// The number it came from, masked.
    pub from: String,
    /// Calls that number; none for whoever may not see it.
    pub call: Option<Act>,
    /// Who wrote it and their place in an alert that is over; none if nobody knows.
    pub person: Option<(String, String)>,
    /// What they wrote, in quotation marks.
    pub words: String,
}

impl std::fmt::Debug for StrayRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StrayRow")
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
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
