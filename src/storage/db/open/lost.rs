//! Refuses an embedded database that is gone, damaged or another program's, and says how to get the
//! right one back. An empty one in its place would look like good news.

use std::io;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, Row, SqliteConnection};

use super::make_private;
use crate::storage::Error;
use crate::storage::db::trouble::primary_code;

/// What stands in the mark, for whoever finds it.
const MARK: &str = "Muster has made the database beside this file. As long as this file is here, no \
    empty database is made in its place if it gets lost.\n";

/// The file that says that there is a database. Named so that who clears `muster.db*` away leaves it.
fn mark(database: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from("made-");
    name.push(database.file_name().unwrap_or_default());
    database.with_file_name(name)
}

/// From now on a database that is not there is a lost one.
pub(super) fn mark_made(database: &Path) -> io::Result<()> {
    let path = mark(database);
    if path.exists() {
        return Ok(());
    }
    make_private(&path)?;
    std::fs::write(&path, MARK)
}

/// Fails if a database was made here and is gone, or has been emptied.
pub(super) fn refuse_lost(database: &Path) -> Result<(), Error> {
    let is_there = std::fs::metadata(database).is_ok_and(|facts| facts.len() > 0);
    let mark = mark(database);
    if is_there || !mark.exists() {
        return Ok(());
    }
    Err(Error::NotSaved(format!(
        "the database {} is gone or empty, although it was made here. No other was made in its place: \
         put its newest copy there and start again. Only if nothing of it is needed any more, delete {} \
         too, and an empty one is made",
        database.display(),
        mark.display()
    )))
}

/// Fails if the file is no database, or has tables of which none is ours. Looks before anything is
/// opened for writing: that alone would change another program's file.
pub(super) async fn refuse_foreign(database: &Path) -> Result<(), Error> {
    if !std::fs::metadata(database).is_ok_and(|facts| facts.len() > 0) {
        return Ok(());
    }
    let options = SqliteConnectOptions::new()
        .filename(database)
        .read_only(true);
    let looked = async {
        let mut connection = options.connect().await?;
        let ours = "SELECT count(*), COALESCE(sum(name IN ('_sqlx_migrations', 'meta')), 0)
                    FROM sqlite_master WHERE type = 'table'";
        let row = connection.fetch_one(ours).await?;
        connection.close().await?;
        Ok::<(i64, i64), sqlx::Error>((row.get(0), row.get(1)))
    };
    match looked.await {
        Ok((tables, 0)) if tables > 0 => Err(Error::NotSaved(format!(
            "the file {} is another program's database, and nothing in it was touched: name Muster's \
             own with `database` or --data",
            database.display()
        ))),
        Err(source) if is_damage(&source) => Err(damaged(database, &words(&source))),
        // Whatever else is in the way is told by whoever opens it for writing.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Fails if the file's pages do not fit together: what is not readable must be noticed now, and not
/// in the middle of an alert.
pub(super) async fn refuse_damaged(
    database: &Path,
    connection: &mut SqliteConnection,
) -> Result<(), Error> {
    let row = connection.fetch_one("PRAGMA quick_check(1)").await;
    let row = row.map_err(|source| damaged_or(database, &source, super::cannot_open))?;
    match row.get::<String, _>(0).as_str() {
        "ok" => Ok(()),
        found => Err(damaged(database, found)),
    }
}

/// Why a database cannot be opened: because it is damaged, or whatever `otherwise` says.
pub(super) fn damaged_or(
    database: &Path,
    source: &sqlx::Error,
    otherwise: impl Fn(&Path, &dyn std::error::Error) -> Error,
) -> Error {
    if is_damage(source) {
        damaged(database, &words(source))
    } else {
        otherwise(database, source)
    }
}

fn is_damage(source: &sqlx::Error) -> bool {
    matches!(primary_code(source), Some(11 | 26))
}

fn words(source: &sqlx::Error) -> String {
    match source {
        sqlx::Error::Database(cause) => cause.message().to_owned(),
        other => other.to_string(),
    }
}

fn damaged(database: &Path, found: &str) -> Error {
    Error::NotSaved(format!(
        "the database {0} is damaged or no database ({found}), and nothing in it was touched. Keep it, \
         move it and the files {0}-wal and {0}-shm aside, put the newest copy in its place and start \
         again; check the disk",
        database.display()
    ))
}
