//! Who is in the directory and not in a file, and when a file may take them out of use. Pure.

use std::collections::{BTreeSet, HashSet};

use crate::alert::words::Category;
use crate::directory::contact::Contact;
use crate::directory::import::{Change, ImportedPerson};
use crate::ids::ContactId;

/// What happens to people of whom a file does not speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Nothing: the file is not the whole list.
    Stay,
    /// They are taken out of use: the file is the whole list of its categories.
    TakeOut,
}

/// Someone of whom a file does not speak, though it speaks of others of the same category.
#[derive(Clone, PartialEq, Eq)]
pub struct AbsentPerson {
    /// Who it is.
    pub contact: ContactId,
    /// The name in the directory.
    pub name: String,
}

impl std::fmt::Debug for AbsentPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AbsentPerson({})", self.contact)
    }
}

/// So few may always go; of more, at most one in [`SHARE`].
const FEW: usize = 5;
const SHARE: usize = 5;

/// People in use of the file's categories who are not in it, and how many such people there are in all.
pub(super) fn find(
    existing: &[Contact],
    incoming: &[ImportedPerson],
    changes: &[Change],
) -> (Vec<AbsentPerson>, usize) {
    let matched: HashSet<ContactId> = changes.iter().filter_map(|change| change.matched).collect();
    let given = |person: &&ImportedPerson| person.category_given;
    let unmatched = incoming.iter().zip(changes);
    let unmatched = unmatched.filter(|(_, change)| change.matched.is_none());
    let in_file: BTreeSet<Category> = incoming
        .iter()
        .filter(given)
        .chain(unmatched.map(|(person, _)| person))
        .map(|person| person.category)
        .chain(
            existing
                .iter()
                .filter(|contact| matched.contains(&contact.id))
                .map(|contact| contact.category),
        )
        .collect();
    let in_use =
        |contact: &&Contact| contact.archived_at.is_none() && in_file.contains(&contact.category);
    let all = existing.iter().filter(in_use);
    let absent = all.clone().filter(|contact| !matched.contains(&contact.id));
    let absent = absent.map(|contact| AbsentPerson {
        contact: contact.id,
        name: contact.name.clone(),
    });
    (absent.collect(), all.count())
}

/// Why these people cannot be taken out of use by this file, if they cannot.
pub(super) fn refusal(absent: usize, of: usize, rejected: usize) -> Option<String> {
    if absent == 0 {
        None
    } else if rejected > 0 {
        Some(
            "some rows of the file cannot be read, and each may be somebody who seems to be missing: \
             mend them before the file takes anybody out of use"
                .to_owned(),
        )
    } else if absent > FEW && absent * SHARE > of {
        Some(format!(
            "{absent} of {of} people are not in the file: that looks like a part of the list, and a file \
             takes at most one in five out of use. Import the whole list, or take people out of use one by one"
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_list_takes_nobody_out_of_use() {
        assert!(refusal(20, 40, 0).unwrap().contains("20 of 40"));
        assert_eq!(refusal(8, 40, 0), None);
        assert!(refusal(9, 40, 0).is_some());
    }

    #[test]
    fn a_few_may_leave_a_small_house() {
        assert_eq!(refusal(5, 6, 0), None);
        assert!(refusal(6, 6, 0).is_some());
    }

    #[test]
    fn a_row_that_cannot_be_read_may_be_whoever_is_missing() {
        assert!(refusal(1, 40, 1).unwrap().contains("mend"));
        assert_eq!(refusal(0, 40, 1), None);
    }
}
