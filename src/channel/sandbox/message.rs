//! What a simulated phone received and what it sent, as it was.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::alert::words::{Language, Mode};
use crate::channel::sandbox::offers::{Offer, offers};
use crate::channel::sandbox::reaction::SandboxEvent;
use crate::channel::{Address, Channel, Message};
use crate::clock::Timestamp;
use crate::ids::DeliveryId;

/// One message as it arrived at a simulated phone, mailbox or call: unchanged.
#[derive(Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SandboxMessage {
    /// Counts the messages of this process from 1; a later message has a larger one.
    pub serial: u64,
    /// The gateway that took it.
    pub gateway: String,
    /// The channel it came on.
    pub channel: Channel,
    /// Whom it was for, in full: these people do not exist.
    #[schema(value_type = String)]
    pub to: Address,
    /// E-mail only.
    pub subject: Option<String>,
    /// The text, or the plain part, or what was spoken.
    pub text: String,
    /// E-mail only.
    pub html: Option<String>,
    /// The recipient's answer link.
    pub link: String,
    /// The language of the text.
    pub language: Language,
    /// Whose message it is.
    pub delivery: DeliveryId,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// When the gateway took it.
    pub at: Timestamp,
    /// `live` or `drill`.
    #[serde(serialize_with = "as_path")]
    #[schema(value_type = String)]
    pub mode: Mode,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn as_path<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode.path())
}

impl SandboxMessage {
    /// `message` as `gateway` took it.
    pub(super) fn arrived(
        serial: u64,
        gateway: &str,
        channel: Channel,
        message: &Message,
        at: Timestamp,
    ) -> Self {
        Self {
            serial,
            gateway: gateway.to_owned(),
            channel,
            to: message.to.clone(),
            subject: message.subject.clone(),
            text: message.text.clone(),
            html: message.html.clone(),
            link: message.link.clone(),
            language: message.language.clone(),
            delivery: message.delivery,
            attempt: message.attempt,
            at,
            mode: message.mode,
        }
    }

    /// The answers that its text offers by digit or key, for the buttons beside it.
    pub fn offers(&self) -> Vec<Offer> {
        offers(&self.text)
    }

    /// How much memory its texts take.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.html.as_ref().map_or(0, String::len)
    }
}

impl fmt::Debug for SandboxMessage {
    /// Shows which message it is, never the person, the text or the link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxMessage")
            .field("serial", &self.serial)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

/// Something that a simulated person did with their phone.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent {
    /// The phone or mailbox.
    pub from: Address,
    /// When.
    pub at: Timestamp,
    /// What they typed or which key they pressed; none = they opened the answer link.
    pub text: Option<String>,
}

impl Sent {
    /// What the event shows on the wall; none for what only the gateway does.
    pub(super) fn of(event: &SandboxEvent, at: Timestamp) -> Option<Self> {
        match event {
            SandboxEvent::Receipt { .. } => None,
            SandboxEvent::Reply { inbound, .. } => Some(Self {
                from: inbound.from.clone(),
                at,
                text: Some(inbound.text.clone()),
            }),
            SandboxEvent::Tap { from, .. } => Some(Self {
                from: from.clone(),
                at,
                text: None,
            }),
        }
    }
}

impl fmt::Debug for Sent {
    /// Shows when, never who or what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
