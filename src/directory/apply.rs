//! Brings a file of people into the directory: says what would change, then changes all of it or
//! nothing. Nobody is ever removed by a file, and nothing is erased by an empty cell.

mod managers;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::FutureExt;
use serde_json::json;

use super::contact::{self, Contact, ContactDraft, PointDraft, lookup_text};
use super::import::{
    Change, ChangeKind, ExistingPerson, GroupName, ImportedPerson, Note, Parsed, Point, Rejected,
    diff, merge,
};
use super::saving::{Batch, Existing, Memberships};
use super::{Error, refused};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::{ContactId, GroupId};
use crate::keys::Keys;
use crate::keys::hex;
use crate::storage::contacts::revision;
use crate::storage::groups::{self, GroupSave};
use crate::storage::{self, Db};

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
/// changes nothing is no error, and leaves its entry too.
pub async fn apply_import(
    db: &Db,
    keys: &Keys,
    parsed: Parsed,
    sha256: &str,
    now: Timestamp,
    actor: &Actor,
) -> Result<ImportPreview, Error> {
    let parsed = Arc::new(parsed);
    for _ in 1..TRIES {
        match try_to_apply(db, keys, &parsed, sha256, now, actor).await {
            Err(Error::Changed) => {}
            done => return done,
        }
    }
    try_to_apply(db, keys, &parsed, sha256, now, actor).await
}

async fn try_to_apply(
    db: &Db,
    keys: &Keys,
    parsed: &Arc<Parsed>,
    sha256: &str,
    now: Timestamp,
    actor: &Actor,
) -> Result<ImportPreview, Error> {
    let seen = revision(db).await?;
    let existing = contact::everyone(db, keys).await?;
    let groups = groups::list_named(db, &group_names(parsed)).await?;
    let known = groups.into_iter().map(|group| group.name).collect();
    let compared = compare(existing, parsed.clone(), known).await?;
    let preview = compared.preview.clone();
    let detail = json!({
        "sha256": sha256, "new": preview.new, "changed": preview.changed,
        "unchanged": preview.unchanged, "rejected": preview.rejected.len(),
        "groups": preview.new_groups.len(),
    });
    let keys = keys.clone();
    let (batch, groups) = off_the_road(move || compared.into_rows(&keys, now)).await?;
    let actor = actor.clone();
    db.write("import contacts", move |tx| {
        async move {
            audit::append(tx, now, &actor, "contact.import", "directory", &detail).await?;
            if revision(&mut *tx).await? != seen {
                return Err(Error::Changed);
            }
            groups::ensure(tx, &groups).await?;
            batch.write(tx, Memberships::Add).await.map_err(explain)
        }
        .boxed()
    })
    .await?;
    Ok(preview)
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

/// A person to be written: the whole person, and the points of before.
struct Write {
    id: ContactId,
    draft: ContactDraft,
    before: Vec<contact::Point>,
}

struct Compared {
    preview: ImportPreview,
    writes: Vec<Write>,
}

impl Compared {
    fn into_rows(self, keys: &Keys, now: Timestamp) -> (Batch, Vec<GroupSave>) {
        let mut batch = Batch::default();
        for write in self.writes {
            let existing: Vec<Existing> = write
                .before
                .iter()
                .map(|point| Existing {
                    id: point.id,
                    kind: point.kind,
                    lookup: keys.lookup(&lookup_text(&point.address)),
                })
                .collect();
            batch.add(keys, write.id, &write.draft, &existing, now);
            batch.manager(write.id, write.draft.manager_id);
        }
        let save = |group: GroupName| GroupSave {
            id: hex(GroupId::new().0.as_bytes()),
            name: group.name,
            title: group.title,
            at: now.0,
        };
        (
            batch,
            self.preview.new_groups.into_iter().map(save).collect(),
        )
    }
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

/// Pure but for the ids of the new.
fn compare_now(existing: &[Contact], parsed: &Parsed, known_groups: &[String]) -> Compared {
    let people: Vec<ExistingPerson> = existing.iter().map(comparable).collect();
    let place: HashMap<ContactId, usize> = existing
        .iter()
        .enumerate()
        .map(|(index, contact)| (contact.id, index))
        .collect();
    // Managers are compared by who they are, not by how they are written.
    let mut incoming = parsed.people.clone();
    let managers: Vec<Option<String>> = incoming
        .iter_mut()
        .map(|person| person.manager.take())
        .collect();
    let changes = diff(&people, &incoming);
    let ids: Vec<ContactId> = changes
        .iter()
        .map(|change| change.matched.unwrap_or_else(ContactId::new))
        .collect();
    let mut notes = parsed.notes.clone();
    let managers = managers::resolve(existing, &incoming, &ids, &managers, &mut notes);
    let mut compared = Compared {
        preview: empty_preview(parsed, known_groups),
        writes: Vec::new(),
    };
    for (index, (person, mut change)) in incoming.iter().zip(changes).enumerate() {
        let known = change
            .matched
            .and_then(|id| place.get(&id))
            .map(|at| (&existing[*at], &people[*at]));
        let before = known.map(|(contact, _)| contact);
        let manager = managers[index].or_else(|| before.and_then(|contact| contact.manager_id));
        add_hidden_changes(&mut change, before, manager);
        compared.preview.count(person, &change);
        if change.kind != ChangeKind::Unchanged {
            let merged = match known {
                Some((_, known)) => merge(known, person),
                None => merge(&nobody(ids[index], person), person),
            };
            compared.writes.push(Write {
                id: ids[index],
                draft: draft(merged, manager),
                before: before
                    .map(|contact| contact.points.clone())
                    .unwrap_or_default(),
            });
        }
    }
    notes.sort_by_key(|note| note.line);
    compared.preview.notes = notes;
    compared
}

/// What the pure comparison cannot know: who the manager is, and that someone comes back.
fn add_hidden_changes(change: &mut Change, before: Option<&Contact>, manager: Option<ContactId>) {
    let Some(before) = before else { return };
    let mut hidden = Vec::new();
    if before.manager_id != manager {
        hidden.push("manager".to_owned());
    }
    if before.archived_at.is_some() {
        hidden.push("archived".to_owned());
    }
    match &mut change.kind {
        ChangeKind::Changed(fields) => fields.extend(hidden),
        kind if !hidden.is_empty() => *kind = ChangeKind::Changed(hidden),
        _ => {}
    }
}

fn empty_preview(parsed: &Parsed, known_groups: &[String]) -> ImportPreview {
    let mut new_groups = named_groups(&parsed.people);
    new_groups.retain(|name, _| !known_groups.contains(name));
    ImportPreview {
        new: 0,
        changed: 0,
        unchanged: 0,
        rejected: parsed.rejected.clone(),
        notes: Vec::new(),
        file_notes: parsed.file_notes.clone(),
        new_groups: new_groups.into_values().collect(),
        people: Vec::with_capacity(parsed.people.len()),
    }
}

impl ImportPreview {
    fn count(&mut self, person: &ImportedPerson, change: &Change) {
        match change.kind {
            ChangeKind::New => self.new += 1,
            ChangeKind::Changed(_) => self.changed += 1,
            ChangeKind::Unchanged => self.unchanged += 1,
        }
        self.people.push(ImportedRow {
            line: change.line,
            contact: change.matched,
            name: person.name.clone(),
            kind: change.kind.clone(),
        });
    }
}

fn comparable(contact: &Contact) -> ExistingPerson {
    let known = |text: &String| (!text.is_empty()).then(|| text.clone());
    let point = |point: &contact::Point| Point {
        kind: point.kind,
        address: point.address.clone(),
        extension: known(&point.extension),
    };
    ExistingPerson {
        id: contact.id,
        external_id: contact.external_id.clone(),
        name: contact.name.clone(),
        points: contact.points.iter().map(point).collect(),
        language: contact.language.clone(),
        category: contact.category,
        role: known(&contact.role),
        site: known(&contact.site),
        unit: known(&contact.unit),
        groups: contact
            .groups
            .iter()
            .map(|name| GroupName {
                name: name.clone(),
                title: name.clone(),
            })
            .collect(),
        tags: contact.tags.clone(),
        fields: contact.fields.clone(),
        manager: None,
    }
}

/// Someone of whom nothing is known yet.
fn nobody(id: ContactId, person: &ImportedPerson) -> ExistingPerson {
    ExistingPerson {
        id,
        external_id: None,
        name: String::new(),
        points: Vec::new(),
        language: person.language.clone(),
        category: person.category,
        role: None,
        site: None,
        unit: None,
        groups: Vec::new(),
        tags: Vec::new(),
        fields: BTreeMap::new(),
        manager: None,
    }
}

fn draft(person: ExistingPerson, manager_id: Option<ContactId>) -> ContactDraft {
    ContactDraft {
        external_id: person.external_id,
        name: person.name,
        language: person.language,
        category: person.category,
        role: person.role.unwrap_or_default(),
        site: person.site.unwrap_or_default(),
        unit: person.unit.unwrap_or_default(),
        tags: person.tags,
        fields: person.fields,
        groups: person.groups.into_iter().map(|group| group.name).collect(),
        points: person.points.into_iter().map(PointDraft::from).collect(),
        manager_id,
    }
}
