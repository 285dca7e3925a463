//! Pretends to be a provider: takes messages for simulated people and never leaves the house.
//!
//! For the first run, for training and for rehearsal. What it takes is kept in memory only
//! ([`Phones`]), so that no number that was practised with ever reaches the disk. A fault or an
//! answer is decided by [`persona`], a pure function of the seed, the address and the delivery:
//! the same rehearsal can be held twice. What the simulated people do comes out as
//! [`SandboxEvent`]s, which the application treats as it treats any gateway's callbacks.

pub mod agenda;
pub mod message;
pub mod offers;
pub mod persona;
pub mod phones;
pub mod reaction;
pub mod settings;
pub mod tap;
pub mod wall;

use std::sync::Arc;

use async_trait::async_trait;

use crate::channel::kinds::{OpenError, Opening};
use crate::channel::{Accepted, Channel, Common, Failure, Gateway, Message};

pub use message::{SandboxMessage, Sent};
pub use persona::{Choice, Persona, Via};
pub use phones::{Events, NotOnThePhone, Phones};
pub use reaction::{SandboxEvent, Wish};
pub use settings::{People, Settings};
pub use tap::{TapError, TapRunner};
pub use wall::Phone;

/// Opens a sandbox gateway from its own keys in the configuration; every key has a default.
///
/// Fails on an unknown key, a rate outside 0 to 1, and settings that contradict each other.
pub fn open(
    common: &Common,
    table: &toml::Table,
    opening: &Opening,
) -> Result<Arc<dyn Gateway>, OpenError> {
    Ok(Arc::new(Sandbox {
        name: common.name.clone(),
        channel: common.channel,
        settings: Settings::read(table)?,
        phones: Arc::clone(&opening.sandbox),
    }))
}

/// One sandbox gateway. All of a process share their [`Phones`].
struct Sandbox {
    name: String,
    channel: Channel,
    settings: Settings,
    phones: Arc<Phones>,
}

#[async_trait]
impl Gateway for Sandbox {
    async fn send(&self, message: &Message) -> Result<Accepted, Failure> {
        if !self.settings.delay.is_zero() {
            tokio::time::sleep(self.settings.delay).await;
        }
        let fate = persona::fate(&self.settings, message.delivery, &message.to);
        if message.attempt <= fate.busy_attempts {
            return Err(Failure::try_again(
                "The gateway is busy and asks to try again.",
            ));
        }
        if fate.refused {
            return Err(Failure::person(refusal(self.channel)));
        }
        // Nothing is awaited from here on: the message is either on the phone and accepted, or
        // neither.
        self.phones
            .receive(&self.name, self.channel, message, &fate);
        Ok(Accepted {
            gateway_id: reaction::gateway_id(message),
            sent: false,
        })
    }

    async fn check(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// What a provider of that channel says of an address that it will never serve.
fn refusal(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms | Channel::Voice => "The number does not exist.",
        Channel::Email => "The mailbox does not exist.",
        Channel::Push => "The app is not registered.",
    }
}

#[cfg(test)]
mod tests;
