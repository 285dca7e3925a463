//! Room set aside on the disk, so that answers can still be kept when it is full.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{error, info, warn};

/// A file that is there only to be deleted.
#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
    bytes: u64,
    spent: AtomicBool,
}

impl Reserve {
    /// Sets `bytes` aside in the file at `path`; less room than that is told, and tried again by
    /// [`Reserve::renew`].
    pub fn set_aside(path: PathBuf, bytes: u64) -> Self {
        let reserve = Self {
            path,
            bytes,
            spent: AtomicBool::new(true),
        };
        if let Err(error) = reserve.make() {
            warn!(
                %error,
                "There is no room on the disk for the reserve that answers are kept in when it is full: \
                 no new alert can be launched until there is"
            );
        }
        reserve
    }

    /// Gives the room to the database.
    pub(super) fn release(&self) {
        if self.spent.swap(true, Ordering::AcqRel) {
            return;
        }
        match fs::remove_file(&self.path) {
            Ok(()) => error!(
                "The disk is full. Answers go on into the reserve; no new alert can be launched until \
                 there is room: free some"
            ),
            Err(error) => error!(%error, "The disk is full, and its reserve could not be used"),
        }
    }

    /// Sets the room aside again if it was used and there is twice as much now. Answers whether it did.
    pub fn renew(&self) -> bool {
        let has_room = self.free().is_none_or(|free| free >= self.bytes * 2);
        if !self.spent.load(Ordering::Acquire) || !has_room {
            return false;
        }
        match self.make() {
            Ok(()) => info!("There is room on the disk again: the reserve is set aside anew"),
            Err(error) => warn!(%error, "The reserve could not be set aside anew"),
        }
        !self.spent.load(Ordering::Acquire)
    }

    /// Whether the disk is full, or about to be: then nothing big should be begun.
    pub fn is_low(&self) -> bool {
        let few = self.bytes / 4;
        self.spent.load(Ordering::Acquire) || self.free().is_some_and(|free| free < few)
    }

    /// Bytes that are free beside it; none where that cannot be asked.
    pub fn free(&self) -> Option<u64> {
        free(self.path.parent().filter(|path| *path != Path::new(""))?)
    }

    fn make(&self) -> io::Result<()> {
        let is_there = fs::metadata(&self.path).is_ok_and(|facts| facts.len() == self.bytes);
        if !is_there {
            let made = fill(&self.path, self.bytes);
            if made.is_err() {
                // Half of it would only be in the way.
                drop(fs::remove_file(&self.path));
            }
            made?;
        }
        self.spent.store(false, Ordering::Release);
        Ok(())
    }
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(folder).ok()?;
    Some(facts.f_bavail * facts.f_frsize)
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

/// Makes a file that takes up as much room as it is long.
fn fill(path: &Path, bytes: u64) -> io::Result<()> {
    let file = File::create(path)?;
    allocate(&file, bytes)?;
    file.sync_all()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write(file, bytes),
        done => Ok(done?),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    write(file, bytes)
}

/// Where room cannot be asked for, it is written full.
fn write(file: &File, bytes: u64) -> io::Result<()> {
    let mut nothing = io::Read::take(io::repeat(0x55), bytes);
    let mut file = io::BufWriter::with_capacity(1 << 16, file);
    io::copy(&mut nothing, &mut file)?;
    io::Write::flush(&mut file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_takes_room_is_given_once_and_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reserve");
        let reserve = Reserve::set_aside(path.clone(), 1 << 20);
        assert_eq!(fs::metadata(&path).unwrap().len(), 1 << 20);
        assert!(!reserve.is_low());
        reserve.release();
        assert!(!path.exists() && reserve.is_low());
        assert!(reserve.renew() && path.exists() && !reserve.is_low());
    }

    #[test]
    fn a_reserve_of_an_earlier_start_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reserve");
        Reserve::set_aside(path.clone(), 4096);
        let made = fs::metadata(&path).unwrap().modified().unwrap();
        assert!(!Reserve::set_aside(path.clone(), 4096).is_low());
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), made);
    }

    #[test]
    fn without_room_it_is_low_from_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::set_aside(folder.path().join("no/such/folder"), 4096);
        assert!(reserve.is_low());
    }
}
