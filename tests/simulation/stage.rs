//! Where a server's work stands still, so that the seed decides what happens next: before each of its
//! writes, and between the commit and its knowing of it.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use muster::clock::{Clock, Timestamp};
use muster::storage::Error;
use muster::storage::db::staged::Director;
use tokio::sync::{mpsc, oneshot};

use crate::world::World;

/// What is done in the world once a piece of work has ended.
pub type Afterwards = Box<dyn FnOnce(&mut World) -> Result<(), String> + Send>;

/// What the running piece of work does next.
pub enum Event {
    /// It waits.
    Waits(Gate),
    /// It has ended.
    Ends(Afterwards),
}

/// A write that waits.
pub struct Gate {
    /// Its name.
    pub write: &'static str,
    /// Whether it is committed, and only its server does not know yet.
    pub is_done: bool,
    go: oneshot::Sender<Result<(), Error>>,
}

impl Gate {
    /// Lets it go on.
    pub fn pass(self) {
        self.go.send(Ok(())).unwrap_or_default();
    }

    /// It does not happen; or it has, and its server never learns of it.
    pub fn fail(self) {
        let words = "the simulated database cannot be reached";
        let lost = if self.is_done {
            Error::InDoubt(sqlx::Error::Protocol(words.to_owned()))
        } else {
            Error::NotSaved(words.to_owned())
        };
        self.go.send(Err(lost)).unwrap_or_default();
    }
}

/// One server's way to the database.
#[derive(Debug)]
pub struct Way {
    pub events: mpsc::UnboundedSender<Event>,
    /// The database's own clock.
    pub clock: Clock,
    pub is_shared: bool,
    pub is_cut: AtomicBool,
}

impl Way {
    fn wait(&self, write: &'static str, is_done: bool) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            let (go, wait) = oneshot::channel();
            let gate = Gate { write, is_done, go };
            self.events.send(Event::Waits(gate)).unwrap_or_default();
            match wait.await {
                Ok(decided) => decided,
                // The server is being taken down around this very write.
                Err(_gone) => std::future::pending().await,
            }
        }
        .boxed()
    }
}

impl Director for Way {
    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn is_reachable(&self) -> bool {
        !self.is_cut.load(Ordering::SeqCst)
    }

    fn before(&self, write: &'static str) -> BoxFuture<'_, Result<(), Error>> {
        self.wait(write, false)
    }

    fn after(&self, write: &'static str) -> BoxFuture<'_, Result<(), Error>> {
        self.wait(write, true)
    }
}
