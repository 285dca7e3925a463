//! What every page shows, as plain data: handlers fill these structs, the templates write the HTML.
//!
//! Nothing here reads a database or a clock. Times arrive as words ("14:02:07"), counts as numbers,
//! and every address is a path on this service.

pub mod accounts;
pub mod alerts;
pub mod answer;
pub mod answer_words;
pub mod board;
pub mod calls;
pub mod chart;
pub mod check;
pub mod duplicates;
pub mod error;
pub mod follow_up;
pub mod frame;
mod from_words;
pub mod import;
pub mod launch;
pub mod log;
pub mod opt_outs;
pub mod own_account;
pub mod people;
pub mod person;
pub mod report;
pub mod sandbox;
pub mod service;
pub mod sign_in;
pub mod templates;

pub use frame::{Abilities, Frame, Section};

/// Whether a page belongs to a real alert or to an exercise. A page that shows no alert has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Real messages to real people: solid danger.
    Live,
    /// An exercise: indigo stripes.
    Drill,
}

impl Mode {
    /// The word people see: `LIVE` or `DRILL`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Drill => "DRILL",
        }
    }

    /// The first part of the launch board's address and the page's class: `live` or `drill`.
    pub fn path(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Drill => "drill",
        }
    }

    /// The other one, for the link between the two launch boards.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Live => Self::Drill,
            Self::Drill => Self::Live,
        }
    }
}

/// How bad it is, in the four words of ISO 22324's colours. Always shown as word, shape and edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Act now (CAP `extreme` and `severe`).
    Danger,
    /// Something must change today (CAP `moderate`).
    Caution,
    /// News (CAP `minor`).
    Information,
    /// It is over: an all-clear.
    Safe,
}

impl Severity {
    /// The word on the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Danger => "DANGER",
            Self::Caution => "CAUTION",
            Self::Information => "INFORMATION",
            Self::Safe => "SAFE",
        }
    }

    /// The class that gives edge and colour.
    pub fn class(self) -> &'static str {
        match self {
            Self::Danger => "danger",
            Self::Caution => "caution",
            Self::Information => "information",
            Self::Safe => "safe",
        }
    }
}

/// How a sentence is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to do.
    Plain,
    /// Done, or in order.
    Good,
    /// Worth a look; nothing is refused.
    Careful,
    /// Something is wrong or refused.
    Wrong,
}

impl Tone {
    /// The class that gives edge and colour.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Careful => "careful",
            Self::Wrong => "wrong",
        }
    }
}

/// A place to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The words of the link: what is found there.
    pub label: String,
    /// A path on this service, or `tel:`.
    pub href: String,
}

impl Link {
    /// A link with these words to this address.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            href: href.into(),
        }
    }
}

/// One sentence above a page's content, with the way out when there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How it is meant.
    pub tone: Tone,
    /// Whole sentences: what happened, what was not done, what to do next.
    pub text: String,
    /// Where to do it, when it is elsewhere.
    pub link: Option<Link>,
}

impl Notice {
    /// A sentence without a link.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self {
            tone,
            text: text.into(),
            link: None,
        }
    }
}

/// A name and what it is, in a list of facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The name: "By SMS".
    pub label: String,
    /// What it is: "131, done in about 45 s".
    pub value: String,
}

impl Fact {
    /// This name with this value.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
        }
    }
}

/// One of several things to pick: a radio card, a tick or an entry of a short list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What the person reads.
    pub label: String,
    /// A second line; empty for none.
    pub hint: String,
    /// Whether it is picked already.
    pub chosen: bool,
}

impl Choice {
    /// An unpicked choice without a second line.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            hint: String::new(),
            chosen: false,
        }
    }

    /// The same, picked when `chosen`.
    #[must_use]
    pub fn chosen(self, chosen: bool) -> Self {
        Self { chosen, ..self }
    }

    /// The same with a second line.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: hint.into(),
            ..self
        }
    }
}

/// What pressing an act's button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Goes to a page or dials a number; changes nothing here.
    Go,
    /// Posts a form: something is recorded or sent.
    Post,
}

/// How much an act's button stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// One of several.
    Plain,
    /// The next thing to do.
    Strong,
    /// Sends for real, or stops it: solid danger.
    Live,
    /// Sends an exercise: indigo stripes.
    Drill,
}

impl Weight {
    /// The button's class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => " strong",
            Self::Live => " live",
            Self::Drill => " drill",
        }
    }
}

/// One button: words that name the act, and what pressing it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The button: a verb, its object and how many ("Call", "Remind the 16 silent").
    pub label: String,
    /// Where it goes or posts to.
    pub href: String,
    /// Whether it only goes there or changes something.
    pub way: Way,
    /// How much it stands out.
    pub weight: Weight,
    /// Hidden form fields that go with a post.
    pub fields: Vec<(String, String)>,
}

impl Act {
    /// A button that goes to a page or dials.
    pub fn go(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            href: href.into(),
            way: Way::Go,
            weight: Weight::Plain,
            fields: Vec::new(),
        }
    }

    /// A button that posts.
    pub fn post(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            way: Way::Post,
            ..Self::go(label, href)
        }
    }

    /// The same, standing out this much.
    #[must_use]
    pub fn weight(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    /// The same with one more hidden field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Whether pressing it posts a form.
    pub fn is_post(&self) -> bool {
        self.way == Way::Post
    }
}

/// Where the reader is in a long list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// "1 to 50 of 168"; empty when everything is on one page.
    pub shown: String,
    /// The page before; none on the first.
    pub previous: Option<String>,
    /// The page after; none on the last.
    pub next: Option<String>,
}

/// `number` with its noun: "1 person", "143 people".
pub fn people(number: u64) -> String {
    counted(number, "person", "people")
}

/// `number` with the noun that fits: `counted(1, "message", "messages")`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{} {noun}", grouped(number))
}

/// Digits in threes with a narrow space from 10,000 up, so that big numbers can be read aloud.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_template_needs_a_looser_content_security_policy() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/templates");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            for forbidden in [
                " style=",
                " onclick=",
                " onload=",
                "<script>",
                "javascript:",
                "hx-on",
            ] {
                assert!(!text.contains(forbidden), "{name} contains {forbidden}");
            }
            assert!(
                name.starts_with("answer") || !text.contains("<style"),
                "{name}"
            );
            read += 1;
        }
        assert!(read > 20, "{read} templates");
    }

    #[test]
    fn one_person_is_not_people() {
        assert_eq!(people(1), "1 person");
        assert_eq!(people(0), "0 people");
    }

    #[test]
    fn digits_are_grouped_from_ten_thousand_up() {
        assert_eq!(grouped(9_999), "9999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
