//! People who may be in the directory twice: the list of pairs, and two entries side by side.

use askama::Template;

use super::{Fact, Frame, Notice};

/// `/people/duplicates`.
#[derive(Clone, Debug, Template)]
#[template(path = "duplicates.html")]
pub struct Duplicates {
    /// What surrounds the page.
    pub page: Frame,
    /// The pairs by name.
    pub rows: Vec<PairRow>,
}

/// Two people who may be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairRow {
    /// The names; once if they are the same.
    pub names: String,
    /// What they share: "The same number or address".
    pub shared: String,
    /// The page that compares them.
    pub href: String,
}

/// `/people/duplicates/ONE/OTHER`.
#[derive(Clone, Debug, Template)]
#[template(path = "compare.html")]
pub struct Compare {
    /// What surrounds the page.
    pub page: Frame,
    /// Why they could not be made one; none at first.
    pub refused: Option<Notice>,
    /// The two entries.
    pub entries: Vec<Entry>,
    /// Where the choice is posted to.
    pub action: String,
    /// Whether the reader may choose.
    pub may_choose: bool,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The id, sent as `keep`.
    pub id: String,
    /// The name.
    pub name: String,
    /// The person's page.
    pub href: String,
    /// How they are reached, and what is known of them.
    pub facts: Vec<Fact>,
}
