//! Sends e-mail through a mail server.
//!
//! lettre builds the message. The conversation with the server is our own,
//! because whether a message may have gone out depends on exactly how far it got, which lettre's
//! connection does not tell; its sockets also wait some 40 ms for each message, and it believes
//! bytes that came before the STARTTLS handshake.

mod conversation;
mod dots;
mod letter;
mod offers;
mod pool;
mod reply;
#[cfg(test)]
mod tests;
mod trouble;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use serde::Deserialize;

use self::conversation::Encryption;
use self::letter::Stationery;
use self::pool::{Pool, Server};
use crate::channel::kinds::{OpenError, Opening, settings};
use crate::channel::secret::Secret;
use crate::channel::{Accepted, Common, Failure, Gateway, Message, tls};

/// The kind's own keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Protection,
    #[serde(default)]
    username: String,
    password: Option<Secret>,
    from: String,
    reply_to: Option<String>,
    hello_name: Option<String>,
    tls_ca_file: Option<PathBuf>,
}

/// How the connection is protected.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protection {
    /// Not at all: for a relay on the same machine.
    None,
    /// From the first command on; a server that does not offer it gets nothing.
    #[default]
    Starttls,
    /// From the first byte on.
    Tls,
}

impl Protection {
    fn usual_port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::Starttls => 587,
            Self::Tls => 465,
        }
    }
}

/// How long the server may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Name look-up and TCP.
    connect: Duration,
    /// One command, or the TLS handshake.
    command: Duration,
    /// One whole message.
    mail: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            command: Duration::from_secs(20),
            mail: Duration::from_mins(1),
        }
    }
}

impl Limits {
    fn hurried(self, by: u32) -> Self {
        Self {
            connect: self.connect / by,
            command: self.command / by,
            mail: self.mail / by,
        }
    }
}

struct Smtp {
    stationery: Stationery,
    pool: Pool,
}

/// Opens a mail server. Empty `username` = no sign-in.
pub fn open(
    common: &Common,
    table: &toml::Table,
    opening: &Opening,
) -> Result<Arc<dyn Gateway>, OpenError> {
    let limits = Limits::default().hurried(opening.hurry);
    open_within(common, table, opening, limits).map(|gateway| Arc::new(gateway) as _)
}

fn open_within(
    common: &Common,
    table: &toml::Table,
    opening: &Opening,
    limits: Limits,
) -> Result<Smtp, OpenError> {
    let settings: Settings = settings(table)?;
    let name =
        rustls::pki_types::ServerName::try_from(settings.host.clone()).map_err(|_ignored| {
            OpenError::new(
                "host",
                "\"host\" must be the name or IP address of the mail server",
            )
        })?;
    let from = mailbox("from", &settings.from, Some(&opening.organisation))?;
    let reply_to = settings
        .reply_to
        .as_deref()
        .map(|it| mailbox("reply_to", it, None));
    let hello_name = settings
        .hello_name
        .unwrap_or_else(|| from.email.domain().to_owned());
    if hello_name.is_empty() || !hello_name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(OpenError::new(
            "hello_name",
            "\"hello_name\" must be this machine's name as the mail server knows it",
        ));
    }
    let encryption = match settings.tls {
        Protection::None => Encryption::None,
        Protection::Starttls | Protection::Tls => {
            let config = Arc::new(tls::client_config(settings.tls_ca_file.as_deref())?);
            let connector = tokio_rustls::TlsConnector::from(config);
            match settings.tls {
                Protection::Starttls => Encryption::StartTls(connector, name),
                _ => Encryption::Tls(connector, name),
            }
        }
    };
    let server = Server {
        host: settings.host,
        port: settings.port.unwrap_or(settings.tls.usual_port()),
        encryption,
        hello_name,
        sign_in: sign_in(settings.username, settings.password)?,
        limits,
    };
    let stationery = Stationery {
        from,
        reply_to: reply_to.transpose()?,
        instance: opening.instance.clone(),
    };
    Ok(Smtp {
        stationery,
        pool: Pool::new(server, common.slots),
    })
}

fn sign_in(
    username: String,
    password: Option<Secret>,
) -> Result<Option<(String, Secret)>, OpenError> {
    match (username.is_empty(), password) {
        (true, _) => Ok(None),
        (false, Some(password)) => Ok(Some((username, password))),
        (false, None) => Err(OpenError::new(
            "password",
            "\"username\" is set, but neither \"password\" nor \"password_file\" is",
        )),
    }
}

/// Reads `local@domain` or `Name <local@domain>`; an address without a name gets `name`.
fn mailbox(key: &str, text: &str, name: Option<&str>) -> Result<Mailbox, OpenError> {
    let wrong = || {
        OpenError::new(
            key,
            format!(
                "\"{key}\" must look like alerts@clinic.example or Clinic <alerts@clinic.example>"
            ),
        )
    };
    // lettre panics on some of these.
    if text.chars().any(char::is_control) {
        return Err(wrong());
    }
    let mut mailbox: Mailbox = text.parse().map_err(|_ignored| wrong())?;
    if mailbox.name.is_none() {
        mailbox.name = name.map(letter::one_line).filter(|name| !name.is_empty());
    }
    Ok(mailbox)
}

#[async_trait]
impl Gateway for Smtp {
    async fn send(&self, message: &Message) -> Result<Accepted, Failure> {
        let letter = self.stationery.write(message)?;
        self.pool
            .deliver(&letter)
            .await
            .map_err(trouble::Trouble::into_failure)?;
        Ok(Accepted {
            gateway_id: letter.message_id,
            sent: false,
        })
    }

    /// Connects, and signs in if there is a user name.
    async fn check(&self) -> Result<(), Failure> {
        self.pool
            .check()
            .await
            .map_err(trouble::Trouble::into_failure)
    }
}
