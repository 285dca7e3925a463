//! Why a command did not do what it was asked, and how the person at the terminal is told.

use std::io::Write as _;
use std::process::ExitCode;

/// Why a command ends early.
#[derive(Debug)]
pub(super) enum Failure {
    /// It failed: one sentence, or several lines of which each is one. Exit code 1.
    Said(String),
    /// It was called wrongly. Exit code 2.
    Usage(String),
    /// It failed, and what it printed says so already. Exit code 1.
    Shown,
    /// Whoever read the output has had enough of it (`| head`). Exit code 0: nothing went wrong.
    NobodyListens,
}

/// A failure with this sentence.
pub(super) fn said(sentence: impl Into<String>) -> Failure {
    Failure::Said(sentence.into())
}

impl Failure {
    /// Tells the person and answers with the exit code.
    pub(super) fn tell(&self) -> ExitCode {
        let (text, code) = match self {
            Self::Said(text) => (text.as_str(), 1),
            Self::Usage(text) => (text.as_str(), 2),
            Self::Shown => ("", 1),
            Self::NobodyListens => ("", 0),
        };
        let mut stderr = std::io::stderr().lock();
        for line in text.lines() {
            if writeln!(stderr, "muster: {line}").is_err() {
                break; // nobody is listening: the exit code still speaks
            }
        }
        ExitCode::from(code)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    /// The error's own words, with the cause where they leave it out.
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let words = error.to_string();
            if !text.contains(&words) {
                text = format!("{text}: {words}");
            }
            cause = error.source();
        }
        Self::Said(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_cause_is_told_once() {
        let cause = sqlx::Error::WorkerCrashed;
        let words = cause.to_string();
        let Failure::Said(text) = Failure::from(crate::storage::Error::Unavailable(cause)) else {
            panic!("an error is something to say");
        };
        assert!(text.starts_with("the database failed: "), "{text}");
        assert_eq!(text.matches(&words).count(), 1, "{text}");
    }
}
