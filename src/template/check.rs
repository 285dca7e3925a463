//! Reads a template the way a careful colleague would, before anyone approves it.

mod examples;
mod html;
mod settings;
mod sms;
mod texts;
mod wording;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Template;
use super::load::later_path;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The template cannot be approved like this.
    Error,
    /// The approver should look at it, and may decide that it is right.
    Warning,
}

/// Something that a reader found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// The file, relative to the template's folder.
    pub place: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{level}: {}: {}", self.place, self.message)
    }
}

/// Everything there is to say about a template, errors first. The same template gives the same
/// findings; whether its review is due is for whoever has a clock.
pub fn check(template: &Template) -> Vec<Finding> {
    let mut findings = Findings::default();
    settings::check(template, &mut findings);
    texts::check(template, &mut findings);
    for (says, later) in &template.later {
        let mut of_later = Findings::default();
        texts::check_later(later, &mut of_later);
        let moved = of_later.0.into_iter().map(|finding| Finding {
            place: later_path(*says, &finding.place),
            ..finding
        });
        findings.0.extend(moved);
    }
    for file in &template.unused_files {
        let message = "is not used: name its channel and language in template.toml, or delete it";
        findings.warning(file, message);
    }
    let mut findings = findings.0;
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// The findings so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, place: &str, message: impl Into<String>) {
        self.add(Level::Error, place, message.into());
    }

    fn warning(&mut self, place: &str, message: impl Into<String>) {
        self.add(Level::Warning, place, message.into());
    }

    fn add(&mut self, level: Level, place: &str, message: String) {
        self.0.push(Finding {
            level,
            place: place.to_owned(),
            message,
        });
    }
}

#[cfg(test)]
mod tests;
