//! Decides what a failed write says about the disk under the embedded database: nothing, that it is
//! full, or that it cannot be trusted any more.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use tracing::error;

use super::reserve::Reserve;
use crate::storage::FullDisk;

/// What is known of the disk. Clones share one.
#[derive(Clone, Debug)]
pub(super) struct Trouble(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    broken: watch::Sender<Option<String>>,
    reserve: OnceLock<Reserve>,
}

impl Default for Trouble {
    fn default() -> Self {
        Self(Arc::new(Parts {
            broken: watch::Sender::new(None),
            reserve: OnceLock::new(),
        }))
    }
}

impl Trouble {
    /// From now on a full disk is met with this.
    pub(super) fn keep(&self, reserve: Reserve) {
        drop(self.0.reserve.set(reserve));
    }

    pub(super) fn reserve(&self) -> Option<&Reserve> {
        self.0.reserve.get()
    }

    /// A write failed. A full disk gets the reserve, so that the next write has room. After an error
    /// of the disk itself nobody knows what is on it: nothing more is written, because to ask for the
    /// same pages to be made safe again would be answered with yes although they are gone.
    pub(super) fn note(&self, error: &(dyn std::error::Error + 'static)) {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<FullDisk>() {
                if let Some(reserve) = self.reserve() {
                    reserve.release();
                }
                return;
            }
            if let Some(cause) = error.downcast_ref::<sqlx::Error>()
                && is_broken(cause)
            {
                self.break_off(cause);
                return;
            }
            cause = error.source();
        }
    }

    fn break_off(&self, cause: &sqlx::Error) {
        if self.broken().is_some() {
            return;
        }
        // Said first: whoever waits for the word ends the process.
        error!(%cause, "The disk under the database failed: nothing more is written");
        self.0.broken.send_replace(Some(format!(
            "the disk under the database failed ({cause}). Muster stopped, so that nothing is called \
             saved that is not: check the disk, then start again. What was under way is looked after \
             at the next start"
        )));
    }

    /// Why nothing may be written any more, if so.
    pub(super) fn broken(&self) -> Option<String> {
        self.0.broken.borrow().clone()
    }

    /// Waits until nothing may be written any more, and says why.
    pub(super) async fn wait(&self) -> String {
        let mut broken = self.0.broken.subscribe();
        match broken.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => std::future::pending().await,
        }
    }
}

/// SQLite's result code without its extension, and with it.
fn code(error: &sqlx::Error) -> Option<(i32, i32)> {
    let sqlx::Error::Database(cause) = error else {
        return None;
    };
    let cause = cause.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    let code: i32 = sqlx::error::DatabaseError::code(cause)?.parse().ok()?;
    Some((code & 0xff, code))
}

/// SQLITE_IOERR_SHMSIZE: no room for the index of the log, which is a full disk too.
const NO_ROOM_FOR_THE_INDEX: i32 = 4874;

/// SQLITE_FULL, or PostgreSQL's `disk_full`.
pub(in crate::storage) fn is_full(error: &sqlx::Error) -> bool {
    match code(error) {
        Some((primary, extended)) => primary == 13 || extended == NO_ROOM_FOR_THE_INDEX,
        None => error
            .as_database_error()
            .is_some_and(|cause| cause.code().as_deref() == Some("53100")),
    }
}

/// SQLite's result code without its extension.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    Some(code(error)?.0)
}

/// SQLITE_READONLY, SQLITE_IOERR, SQLITE_CORRUPT and SQLITE_NOTADB.
fn is_broken(error: &sqlx::Error) -> bool {
    !is_full(error) && matches!(code(error), Some((8 | 10 | 11 | 26, _)))
}
