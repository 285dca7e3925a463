//! A database in memory for simulations, as one of several servers sees it: every write waits for its
//! turn twice, so that a server can die, sleep or lose the database on either side of a commit.
//!
//! The statements are SQLite's and the transactions follow one another, as PostgreSQL's locks make
//! those of several servers do where it matters. Nothing but tests opens one.

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::open::MIGRATIONS;
use super::trouble::Trouble;
use super::writer::Writer;
use super::{Db, Pools, Tx};
use crate::clock::Timestamp;
use crate::storage::Error;

/// What decides when a server's writes happen, and whether it learns of them.
pub trait Director: Debug + Send + Sync {
    /// Whether the database is to pass for one that several servers share: leases, not boots, then
    /// say who is alive.
    fn is_shared(&self) -> bool;

    /// What time it is by the database's own clock.
    fn now(&self) -> Timestamp;

    /// Whether this server reaches the database. If not, what it reads fails.
    fn is_reachable(&self) -> bool;

    /// Waits until the write may begin. An error: it does not happen, and the server knows.
    fn before(&self, write: &'static str) -> BoxFuture<'_, Result<(), Error>>;

    /// Waits until the server may learn how the write ended. An error: it never does.
    fn after(&self, write: &'static str) -> BoxFuture<'_, Result<(), Error>>;
}

/// A director of one server's view. Clones share one.
#[derive(Clone, Debug)]
pub(super) struct Stage(Arc<dyn Director>);

impl Deref for Stage {
    type Target = dyn Director;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// A write as [`Director`] has it.
pub(super) async fn write<T, E, F>(
    writer: &Writer,
    stage: &Stage,
    name: &'static str,
    work: F,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + std::error::Error + Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
{
    stage.before(name).await?;
    let written = writer.write(name, work).await;
    stage.after(name).await?;
    written
}

impl Db {
    /// An empty database in memory, with the schema.
    pub async fn in_memory() -> Result<Self, Error> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let options = SqliteConnectOptions::new()
            // The leading slash lets its connections share one; nothing of it is on a disk.
            .filename(format!("/simulated-{number}"))
            .vfs("memdb")
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        MIGRATIONS
            .run(&mut connection)
            .await
            .map_err(|error| Error::NotSaved(error.to_string()))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        let trouble = Trouble::default();
        let writer = Writer::start(connection, trouble.clone());
        let pools = Pools::Sqlite {
            readers,
            writer,
            stage: None,
        };
        Ok(Self::of(pools, trouble))
    }

    /// The same database as the server sees it that `director` directs. On PostgreSQL it is the same.
    #[must_use]
    pub fn directed(&self, director: Arc<dyn Director>) -> Self {
        let mut seen = self.clone();
        if let Pools::Sqlite { stage, .. } = &mut seen.pools {
            *stage = Some(Stage(director));
        }
        seen
    }
}
