//! Finds the lines of a file that speak of one person, and the addresses that several people share.
//!
//! Losing a person is worse than having one twice: whoever is there twice is told once (their
//! address is the same), whoever is merged away is not told at all. So one mailbox with two
//! different names is two people.

use std::collections::{BTreeMap, HashMap};

use crate::directory::email_address::EmailAddress;

use super::row::{unite_groups, unite_tags};
use super::wording::{is_same_name, name_key};
use super::{ImportedPerson, Note};

/// People on one mailbox whose names are compared for likeness. More than that is a shared mailbox, where
/// only equal names count: comparing all with all would take hours.
pub(super) const NAMES_PER_MAILBOX: usize = 8;

/// Makes one person of the lines that have the same external id; or the same e-mail address and names
/// that can be one; or the same name and a phone number in common. Never of lines with two
/// different external ids. Later cells win; groups and tags are united.
pub(super) fn merge(people: Vec<ImportedPerson>, notes: &mut Vec<Note>) -> Vec<ImportedPerson> {
    let mut sets = Sets::new(&people);
    sets.unite_by_external_id(&people);
    sets.unite_by_email(&people);
    sets.unite_by_name_and_point(&people);
    let mut merged: BTreeMap<usize, ImportedPerson> = BTreeMap::new();
    for (index, person) in people.into_iter().enumerate() {
        match merged.get_mut(&sets.root(index)) {
            Some(earlier) => {
                let message = format!(
                    "line {} is the same person as line {}: merged",
                    person.line, earlier.line
                );
                notes.push(Note {
                    line: person.line,
                    message,
                });
                overlay(earlier, person);
            }
            None => {
                merged.insert(index, person);
            }
        }
    }
    merged.into_values().collect()
}

/// Says which of the remaining people share a phone number or a mailbox with an earlier one.
pub(super) fn note_shared_points(people: &[ImportedPerson], notes: &mut Vec<Note>) {
    let mut first_line: HashMap<String, usize> = HashMap::new();
    for person in people {
        let phones = person.numbers().map(|number| {
            (
                format!(
                    "{}x{}",
                    number.as_e164(),
                    number.extension().unwrap_or_default()
                ),
                "phone number",
            )
        });
        let mails = person
            .email
            .iter()
            .map(|email| (email.lookup_form(), "e-mail address"));
        for (key, what) in phones.chain(mails) {
            let first = *first_line.entry(key).or_insert(person.line);
            if first != person.line {
                let message = format!(
                    "line {} has the same {what} as line {first}: both people are kept",
                    person.line
                );
                notes.push(Note {
                    line: person.line,
                    message,
                });
            }
        }
    }
}

fn id_key(person: &ImportedPerson) -> Option<String> {
    person.external_id.as_ref().map(|id| id.to_lowercase())
}

/// Disjoint sets of lines; the root is the earliest line of its set.
struct Sets {
    parent: Vec<usize>,
    /// Of a root: the external id of its set, in lower case.
    external_id: Vec<Option<String>>,
}

impl Sets {
    fn new(people: &[ImportedPerson]) -> Self {
        Self {
            parent: (0..people.len()).collect(),
            external_id: people
                .iter()
                .map(|person| person.external_id.clone())
                .collect(),
        }
    }

    fn root(&mut self, index: usize) -> usize {
        let mut root = index;
        while self.parent[root] != root {
            self.parent[root] = self.parent[self.parent[root]];
            root = self.parent[root];
        }
        root
    }

    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        let (first, second) = (one.min(other), one.max(other));
        let (id, second_id) = (&self.external_id[first], &self.external_id[second]);
        let are_different = id.is_some() && second_id.is_some() && id != second_id;
        if first == second || are_different {
            return;
        }
        self.parent[second] = first;
        if self.external_id[first].is_none() {
            self.external_id[first] = self.external_id[second].take();
        }
    }

    fn unite_by_external_id(&mut self, people: &[ImportedPerson]) {
        let mut first: HashMap<String, usize> = HashMap::new();
        for (index, person) in people.iter().enumerate() {
            if let Some(id) = id_key(person) {
                let earlier = *first.entry(id).or_insert(index);
                self.unite(earlier, index);
            }
        }
    }

    fn unite_by_email(&mut self, people: &[ImportedPerson]) {
        let mut by_mailbox: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, person) in people.iter().enumerate() {
            let Some(email) = &person.email else { continue };
            let others = by_mailbox.entry(email.lookup_form()).or_default();
            let namesake = others
                .iter()
                .copied()
                .find(|other| is_same_name(&people[*other].name, &person.name));
            if let Some(earlier) = namesake {
                self.unite(earlier, index);
            }
            if others.len() < NAMES_PER_MAILBOX {
                others.push(index);
            }
        }
    }

    fn unite_by_name_and_point(&mut self, people: &[ImportedPerson]) {
        let mut first: HashMap<(String, String), usize> = HashMap::new();
        for (index, person) in people.iter().enumerate() {
            let name = name_key(&person.name);
            let mails = person.email.iter().map(EmailAddress::lookup_form);
            let phones = person.numbers().map(|number| number.as_e164().to_owned());
            for point in mails.chain(phones) {
                let earlier = *first.entry((name.clone(), point)).or_insert(index);
                self.unite(earlier, index);
            }
        }
    }
}

/// Lays a later line over an earlier one. The earlier line number stays.
fn overlay(earlier: &mut ImportedPerson, later: ImportedPerson) {
    fn later_wins<T>(earlier: &mut Option<T>, later: Option<T>) {
        if later.is_some() {
            *earlier = later;
        }
    }
    later_wins(&mut earlier.external_id, later.external_id);
    later_wins(&mut earlier.email, later.email);
    later_wins(&mut earlier.mobile, later.mobile);
    later_wins(&mut earlier.phone, later.phone);
    later_wins(&mut earlier.role, later.role);
    later_wins(&mut earlier.site, later.site);
    later_wins(&mut earlier.unit, later.unit);
    later_wins(&mut earlier.manager, later.manager);
    earlier.name = later.name;
    if later.language_given {
        earlier.language = later.language;
        earlier.language_given = true;
    }
    if later.category_given {
        earlier.category = later.category;
        earlier.category_given = true;
    }
    unite_groups(&mut earlier.groups, later.groups);
    unite_tags(&mut earlier.tags, later.tags);
    earlier.fields.extend(later.fields);
}
