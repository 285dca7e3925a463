//! Compares a file with the directory: who is new, who changes and in what.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use crate::alert::words::{Category, Language};
use crate::ids::ContactId;

use super::duplicates::NAMES_PER_MAILBOX;
use super::wording::{may_be_renamed, name_key};
use super::{GroupName, ImportedPerson, Point, PointKind};

/// What a comparison needs to know of a person in the directory. Its `Debug` form shows the id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ExistingPerson {
    /// The person's id.
    pub id: ContactId,
    /// What the personnel system calls this person.
    pub external_id: Option<String>,
    /// The name as shown.
    pub name: String,
    /// In the order in which they are tried.
    pub points: Vec<Point>,
    /// The language of messages.
    pub language: Language,
    /// What the person is to the organisation.
    pub category: Category,
    /// `None` if unknown, here and below.
    pub role: Option<String>,
    /// The building or branch.
    pub site: Option<String>,
    /// The ward or department.
    pub unit: Option<String>,
    /// Static groups only: nobody is put into a rule.
    pub groups: Vec<GroupName>,
    /// In any order.
    pub tags: Vec<String>,
    /// Per-person fields.
    pub fields: BTreeMap<String, String>,
    /// The manager as the last import wrote it.
    pub manager: Option<String>,
}

impl fmt::Debug for ExistingPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExistingPerson({})", self.id)
    }
}

/// What a file does to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line of the file that the person comes from.
    pub line: usize,
    /// Who that is in the directory. `None` exactly for the new.
    pub matched: Option<ContactId>,
    /// What happens.
    pub kind: ChangeKind,
}

/// What happens to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Not in the directory yet.
    New,
    /// These columns or fields get another value. Never empty.
    Changed(Vec<String>),
    /// The directory says the same already.
    Unchanged,
}

/// One change for each incoming person, in their order. Each person in the directory is matched at most
/// once: by external id, else by e-mail address where the name allows it, else by name and a
/// phone number in common. People who are not in the file are not mentioned: a file is not the whole truth.
pub fn diff(existing: &[ExistingPerson], incoming: &[ImportedPerson]) -> Vec<Change> {
    let matches = Matcher::new(existing).match_all(incoming);
    incoming
        .iter()
        .zip(matches)
        .map(|(person, matched)| {
            let known = matched.map(|index| &existing[index]);
            let kind = match known {
                None => ChangeKind::New,
                Some(known) => match changed_fields(known, &merge(known, person)) {
                    fields if fields.is_empty() => ChangeKind::Unchanged,
                    fields => ChangeKind::Changed(fields),
                },
            };
            Change {
                line: person.line,
                matched: known.map(|known| known.id),
                kind,
            }
        })
        .collect()
}

/// The person as they stand after the import. An empty cell erases nothing; groups, tags and fields
/// are added to. A new number or address takes the place of the first one of its kind, and the others stay.
pub fn merge(existing: &ExistingPerson, incoming: &ImportedPerson) -> ExistingPerson {
    let mut merged = existing.clone();
    let replace = |known: &mut Option<String>, new: &Option<String>| {
        if new.is_some() {
            known.clone_from(new);
        }
    };
    replace(&mut merged.external_id, &incoming.external_id);
    replace(&mut merged.role, &incoming.role);
    replace(&mut merged.site, &incoming.site);
    replace(&mut merged.unit, &incoming.unit);
    replace(&mut merged.manager, &incoming.manager);
    merged.name.clone_from(&incoming.name);
    if incoming.language_given {
        merged.language.clone_from(&incoming.language);
    }
    if incoming.category_given {
        merged.category = incoming.category;
    }
    merge_points(&mut merged.points, &incoming.points());
    for group in &incoming.groups {
        if !merged.groups.iter().any(|known| known.name == group.name) {
            merged.groups.push(group.clone());
        }
    }
    for tag in &incoming.tags {
        if !merged
            .tags
            .iter()
            .any(|known| known.to_lowercase() == tag.to_lowercase())
        {
            merged.tags.push(tag.clone());
        }
    }
    merged.fields.extend(incoming.fields.clone());
    merged
}

fn merge_points(points: &mut Vec<Point>, incoming: &[Point]) {
    let named: HashSet<String> = incoming.iter().map(lookup).collect();
    for new in incoming {
        let key = lookup(new);
        if let Some(known) = points.iter_mut().find(|known| lookup(known) == key) {
            if new.extension.is_some() {
                known.extension.clone_from(&new.extension);
            }
            if new.kind == PointKind::Mobile {
                known.kind = PointKind::Mobile;
            }
            continue;
        }
        let replaced = points
            .iter_mut()
            .find(|known| known.kind == new.kind && !named.contains(&lookup(known)));
        match replaced {
            Some(first) => *first = new.clone(),
            None => points.push(new.clone()),
        }
    }
}

/// Two points are one if this is the same; an e-mail address in any case.
fn lookup(point: &Point) -> String {
    point.address.reveal().to_lowercase()
}

fn changed_fields(before: &ExistingPerson, after: &ExistingPerson) -> Vec<String> {
    let points = |person: &ExistingPerson, kind: PointKind| {
        person
            .points
            .iter()
            .filter(|point| point.kind == kind)
            .cloned()
            .collect::<Vec<_>>()
    };
    let is_other = |kind: PointKind| points(before, kind) != points(after, kind);
    let columns = [
        ("external_id", before.external_id != after.external_id),
        ("name", before.name != after.name),
        ("email", is_other(PointKind::Email)),
        ("mobile", is_other(PointKind::Mobile)),
        ("phone", is_other(PointKind::Landline)),
        ("language", before.language != after.language),
        ("category", before.category != after.category),
        ("role", before.role != after.role),
        ("site", before.site != after.site),
        ("unit", before.unit != after.unit),
        ("groups", before.groups.len() != after.groups.len()),
        ("tags", before.tags.len() != after.tags.len()),
        ("manager", before.manager != after.manager),
    ];
    let fields = after
        .fields
        .iter()
        .filter(|(name, text)| before.fields.get(*name) != Some(text));
    columns
        .into_iter()
        .filter(|(_, is_changed)| *is_changed)
        .map(|(column, _)| column.to_owned())
        .chain(fields.map(|(name, _)| name.clone()))
        .collect()
}

/// Finds people of the directory by what a file may know of them. Builds its indexes once, so that
/// 100,000 against 100,000 stays a matter of a second.
struct Matcher<'e> {
    existing: &'e [ExistingPerson],
    by_external_id: HashMap<String, usize>,
    by_email: HashMap<String, Vec<usize>>,
    by_name_and_point: HashMap<(String, String), usize>,
    taken: Vec<bool>,
}

impl<'e> Matcher<'e> {
    fn new(existing: &'e [ExistingPerson]) -> Self {
        let mut by_external_id = HashMap::new();
        let mut by_email: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_name_and_point = HashMap::new();
        for (index, person) in existing.iter().enumerate() {
            let name = name_key(&person.name);
            if let Some(id) = &person.external_id {
                by_external_id.entry(id.to_lowercase()).or_insert(index);
            }
            for point in &person.points {
                by_name_and_point
                    .entry((name.clone(), lookup(point)))
                    .or_insert(index);
                if point.kind == PointKind::Email {
                    let candidates = by_email.entry(lookup(point)).or_default();
                    if candidates.len() < NAMES_PER_MAILBOX {
                        candidates.push(index);
                    }
                }
            }
        }
        let taken = vec![false; existing.len()];
        Self {
            existing,
            by_external_id,
            by_email,
            by_name_and_point,
            taken,
        }
    }

    /// The surest matches of all people first, so that nobody's record goes to someone who only shares
    /// their mailbox.
    fn match_all(mut self, incoming: &[ImportedPerson]) -> Vec<Option<usize>> {
        let mut matches = vec![None; incoming.len()];
        let ways: [fn(&Self, &ImportedPerson) -> Option<usize>; 4] = [
            Self::find_by_external_id,
            |matcher, person| matcher.find_by_name_and(PointKind::Email, person),
            Self::find_by_email,
            |matcher, person| matcher.find_by_name_and(PointKind::Mobile, person),
        ];
        for way in ways {
            for (slot, person) in matches.iter_mut().zip(incoming) {
                if slot.is_none()
                    && let Some(found) = way(&self, person)
                {
                    self.taken[found] = true;
                    *slot = Some(found);
                }
            }
        }
        matches
    }

    fn is_free(&self, index: usize, person: &ImportedPerson) -> bool {
        let ids = (&self.existing[index].external_id, &person.external_id);
        let are_different =
            matches!(ids, (Some(known), Some(new)) if known.to_lowercase() != new.to_lowercase());
        !self.taken[index] && !are_different
    }

    fn find_by_external_id(&self, person: &ImportedPerson) -> Option<usize> {
        let found = *self
            .by_external_id
            .get(&person.external_id.as_deref()?.to_lowercase())?;
        self.is_free(found, person).then_some(found)
    }

    /// A mailbox whose owner may have changed names.
    fn find_by_email(&self, person: &ImportedPerson) -> Option<usize> {
        let candidates = self.by_email.get(&person.email.as_ref()?.lookup_form())?;
        candidates.iter().copied().find(|index| {
            self.is_free(*index, person)
                && may_be_renamed(&self.existing[*index].name, &person.name)
        })
    }

    /// The same name and the same mailbox, or the same phone of any kind.
    fn find_by_name_and(&self, kind: PointKind, person: &ImportedPerson) -> Option<usize> {
        let name = name_key(&person.name);
        person
            .points()
            .iter()
            .filter(|point| (point.kind == PointKind::Email) == (kind == PointKind::Email))
            .filter_map(|point| {
                self.by_name_and_point
                    .get(&(name.clone(), lookup(point)))
                    .copied()
            })
            .find(|index| self.is_free(*index, person))
    }
}
