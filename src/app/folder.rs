//! The data folder, and the locks that keep two processes from doing what only one may.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::OpenFailure;
use crate::config::Config;
use crate::storage::{Access, DatabaseUrl};

/// Waits for whoever is opening the same data folder, and keeps the next one waiting until dropped.
/// Makes the folder first, unless nothing may be made: then there may be nobody to wait for.
pub(super) fn wait_for_opening(folder: &Path, access: Access) -> Result<Option<File>, OpenFailure> {
    let path = folder.join("opening.lock");
    let file = if access == Access::AsItIs {
        match File::open(&path) {
            Err(error) if is_absence(&error) => return Ok(None),
            opened => opened,
        }
    } else {
        make_private(folder)?;
        File::create(&path)
    };
    let locked = file.and_then(|file| file.lock().map(|()| Some(file)));
    locked.map_err(|error| unusable(folder, error))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn make_private(folder: &Path) -> Result<(), OpenFailure> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| unusable(folder, error))
}

/// Why the folder cannot be used: in its place, or on the way to it, may be a file.
fn unusable(folder: &Path, error: io::Error) -> OpenFailure {
    let name = folder.display().to_string();
    match folder.ancestors().find(|path| path.is_file()) {
        Some(file) => OpenFailure::NotAFolder(name, file.display().to_string()),
        None => OpenFailure::DataFolder(name, error),
    }
}

/// Holds an embedded database for one server; freed when it is dropped or the process dies.
#[derive(Debug)]
pub struct ServerLock(#[expect(dead_code, reason = "held, not read")] File);

impl ServerLock {
    /// Takes the lock beside the database's file, whatever data folder goes with it. None on
    /// PostgreSQL, which several servers may use.
    pub fn take(config: &Config) -> Result<Option<Self>, OpenFailure> {
        let DatabaseUrl::Sqlite(database) = config.database_url() else {
            return Ok(None);
        };
        make_private(&config.data_dir)?;
        // A link to the file is the same file.
        let mut path = database
            .canonicalize()
            .unwrap_or_else(|_not_there_yet| database.clone())
            .into_os_string();
        path.push(".lock");
        let fails = |error| OpenFailure::Lock(path.display().to_string(), error);
        let file = File::create(&path).map_err(fails)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => {
                Err(OpenFailure::AlreadyRunning(database.display().to_string()))
            }
            Err(TryLockError::Error(error)) => Err(fails(error)),
        }
    }
}
