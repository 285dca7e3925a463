//! Keeps everything: one file per family of tables, its SQL beside its row structs.
//!
//! Only this module runs SQL, and only [`db`] knows which database it is.

pub mod accounts;
pub mod alerts;
pub mod approvals;
pub mod audience;
pub mod audit;
pub mod boots;
pub mod call_off;
pub mod call_out;
pub mod call_trees;
pub mod calls;
pub mod contacts;
pub mod db;
pub mod deliveries;
pub mod doubts;
pub mod duplicates;
pub mod figures;
pub mod groups;
pub mod health;
pub mod imports;
pub mod invariants;
pub mod links;
pub mod meta;
pub mod opt_outs;
pub mod outbox;
pub mod outcomes;
pub mod pace;
pub mod receipts;
pub mod replies;
pub mod report;
pub mod responses;
pub mod second_factors;
pub mod sessions;
pub mod standing;
pub mod tokens;
pub mod troubles;
pub mod unreached;

pub use db::{Access, Conn, DatabaseUrl, Db, Measured, Reserve, Tx};

/// What can go wrong with the database, in the words that callers branch on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such row.
    #[error("not found")]
    NotFound,
    /// A row with that key is there already.
    #[error("it exists already")]
    Conflict,
    /// It names a row that is not there.
    #[error("it names something that does not exist")]
    Dangling,
    /// The database said no or was not there; nothing of this write is kept.
    #[error("the database failed")]
    Unavailable(#[source] sqlx::Error),
    /// The connection broke while the database was saving it: it is there, or it is not.
    #[error("the database did not say whether it was saved")]
    InDoubt(#[source] sqlx::Error),
    /// As [`Error::Unavailable`], in words: the group's commit failed, or the database could not be
    /// opened or did not answer.
    #[error("{0}")]
    NotSaved(String),
    /// There is no room on the disk; nothing of this write is kept.
    #[error("the disk is full, and nothing of this was saved: free some room")]
    NoSpace(#[source] FullDisk),
    /// A defect of ours.
    #[error("{0}")]
    Broken(&'static str),
}

/// A disk without room.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no space is left on the disk")]
pub struct FullDisk;
/// What is said when no connection could be had in time.
const NO_ANSWER: &str =
    "the database did not answer in 8 seconds: see that it runs and can be reached from here";

impl Error {
    /// Whether the database as a whole failed, and not what was asked of it.
    pub fn is_of_database(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::InDoubt(_) | Self::NotSaved(_)
        )
    }

    /// The same for one more of those whose write it was.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::InDoubt(cause) => Self::in_doubt(cause.to_string()),
            Self::NoSpace(_) => Self::NoSpace(FullDisk),
            other => Self::NotSaved(other.to_string()),
        }
    }

    /// [`Error::InDoubt`] for a reason in words.
    pub(crate) fn in_doubt(words: String) -> Self {
        Self::InDoubt(sqlx::Error::Io(std::io::Error::other(words)))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::Database(ref cause) if cause.is_unique_violation() => Self::Conflict,
            sqlx::Error::Database(ref cause) if cause.is_foreign_key_violation() => Self::Dangling,
            full if db::is_full(&full) => Self::NoSpace(FullDisk),
            sqlx::Error::PoolTimedOut => Self::NotSaved(NO_ANSWER.to_owned()),
            other => Self::Unavailable(other),
        }
    }
}

/// A column that holds a JSON object or array.
pub type Json<T> = sqlx::types::Json<T>;
