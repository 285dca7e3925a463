//! The log of acts, as people read it.

use askama::Template;

use super::people::Filter;
use super::{Frame, Notice, Pages};

/// `/log`.
#[derive(Clone, Debug, Template)]
#[template(path = "log.html")]
pub struct Log {
    /// What surrounds the page.
    pub page: Frame,
    /// What the chain's own check has just said; none before it was asked for.
    pub verdict: Option<Notice>,
    /// Kinds of acts.
    pub filters: Vec<Filter>,
    /// The kind that is shown, for the search.
    pub what: String,
    /// Whose acts are sought.
    pub who: String,
    /// The acts, the newest first.
    pub rows: Vec<LogRow>,
    /// Where the reader is.
    pub pages: Pages,
}

/// One act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Its place in the chain.
    pub number: String,
    /// "22 November 2026, 14:02:07".
    pub time: String,
    /// Who did it.
    pub who: String,
    /// "sent an alert".
    pub did: String,
    /// To what: an alert's number, a name that is no person's, a sign-in name; empty where that says nothing.
    pub subject: String,
    /// The entry as it is kept: ids, counts and hashes.
    pub detail: String,
    /// Its own hash.
    pub hash: String,
}
