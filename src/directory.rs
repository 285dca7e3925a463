//! Keeps the people who can be told something, how each is reached, and the sets they are in.
//!
//! What comes in is read and compared by pure steps ([`csv_file`], [`import`], [`phone_number`],
//! [`email_address`]); what is kept goes through [`contact`], [`group`], [`call_tree`] and [`apply`],
//! each change with its entry in the audit chain, in the same transaction. Numbers, addresses and
//! extra columns are sealed before they reach the database.

pub mod apply;
pub mod call_tree;
pub mod contact;
pub mod csv_file;
pub mod email_address;
pub mod export;
pub mod group;
pub mod import;
pub mod opt_out;
pub mod phone_number;
mod saving;

use crate::keys::KeyError;
use crate::storage;

/// Why something with the directory could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for makes no sense; each sentence names one thing and what to do.
    #[error("{}", .0.join("; "))]
    Refused(Vec<String>),
    /// There is no such person, group or tree.
    #[error("{0}")]
    NotFound(&'static str),
    /// Someone else changed the directory in between; nothing was changed. Trying again helps.
    #[error(
        "someone else changed the directory at the same moment: nothing was changed, try again"
    )]
    Changed,
    /// A sealed value does not open: the key file is another one's, or a row was tampered with.
    #[error(transparent)]
    Sealed(#[from] KeyError),
    /// The database failed; nothing was changed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

fn refused(sentence: impl Into<String>) -> Error {
    Error::Refused(vec![sentence.into()])
}

/// Text as one line: control characters and marks that turn the direction of writing become blanks,
/// blanks are single and none are at the ends.
fn tidy(text: &str) -> String {
    let visible = |c: char| {
        if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            ' '
        } else {
            c
        }
    };
    text.chars()
        .map(visible)
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_one_clean_line() {
        assert_eq!(
            tidy("  Ana\r\nBcc: all \u{202e}Cruz\0 "),
            "Ana Bcc: all Cruz"
        );
    }
}
