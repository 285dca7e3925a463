//! The place in a call tree of someone who was in it twice. Pure.

use std::collections::HashMap;

use crate::ids::ContactId;
use crate::storage::call_trees::BranchRow;

/// The branches with one person in the place of two. Whom either called, the one calls; of two callers,
/// the higher place counts where one of the two stood above the other, else that of the one who stays.
pub(super) fn united(branches: Vec<BranchRow>, keep: ContactId, gone: ContactId) -> Vec<BranchRow> {
    let caller_of: HashMap<ContactId, ContactId> = branches
        .iter()
        .map(|branch| (branch.contact_id, branch.caller_id))
        .collect();
    let is_called = caller_of.contains_key(&keep);
    let takes_place_of_gone =
        is_below(&caller_of, keep, gone) || (!is_called && !is_below(&caller_of, gone, keep));
    let mut united: Vec<BranchRow> = Vec::with_capacity(branches.len());
    for mut branch in branches {
        let is_left_out = if takes_place_of_gone { keep } else { gone };
        if branch.contact_id == is_left_out {
            continue;
        }
        if branch.contact_id == gone {
            branch.contact_id = keep;
        }
        if branch.caller_id == gone {
            branch.caller_id = keep;
            // Behind those whom the one who stays called already.
            branch.position += 100_000;
        }
        united.push(branch);
    }
    united.sort_by_key(|branch| (branch.caller_id, branch.position));
    let mut last = None;
    let mut position = 0;
    for branch in &mut united {
        position = if last == Some(branch.caller_id) {
            position + 1
        } else {
            1
        };
        last = Some(branch.caller_id);
        branch.position = position;
    }
    united
}

/// Whether the way up from a person leads past another.
fn is_below(
    caller_of: &HashMap<ContactId, ContactId>,
    person: ContactId,
    other: ContactId,
) -> bool {
    let mut above = caller_of.get(&person);
    for _ in 0..caller_of.len() {
        match above {
            Some(caller) if *caller == other => return true,
            Some(caller) => above = caller_of.get(caller),
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five people by a number, and a tree of (caller, called).
    fn tree(people: &[ContactId], calls: &[(usize, usize)]) -> Vec<BranchRow> {
        let row = |(position, (caller, called)): (i32, &(usize, usize))| BranchRow {
            caller_id: people[*caller],
            contact_id: people[*called],
            position,
        };
        (1..).zip(calls).map(row).collect()
    }

    fn united_calls(calls: &[(usize, usize)], keep: usize, gone: usize) -> Vec<(usize, usize)> {
        let people: Vec<ContactId> = (0..6).map(|_| ContactId::new()).collect();
        let place = |id: ContactId| people.iter().position(|one| *one == id).unwrap();
        let rows = united(tree(&people, calls), people[keep], people[gone]);
        rows.iter()
            .map(|row| (place(row.caller_id), place(row.contact_id)))
            .collect()
    }

    #[test]
    fn whom_both_called_one_calls_and_nobody_is_called_twice() {
        let calls = [(0, 1), (0, 2), (1, 3), (2, 4)];
        assert_eq!(united_calls(&calls, 1, 2), [(0, 1), (1, 3), (1, 4)]);
    }

    #[test]
    fn the_higher_place_counts_so_that_no_circle_comes_about() {
        let calls = [(0, 1), (1, 2), (2, 3), (3, 4)];
        assert_eq!(united_calls(&calls, 3, 1), [(0, 3), (3, 4), (3, 2)]);
        assert_eq!(united_calls(&calls, 1, 3), [(0, 1), (1, 2), (1, 4)]);
    }

    #[test]
    fn who_is_called_by_nobody_gets_the_others_caller() {
        assert_eq!(united_calls(&[(0, 1), (1, 2)], 3, 1), [(0, 3), (3, 2)]);
        assert_eq!(united_calls(&[(0, 1), (1, 2)], 0, 2), [(0, 1)]);
    }
}
