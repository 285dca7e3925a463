//! Turns people into rows, sealed, and writes any number of them with a handful of statements.

use std::collections::HashMap;

use super::contact::{ContactDraft, PointKind, lookup_text};
use super::{Error, refused};
use crate::clock::Timestamp;
use crate::ids::{ContactId, ContactPointId};
use crate::keys::Keys;
use crate::keys::hex;
use crate::storage::contacts::{self, ContactSave, ManagerSave, PointRow, PointSave, TagSave};
use crate::storage::groups::{self, MemberSave};
use crate::storage::{Json, Tx};

/// Rows of one statement.
const CHUNK: usize = 1000;

/// A point that the person has already: its key is used again for the same address, so that
/// opt-out and verified date stay.
#[derive(Clone)]
pub(super) struct Existing {
    /// The key.
    pub(super) id: ContactPointId,
    /// What it was.
    pub(super) kind: PointKind,
    /// Its blind index.
    pub(super) lookup: Vec<u8>,
}

impl From<PointRow> for Existing {
    fn from(row: PointRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            lookup: row.lookup,
        }
    }
}

/// What happens to the lists that a person was in before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Memberships {
    /// The person is in exactly the named groups.
    Replace,
    /// The person is in the named groups too.
    Add,
}

/// People to be written.
#[derive(Default)]
pub(super) struct Batch {
    people: Vec<String>,
    contacts: Vec<ContactSave>,
    points: Vec<PointSave>,
    tags: Vec<TagSave>,
    managers: Vec<ManagerSave>,
    /// Group's short name, person.
    members: Vec<(String, String)>,
}

impl Batch {
    /// Adds a person; `existing` are the points of before.
    pub(super) fn add(
        &mut self,
        keys: &Keys,
        id: ContactId,
        draft: &ContactDraft,
        existing: &[Existing],
        now: Timestamp,
    ) {
        let person = hex(id.0.as_bytes());
        let fields = (!draft.fields.is_empty()).then(|| {
            let json = serde_json::to_vec(&draft.fields).expect("a map of texts is JSON");
            hex(&keys.seal(id.0.as_bytes(), &json))
        });
        self.contacts.push(ContactSave {
            id: person.clone(),
            external_id: draft.external_id.clone(),
            name: draft.name.clone(),
            language: draft.language.as_str().to_owned(),
            category: draft.category.word().to_owned(),
            role: draft.role.clone(),
            site: draft.site.clone(),
            unit: draft.unit.clone(),
            fields,
            at: now.0,
        });
        self.add_points(keys, &person, draft, existing);
        for tag in &draft.tags {
            self.tags.push(TagSave {
                contact_id: person.clone(),
                tag: tag.clone(),
            });
        }
        for group in &draft.groups {
            self.members.push((group.clone(), person.clone()));
        }
        self.people.push(person);
    }

    fn add_points(
        &mut self,
        keys: &Keys,
        person: &str,
        draft: &ContactDraft,
        existing: &[Existing],
    ) {
        let mut left: Vec<&Existing> = existing.iter().collect();
        let mut ranks: HashMap<PointKind, i32> = HashMap::new();
        let mut seen: Vec<(PointKind, Vec<u8>)> = Vec::new();
        for point in &draft.points {
            let lookup = keys.lookup(&lookup_text(&point.address));
            if seen.contains(&(point.kind, lookup.clone())) {
                continue;
            }
            seen.push((point.kind, lookup.clone()));
            let same = |old: &&Existing| old.lookup == lookup && old.kind == point.kind;
            let moved = |old: &&Existing| old.lookup == lookup;
            let place = left
                .iter()
                .position(same)
                .or_else(|| left.iter().position(moved));
            let id = place.map_or_else(ContactPointId::new, |place| left.remove(place).id);
            let rank = ranks.entry(point.kind).or_insert(0);
            *rank += 1;
            self.points.push(PointSave {
                id: hex(id.0.as_bytes()),
                contact_id: person.to_owned(),
                kind: point.kind.word().to_owned(),
                rank: *rank,
                address: hex(&keys.seal(id.0.as_bytes(), point.address.reveal().as_bytes())),
                lookup: hex(&lookup),
                extension: point.extension.clone(),
            });
        }
    }

    /// Says whom a person reports to; `None` is nobody.
    pub(super) fn manager(&mut self, id: ContactId, manager: Option<ContactId>) {
        self.managers.push(ManagerSave {
            id: hex(id.0.as_bytes()),
            manager_id: manager.map(|manager| hex(manager.0.as_bytes())),
        });
    }

    /// Writes everything. Groups that are named must exist.
    pub(super) async fn write(self, tx: &mut Tx, memberships: Memberships) -> Result<(), Error> {
        for contacts in self.contacts.chunks(CHUNK) {
            contacts::save_contacts(tx, contacts).await?;
        }
        for people in self.people.chunks(CHUNK) {
            let people = Json::from(people.to_vec());
            contacts::shift_points(tx, &people).await?;
            contacts::delete_tags(tx, &people).await?;
            if memberships == Memberships::Replace {
                groups::delete_memberships(tx, &people).await?;
            }
        }
        for points in self.points.chunks(CHUNK) {
            contacts::save_points(tx, points).await?;
        }
        for people in self.people.chunks(CHUNK) {
            contacts::delete_left_over_points(tx, &Json::from(people.to_vec())).await?;
        }
        for tags in self.tags.chunks(CHUNK) {
            contacts::save_tags(tx, tags).await?;
        }
        for managers in self.managers.chunks(CHUNK) {
            contacts::set_managers(tx, managers).await?;
        }
        write_members(tx, self.members).await?;
        contacts::set_revision(tx, &ContactId::new().to_string()).await?;
        Ok(())
    }
}

async fn write_members(tx: &mut Tx, members: Vec<(String, String)>) -> Result<(), Error> {
    let mut names: Vec<String> = members.iter().map(|(group, _)| group.clone()).collect();
    names.sort();
    names.dedup();
    let known: HashMap<String, String> = groups::list_named(&mut *tx, &names)
        .await?
        .into_iter()
        .map(|group| (group.name, hex(group.id.0.as_bytes())))
        .collect();
    let mut rows = Vec::with_capacity(members.len());
    for (group, contact_id) in members {
        let group_id = known.get(&group);
        let unknown = || refused("groups", format!("there is no group \"{group}\""));
        let group_id = group_id.ok_or_else(unknown)?;
        rows.push(MemberSave {
            group_id: group_id.clone(),
            contact_id,
        });
    }
    for rows in rows.chunks(CHUNK) {
        groups::add_members(tx, rows).await?;
    }
    Ok(())
}
