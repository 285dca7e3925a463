//! Keeps what is to happen later in order of time. Pure: the caller says what time it is.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Things to do, each at its time. `Time` is any point in time; `Item` is what is done.
#[derive(Debug)]
pub struct Agenda<Time, Item> {
    entries: BinaryHeap<Reverse<Entry<Time, Item>>>,
    added: u64,
    limit: usize,
}

impl<Time: Ord + Copy, Item> Agenda<Time, Item> {
    /// An empty agenda that holds at most `limit` things.
    pub fn new(limit: usize) -> Self {
        Self {
            entries: BinaryHeap::new(),
            added: 0,
            limit,
        }
    }

    /// Adds one thing. False = the agenda is full and it was not added.
    #[must_use]
    pub fn add(&mut self, due: Time, item: Item) -> bool {
        if self.entries.len() >= self.limit {
            return false;
        }
        self.entries.push(Reverse(Entry {
            due,
            order: self.added,
            item,
        }));
        self.added += 1;
        true
    }

    /// When the next thing is due; none if there is nothing to do.
    pub fn next_due(&self) -> Option<Time> {
        self.entries.peek().map(|Reverse(entry)| entry.due)
    }

    /// Takes the next thing if it is due by `now`. Things of the same time come in the order in
    /// which they were added.
    pub fn take_due(&mut self, now: Time) -> Option<Item> {
        if self.next_due()? > now {
            return None;
        }
        self.entries.pop().map(|Reverse(entry)| entry.item)
    }

    /// How many things are still to come.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is to come.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[derive(Debug)]
struct Entry<Time, Item> {
    due: Time,
    order: u64,
    item: Item,
}

impl<Time: Ord, Item> Ord for Entry<Time, Item> {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.due, self.order).cmp(&(&other.due, other.order))
    }
}

impl<Time: Ord, Item> PartialOrd for Entry<Time, Item> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<Time: Ord, Item> PartialEq for Entry<Time, Item> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<Time: Ord, Item> Eq for Entry<Time, Item> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_in_order_of_time_and_then_of_adding() {
        let mut agenda = Agenda::new(10);
        assert!(agenda.add(20, "later") && agenda.add(10, "first") && agenda.add(10, "second"));
        assert_eq!(agenda.next_due(), Some(10));
        assert_eq!(agenda.take_due(10), Some("first"));
        assert_eq!(agenda.take_due(10), Some("second"));
        assert_eq!(agenda.take_due(19), None);
        assert_eq!(agenda.take_due(20), Some("later"));
        assert!(agenda.is_empty());
    }

    #[test]
    fn a_full_agenda_says_so() {
        let mut agenda = Agenda::new(1);
        assert!(agenda.add(1, ()));
        assert!(!agenda.add(0, ()));
        assert_eq!(agenda.len(), 1);
    }
}
