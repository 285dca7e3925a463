//! A place where things arrive and a test waits for the one it expects, without sleeping.
#![expect(clippy::panic, reason = "what never arrives is a failed test")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How long a test waits for something to arrive before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What arrived and was not yet taken, oldest first. Clones share one inbox.
#[derive(Debug)]
pub struct Inbox<T> {
    items: Arc<Mutex<VecDeque<T>>>,
    changed: Arc<Notify>,
}

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self {
            items: Arc::clone(&self.items),
            changed: Arc::clone(&self.changed),
        }
    }
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Self {
            items: Arc::default(),
            changed: Arc::default(),
        }
    }
}

impl<T> Inbox<T> {
    /// Adds a thing and wakes whoever waits.
    pub fn put(&self, item: T) {
        self.lock().push_back(item);
        self.changed.notify_waiters();
    }

    /// Takes the oldest thing that is `wanted`, waiting for it if need be; each is taken once.
    /// Fails the test, saying `what` was expected, when none arrives within [`PATIENCE`].
    pub async fn take(&self, what: &str, wanted: impl Fn(&T) -> bool) -> T {
        let arrival = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                // Listening begins before looking, so that no arrival falls between the two.
                changed.as_mut().enable();
                if let Some(item) = self.take_now(&wanted) {
                    return item;
                }
                changed.await;
            }
        };
        let Ok(item) = tokio::time::timeout(PATIENCE, arrival).await else {
            panic!(
                "{what} did not arrive within {} s; {} other things are waiting",
                PATIENCE.as_secs(),
                self.len()
            )
        };
        item
    }

    /// Takes the oldest thing that is `wanted` if it is already here.
    pub fn take_now(&self, wanted: impl Fn(&T) -> bool) -> Option<T> {
        let mut items = self.lock();
        let position = items.iter().position(wanted)?;
        items.remove(position)
    }

    /// How many things arrived and were not taken.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether everything that arrived was taken: the last line of a strict test.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<T>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
