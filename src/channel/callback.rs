//! What gateways post back to us: receipts of what became of a message, and people's replies.

use crate::alert::words::word_enum;
use crate::channel::Address;
use crate::clock::Timestamp;
use crate::ids::DeliveryId;

/// One request that came to `/callbacks/<gateway>/…`, as it came.
#[derive(Clone, Debug)]
pub struct Callback {
    /// `GET` or `POST`.
    pub method: String,
    /// The public address it was sent to, with its query: what signatures are computed over.
    pub url: String,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
}

impl Callback {
    /// The first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The first query parameter of that name.
    pub fn param(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// The try that our own `ref` parameter names.
    pub fn reference(&self) -> Option<Reference> {
        self.param("ref")?.parse().ok()
    }

    /// The body as an HTML form's fields; empty if it is none.
    pub fn form(&self) -> Vec<(String, String)> {
        serde_urlencoded_pairs(&self.body)
    }
}

/// Our own name for one try of a message: `DELIVERY.TRY`, or `DELIVERY` where a gateway hands back
/// only that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Which try, from 1; none if the gateway does not say.
    pub attempt: Option<u32>,
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.attempt {
            Some(attempt) => write!(f, "{}.{attempt}", self.delivery),
            None => write!(f, "{}", self.delivery),
        }
    }
}

impl std::str::FromStr for Reference {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (delivery, attempt) = match text.split_once('.') {
            Some((delivery, attempt)) => (delivery, Some(attempt.parse()?)),
            None => (text, None),
        };
        Ok(Self {
            delivery: DeliveryId(delivery.parse()?),
            attempt,
        })
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// Decodes `a=b&c=d`.
pub fn serde_urlencoded_pairs(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// Why a callback was not believed or not understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CallbackError {
    /// This kind of gateway has no such callbacks: 404.
    #[error("this gateway has no such callback")]
    Unsupported,
    /// Missing or wrong signature or token: 403, counted, nothing changed.
    #[error("the signature or token is missing or wrong")]
    Forged,
    /// Authentic, but not what the gateway's manual describes: 400, logged without its content.
    #[error("the callback could not be read: {0}")]
    Unreadable(String),
}

word_enum! {
    /// What a receipt says. Ordered: a later word outranks an earlier one whenever it comes, so
    /// `delivered` replaces `failed` and never the reverse.
    ReceiptStatus {
        /// The gateway took it.
        Accepted = "accepted",
        /// It left towards the carrier or the mail server.
        Sent = "sent",
        /// It will not arrive.
        Failed = "failed",
        /// It arrived on the phone or in the mailbox.
        Delivered = "delivered",
    }
}

/// What a gateway later says of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What our reference in the callback's address names.
    pub reference: Option<Reference>,
    /// The gateway's name for the message.
    pub gateway_id: String,
    /// What it says.
    pub status: ReceiptStatus,
    /// For a failure: a plain sentence for the person view.
    pub reason: Option<String>,
}

/// A message that a person sent to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The number it came from.
    pub from: Address,
    /// What it says.
    pub text: String,
    /// The gateway's name for it: the same one twice is stored once.
    pub gateway_id: String,
}
