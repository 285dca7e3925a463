//! Opens a PostgreSQL database: first by hand, to say quickly and plainly why it cannot be, then by the
//! pool, which keeps trying and in the end only knows that it took too long.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgPool, Row};
use tracing::warn;

use super::{Access, DatabaseUrl, MIGRATIONS, explain_migration, refuse_other_schema};
use crate::storage::Error;
use crate::storage::db::trouble::Trouble;
use crate::storage::db::{Db, Pools};

/// How long the first connection may take.
const GREETING: Duration = Duration::from_secs(5);

pub(super) async fn open(url: &str, access: Access) -> Result<Db, Error> {
    let options: PgConnectOptions = url.parse::<PgConnectOptions>().map_err(|_cause| {
        Error::NotSaved("the database address is not a valid postgres:// address".to_owned())
    })?;
    let options = options
        .application_name("muster")
        // Bulk look-ups by id must stay index look-ups on a warm cache, not scans of the table. And
        // compiling a statement that touches ten rows takes a second that nobody has at a launch.
        .options([
            ("random_page_cost", "1.1"),
            ("jit", "off"),
            // Whatever the server's own setting: "recorded" is said of what is on disk.
            ("synchronous_commit", "on"),
        ])
        .disable_statement_logging();
    greet(&options).await?;
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(10))
        // The hook below is the test, and a sharper one.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(is_writable(connection)))
        .connect_with(options.clone())
        .await
        .map_err(|source| refused(&options, &source))?;
    let applied = applied(&pool).await?;
    if access.migrates(&applied) {
        MIGRATIONS.run(&pool).await.map_err(explain_migration)?;
        // Room for updates within the page: the hot table's rows change three times each.
        pool.execute("ALTER TABLE delivery SET (fillfactor = 60)")
            .await?;
    } else {
        refuse_other_schema(&applied, || {
            DatabaseUrl::Postgres(url.to_owned()).to_string()
        })?;
    }
    Ok(Db::of(Pools::Postgres(pool), Trouble::default()))
}

/// Connects once and hangs up.
async fn greet(options: &PgConnectOptions) -> Result<(), Error> {
    match tokio::time::timeout(GREETING, options.connect()).await {
        Ok(Ok(connection)) => Ok(connection.close().await?),
        Ok(Err(error)) => Err(refused(options, &error)),
        Err(_elapsed) => Err(unreachable(options, "no answer in 5 seconds")),
    }
}

/// Where the server is, as people write it.
fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

fn unreachable(options: &PgConnectOptions, why: &str) -> Error {
    Error::NotSaved(format!(
        "the database server cannot be reached at {} ({why}): see that it is running, and that \
         `database` names its host and port",
        place(options)
    ))
}

/// Why the server did not let us in, by the codes of PostgreSQL's appendix A.
fn refused(options: &PgConnectOptions, error: &sqlx::Error) -> Error {
    let cause = match error {
        sqlx::Error::Io(cause) => return unreachable(options, &cause.to_string()),
        sqlx::Error::Database(cause) => cause,
        sqlx::Error::Protocol(_) => {
            return Error::NotSaved(format!(
                "what answers at {} does not speak as a PostgreSQL server does: see that `database` \
                 names its host and port",
                place(options)
            ));
        }
        other => {
            return Error::NotSaved(format!(
                "the database server at {} does not let us in: {other}",
                place(options)
            ));
        }
    };
    let user = options.get_username();
    let what = match cause.code().as_deref() {
        Some("28000" | "28P01") => format!(
            "refuses the user \"{user}\" ({}): check the user and the password in `database`",
            cause.message()
        ),
        Some("3D000") => {
            let name = options.get_database().unwrap_or(user);
            format!(
                "has no database \"{name}\": make it with CREATE DATABASE, or name another in \
                 `database`"
            )
        }
        Some("57P03") => "is just starting or stopping: try again in a moment".to_owned(),
        _ => format!("does not let us in: {}", cause.message()),
    };
    Error::NotSaved(format!("the database server at {} {what}", place(options)))
}

/// After a failover the old connections lead to a server that only reads: those are thrown away.
async fn is_writable(connection: &mut sqlx::PgConnection) -> Result<bool, sqlx::Error> {
    match connection.fetch_one("SHOW transaction_read_only").await {
        Ok(row) => Ok(row.get::<String, _>(0) == "off"),
        Err(error) => {
            warn!(%error, "a database connection was broken and is replaced");
            Ok(false)
        }
    }
}

async fn applied(pool: &PgPool) -> Result<Vec<i64>, Error> {
    let table = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    let exists: bool = pool.fetch_one(table).await?.get(0);
    if !exists {
        return Ok(Vec::new());
    }
    let rows = pool
        .fetch_all("SELECT version FROM _sqlx_migrations")
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
