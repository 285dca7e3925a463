//! One SQL text with its arguments, bound for whichever driver will run it.

use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{
    Arguments as _, Encode, FromRow, PgConnection, Postgres, Sqlite, SqliteConnection, Type,
};

use super::lent::{LONGEST, Lent, in_time};
use crate::storage::Error;

/// Something that statements run on: `&Db` or `&mut Tx`.
pub trait Conn<'c>: Sized {
    /// A statement in SQL that both databases understand.
    fn sql(self, sql: &'static str) -> Statement<'c> {
        self.sql_for(sql, sql)
    }

    /// A statement that must differ by engine.
    fn sql_for(self, sqlite: &'static str, postgres: &'static str) -> Statement<'c>;
}

pub(super) enum Target<'c> {
    SqlitePool(&'c SqlitePool),
    PgPool(&'c PgPool),
    Sqlite(&'c mut SqliteConnection),
    Pg(&'c mut PgConnection),
}

enum Args {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

/// A statement being put together: bind its arguments in order, then run it.
#[must_use = "a statement does nothing until it is run"]
pub struct Statement<'c> {
    sql: &'static str,
    args: Args,
    target: Target<'c>,
    failed: Option<sqlx::Error>,
}

impl std::fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Statement").field(&self.sql).finish()
    }
}

/// Runs the same query on whichever target it is.
macro_rules! run {
    ($statement:ident, $query:ident, $fetch:ident) => {{
        if let Some(error) = $statement.failed {
            return Err(error.into());
        }
        match ($statement.target, $statement.args) {
            (Target::SqlitePool(on), Args::Sqlite(args)) => {
                sqlx::$query($statement.sql, args).$fetch(on).await
            }
            (Target::Sqlite(on), Args::Sqlite(args)) => {
                sqlx::$query($statement.sql, args).$fetch(on).await
            }
            (Target::PgPool(on), Args::Postgres(args)) => {
                let mut lent = Lent::from(on).await?;
                let query = sqlx::$query($statement.sql, args);
                let result = in_time(LONGEST, query.$fetch(&mut *lent)).await;
                lent.end(result)
            }
            (Target::Pg(on), Args::Postgres(args)) => {
                let query = sqlx::$query($statement.sql, args);
                in_time(LONGEST, query.$fetch(on)).await
            }
            _ => unreachable!("arguments are made for the target they are bound to"),
        }
    }};
}

impl<'c> Statement<'c> {
    pub(super) fn new(sql: &'static str, target: Target<'c>) -> Self {
        let args = match target {
            Target::SqlitePool(_) | Target::Sqlite(_) => Args::Sqlite(SqliteArguments::default()),
            Target::PgPool(_) | Target::Pg(_) => Args::Postgres(PgArguments::default()),
        };
        Self {
            sql,
            args,
            target,
            failed: None,
        }
    }

    /// It fails as if the database could not be reached.
    pub(super) fn unreachable(mut self) -> Self {
        self.failed.get_or_insert(sqlx::Error::PoolTimedOut);
        self
    }

    /// The next argument: `$1`, then `$2`…
    pub fn bind<'q, T>(mut self, value: T) -> Self
    where
        T: Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres>,
    {
        let added = match &mut self.args {
            Args::Sqlite(args) => args.add(value),
            Args::Postgres(args) => args.add(value),
        };
        if let Err(source) = added {
            self.failed.get_or_insert(sqlx::Error::Encode(source));
        }
        self
    }

    /// Runs it and tells how many rows it changed.
    pub async fn execute(self) -> Result<u64, Error> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        let changed = match (self.target, self.args) {
            (Target::SqlitePool(on), Args::Sqlite(args)) => sqlx::query_with(self.sql, args)
                .execute(on)
                .await?
                .rows_affected(),
            (Target::Sqlite(on), Args::Sqlite(args)) => sqlx::query_with(self.sql, args)
                .execute(on)
                .await?
                .rows_affected(),
            (Target::PgPool(on), Args::Postgres(args)) => {
                let mut lent = Lent::from(on).await?;
                let query = sqlx::query_with(self.sql, args);
                let result = in_time(LONGEST, query.execute(&mut *lent)).await;
                lent.end(result)?.rows_affected()
            }
            (Target::Pg(on), Args::Postgres(args)) => {
                let query = sqlx::query_with(self.sql, args);
                in_time(LONGEST, query.execute(on)).await?.rows_affected()
            }
            _ => unreachable!("arguments are made for the target they are bound to"),
        };
        Ok(changed)
    }

    /// Every row.
    pub async fn fetch_all<T>(self) -> Result<Vec<T>, Error>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(run!(self, query_as_with, fetch_all)?)
    }

    /// The one row; [`Error::NotFound`] if there is none.
    pub async fn fetch_one<T>(self) -> Result<T, Error>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(run!(self, query_as_with, fetch_one)?)
    }

    /// The one row, if there is one.
    pub async fn fetch_optional<T>(self) -> Result<Option<T>, Error>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(run!(self, query_as_with, fetch_optional)?)
    }
}
