//! Runs one SQL text on two databases: the only file that names SQLite or PostgreSQL.
//!
//! Reads go through [`Db::sql`] or, inside a write, [`Tx::sql`]. Everything that changes a row goes
//! through [`Db::write`]: on SQLite to the one writer, which commits many callers' work together;
//! on PostgreSQL to a transaction of its own in a task of its own. Either way the work goes on to
//! its end when the caller is dropped (a phone that hangs up must not cut a transaction in half),
//! and the caller is answered only after the commit is on disk.

mod lent;
mod meter;
mod news;
mod open;
mod reserve;
pub mod staged;
mod statement;
mod trouble;
mod writer;

use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use sqlx::{PgPool, SqlitePool};

use super::Error;
use crate::clock::Timestamp;
pub use meter::Measured;
use meter::Meter;
pub use news::Ear;
pub use open::{Access, DatabaseUrl};
pub use reserve::Reserve;
use staged::Stage;
use statement::Target;
pub use statement::{Conn, Statement};
use trouble::Trouble;
pub(super) use trouble::is_full;
use writer::Writer;

/// The database. Clones share one.
#[derive(Clone, Debug)]
pub struct Db {
    pools: Pools,
    commits: Arc<Meter>,
    trouble: Trouble,
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite {
        readers: SqlitePool,
        writer: Writer,
        /// Only in simulations.
        stage: Option<Stage>,
    },
    Postgres(PgPool),
}

/// A transaction: what [`Db::write`] hands to the work.
#[derive(Debug)]
pub enum Tx {
    /// SQLite's one writing connection, inside `BEGIN IMMEDIATE` and a savepoint.
    Sqlite(sqlx::SqliteConnection),
    /// A PostgreSQL connection inside a transaction.
    Postgres(lent::Lent),
}

impl Db {
    fn of(pools: Pools, trouble: Trouble) -> Self {
        Self {
            pools,
            commits: Arc::default(),
            trouble,
        }
    }

    /// Whether several processes may send from this database at once.
    pub fn is_shared(&self) -> bool {
        match &self.pools {
            Pools::Sqlite { stage, .. } => stage.as_ref().is_some_and(|stage| stage.is_shared()),
            Pools::Postgres(_) => true,
        }
    }

    /// The clock of a simulated database, if it is one and can be reached.
    pub(super) fn simulated_now(&self) -> Option<Timestamp> {
        match &self.pools {
            Pools::Sqlite {
                stage: Some(stage), ..
            } => stage.is_reachable().then(|| stage.now()),
            _ => None,
        }
    }

    /// A statement that only reads.
    pub fn sql(&self, sql: &'static str) -> Statement<'_> {
        Conn::sql(self, sql)
    }

    /// A statement that only reads and must differ by engine: hot ones only (docs/adr/0001).
    pub fn sql_for(&self, sqlite: &'static str, postgres: &'static str) -> Statement<'_> {
        Conn::sql_for(self, sqlite, postgres)
    }

    /// Runs `work` in a transaction and answers after its commit. `name` tells the log which.
    ///
    /// An error from `work` rolls its changes back, and only its own. `work` may not wait for
    /// anything but the database: on SQLite every other writer waits for it.
    pub async fn write<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + std::error::Error + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let begun = Instant::now();
        let written = match &self.pools {
            Pools::Sqlite {
                writer,
                stage: Some(stage),
                ..
            } => staged::write(writer, stage, name, work).await,
            Pools::Sqlite { writer, .. } => writer.write(name, work).await,
            Pools::Postgres(pool) => lent::write(pool.clone(), name, work).await,
        };
        self.commits.note(begun.elapsed());
        written
    }

    /// How long writes took until now, those that failed among them.
    pub fn commits(&self) -> Measured {
        self.commits.read()
    }

    /// Keeps room on the disk for when it is full; for the server on an embedded database.
    pub fn keep_reserve(&self, reserve: Reserve) {
        self.trouble.keep(reserve);
    }

    /// The room that is kept, if any is.
    pub fn reserve(&self) -> Option<&Reserve> {
        self.trouble.reserve()
    }

    /// Waits until the disk under an embedded database has failed, so that nothing may be written any
    /// more, and says so in a sentence. Never ends otherwise.
    pub async fn broken(&self) -> String {
        self.trouble.wait().await
    }

    /// Closes the connections, after the writer has finished what it was given.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite {
                readers, writer, ..
            } => {
                writer.close().await;
                readers.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Whether other servers may be writing at the same time, so that rows must be locked.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// A statement of this transaction.
    pub fn sql(&mut self, sql: &'static str) -> Statement<'_> {
        Conn::sql(self, sql)
    }

    /// A statement of this transaction that must differ by engine.
    pub fn sql_for(&mut self, sqlite: &'static str, postgres: &'static str) -> Statement<'_> {
        Conn::sql_for(self, sqlite, postgres)
    }
}

impl<'c> Conn<'c> for &'c Db {
    fn sql_for(self, sqlite: &'static str, postgres: &'static str) -> Statement<'c> {
        match &self.pools {
            Pools::Sqlite { readers, stage, .. } => {
                let statement = Statement::new(sqlite, Target::SqlitePool(readers));
                match stage {
                    Some(stage) if !stage.is_reachable() => statement.unreachable(),
                    _ => statement,
                }
            }
            Pools::Postgres(pool) => Statement::new(postgres, Target::PgPool(pool)),
        }
    }
}

impl<'c> Conn<'c> for &'c mut Tx {
    fn sql_for(self, sqlite: &'static str, postgres: &'static str) -> Statement<'c> {
        match self {
            Tx::Sqlite(connection) => Statement::new(sqlite, Target::Sqlite(connection)),
            Tx::Postgres(tx) => Statement::new(postgres, Target::Pg(tx)),
        }
    }
}
