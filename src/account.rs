//! Knows who may do what: people with roles and passwords, scripts with tokens and scopes.
//!
//! Nothing is allowed that [`role::may`] or [`token::Scopes::allows`] does not name. Every change
//! of an account is an entry of the audit chain, written in the same transaction.

pub mod link;
pub mod password;
pub mod proof;
pub mod role;
pub mod second_factor;
pub mod session;
pub mod sign_in;
pub mod token;
pub mod user;

use crate::storage;

/// Why something with an account could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for is not allowed; the sentence says what to do instead.
    #[error("{0}")]
    Refused(String),
    /// There is no such account, token or link, or it is no longer valid.
    #[error("{0}")]
    NotFound(&'static str),
    /// The database failed; nothing was changed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

pub(crate) fn refused(sentence: impl Into<String>) -> Error {
    Error::Refused(sentence.into())
}
