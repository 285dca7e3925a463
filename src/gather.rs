//! Gathers what is to be written down until somebody comes to write: what came in one moment shares one
//! transaction.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What waits to be written down. Whoever brings the first calls somebody to take it.
#[derive(Debug)]
pub(crate) struct Gathered<T>(Mutex<Waiting<T>>);

#[derive(Debug)]
struct Waiting<T> {
    all: Vec<T>,
    /// Somebody is on the way to take them.
    is_called: bool,
}

impl<T> Default for Gathered<T> {
    fn default() -> Self {
        Self(Mutex::new(Waiting {
            all: Vec::new(),
            is_called: false,
        }))
    }
}

impl<T> Gathered<T> {
    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one. Answers whether somebody must be called now: nobody is on the way.
    #[must_use]
    pub(crate) fn add(&self, one: T) -> bool {
        let mut waiting = self.lock();
        waiting.all.push(one);
        !std::mem::replace(&mut waiting.is_called, true)
    }

    /// Takes the oldest, so many at most. Answers too whether somebody must be called for the rest.
    #[must_use]
    pub(crate) fn take(&self, most: usize) -> (Vec<T>, bool) {
        let mut waiting = self.lock();
        let most = waiting.all.len().min(most);
        let taken = waiting.all.drain(..most).collect();
        waiting.is_called = !waiting.all.is_empty();
        (taken, waiting.is_called)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_called_for_the_first_and_for_whatever_is_left() {
        let gathered = Gathered::default();
        assert!(gathered.add(1));
        assert!(!gathered.add(2) && !gathered.add(3));
        assert_eq!(gathered.take(2), (vec![1, 2], true));
        assert!(!gathered.add(4), "somebody is on the way for the rest");
        assert_eq!(gathered.take(2), (vec![3, 4], false));
        assert!(gathered.add(5));
        assert_eq!(gathered.take(2), (vec![5], false));
        assert_eq!(gathered.take(2), (vec![], false));
    }
}
