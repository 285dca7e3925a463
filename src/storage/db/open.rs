//! Opens a database the way each engine must be opened for nothing to be lost, and migrates it.

mod dialect;
mod lost;
pub(super) mod postgres;

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Executor, Row, SqliteConnection};

use super::trouble::Trouble;
use super::writer::Writer;
use super::{Db, Pools};
use crate::storage::Error;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long a write waits for another process's write on the same SQLite file.
const BUSY: Duration = Duration::from_secs(5);

/// Where the database is: `sqlite:PATH` or `postgres://…`.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file of the embedded database.
    Sqlite(PathBuf),
    /// A PostgreSQL server; the text may hold a password.
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err("sqlite: needs a path, as in sqlite:muster-data/muster.db".to_owned());
            }
            return Ok(Self::Sqlite(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            // The cause may hold the password.
            return match PgConnectOptions::from_str(text) {
                Ok(_) => Ok(Self::Postgres(text.to_owned())),
                Err(_cause) => Err(
                    "it is no address such as postgres://USER:PASSWORD@HOST:5432/NAME; in a \
                     password write @ as %40, / as %2F, : as %3A and % as %25"
                        .to_owned(),
                ),
            };
        }
        Err("it must begin with sqlite: or postgres://".to_owned())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DatabaseUrl {
    /// Never the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let host = url.rsplit('@').next().unwrap_or_default();
                let host = host
                    .trim_start_matches("postgres://")
                    .trim_start_matches("postgresql://");
                write!(
                    f,
                    "postgres://{}",
                    host.split('?').next().unwrap_or_default()
                )
            }
        }
    }
}

/// What the opener is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Create what is missing and bring the schema up to date.
    Migrate,
    /// Create the schema where there is none at all; else it must be the one this program knows.
    /// For commands, which may run beside a server of another version.
    Create,
    /// The schema must be the one this program knows.
    AsItIs,
}

impl Access {
    fn migrates(self, applied: &[i64]) -> bool {
        self == Self::Migrate || (self == Self::Create && applied.is_empty())
    }
}

impl Db {
    /// Opens the database.
    ///
    /// Fails with a sentence for the person at the terminal: an unwritable folder, a server that
    /// does not answer, a schema newer than this program.
    pub async fn open(url: &DatabaseUrl, access: Access) -> Result<Self, Error> {
        match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(path, access).await,
            DatabaseUrl::Postgres(url) => postgres::open(url, access).await,
        }
    }
}

async fn open_sqlite(path: &Path, access: Access) -> Result<Db, Error> {
    lost::refuse_lost(path)?;
    lost::refuse_foreign(path).await?;
    if access == Access::AsItIs {
        if !path.is_file() {
            return Err(no_database(&sqlite_place(path)));
        }
    } else {
        make_private(path).map_err(|source| cannot_open(path, &source))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would lose the last commits at power loss: an answer shown as recorded, gone.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .pragma("cache_size", "-12288")
        .pragma("temp_store", "MEMORY")
        .statement_cache_capacity(256)
        // Rows come from another thread: fewer trips for a claim of a thousand.
        .row_buffer_size(1024)
        .disable_statement_logging();
    let mut connection = options
        .connect()
        .await
        .map_err(|source| lost::damaged_or(path, &source, cannot_open))?;
    let applied = applied_sqlite(&mut connection)
        .await
        .map_err(|source| lost::damaged_or(path, &source, cannot_open))?;
    if access.migrates(&applied) {
        lost::refuse_damaged(path, &mut connection).await?;
        save_before_migrating(path, &mut connection).await?;
        dialect::for_sqlite(&MIGRATIONS)
            .run(&mut connection)
            .await
            .map_err(explain_migration)?;
        lost::mark_made(path).map_err(|source| cannot_open(path, &source))?;
    } else {
        refuse_other_schema(&applied, || sqlite_place(path))?;
    }
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        // Opened now and kept: when the process has no file handles left it is too late.
        .min_connections(4)
        .idle_timeout(None)
        .max_lifetime(None)
        // Small caches: the pages are in the system's anyway.
        .connect_with(
            options
                .pragma("query_only", "ON")
                .pragma("cache_size", "-2048"),
        )
        .await?;
    let trouble = Trouble::default();
    let writer = Writer::start(connection, trouble.clone());
    Ok(Db::of(
        Pools::Sqlite {
            readers,
            writer,
            stage: None,
        },
        trouble,
    ))
}

/// Makes the file, for this user only: names and texts stand in it as they are. What SQLite writes
/// beside it takes the file's permissions.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn sqlite_place(path: &Path) -> String {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).display();
    match path.file_name() {
        Some(name) => format!("{folder} ({})", name.display()),
        None => folder.to_string(),
    }
}

fn no_database(place: &str) -> Error {
    Error::NotSaved(format!(
        "there is no Muster database in {place}: name its data folder with --data, or make one with \
         `muster init` or `muster serve`"
    ))
}

fn cannot_open(path: &Path, source: &dyn std::error::Error) -> Error {
    Error::NotSaved(format!(
        "the database file {} cannot be opened or written ({source}): check that the folder exists, \
         that this user may write to it, and that the disk is not full",
        path.display()
    ))
}

/// Keeps a copy of the database as it was before its schema changes.
async fn save_before_migrating(
    path: &Path,
    connection: &mut SqliteConnection,
) -> Result<(), Error> {
    let applied = applied_sqlite(connection).await?;
    let pending = MIGRATIONS
        .iter()
        .any(|migration| !applied.contains(&migration.version));
    if applied.is_empty() || !pending {
        return Ok(());
    }
    let newest = applied.iter().max().copied().unwrap_or_default();
    let copy = path.with_extension(format!("before-migration-{}.db", newest + 1));
    // An empty file is one that was not finished.
    if !std::fs::metadata(&copy).is_ok_and(|facts| facts.len() > 0) {
        make_private(&copy).map_err(|source| cannot_open(&copy, &source))?;
        sqlx::query("VACUUM INTO $1")
            .bind(copy.display().to_string())
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn applied_sqlite(connection: &mut SqliteConnection) -> Result<Vec<i64>, sqlx::Error> {
    let table = "SELECT name FROM sqlite_master WHERE name = '_sqlx_migrations'";
    if connection.fetch_optional(table).await?.is_none() {
        return Ok(Vec::new());
    }
    let rows = connection
        .fetch_all("SELECT version FROM _sqlx_migrations")
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn refuse_other_schema(applied: &[i64], place: impl Fn() -> String) -> Result<(), Error> {
    if applied.is_empty() {
        return Err(no_database(&place()));
    }
    let known: Vec<i64> = MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .collect();
    if applied.iter().any(|version| !known.contains(version)) {
        return Err(newer_schema());
    }
    if known.iter().any(|version| !applied.contains(version)) {
        return Err(Error::NotSaved(
            "the database is older than this program: run `muster migrate` first".to_owned(),
        ));
    }
    Ok(())
}

fn newer_schema() -> Error {
    Error::NotSaved(
        "the database was written by a newer version of Muster: install that version, or restore \
         the backup that was taken before the upgrade"
            .to_owned(),
    )
}

fn explain_migration(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => newer_schema(),
        other => Error::NotSaved(format!(
            "the database could not be brought up to date: {other}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_address_never_shows_its_password() {
        let url: DatabaseUrl = "postgres://muster:secret@db.example/clinic?x=1"
            .parse()
            .unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "postgres://db.example/clinic postgres://db.example/clinic"
        );
    }

    #[test]
    fn a_database_address_of_another_kind_is_refused() {
        assert!(
            "mysql://x"
                .parse::<DatabaseUrl>()
                .unwrap_err()
                .contains("sqlite:")
        );
        assert!("sqlite:".parse::<DatabaseUrl>().is_err());
        let wrong = "postgres://u:secret@h:port/db".parse::<DatabaseUrl>();
        let told = wrong.unwrap_err();
        assert!(told.contains("HOST") && !told.contains("secret"), "{told}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_copy_before_a_migration_is_whole_and_its_owners_only() {
        use std::os::unix::fs::MetadataExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let url = DatabaseUrl::Sqlite(path.clone());
        Db::open(&url, Access::Migrate).await.unwrap().close().await;
        let mut connection = SqliteConnectOptions::new()
            .filename(&path)
            .connect()
            .await
            .unwrap();
        connection
            .execute("DELETE FROM _sqlx_migrations WHERE version = 5")
            .await
            .unwrap();
        let copy = folder.path().join("muster.before-migration-5.db");
        // The tables are there already, so that the migration itself fails.
        Db::open(&url, Access::Migrate).await.unwrap_err();
        assert_eq!(std::fs::metadata(&copy).unwrap().mode() & 0o777, 0o600);
        // What a start that was cut short may leave.
        std::fs::write(&copy, "").unwrap();
        Db::open(&url, Access::Migrate).await.unwrap_err();
        assert!(std::fs::metadata(&copy).unwrap().len() > 0);
    }
}
