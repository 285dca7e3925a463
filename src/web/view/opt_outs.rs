//! Opt-outs: the ledger, and one number with what is known of it.

use askama::Template;

use super::{Choice, Frame, Notice};

/// `/people/opt-outs`.
#[derive(Clone, Debug, Template)]
#[template(path = "opt_outs.html")]
pub struct OptOuts {
    /// What surrounds the page.
    pub page: Frame,
    /// Those that hold.
    pub held: Vec<OptOutRow>,
    /// Those that ended.
    pub ended: Vec<OptOutRow>,
}

/// One opt-out of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutRow {
    /// The name.
    pub name: String,
    /// The number's page, or the person's for whoever may only look.
    pub href: String,
    /// The number, masked.
    pub number: String,
    /// "Since 3 September 2026, by a reserved word in a text."
    pub said: String,
    /// What happens instead; empty once it ended.
    pub instead: String,
}

/// `/people/ID/points/POINT`.
#[derive(Clone, Debug, Template)]
#[template(path = "point.html")]
pub struct PointPage {
    /// What surrounds the page.
    pub page: Frame,
    /// The person's page.
    pub back: String,
    /// The person's name.
    pub name: String,
    /// The number or address.
    pub number: String,
    /// Whether it is known to reach the person.
    pub verified: Notice,
    /// Whether it has opted out.
    pub is_out: bool,
    /// What happens to messages while it has.
    pub instead: String,
    /// Its opt-outs, newest first.
    pub history: Vec<String>,
    /// Where the forms post to.
    pub action: String,
    /// How it may have been asked for.
    pub ways: Vec<Choice>,
}
