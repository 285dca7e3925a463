//! The launch board: "What has happened?", answered with one tap.

use askama::Template;

use super::{Frame, Link, Mode, Notice, Severity, people};

/// `/live` and `/drill`.
#[derive(Clone, Debug, Template)]
#[template(path = "launch.html")]
pub struct LaunchBoard {
    /// What surrounds the page, in the board's mode.
    pub page: Frame,
    /// LIVE or DRILL.
    pub mode: Mode,
    /// Whether it would work, in one sentence: gateways, queue, backup age, last drill. With tone
    /// `Wrong` it says what is broken, and its link leads to the fix.
    pub readiness: Notice,
    /// Alerts of this mode that are running; shown above the tiles.
    pub running: Vec<RunningAlert>,
    /// Approved templates, in the order shown: worst first.
    pub tiles: Vec<Tile>,
    /// Templates that cannot be sent, with the reason.
    pub refused: Vec<RefusedTile>,
    /// What to do first when there are no people or no approved templates; none otherwise.
    pub first_step: Option<FirstStep>,
}

/// An alert that is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningAlert {
    /// Its name.
    pub title: String,
    /// Its board.
    pub href: String,
    /// How bad it is.
    pub severity: Severity,
    /// "started 14:02:07".
    pub started: String,
    /// People in its audience.
    pub people: u64,
    /// How many of them answered anything.
    pub answered: u64,
    /// How many asked for help and have not been helped.
    pub need_help: u64,
}

/// One approved template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// What has happened: "Clinic closed".
    pub title: String,
    /// Its check page: `/live/closure`.
    pub href: String,
    /// How bad it is.
    pub severity: Severity,
    /// When to use it, in half a sentence; empty for none.
    pub hint: String,
    /// Who gets it: "All staff and today's patients".
    pub audience: String,
    /// How many that is now. Zero is shown as "nobody yet".
    pub people: u64,
    /// The first choices of the only blank that must be filled, four at most, each the check page
    /// with that choice made. Empty when there is no such blank.
    pub choices: Vec<Link>,
}

impl Tile {
    /// "143 people", "nobody yet".
    pub fn people_in_words(&self) -> String {
        if self.people == 0 {
            "nobody yet".to_owned()
        } else {
            people(self.people)
        }
    }
}

/// A template that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedTile {
    /// Its name.
    pub title: String,
    /// How bad it would be.
    pub severity: Severity,
    /// Why not: "Changed after it was approved on 3 September 2026."
    pub reason: String,
    /// Its page, where it can be approved; none when this person may not see it.
    pub href: Option<String>,
}

/// What to do before anything can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstStep {
    /// "There is nobody to alert yet."
    pub heading: String,
    /// What to do, in a sentence or two.
    pub text: String,
    /// Where; none when another role must do it (then the text says who).
    pub link: Option<Link>,
}
