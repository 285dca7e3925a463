//! Commits the work of many callers together, on SQLite's one writing connection. What may not wait
//! goes before all else.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::Tx;
use super::trouble::Trouble;
use crate::storage::Error;

/// Jobs in one commit at most: bounds how long the first of them waits. After one that may not wait only
/// such come into the same commit.
const GROUP: usize = 256;

/// Tells a job's caller how it ended; called after the commit with the commit's own outcome.
type Finish = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// The work of one caller, or the reason why it cannot be done. Answers whether to keep its changes,
/// and how to tell the caller.
type Run =
    Box<dyn for<'t> FnOnce(Result<&'t mut Tx, String>) -> BoxFuture<'t, (bool, Finish)> + Send>;

enum Job {
    Write(Run),
    Close(oneshot::Sender<()>),
}

/// The way to SQLite's one writing connection.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    /// The way past them, for what may not wait.
    urgent: mpsc::Sender<Job>,
    is_urgent: bool,
    trouble: Trouble,
}

/// The jobs that wait.
struct Queue {
    jobs: mpsc::Receiver<Job>,
    urgent: mpsc::Receiver<Job>,
}

impl Queue {
    /// The next job, and whether it may not wait; none when nobody can bring one any more. `in_turn`: it
    /// is the turn of those that can wait, if there is one.
    async fn next(&mut self, in_turn: bool) -> Option<(Job, bool)> {
        if in_turn && let Ok(job) = self.jobs.try_recv() {
            return Some((job, false));
        }
        tokio::select! {
            biased;
            Some(job) = self.urgent.recv() => Some((job, true)),
            job = self.jobs.recv() => Some((job?, false)),
        }
    }

    /// The next job that waits already; `urgent_only`: among those that may not.
    fn next_now(&mut self, urgent_only: bool) -> Option<(Job, bool)> {
        match self.urgent.try_recv() {
            Ok(job) => Some((job, true)),
            Err(_) if urgent_only => None,
            Err(_) => self.jobs.try_recv().ok().map(|job| (job, false)),
        }
    }
}

impl Writer {
    /// Takes over the connection; ends when the last clone is gone or [`Writer::close`] is called.
    pub(super) fn start(connection: SqliteConnection, trouble: Trouble) -> Self {
        let (jobs, waiting) = mpsc::channel(4096);
        let (urgent, waiting_urgently) = mpsc::channel(4096);
        let queue = Queue {
            jobs: waiting,
            urgent: waiting_urgently,
        };
        tokio::spawn(run(connection, queue, trouble.clone()));
        Self {
            jobs,
            urgent,
            is_urgent: false,
            trouble,
        }
    }

    /// The same connection for what may not wait: it is written next, and committed with others of its
    /// kind and with what was just being written.
    pub(super) fn urgent(&self) -> Self {
        Self {
            is_urgent: true,
            ..self.clone()
        }
    }

    pub(super) async fn write<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + std::error::Error + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let trouble = self.trouble.clone();
        let (answer, outcome) = oneshot::channel();
        let run: Run = Box::new(move |tx| {
            async move {
                let result = match tx {
                    Err(reason) => Err(Error::NotSaved(reason).into()),
                    Ok(tx) => {
                        let worked = AssertUnwindSafe(work(tx)).catch_unwind().await;
                        worked.unwrap_or_else(|_| {
                            error!(write.name = name, "a write panicked and was rolled back");
                            Err(Error::Broken("a write panicked").into())
                        })
                    }
                };
                if let Err(error) = &result {
                    trouble.note(error);
                }
                let keep = result.is_ok();
                let finish: Finish = Box::new(move |committed| {
                    let result = result.and_then(|value| match committed {
                        Ok(()) => Ok(value),
                        Err(error) => Err(error.into()),
                    });
                    // The caller may have hung up; the work is done all the same.
                    drop(answer.send(result));
                });
                (keep, finish)
            }
            .boxed()
        });
        let way = if self.is_urgent {
            &self.urgent
        } else {
            &self.jobs
        };
        if way.send(Job::Write(run)).await.is_err() {
            return Err(Error::Broken("the database is closed").into());
        }
        outcome
            .await
            .unwrap_or_else(|_| Err(Error::Broken("the writer stopped").into()))
    }

    /// Closes after all that it was given, in whatever way.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            drop(closed.await);
        }
    }
}

async fn run(connection: SqliteConnection, mut queue: Queue, trouble: Trouble) {
    let mut tx = Tx::Sqlite(connection);
    // However many may not wait: after a commit of such alone, one of the others has its turn.
    let mut in_turn = false;
    while let Some(first) = queue.next(in_turn).await {
        let mut finishes = Vec::new();
        let mut has_urgent = false;
        in_turn = true;
        let mut closing = None;
        let mut next = Some(first);
        let mut begun = match trouble.broken() {
            None => execute(&mut tx, "BEGIN IMMEDIATE").await,
            Some(reason) => Err(Error::NotSaved(reason)),
        };
        while let Some((job, is_urgent)) = next.take() {
            match job {
                Job::Close(done) => closing = Some(done),
                Job::Write(work) => finishes.push(in_savepoint(&mut tx, work, &mut begun).await),
            }
            has_urgent |= is_urgent;
            in_turn &= is_urgent;
            if finishes.len() < GROUP || closing.is_some() {
                next = queue.next_now(has_urgent || closing.is_some());
            }
        }
        let committed = match begun {
            // What a failed commit has written may come back at the next start.
            Ok(()) => execute(&mut tx, "COMMIT").await.map_err(in_doubt),
            Err(error) => Err(error),
        };
        if let Err(error) = &committed {
            trouble.note(error);
            // SQLite may already have rolled back by itself (a full disk does); then this fails too.
            drop(execute(&mut tx, "ROLLBACK").await);
        }
        for finish in finishes {
            finish(committed.as_ref().copied().map_err(Error::again));
        }
        if let Some(done) = closing {
            if let Tx::Sqlite(connection) = tx {
                drop(connection.close().await);
            }
            done.send(()).unwrap_or(());
            return;
        }
    }
}

/// A full disk is certain; of any other failure nobody knows.
fn in_doubt(error: Error) -> Error {
    match error {
        Error::Unavailable(cause) => Error::InDoubt(cause),
        certain => certain,
    }
}

/// Runs one caller's work so that its failure takes back its own changes and nobody else's.
async fn in_savepoint(tx: &mut Tx, work: Run, begun: &mut Result<(), Error>) -> Finish {
    if begun.is_ok() {
        *begun = execute(tx, "SAVEPOINT job").await;
    }
    if let Err(error) = begun {
        return work(Err(error.to_string())).await.1;
    }
    let (keep, finish) = work(Ok(tx)).await;
    if !keep {
        *begun = execute(tx, "ROLLBACK TO job").await;
    }
    if begun.is_ok() {
        *begun = execute(tx, "RELEASE job").await;
    }
    finish
}

async fn execute(tx: &mut Tx, sql: &'static str) -> Result<(), Error> {
    if let Tx::Sqlite(connection) = tx {
        connection.execute(sql).await?;
    }
    Ok(())
}
