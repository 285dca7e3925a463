//! Finds out who is meant by the column `manager`: someone's external id, else someone's name. Pure.

use std::collections::HashMap;

use crate::directory::contact::Contact;
use crate::directory::import::{ImportedPerson, Note};
use crate::directory::tidy;
use crate::ids::ContactId;

/// Who has a name, or that several have it.
enum Named {
    One(ContactId),
    Several,
}

/// Each person's manager among everyone as they will be after the import. Nobody found, several of
/// the name, or the person themselves: a note, and no manager from this file.
pub(super) fn resolve(
    existing: &[Contact],
    incoming: &[ImportedPerson],
    ids: &[ContactId],
    written: &[Option<String>],
    notes: &mut Vec<Note>,
) -> Vec<Option<ContactId>> {
    let (by_external_id, by_name) = index(existing, incoming, ids);
    let resolve_one = |(place, text): (usize, &Option<String>)| {
        let key = key(text.as_deref()?);
        let found = by_external_id.get(&key).map(|id| Named::One(*id));
        let problem = match found.as_ref().or_else(|| by_name.get(&key)) {
            Some(Named::One(id)) if *id != ids[place] => return Some(*id),
            Some(Named::One(_)) => "this person is their own manager: left out",
            Some(Named::Several) => {
                "several people have the manager's name: left out; write the manager's external_id"
            }
            None => "the manager is neither in the file nor in the directory: left out",
        };
        notes.push(Note {
            line: incoming[place].line,
            message: problem.to_owned(),
        });
        None
    };
    written.iter().enumerate().map(resolve_one).collect()
}

fn index(
    existing: &[Contact],
    incoming: &[ImportedPerson],
    ids: &[ContactId],
) -> (HashMap<String, ContactId>, HashMap<String, Named>) {
    let mut by_external_id = HashMap::new();
    let mut by_name: HashMap<String, Named> = HashMap::new();
    let everyone = existing
        .iter()
        .filter(|contact| contact.archived_at.is_none())
        .map(|contact| (contact.id, &contact.external_id, &contact.name))
        .chain(
            incoming
                .iter()
                .zip(ids)
                .map(|(p, id)| (*id, &p.external_id, &p.name)),
        );
    for (id, external_id, name) in everyone {
        if let Some(external_id) = external_id {
            by_external_id.insert(key(external_id), id);
        }
        by_name
            .entry(key(name))
            .and_modify(|known| {
                if !matches!(known, Named::One(same) if *same == id) {
                    *known = Named::Several;
                }
            })
            .or_insert(Named::One(id));
    }
    (by_external_id, by_name)
}

fn key(text: &str) -> String {
    tidy(text).to_lowercase()
}
