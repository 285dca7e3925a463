//! Hands one message to one gateway, and reads what the gateway says of it later.
//!
//! A gateway is one file in the folder of its channel, and one line in [`kinds::KINDS`]. It decides
//! by itself, because only it can, whether a failure is certain, lasting, and whose fault it is
//! ([`Failure`]); the dispatcher never looks at a status code.

pub mod address;
pub mod callback;
pub mod email;
pub mod failure;
pub(crate) mod http_client;
pub mod kinds;
pub mod sandbox;
pub mod secret;
pub mod sms;
pub(crate) mod tls;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::alert::words::{Language, Mode, word_enum};
use crate::clock::Timestamp;
use crate::ids::DeliveryId;

pub use address::Address;
pub use callback::{Callback, CallbackError, Inbound, Receipt, ReceiptStatus, Reference};
pub use failure::{Certainty, Duration, Failure, Scope};

word_enum! {
    /// A way to reach a person.
    Channel {
        /// Text message.
        Sms = "sms",
        /// E-mail.
        Email = "email",
        /// A spoken call.
        Voice = "voice",
        /// A message to an app or a chat room.
        Push = "push",
    }
}

/// One message, ready to go: the same bytes at every attempt.
#[derive(Clone)]
pub struct Message {
    /// Whose message it is. Goes to the gateway as our own reference where it takes one.
    pub delivery: DeliveryId,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Live or drill.
    pub mode: Mode,
    /// Where it goes, in clear: never log it.
    pub to: Address,
    /// The language of the text.
    pub language: Language,
    /// E-mail only: the subject line, without line breaks.
    pub subject: Option<String>,
    /// The text: SMS, the plain part of an e-mail, what is spoken.
    pub text: String,
    /// E-mail only: the HTML part.
    pub html: Option<String>,
    /// The recipient's answer link.
    pub link: String,
    /// Where the gateway is to post receipts: `…/callbacks/<gateway>/status?ref=<delivery>.<try>`.
    pub status_url: String,
}

impl Message {
    /// Our own name for this try of it.
    pub fn reference(&self) -> Reference {
        Reference {
            delivery: self.delivery,
            attempt: Some(self.attempt),
        }
    }
}

impl std::fmt::Debug for Message {
    /// Shows the delivery, never the person or the text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("delivery", &self.delivery)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// The gateway took the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The gateway's own name for it; its receipts carry it. Gateways that give none get ours.
    pub gateway_id: String,
    /// How far it is already known to have got. Usually nothing better than accepted.
    pub sent: bool,
}

/// A message that a gateway says it has, and that may be the one it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name, and what became of it.
    pub receipt: Receipt,
    /// Whether its text is exactly the one that was asked for.
    pub same_text: bool,
}

/// A configured provider of a channel.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Hands over one message. `Ok` only when the gateway said that it took it.
    async fn send(&self, message: &Message) -> Result<Accepted, Failure>;

    /// Whether it can be reached at all, without sending anything; for the start, the doctor and
    /// the breaker's probe.
    async fn check(&self) -> Result<(), Failure>;

    /// Whether a second hand-over of a delivery is the same message to it: it takes our key.
    fn is_idempotent(&self) -> bool {
        false
    }

    /// Whether [`Gateway::ask`] and [`Gateway::status`] have answers.
    fn can_be_asked(&self) -> bool {
        false
    }

    /// Every message that it took for this one's recipient at `since` or later, the oldest first.
    /// An empty list says that it certainly did not take this one; whatever leaves that open is a
    /// failure.
    async fn ask(&self, _message: &Message, _since: Timestamp) -> Result<Vec<Found>, Failure> {
        Err(Failure::unknown("This gateway cannot be asked."))
    }

    /// What became of a message that it took, by its own name for it; none if it does not say.
    async fn status(&self, _gateway_id: &str) -> Result<Option<Receipt>, Failure> {
        Ok(None)
    }

    /// Reads a receipt that was posted to `/callbacks/<name>/status`, after checking that the
    /// gateway sent it.
    fn receipt(&self, _callback: &Callback) -> Result<Vec<Receipt>, CallbackError> {
        Err(CallbackError::Unsupported)
    }

    /// Reads a reply that was posted to `/callbacks/<name>/inbound`, after the same check.
    fn inbound(&self, _callback: &Callback) -> Result<Inbound, CallbackError> {
        Err(CallbackError::Unsupported)
    }
}

/// What every gateway's configuration has, whatever its kind.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Common {
    /// What it is called on the page, in the API and in its callbacks' addresses.
    pub name: String,
    /// The channel it serves.
    pub channel: Channel,
    /// Which of [`kinds::KINDS`] it is.
    pub kind: String,
    /// The smaller goes first.
    #[serde(default = "Common::default_priority")]
    pub priority: u32,
    /// Among gateways with the same priority: how large its part of the messages is, if any of them
    /// says so. None: whoever is free takes the next.
    #[serde(default)]
    pub weight: Option<u32>,
    /// Messages a day at most, the organisation's day. Life-safety goes on beyond it.
    #[serde(default)]
    pub daily_cap: Option<i64>,
    /// Messages a second at most; none = as fast as its slots allow.
    #[serde(default)]
    pub rate_per_second: Option<f64>,
    /// Messages in flight at once: also the most that a crash can leave in doubt.
    #[serde(default = "Common::default_slots")]
    pub slots: usize,
    /// Whether drills may go through it.
    #[serde(default)]
    pub exercises: bool,
    /// Price of one SMS segment, one e-mail or one call, in the organisation's currency.
    #[serde(default)]
    pub cost: Option<f64>,
}

impl Common {
    fn default_priority() -> u32 {
        10
    }

    fn default_slots() -> usize {
        20
    }
}

/// A gateway, its shared settings and its adapter.
#[derive(Clone)]
pub struct Configured {
    /// The settings that every gateway has.
    pub common: Common,
    /// The adapter.
    pub gateway: Arc<dyn Gateway>,
}

impl std::fmt::Debug for Configured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Configured")
            .field(&self.common.name)
            .finish()
    }
}
