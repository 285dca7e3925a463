//! Keeps the people who can be told something, how each is reached, and the sets they are in.
//!
//! What comes in is read and compared by pure steps ([`table`], [`import`], [`phone_number`],
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
pub mod health;
pub mod import;
pub mod merge;
pub mod opt_out;
pub mod phone_number;
mod saving;
pub mod table;
pub mod undo;

use std::collections::BTreeSet;

use crate::ids::ContactId;
use crate::keys::KeyError;
use crate::storage;

/// Why something with the directory could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for makes no sense.
    #[error("{}", sentences(.0).join("; "))]
    Refused(Vec<Complaint>),
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

/// One thing that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The part of what was asked for: `members`, `fields.room`; empty for the whole of it.
    pub field: String,
    /// What is wrong with it and what to do.
    pub sentence: String,
}

impl Complaint {
    fn new(field: impl Into<String>, sentence: impl Into<String>) -> Self {
        let (field, sentence) = (field.into(), sentence.into());
        Self { field, sentence }
    }
}

fn sentences(complaints: &[Complaint]) -> Vec<&str> {
    let sentences = complaints.iter();
    sentences.map(|one| one.sentence.as_str()).collect()
}

fn refused(field: &str, sentence: impl Into<String>) -> Error {
    Error::Refused(vec![Complaint::new(field, sentence)])
}

/// Unknown people that a sentence names; of more it says how many.
const NAMED: usize = 3;

/// The sentence that refuses ids which nobody has, naming the first few.
pub fn nobody_has(ids: &[ContactId]) -> String {
    let named: Vec<String> = ids.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match ids.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "nobody in the directory has the id {}{more}: take ids from the directory",
        named.join(", ")
    )
}

/// Refuses ids that no row of the directory has; archived people have one.
async fn refuse_strangers(
    tx: &mut storage::Tx,
    field: &str,
    people: &[ContactId],
) -> Result<(), Error> {
    let known = storage::contacts::list_known(tx, people).await?;
    let known: BTreeSet<ContactId> = known.into_iter().map(|(id,)| id).collect();
    let asked: BTreeSet<ContactId> = people.iter().copied().collect();
    let strangers: Vec<ContactId> = asked.difference(&known).copied().collect();
    if strangers.is_empty() {
        return Ok(());
    }
    Err(refused(field, nobody_has(&strangers)))
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
