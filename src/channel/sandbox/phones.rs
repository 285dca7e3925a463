//! Holds what the simulated people received, in memory only, and what they are about to do.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;

use crate::channel::sandbox::agenda::Agenda;
use crate::channel::sandbox::message::{SandboxMessage, Sent};
use crate::channel::sandbox::persona::Fate;
use crate::channel::sandbox::reaction::{SandboxEvent, Wish, reactions};
use crate::channel::{Address, Channel, Inbound, Message};
use crate::clock::Clock;
use crate::ids::DeliveryId;

/// How many messages are kept: the newest.
const KEPT: usize = 20_000;

/// How many bytes of text the kept messages may hold: long e-mails push older messages out sooner.
const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// How many things may be about to happen for each message kept. What comes on top, when nobody
/// takes the events, never happens: the messages then have no receipts.
const EVENTS_PER_MESSAGE: usize = 10;

/// The message is not kept any more, or never was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("this message is no longer on the phone: only the newest are kept, until the next restart")]
pub struct NotOnThePhone;

/// All simulated phones, mailboxes and calls of a process; its sandbox gateways share them.
///
/// Nothing in here is ever written to disk. What is not taken by [`Events`] waits.
pub struct Phones {
    clock: Clock,
    kept: usize,
    state: Mutex<State>,
    /// Something was added to the agenda.
    changed: Notify,
    arrivals: broadcast::Sender<u64>,
    are_events_taken: AtomicBool,
}

struct State {
    messages: VecDeque<Arc<SandboxMessage>>,
    /// The serial of the newest message; 0 = there was none yet.
    newest: u64,
    bytes: usize,
    /// What the simulated people did; as many as messages are kept.
    sent: VecDeque<Sent>,
    /// How many kept messages each delivery has.
    copies: HashMap<DeliveryId, u32>,
    agenda: Agenda<Instant, SandboxEvent>,
    /// Replies that someone at the sandbox page sent: makes their ids differ.
    replies: u64,
    is_agenda_full: bool,
}

impl fmt::Debug for Phones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phones")
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

impl Phones {
    /// Phones that nobody has written to; they keep the newest 20,000 messages.
    pub fn new(clock: Clock) -> Arc<Self> {
        Self::keeping(KEPT, clock)
    }

    /// The same with another number of messages to keep; at least one is kept.
    pub fn keeping(kept: usize, clock: Clock) -> Arc<Self> {
        let kept = kept.max(1);
        Arc::new(Self {
            clock,
            kept,
            state: Mutex::new(State {
                messages: VecDeque::new(),
                newest: 0,
                bytes: 0,
                sent: VecDeque::new(),
                copies: HashMap::new(),
                agenda: Agenda::new(kept.saturating_mul(EVENTS_PER_MESSAGE)),
                replies: 0,
                is_agenda_full: false,
            }),
            changed: Notify::new(),
            arrivals: broadcast::Sender::new(256),
            are_events_taken: AtomicBool::new(false),
        })
    }

    /// Puts an accepted message on its phone and plans what comes of it. Returns its serial.
    pub(super) fn receive(
        &self,
        gateway: &str,
        channel: Channel,
        message: &Message,
        fate: &Fate,
    ) -> u64 {
        let now = Instant::now();
        let at = self.clock.now();
        let mut state = self.state();
        state.newest += 1;
        let serial = state.newest;
        let is_first_copy = !state.copies.contains_key(&message.delivery);
        let arrived = SandboxMessage::arrived(serial, gateway, channel, message, at);
        state.keep(arrived, self.kept);
        for (after, event) in reactions(gateway, channel, message, fate, is_first_copy) {
            state.plan(now + after, event);
        }
        drop(state);
        self.changed.notify_one();
        // Nobody is watching: that is no error.
        self.arrivals.send(serial).ok();
        serial
    }

    /// The messages after serial `after` (none = from the oldest kept), oldest first, at most
    /// `limit`.
    pub fn messages(&self, after: Option<u64>, limit: usize) -> Vec<Arc<SandboxMessage>> {
        let state = self.state();
        // Serials have no gaps, so that the place of one is known.
        let oldest = state.messages.front().map_or(0, |message| message.serial);
        let skipped = after.map_or(0, |after| after.saturating_add(1).saturating_sub(oldest));
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        state
            .messages
            .iter()
            .skip(skipped)
            .take(limit)
            .cloned()
            .collect()
    }

    /// What is kept of one address, oldest first.
    pub fn for_address(&self, address: &Address) -> Vec<Arc<SandboxMessage>> {
        self.state()
            .messages
            .iter()
            .filter(|message| message.to == *address)
            .cloned()
            .collect()
    }

    /// One message, if it is still kept.
    pub fn message(&self, serial: u64) -> Result<Arc<SandboxMessage>, NotOnThePhone> {
        let found = self.messages(Some(serial.checked_sub(1).ok_or(NotOnThePhone)?), 1);
        found
            .into_iter()
            .find(|message| message.serial == serial)
            .ok_or(NotOnThePhone)
    }

    /// The serials of messages as they arrive. A reader who is slow misses some and should read
    /// [`Phones::messages`] again.
    pub fn subscribe(&self) -> broadcast::Receiver<u64> {
        self.arrivals.subscribe()
    }

    /// Answers a message as its person would: an SMS with `text`, a key pressed on a call. Twice
    /// is two replies.
    pub fn reply(&self, serial: u64, text: &str) -> Result<(), NotOnThePhone> {
        let message = self.message(serial)?;
        let at = self.clock.now();
        let mut state = self.state();
        state.replies += 1;
        let inbound = Inbound {
            from: message.to.clone(),
            text: text.to_owned(),
            // With the time, because the count starts again with the process.
            gateway_id: format!("sandbox-reply-{}-{}", at.0, state.replies),
        };
        state.plan(
            Instant::now(),
            SandboxEvent::Reply {
                gateway: message.gateway.clone(),
                inbound,
            },
        );
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Opens a message's answer link and presses the button at that place, from 0.
    pub fn tap(&self, serial: u64, button: usize) -> Result<(), NotOnThePhone> {
        let message = self.message(serial)?;
        let event = SandboxEvent::Tap {
            from: message.to.clone(),
            link: message.link.clone(),
            wish: Wish::Nth(button),
        };
        self.state().plan(Instant::now(), event);
        self.changed.notify_one();
        Ok(())
    }

    /// The one stream of what happens; none while someone else holds it.
    pub fn events(self: &Arc<Self>) -> Option<Events> {
        let was_taken = self.are_events_taken.swap(true, Ordering::AcqRel);
        (!was_taken).then(|| Events(Arc::clone(self)))
    }

    /// How many receipts, replies and taps are still to come.
    pub fn pending(&self) -> usize {
        self.state().agenda.len()
    }

    /// What phones received and sent, oldest first, under the lock: keep `read` short.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&VecDeque<Arc<SandboxMessage>>, &VecDeque<Sent>) -> T,
    ) -> T {
        let state = self.state();
        read(&state.messages, &state.sent)
    }

    /// Each change under the lock is whole before anything can panic, so a poisoned lock is usable.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, message: SandboxMessage, kept: usize) {
        self.bytes += message.bytes();
        *self.copies.entry(message.delivery).or_insert(0) += 1;
        self.messages.push_back(Arc::new(message));
        while self.messages.len() > kept || (self.bytes > KEPT_BYTES && self.messages.len() > 1) {
            let Some(oldest) = self.messages.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes();
            if let Some(copies) = self.copies.get_mut(&oldest.delivery) {
                *copies -= 1;
                if *copies == 0 {
                    self.copies.remove(&oldest.delivery);
                }
            }
        }
    }

    fn remember(&mut self, sent: Option<Sent>, kept: usize) {
        self.sent.extend(sent);
        while self.sent.len() > kept {
            self.sent.pop_front();
        }
    }

    fn plan(&mut self, due: Instant, event: SandboxEvent) {
        let was_added = self.agenda.add(due, event);
        if !was_added && !self.is_agenda_full {
            tracing::warn!(
                events.waiting = self.agenda.len(),
                "The sandbox's simulated people do no more: nothing takes what they do"
            );
        }
        self.is_agenda_full = !was_added;
    }
}

/// What simulated providers and people do, each at its time. One holder at a time; letting go of
/// it leaves what is still to come for the next.
#[derive(Debug)]
pub struct Events(Arc<Phones>);

impl Events {
    /// Waits for the next thing that happens; never ends. Safe to cancel: nothing is lost.
    pub async fn next(&mut self) -> SandboxEvent {
        loop {
            let due = {
                let mut state = self.0.state();
                if let Some(event) = state.agenda.take_due(Instant::now()) {
                    state.remember(Sent::of(&event, self.0.clock.now()), self.0.kept);
                    return event;
                }
                state.agenda.next_due()
            };
            // A change between the look and the wait leaves a permit, which ends the wait.
            let changed = self.0.changed.notified();
            match due {
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.0.are_events_taken.store(false, Ordering::Release);
        // Whoever takes over must look again: our last permit may be lost with us.
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;
