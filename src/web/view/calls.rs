//! The call list: whom to phone next, what to say, what came of it.

use askama::Template;

use super::board::PersonRow;
use super::{Act, Choice, Fact, Frame, Link, Mode};

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
    /// Who is calling, and how far they are; empty for a caller.
    pub callers: Vec<Fact>,
    /// Whether nobody was ever on it.
    pub is_empty: bool,
    /// What the manager can do with the list: put the silent onto it; empty for a caller.
    pub acts: Vec<Act>,
    /// To hand links out; none for a caller.
    pub handing_out: Option<HandingOut>,
    /// The board; none for a caller.
    pub back: Option<Link>,
}

/// Links for people who call and have no account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandingOut {
    /// A link that was just made. It is shown once and kept nowhere.
    pub made: Option<Made>,
    /// One button for each caller whom a call tree names.
    pub callers: Vec<Act>,
    /// Where a link for somebody else posts to; the field is `name`.
    pub action: String,
    /// Who has a link: the name, and since when.
    pub given: Vec<Fact>,
}

/// A link that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Whom it is for.
    pub name: String,
    /// The whole address.
    pub address: String,
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
    /// "I am calling", where several people share a list: pressed first, so that nobody is called by
    /// two. The number and what follows show only without it.
    pub claim: Option<Act>,
    /// The numbers as read aloud ("+1 555 010 0142") with their `tel:`, the best first; none known.
    pub numbers: Vec<Link>,
    /// Gives the person back uncalled; none where nobody else could take them.
    pub release: Option<Act>,
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
