//! Compares a file with the directory and says what is to be written. Pure but for the ids of the new.

use std::collections::{BTreeMap, HashMap};

use super::absent;
use super::managers;
use super::{ImportPreview, ImportedRow, Rows, named_groups};
use crate::clock::Timestamp;
use crate::directory::contact::{self, Contact, ContactDraft, PointDraft, lookup_text};
use crate::directory::import::{
    Change, ChangeKind, ExistingPerson, GroupName, ImportedPerson, Parsed, Point, diff, merge,
};
use crate::directory::saving::{Batch, Existing};
use crate::directory::undo;
use crate::ids::{ContactId, GroupId};
use crate::keys::{Keys, hex};
use crate::storage::groups::GroupSave;

/// A person to be written: the whole person, and as they were before.
struct Write {
    id: ContactId,
    draft: ContactDraft,
    before: Option<Contact>,
}

/// What a file does, with all that is written for it.
pub(super) struct Compared {
    pub(super) preview: ImportPreview,
    writes: Vec<Write>,
    /// People who are not in the file.
    absent: Vec<Contact>,
}

impl Compared {
    /// Takes those who are not in the file out of use, too.
    pub(super) fn take_out(&mut self) {
        self.preview.takes_out = true;
    }

    pub(super) fn into_rows(self, keys: &Keys, now: Timestamp) -> Rows {
        let mut batch = Batch::default();
        let mut before = Vec::new();
        for write in self.writes {
            let known = write.before.as_ref();
            let points = known.map_or(&[][..], |contact| &contact.points);
            let existing: Vec<Existing> = points
                .iter()
                .map(|point| Existing {
                    id: point.id,
                    kind: point.kind,
                    lookup: keys.lookup(&lookup_text(&point.address)),
                })
                .collect();
            before.push(undo::keep(keys, write.id, known, &write.draft.groups));
            batch.add(keys, write.id, &write.draft, &existing, now);
            batch.manager(write.id, write.draft.manager_id);
        }
        let absent = self.absent.iter().filter(|_| self.preview.takes_out);
        let mut out_of_use = Vec::new();
        for contact in absent {
            before.push(undo::keep(keys, contact.id, Some(contact), &contact.groups));
            out_of_use.push(contact.id);
        }
        let save = |group: GroupName| GroupSave {
            id: hex(GroupId::new().0.as_bytes()),
            name: group.name,
            title: group.title,
            at: now.0,
        };
        Rows {
            batch,
            groups: self.preview.new_groups.into_iter().map(save).collect(),
            out_of_use,
            before,
        }
    }
}

/// What a file means for everyone there is. Groups of these names exist already.
pub(super) fn compare_now(
    existing: &[Contact],
    parsed: &Parsed,
    known_groups: &[String],
) -> Compared {
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
        absent: Vec::new(),
    };
    let (absent, of) = absent::find(existing, &incoming, &changes);
    compared.absent = absent
        .iter()
        .map(|one| existing[place[&one.contact]].clone())
        .collect();
    compared.preview.absent_stay = absent::refusal(absent.len(), of, parsed.rejected.len());
    compared.preview.absent = absent;
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
                before: before.cloned(),
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
        absent: Vec::new(),
        absent_stay: None,
        takes_out: false,
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
