//! The providers: what lies on the wire to them, and their own book of what they took.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use muster::alert::words::Mode;
use muster::channel::{
    Accepted, Address, Callback, CallbackError, Channel, Common, Configured, Failure, Gateway,
    Inbound, Message, Receipt, ReceiptStatus,
};
use muster::ids::DeliveryId;
use tokio::sync::oneshot;

/// What every authentic callback carries.
pub const TOKEN: &str = "authentic";

/// A try of a message.
pub type Try = (DeliveryId, u32);

/// A message that a server has put on the wire.
pub struct Posted {
    pub node: usize,
    pub gateway: usize,
    pub what: Try,
    pub mode: Mode,
    pub to: String,
    pub text: String,
    pub token: String,
    pub reply: oneshot::Sender<Result<Accepted, Failure>>,
}

/// What has been put on the wire and not been looked at.
pub type Wire = Arc<Mutex<Vec<Posted>>>;

/// One server's adapter of one provider.
pub struct Adapter {
    pub node: usize,
    pub gateway: usize,
    pub wire: Wire,
}

#[async_trait]
impl Gateway for Adapter {
    async fn send(&self, message: &Message) -> Result<Accepted, Failure> {
        let (reply, answer) = oneshot::channel();
        self.wire.lock().unwrap().push(Posted {
            node: self.node,
            gateway: self.gateway,
            what: (message.delivery, message.attempt),
            mode: message.mode,
            to: message.to.reveal().to_owned(),
            text: format!("{:?} {} {:?}", message.subject, message.text, message.html),
            token: message.link.rsplit('/').next().unwrap_or("").to_owned(),
            reply,
        });
        match answer.await {
            Ok(said) => said,
            Err(_gone) => std::future::pending().await,
        }
    }

    async fn check(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn receipt(&self, callback: &Callback) -> Result<Vec<Receipt>, CallbackError> {
        authentic(callback)?;
        Ok(vec![Receipt {
            reference: callback.reference(),
            gateway_id: param(callback, "id")?,
            status: param(callback, "status")?
                .parse::<ReceiptStatus>()
                .map_err(|_| CallbackError::Unreadable("status".to_owned()))?,
            reason: None,
        }])
    }

    fn inbound(&self, callback: &Callback) -> Result<Inbound, CallbackError> {
        authentic(callback)?;
        Ok(Inbound {
            from: Address::new(param(callback, "from")?),
            text: param(callback, "text")?,
            gateway_id: param(callback, "id")?,
        })
    }
}

fn authentic(callback: &Callback) -> Result<(), CallbackError> {
    match callback.param("token") {
        Some(TOKEN) => Ok(()),
        _ => Err(CallbackError::Forged),
    }
}

fn param(callback: &Callback, name: &str) -> Result<String, CallbackError> {
    let found = callback.param(name);
    found.map_or_else(
        || Err(CallbackError::Unreadable(name.to_owned())),
        |value| Ok(value.to_owned()),
    )
}

/// How a provider behaves at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It takes everything and says so.
    Good,
    /// Everything happens.
    Rude,
    /// It refuses for the moment.
    Busy,
    /// It refuses our account.
    Closed,
}

/// A provider, the same for every server.
#[derive(Clone, Debug)]
pub struct Provider {
    pub common: Common,
    pub mood: Mood,
    /// Addresses that it will never reach.
    pub dead: Vec<String>,
}

impl Provider {
    pub fn new(name: &str, channel: Channel, priority: u32) -> Self {
        Self {
            common: Common {
                name: name.to_owned(),
                channel,
                kind: "simulated".to_owned(),
                priority,
                weight: None,
                daily_cap: None,
                rate_per_second: None,
                slots: 2,
                exercises: true,
                cost: None,
            },
            mood: Mood::Rude,
            dead: Vec::new(),
        }
    }

    /// Its adapter in one server.
    pub fn adapter(&self, gateway: usize, node: usize, wire: &Wire) -> Configured {
        Configured {
            common: self.common.clone(),
            gateway: Arc::new(Adapter {
                node,
                gateway,
                wire: Arc::clone(wire),
            }),
        }
    }
}

/// What became of a message that a provider took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Failed,
    /// It says no more of it.
    Silent,
}

/// A message that a provider took: its own book, which no server can change.
#[derive(Clone, Debug)]
pub struct Copy {
    pub what: Try,
    pub gateway: usize,
    /// The provider's name for it.
    pub id: String,
    pub to: String,
    pub token: String,
    pub fate: Fate,
}

/// A message between a server and a provider.
pub struct Flying {
    pub posted: Posted,
    /// Which copy of the book it became.
    pub taken: Option<usize>,
    /// When it was put on the wire, by the database's clock.
    pub since: i64,
}
