//! Opens a PostgreSQL database: first by hand, to say quickly and plainly why it cannot be, then by the
//! pool, which keeps trying and in the end only knows that it took too long.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool, Row};
use tracing::warn;

use super::{Access, DatabaseUrl, MIGRATIONS, explain_migration, refuse_other_schema};
use crate::storage::Error;
use crate::storage::db::trouble::Trouble;
use crate::storage::db::{Db, Pools};

/// How long the first connection may take.
const GREETING: Duration = Duration::from_secs(5);
/// How long anyone waits for a connection. A launch that finds none says after this time that nothing
/// was sent.
const ACQUIRE: Duration = Duration::from_secs(8);
/// Connections of one server, besides those that are kept for answers.
const CONNECTIONS: u32 = 16;
/// Connections that are kept for answers.
const RESERVED: u32 = 4;

/// How each connection is set, whatever the database server's own settings.
const SESSION: [(&str, &str); 9] = [
    // Bulk look-ups by id must stay index look-ups on a warm cache, not scans of the table. And
    // compiling a statement that touches ten rows takes a second that nobody has at a launch.
    ("random_page_cost", "1.1"),
    ("jit", "off"),
    // "Recorded" is said of what is on disk.
    ("synchronous_commit", "on"),
    // Of a server that was cut off or sleeps in the middle of a transaction, the locks are freed
    // before its lease has run out: others are about to take over.
    ("idle_in_transaction_session_timeout", "10s"),
    ("statement_timeout", "20s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "10s"),
];

pub(super) async fn open(url: &str, access: Access) -> Result<Db, Error> {
    let options: PgConnectOptions = url.parse::<PgConnectOptions>().map_err(|_cause| {
        Error::NotSaved("the database address is not a valid postgres:// address".to_owned())
    })?;
    let options = options
        .application_name("muster")
        .options(SESSION)
        .disable_statement_logging();
    greet(&options).await?;
    let pool = pool(CONNECTIONS, options.clone());
    let applied = applied(&pool).await?;
    if access.migrates(&applied) {
        // A change of the schema may take its time.
        let mut connection = options
            .options([("statement_timeout", "0")])
            .connect()
            .await?;
        MIGRATIONS
            .run(&mut connection)
            .await
            .map_err(explain_migration)?;
        // Room for updates within the page: the hot table's rows change three times each.
        connection
            .execute("ALTER TABLE delivery SET (fillfactor = 60)")
            .await?;
        connection.close().await?;
    } else {
        refuse_other_schema(&applied, || {
            DatabaseUrl::Postgres(url.to_owned()).to_string()
        })?;
    }
    Ok(Db::of(Pools::Postgres(pool), Trouble::default()))
}

/// Connections, made when they are needed.
pub(in crate::storage::db) fn pool(connections: u32, options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        // The hooks below are the test, and a sharper one.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(is_writable(connection)))
        .after_connect(|connection, _| Box::pin(refuse_standby(connection)))
        .connect_lazy_with(options)
}

impl Db {
    /// The same database by a few connections of its own: whatever keeps the others busy, these are
    /// free for what must never wait. On SQLite, where reading waits for nobody, such a write goes
    /// before all others.
    #[must_use]
    pub fn reserved(&self) -> Self {
        match &self.pools {
            Pools::Sqlite {
                readers,
                writer,
                stage,
            } => Self {
                pools: Pools::Sqlite {
                    readers: readers.clone(),
                    writer: writer.urgent(),
                    stage: stage.clone(),
                },
                ..self.clone()
            },
            Pools::Postgres(shared) => {
                let options = (*shared.connect_options()).clone();
                Self {
                    pools: Pools::Postgres(pool(RESERVED, options)),
                    ..self.clone()
                }
            }
        }
    }
}

/// Connects once and hangs up.
async fn greet(options: &PgConnectOptions) -> Result<(), Error> {
    let greeted = async {
        let mut connection = options.connect().await?;
        let only_reads = only_reads(&mut connection).await?;
        connection.close().await?;
        Ok(only_reads)
    };
    match tokio::time::timeout(GREETING, greeted).await {
        Ok(Ok(false)) => Ok(()),
        Ok(Ok(true)) => Err(Error::NotSaved(format!(
            "the database server at {} only reads: it is a standby, or is being changed over. Name \
             the one that writes in `database`, or promote this one",
            place(options)
        ))),
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
async fn is_writable(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match only_reads(connection).await {
        Ok(only_reads) => Ok(!only_reads),
        Err(error) => {
            warn!(%error, "a database connection was broken and is replaced");
            Ok(false)
        }
    }
}

/// A new connection may lead to a standby that is about to be promoted: another is tried in a moment.
async fn refuse_standby(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    if only_reads(connection).await? {
        return Err(sqlx::Error::Configuration(
            "the database only reads: it is a standby, or is being changed over".into(),
        ));
    }
    Ok(())
}

async fn only_reads(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let row = connection.fetch_one("SHOW transaction_read_only").await?;
    Ok(row.get::<String, _>(0) == "on")
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
