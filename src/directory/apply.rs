//! Brings a file of people into the directory: says what would change, then changes all of it or
//! nothing. Nothing is erased by an empty cell, nobody is taken out of use unless that is asked for, and
//! the newest import can be undone.

mod absent;
mod comparison;
mod managers;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use serde_json::json;

use super::contact::{self, Contact};
use super::import::{ChangeKind, GroupName, ImportedPerson, Note, Parsed, Rejected};
use super::saving::{Batch, Memberships};
use super::undo;
use super::{Error, refused};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::{ContactId, ImportId};
use crate::keys::Keys;
use crate::storage::contacts::{archive_all, ids_json, revision};
use crate::storage::groups::{self, GroupSave};
use crate::storage::imports::{BeforeSave, ImportRow};
use crate::storage::{self, Db};
pub use absent::{Absent, AbsentPerson};
use comparison::{Compared, compare_now};

/// Times to start anew when someone else changes the directory while a file is compared with it.
const TRIES: usize = 3;

/// What a file does, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportPreview {
    /// People who are not in the directory yet.
    pub new: usize,
    /// People who get another value.
    pub changed: usize,
    /// People of whom the directory says the same already.
    pub unchanged: usize,
    /// Rows that are left out, with the reasons.
    pub rejected: Vec<Rejected>,
    /// What was decided for rows that are taken.
    pub notes: Vec<Note>,
    /// What was decided for the file as a whole.
    pub file_notes: Vec<String>,
    /// Groups that the file names and that do not exist yet.
    pub new_groups: Vec<GroupName>,
    /// Everyone in the file, in its order.
    pub people: Vec<ImportedRow>,
    /// People in use who are not in the file, though others of their category are.
    pub absent: Vec<AbsentPerson>,
    /// Why the file may not take them out of use, if it may not.
    pub absent_stay: Option<String>,
    /// Whether they are taken out of use.
    pub takes_out: bool,
}

impl ImportPreview {
    /// Whether applying it would change anybody.
    pub fn changes(&self) -> bool {
        self.new + self.changed > 0 || (self.takes_out && !self.absent.is_empty())
    }
}

/// What happens to one person of a file. Debug shows the line alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedRow {
    /// The line of the file.
    pub line: usize,
    /// Who it is in the directory; `None` for the new.
    pub contact: Option<ContactId>,
    /// The name as the file writes it.
    pub name: String,
    /// New, unchanged, or which columns change.
    pub kind: ChangeKind,
}

impl std::fmt::Debug for ImportedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImportedRow(line {})", self.line)
    }
}

/// Says what [`apply_import`] would do now. Changes nothing.
pub async fn plan_import(db: &Db, keys: &Keys, parsed: Parsed) -> Result<ImportPreview, Error> {
    let existing = contact::everyone(db, keys).await?;
    let groups = groups::list_named(db, &group_names(&parsed)).await?;
    let known = groups.into_iter().map(|group| group.name).collect();
    Ok(compare(existing, Arc::new(parsed), known).await?.preview)
}

/// Applies every good row in one transaction, and answers what it did. Rejected rows are left out.
/// Groups that do not exist are made. `sha256` is the file's hash, for the audit chain. A file that
/// changes nothing is no error, and leaves its entry too. [`Absent::TakeOut`] is refused where it
/// would take out many: nothing is changed then.
pub async fn apply_import(
    db: &Db,
    keys: &Keys,
    parsed: Parsed,
    absent: Absent,
    sha256: &str,
    now: Timestamp,
    actor: &Actor,
) -> Result<ImportPreview, Error> {
    let parsed = Arc::new(parsed);
    for _ in 1..TRIES {
        match try_to_apply(db, keys, &parsed, absent, sha256, now, actor).await {
            Err(Error::Changed) => {}
            done => return done,
        }
    }
    try_to_apply(db, keys, &parsed, absent, sha256, now, actor).await
}

async fn try_to_apply(
    db: &Db,
    keys: &Keys,
    parsed: &Arc<Parsed>,
    absent: Absent,
    sha256: &str,
    now: Timestamp,
    actor: &Actor,
) -> Result<ImportPreview, Error> {
    let seen = revision(db).await?;
    let existing = contact::everyone(db, keys).await?;
    let groups = groups::list_named(db, &group_names(parsed)).await?;
    let known = groups.into_iter().map(|group| group.name).collect();
    let mut compared = compare(existing, parsed.clone(), known).await?;
    if absent == Absent::TakeOut {
        if let Some(why) = &compared.preview.absent_stay {
            return Err(refused("file", why));
        }
        compared.take_out();
    }
    let preview = compared.preview.clone();
    let rows = off_the_road({
        let keys = keys.clone();
        move || compared.into_rows(&keys, now)
    })
    .await?;
    let detail = json!({
        "sha256": sha256, "new": preview.new, "changed": preview.changed,
        "unchanged": preview.unchanged, "rejected": preview.rejected.len(),
        "groups": preview.new_groups.len(), "taken_out": rows.out_of_use.len(),
    });
    let import = ImportRow {
        id: ImportId::new(),
        at: now,
        actor: actor.as_str().to_owned(),
        added: whole(preview.new),
        changed: whole(preview.changed),
        taken_out: whole(rows.out_of_use.len()),
        undone_at: None,
    };
    let actor = actor.clone();
    db.write("import contacts", move |tx| {
        async move {
            audit::append(tx, now, &actor, "contact.import", "directory", &detail).await?;
            if revision(&mut *tx).await? != seen {
                return Err(Error::Changed);
            }
            groups::ensure(tx, &rows.groups).await?;
            let wrote = rows.batch.write(tx, Memberships::Add).await;
            wrote.map_err(explain)?;
            for ids in rows.out_of_use.chunks(CHUNK) {
                archive_all(tx, &ids_json(ids.iter().copied()), now).await?;
            }
            if !rows.before.is_empty() {
                undo::remember(tx, &import, &rows.before).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .await?;
    Ok(preview)
}

/// Rows of one statement.
const CHUNK: usize = 1000;

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What an import writes.
struct Rows {
    batch: Batch,
    groups: Vec<GroupSave>,
    out_of_use: Vec<ContactId>,
    before: Vec<BeforeSave>,
}

fn explain(error: Error) -> Error {
    match error {
        Error::Storage(storage::Error::Conflict) => refused(
            "external_id",
            "two people would have the same external_id: nothing was changed",
        ),
        other => other,
    }
}

fn group_names(parsed: &Parsed) -> Vec<String> {
    named_groups(&parsed.people).into_keys().collect()
}

/// Short names with the first title that the file gives.
fn named_groups(people: &[ImportedPerson]) -> BTreeMap<String, GroupName> {
    let mut named = BTreeMap::new();
    for group in people.iter().flat_map(|person| &person.groups) {
        named
            .entry(group.name.clone())
            .or_insert_with(|| group.clone());
    }
    named
}

/// Compares where seconds of work hold up nobody else.
async fn compare(
    existing: Vec<Contact>,
    parsed: Arc<Parsed>,
    known_groups: Vec<String>,
) -> Result<Compared, Error> {
    off_the_road(move || compare_now(&existing, &parsed, &known_groups)).await
}

async fn off_the_road<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_cause| storage::Error::Broken("an import panicked"))?)
}
