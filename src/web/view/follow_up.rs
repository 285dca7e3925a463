//! The page before a correction, an all-clear, an update, a reminder or a stop: what it will do.

use askama::Template;

use super::check::{Blank, Preview};
use super::sign_in::Field;
use super::{Fact, Frame, Link, Mode, Notice, Severity, Tone, counted, people};

/// What is about to be done to a running alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUpKind {
    /// "That was a false alarm."
    Correction,
    /// "It is over."
    AllClear,
    /// More news.
    Update,
    /// The same again, to the silent only.
    Reminder,
    /// Nothing more goes out; nobody is told.
    Stop,
}

/// `/alerts/ID/{correct,all-clear,update,remind,stop}`.
#[derive(Clone, Debug, Template)]
#[template(path = "follow_up.html")]
pub struct FollowUp {
    /// What surrounds the page, in the alert's mode; the ribbon says that nothing was sent yet.
    pub page: Frame,
    /// LIVE or DRILL.
    pub mode: Mode,
    /// What is about to be done.
    pub kind: FollowUpKind,
    /// The name of the alert it follows.
    pub alert: String,
    /// The board of that alert.
    pub back: Link,
    /// How bad the message says it is.
    pub severity: Severity,
    /// Where the form posts to.
    pub action: String,
    /// Fields that go along unseen: the nonce.
    pub hidden: Vec<(String, String)>,
    /// What must be filled in; empty for most.
    pub blanks: Vec<Blank>,
    /// Refusals and warnings. With one of tone `Wrong` there is no button.
    pub problems: Vec<Notice>,
    /// The questions that are not answered yet. With one there is no button.
    pub missing: Vec<String>,
    /// The texts as they will go; empty for a stop.
    pub previews: Vec<Preview>,
    /// Who gets it, how long it takes, cost.
    pub facts: Vec<Fact>,
    /// How many people get it; for a stop, how many messages will not go out.
    pub count: u64,
    /// Asks whether it is still the same person, when the browser has been open for a while.
    pub proof: Option<Field>,
}

impl FollowUp {
    /// Whether nothing stands in the way. A stop is always possible.
    pub fn may_send(&self) -> bool {
        let refused = self
            .problems
            .iter()
            .any(|problem| problem.tone == Tone::Wrong);
        let is_somebody_told = self.count > 0 || self.only_stops();
        self.kind == FollowUpKind::Stop || (is_somebody_told && self.missing.is_empty() && !refused)
    }

    /// Whether a correction or an all-clear comes so early that nobody has been told of anything:
    /// then it stops the alert, and that is all.
    pub fn only_stops(&self) -> bool {
        let is_last_word = matches!(self.kind, FollowUpKind::Correction | FollowUpKind::AllClear);
        is_last_word && self.count == 0
    }

    /// The page's heading.
    pub fn heading(&self) -> String {
        let alert = &self.alert;
        match self.kind {
            FollowUpKind::Correction => format!("Correct: {alert} was a false alarm"),
            FollowUpKind::AllClear => format!("All clear: {alert} is over"),
            FollowUpKind::Update => format!("Update: {alert}"),
            FollowUpKind::Reminder => format!("Remind the silent: {alert}"),
            FollowUpKind::Stop => format!("Stop: {alert}"),
        }
    }

    /// The button: the act and the number.
    pub fn button(&self) -> String {
        let people = people(self.count);
        let drill = if self.mode == Mode::Drill {
            "DRILL "
        } else {
            ""
        };
        match self.kind {
            _ if self.only_stops() => "Stop this alert".to_owned(),
            FollowUpKind::Correction => format!("Send {drill}correction to {people}"),
            FollowUpKind::AllClear => format!("Send {drill}all-clear to {people}"),
            FollowUpKind::Update => format!("Send {drill}update to {people}"),
            FollowUpKind::Reminder => format!("Send {drill}reminder to {people}"),
            FollowUpKind::Stop if self.count == 0 => "Stop this alert".to_owned(),
            FollowUpKind::Stop => {
                let messages = counted(self.count, "message", "messages");
                format!("Stop: {messages} not yet sent will not go out")
            }
        }
    }

    /// Whether it is a stop, which sends nothing.
    pub fn is_stop(&self) -> bool {
        self.kind == FollowUpKind::Stop
    }
}
