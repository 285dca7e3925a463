//! Files that were read in and wait for their button: in memory, few, and for minutes only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::directory::apply::ImportPreview;
use crate::directory::import::{Meaning, Parsed, WrongColumns};
use crate::directory::table::Table;
use crate::ids::UserId;
use crate::keys::random_token;
use crate::web::view::counted;

/// How long a file waits.
const WAITS: Duration = Duration::from_mins(10);

/// How many wait at once; the oldest makes room.
const MOST: usize = 16;

/// A file that was read in.
#[derive(Clone)]
pub(super) struct Kept {
    /// What the browser called it.
    name: String,
    /// Its hash, for the audit chain.
    pub(super) sha256: String,
    /// Its cells.
    pub(super) table: Arc<Table>,
    /// What each of its columns means, by its name or because the person said so.
    pub(super) said: Vec<Meaning>,
    /// Why its columns cannot be a directory's as they are understood.
    pub(super) wrong: Option<String>,
    /// What is in it; none while it is applied and afterwards, and while its columns are wrong.
    pub(super) parsed: Option<Arc<Parsed>>,
    /// What applying it did.
    pub(super) result: Option<ImportPreview>,
}

impl Kept {
    /// A file with what its columns mean, and what was read out of it by that.
    pub(super) fn new(
        name: String,
        sha256: String,
        table: Arc<Table>,
        said: Vec<Meaning>,
        read: Result<Parsed, WrongColumns>,
    ) -> Self {
        let (parsed, wrong) = apart(read);
        Self {
            name,
            sha256,
            table,
            said,
            wrong,
            parsed,
            result: None,
        }
    }

    /// Its name, or words in its place.
    pub(super) fn called(&self) -> String {
        let name = if self.name.is_empty() {
            "the file"
        } else {
            &self.name
        };
        name.to_owned()
    }

    /// How it was read, in sentences.
    pub(super) fn reading(&self) -> String {
        let rows = counted(self.table.rows.len() as u64, "row", "rows");
        format!("Read as {}. {rows}.", self.table.form)
    }
}

fn apart(read: Result<Parsed, WrongColumns>) -> (Option<Arc<Parsed>>, Option<String>) {
    match read {
        Ok(parsed) => (Some(Arc::new(parsed)), None),
        Err(why) => (None, Some(why.to_string())),
    }
}

struct Waiting {
    id: String,
    since: Duration,
    kept: Kept,
}

/// The files of all users; each user's newest.
#[derive(Default)]
pub(super) struct Uploads(Mutex<HashMap<UserId, Waiting>>);

impl Uploads {
    /// Keeps a file in the place of the one that the same person had before. Answers its key.
    pub(super) fn keep(&self, owner: UserId, kept: Kept, now: Duration) -> String {
        let id = random_token();
        let mut uploads = self.lock(now);
        if uploads.len() >= MOST && !uploads.contains_key(&owner) {
            let oldest = uploads
                .iter()
                .min_by_key(|(_, one)| one.since)
                .map(|(owner, _)| *owner);
            oldest.and_then(|owner| uploads.remove(&owner));
        }
        uploads.insert(
            owner,
            Waiting {
                id: id.clone(),
                since: now,
                kept,
            },
        );
        id
    }

    /// The person's own file of that key, if it still waits.
    pub(super) fn find(&self, owner: UserId, id: &str, now: Duration) -> Option<Kept> {
        let uploads = self.lock(now);
        uploads
            .get(&owner)
            .filter(|one| one.id == id)
            .map(|one| one.kept.clone())
    }

    /// Takes what is in the file, once.
    pub(super) fn take_parsed(
        &self,
        owner: UserId,
        id: &str,
        now: Duration,
    ) -> Option<(Kept, Arc<Parsed>)> {
        let mut uploads = self.lock(now);
        let one = uploads.get_mut(&owner).filter(|one| one.id == id)?;
        let parsed = one.kept.parsed.take()?;
        Some((one.kept.clone(), parsed))
    }

    /// Puts back what could not be applied.
    pub(super) fn put_back(&self, owner: UserId, id: &str, parsed: Arc<Parsed>) {
        self.with(owner, id, |kept| kept.parsed = Some(parsed));
    }

    /// Keeps what the columns mean and what was read by that, unless the file is being applied or was.
    pub(super) fn set_columns(
        &self,
        owner: UserId,
        id: &str,
        said: Vec<Meaning>,
        read: Result<Parsed, WrongColumns>,
    ) {
        self.with(owner, id, |kept| {
            if kept.parsed.is_some() || kept.wrong.is_some() {
                (kept.parsed, kept.wrong) = apart(read);
                kept.said = said;
            }
        });
    }

    /// Keeps what applying it did.
    pub(super) fn set_result(&self, owner: UserId, id: &str, result: ImportPreview) {
        self.with(owner, id, |kept| kept.result = Some(result));
    }

    fn with(&self, owner: UserId, id: &str, change: impl FnOnce(&mut Kept)) {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = uploads.get_mut(&owner).filter(|one| one.id == id) {
            change(&mut one.kept);
        }
    }

    /// Without those that have waited for too long.
    fn lock(&self, now: Duration) -> MutexGuard<'_, HashMap<UserId, Waiting>> {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.retain(|_, one| now.saturating_sub(one.since) < WAITS);
        uploads
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::table;

    fn file() -> Kept {
        let parsed = Parsed {
            people: Vec::new(),
            rejected: Vec::new(),
            notes: Vec::new(),
            file_columns: Vec::new(),
            file_notes: Vec::new(),
        };
        let table = Arc::new(table::read(b"name,mobile\n").unwrap());
        Kept::new(
            "staff.csv".to_owned(),
            String::new(),
            table,
            Vec::new(),
            Ok(parsed),
        )
    }

    #[test]
    fn a_file_is_its_owners_and_is_applied_once() {
        let uploads = Uploads::default();
        let owner = UserId::new();
        let id = uploads.keep(owner, file(), Duration::ZERO);
        assert!(uploads.find(UserId::new(), &id, Duration::ZERO).is_none());
        assert!(uploads.take_parsed(owner, &id, Duration::ZERO).is_some());
        assert!(uploads.take_parsed(owner, &id, Duration::ZERO).is_none());
    }

    #[test]
    fn a_file_waits_ten_minutes_and_no_longer() {
        let uploads = Uploads::default();
        let owner = UserId::new();
        let id = uploads.keep(owner, file(), Duration::ZERO);
        assert!(uploads.find(owner, &id, Duration::from_mins(9)).is_some());
        assert!(uploads.find(owner, &id, Duration::from_mins(10)).is_none());
    }

    #[test]
    fn many_people_at_once_do_not_fill_the_memory() {
        let uploads = Uploads::default();
        let first = UserId::new();
        let id = uploads.keep(first, file(), Duration::ZERO);
        for second in 1..=MOST as u64 {
            uploads.keep(UserId::new(), file(), Duration::from_secs(second));
        }
        assert!(uploads.find(first, &id, Duration::from_secs(20)).is_none());
    }
}
