//! The report of one alert: who was told, how, when, who answered, who was not reached and why.

mod on_paper;

use askama::Template;

use super::chart::Chart;
use super::{Fact, Frame, Link, Mode, Notice, Severity, Tone};

/// `/reports/ID`; prints well.
#[derive(Clone, Debug, Template)]
#[template(path = "report.html")]
pub struct Report {
    /// What surrounds the page, in the alert's mode.
    pub page: Frame,
    /// LIVE or DRILL.
    pub mode: Mode,
    /// The alert's name.
    pub title: String,
    /// How bad it was.
    pub severity: Severity,
    /// "22 November 2026, 14:02:07 to 14:41:50 (EST)".
    pub when: String,
    /// The whole story in one or two sentences.
    pub summary: String,
    /// Whether every person is explained and the log holds, in a sentence.
    pub verdict: Notice,
    /// The figures a drill form asks for: start, end, first and last told, last answer, numbers.
    pub figures: Vec<Fact>,
    /// Reached and answered over time; none when nobody was told.
    pub chart: Option<Chart>,
    /// By group, channel, gateway, category, site, unit, language.
    pub breakdowns: Vec<Breakdown>,
    /// Who was not reached.
    pub not_reached: Vec<NotReached>,
    /// Possible duplicates, unknown outcomes and what nobody confirmed, said plainly; also that there
    /// are none.
    pub doubts: Vec<String>,
    /// How these sentences are meant.
    pub doubts_tone: Tone,
    /// What people wrote that is no answer, oldest first.
    pub wrote: Vec<Wrote>,
    /// What people and the program did, oldest first.
    pub acts: Vec<TimelineAct>,
    /// The texts as sent.
    pub texts: Vec<SentText>,
    /// Alerts before and after this one.
    pub thread: Vec<Link>,
    /// Board, PDF, CSV, JSON.
    pub links: Vec<Link>,
    /// "Report made 22 November 2026, 15:00:12 EST. The audit log then ended with 9f3a….", in full.
    pub colophon: String,
}

/// One way to cut the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakdown {
    /// "By channel".
    pub title: String,
    /// The parts.
    pub rows: Vec<BreakdownRow>,
}

/// One part of a breakdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakdownRow {
    /// "SMS".
    pub label: String,
    /// People in it.
    pub people: u64,
    /// Of those, reached.
    pub reached: u64,
    /// Of those, answered.
    pub answered: u64,
}

/// One person who was not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReached {
    /// The name.
    pub name: String,
    /// The person in this alert.
    pub href: String,
    /// Why, in words.
    pub reason: String,
    /// What to mend before the next alert.
    pub fix: String,
}

/// Something that a person wrote. Its Debug form shows no name and no words.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrote {
    /// "14:02:07".
    pub time: String,
    /// Who wrote it.
    pub name: String,
    /// The person in this alert.
    pub href: String,
    /// What they wrote, in quotation marks.
    pub words: String,
    /// "Answered since", or what is still to do.
    pub state: &'static str,
}

impl std::fmt::Debug for Wrote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wrote")
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// Something that a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineAct {
    /// "14:02:07".
    pub time: String,
    /// Who; "Muster" for what it did by itself.
    pub who: String,
    /// What, in words.
    pub what: String,
}

/// One text as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentText {
    /// "SMS · English · 131 people".
    pub heading: String,
    /// The class that draws it: `sms`, `email` or `voice`.
    pub class: &'static str,
    /// The language's tag.
    pub language: String,
    /// The exact text.
    pub text: String,
    /// Its SHA-256 in hexadecimal.
    pub hash: String,
}
