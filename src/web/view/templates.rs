//! The shelf of approved messages.

use askama::Template;

use super::check::{PlanStep, Preview};
use super::{Act, Fact, Frame, Notice, Severity, Tone};

/// `/templates`.
#[derive(Clone, Debug, Template)]
#[template(path = "templates.html")]
pub struct TemplateList {
    /// What surrounds the page.
    pub page: Frame,
    /// "10 templates: 8 approved, 1 changed, 1 not approved".
    pub summary: String,
    /// All templates, worst first.
    pub rows: Vec<TemplateRow>,
}

/// One template in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRow {
    /// "Clinic closed".
    pub title: String,
    /// Its page.
    pub href: String,
    /// How bad it is.
    pub severity: Severity,
    /// "Approved, version 4", "Changed after approval", "Not approved yet".
    pub state: String,
    /// How that is meant.
    pub tone: Tone,
    /// "SMS, e-mail, call".
    pub channels: String,
    /// "English, Spanish".
    pub languages: String,
    /// "Review by 3 March 2027"; empty for none.
    pub review: String,
}

/// `/templates/NAME`.
#[derive(Clone, Debug, Template)]
#[template(path = "template.html")]
pub struct TemplatePage {
    /// What surrounds the page.
    pub page: Frame,
    /// "Clinic closed".
    pub title: String,
    /// The name that scripts use: `closure`.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it may be sent, in a sentence.
    pub state: Notice,
    /// Purpose, audience, channels, languages, expiry, review date, version and hash.
    pub facts: Vec<Fact>,
    /// What the checker found, worst first. Empty means nothing.
    pub findings: Vec<Finding>,
    /// The texts, with examples in the blanks.
    pub texts: Vec<Preview>,
    /// The blanks: name, and what may be in it.
    pub variables: Vec<Fact>,
    /// The answers: digit and words.
    pub answers: Vec<Fact>,
    /// What happens to whoever stays silent.
    pub plan: Vec<PlanStep>,
    /// Approve, or nothing when this person may not or it is approved.
    pub approve: Option<Act>,
    /// Versions, newest first: "Version 4" and "approved by R. Okafor, 3 September 2026".
    pub history: Vec<Fact>,
}

/// One finding of the checker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `Wrong` forbids approval; `Careful` is for thought; `Good` says what is in order.
    pub tone: Tone,
    /// Where: "SMS, Spanish"; empty for the whole template.
    pub place: String,
    /// What, and what to do about it.
    pub text: String,
}
