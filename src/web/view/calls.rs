//! The call list: whom to phone next, what to say, what came of it.

use askama::Template;

use super::board::PersonRow;
use super::{Choice, Fact, Frame, Link, Mode};

/// `/alerts/ID/calls` for a manager, `/call/TOKEN` for a caller who needs no sign-in.
#[derive(Clone, Debug, Template)]
#[template(path = "calls.html")]
pub struct CallList {
    /// What surrounds the page, in the alert's mode; without navigation for a caller.
    pub page: Frame,
    /// LIVE or DRILL.
    pub mode: Mode,
    /// "People to call: Clinic closed".
    pub title: String,
    /// "4 of 16 called. 3 answered by themselves meanwhile."
    pub progress: String,
    /// Whom to call now; none when the list is empty.
    pub next: Option<CallCard>,
    /// Who comes after, in order.
    pub rest: Vec<PersonRow>,
    /// Who was called, newest first.
    pub done: Vec<PersonRow>,
    /// Who else is calling, and how far they are; empty for a caller.
    pub callers: Vec<Fact>,
    /// The board; none for a caller.
    pub back: Option<Link>,
}

/// The person to call now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCard {
    /// The name.
    pub name: String,
    /// "Radiology, building B · Spanish".
    pub place: String,
    /// What happened so far: "Text delivered 14:02:31, no answer."
    pub happened: String,
    /// The number as read aloud: "+1 555 010 0142".
    pub number: String,
    /// `tel:+15550100142`.
    pub tel: String,
    /// What to say, a sentence each.
    pub script: Vec<String>,
    /// Where an outcome posts to.
    pub action: String,
    /// Fields that go along unseen: which call it is.
    pub hidden: Vec<(String, String)>,
    /// What the person may have answered; sent as `outcome`, such as `spoke.safe`.
    pub answers: Vec<Choice>,
    /// What else may have happened; sent as `outcome`: `voicemail`, `no_answer`, `wrong_number`.
    pub failures: Vec<Choice>,
}
