//! A PostgreSQL connection for as long as somebody works with it, and a transaction on it.
//!
//! Nothing waits for ever: a server that is cut off from its database must notice it, and must have
//! connections left when it is reached again. A connection whose work did not come to its end (no
//! answer in time, a panic, a caller who is gone) is closed: nobody knows what is still on its way.

use std::io;
use std::ops::{Deref, DerefMut};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::{Executor, PgConnection, PgPool};
use tracing::error;

use super::Tx;
use crate::storage::Error;

/// How long a statement's answer is waited for: a little longer than the server gives the statement
/// (`SESSION` in open/postgres.rs), so that the server's own word is heard if it can be.
pub(super) const LONGEST: Duration = Duration::from_secs(22);
/// How long a connection may take to undo what it did. If it takes longer it is closed, which undoes
/// it too.
const UNDOING: Duration = Duration::from_secs(2);

/// A connection out of the pool.
#[derive(Debug)]
pub struct Lent {
    connection: PoolConnection<sqlx::Postgres>,
    is_clean: bool,
}

impl Lent {
    /// Waits for one at most as long as the pool allows.
    pub(super) async fn from(pool: &PgPool) -> Result<Self, sqlx::Error> {
        Ok(Self {
            connection: pool.acquire().await?,
            is_clean: false,
        })
    }

    /// Gives it back, unless its work ended in a way that tells nothing of its state.
    pub(super) fn end<T>(mut self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.is_clean = !matches!(
            result,
            Err(sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_))
        );
        result
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        in_time(LONGEST, self.execute(sql)).await.map(drop)
    }
}

impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_clean {
            self.connection.close_on_drop();
        }
    }
}

/// The result, or after that time the one of a connection that broke.
pub(super) async fn in_time<T>(
    longest: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(longest, work)
        .await
        .unwrap_or_else(|_elapsed| {
            let told = format!("no answer in {} seconds", longest.as_secs());
            Err(sqlx::Error::Io(io::Error::new(
                io::ErrorKind::TimedOut,
                told,
            )))
        })
}

/// One transaction in one task: dropping the caller does not cut it in half.
pub(super) async fn write<T, E, F>(pool: PgPool, name: &'static str, work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
{
    let task = tokio::spawn(async move {
        let mut lent = Lent::from(&pool).await.map_err(Error::from)?;
        lent.run("BEGIN").await.map_err(Error::from)?;
        let mut tx = Tx::Postgres(lent);
        let worked = AssertUnwindSafe(work(&mut tx)).catch_unwind().await;
        let Tx::Postgres(mut lent) = tx else {
            return Err(Error::Broken("a transaction changed its database").into());
        };
        match worked {
            Ok(Ok(value)) => {
                let committed = lent.run("COMMIT").await;
                lent.end(committed).map_err(commit_failed)?;
                Ok(value)
            }
            Ok(Err(failure)) => {
                let undone = in_time(UNDOING, lent.execute("ROLLBACK")).await;
                // Undone or closed: the failure itself is what counts.
                drop(lent.end(undone));
                Err(failure)
            }
            Err(_panic) => {
                error!(write.name = name, "a write panicked and was rolled back");
                Err(Error::Broken("a write panicked").into())
            }
        }
    });
    task.await
        .unwrap_or_else(|_| Err(Error::Broken("a write was cut short").into()))
}

/// The server said no: then it is not saved. The connection broke, or the server was going down:
/// then nobody knows.
fn commit_failed(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(cause)
            // Class 57: an operator, a crash or a stop intervened, maybe after the commit itself.
            if !cause.code().is_some_and(|code| code.starts_with("57")) =>
        {
            error.into()
        }
        _ => Error::InDoubt(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_statement_that_nobody_answers_is_given_up() {
        let never = std::future::pending::<Result<(), sqlx::Error>>();
        let silent = in_time(Duration::ZERO, never);
        let error = silent.await.unwrap_err();
        assert!(
            error.to_string().contains("no answer in 0 seconds"),
            "{error}"
        );
    }

    #[test]
    fn a_commit_without_an_answer_is_in_doubt() {
        let broken = io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(matches!(commit_failed(broken.into()), Error::InDoubt(_)));
    }
}
