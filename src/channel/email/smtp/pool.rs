//! Keeps connections to one mail server, so that a thousand messages need no thousand handshakes.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Limits;
use super::conversation::{Conversation, Encryption};
use super::letter::Letter;
use super::trouble::{Cause, Stage, Trouble};
use crate::channel::secret::Secret;

/// Many servers hang up after so many.
const MESSAGES_PER_CONNECTION: u32 = 100;

/// Servers close idle connections after a few minutes; a kept one is not worth a failed attempt.
const IDLE: Duration = Duration::from_mins(1);

/// Where the mail server is and how to get in.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) hello_name: String,
    pub(super) sign_in: Option<(String, Secret)>,
    pub(super) limits: Limits,
}

/// The connections of one gateway: at most as many as it has slots.
pub(super) struct Pool {
    server: Server,
    slots: Semaphore,
    idle: Mutex<Vec<(Conversation, Instant)>>,
}

impl Pool {
    pub(super) fn new(server: Server, slots: usize) -> Self {
        Self {
            server,
            slots: Semaphore::new(slots),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Hands over one message. A kept connection that the server has closed meanwhile is replaced
    /// by a fresh one, once; that is safe because nothing of the message was complete.
    pub(super) async fn deliver(&self, letter: &Letter) -> Result<(), Trouble> {
        let _slot = self
            .slots
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let deadline = Instant::now() + self.server.limits.mail;
        if let Some(kept) = self.take() {
            match self.deliver_over(kept, letter, deadline).await {
                Err(trouble) if trouble.is_stale() => {}
                outcome => return outcome,
            }
        }
        let fresh = self.open().await?;
        self.deliver_over(fresh, letter, deadline).await
    }

    /// Connects, encrypts, signs in, and says goodbye.
    pub(super) async fn check(&self) -> Result<(), Trouble> {
        let _slot = self
            .slots
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let fresh = self.open().await?;
        fresh.close().await;
        Ok(())
    }

    async fn open(&self) -> Result<Conversation, Trouble> {
        match timeout(self.server.limits.mail, Conversation::open(&self.server)).await {
            Ok(opened) => opened,
            Err(_) => Err(Trouble {
                stage: Stage::Connect,
                cause: Cause::Slow,
            }),
        }
    }

    async fn deliver_over(
        &self,
        mut conversation: Conversation,
        letter: &Letter,
        deadline: Instant,
    ) -> Result<(), Trouble> {
        let left = deadline.saturating_duration_since(Instant::now());
        let outcome = timeout(left, conversation.deliver(letter)).await;
        let outcome = outcome.unwrap_or_else(|_| {
            Err(Trouble {
                stage: conversation.stage(),
                cause: Cause::Slow,
            })
        });
        // After a timeout an answer may still come, and would be taken for the next message's.
        if !matches!(
            outcome,
            Err(Trouble {
                cause: Cause::Slow,
                ..
            })
        ) {
            self.keep(conversation);
        }
        outcome
    }

    fn keep(&self, conversation: Conversation) {
        if !conversation.is_ready() {
            return;
        }
        if conversation.delivered() >= MESSAGES_PER_CONNECTION {
            tokio::spawn(conversation.close());
            return;
        }
        self.lock().push((conversation, Instant::now()));
    }

    /// The connection used last: the others grow old and go.
    fn take(&self) -> Option<Conversation> {
        let mut idle = self.lock();
        let old = |since: &Instant| since.elapsed() >= IDLE;
        while let Some(first) = idle.iter().position(|(_, since)| old(since)) {
            let (conversation, _) = idle.swap_remove(first);
            tokio::spawn(conversation.close());
        }
        let newest = idle
            .iter()
            .enumerate()
            .max_by_key(|(_, (_, since))| *since)?
            .0;
        Some(idle.swap_remove(newest).0)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Conversation, Instant)>> {
        self.idle
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
