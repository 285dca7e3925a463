//! Talks SMTP over one connection, and knows at every moment how far it got.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::dots::with_dots;
use super::letter::Letter;
use super::offers::Offers;
use super::pool::Server;
use super::reply::{self, Reply};
use super::trouble::{Cause, Stage, Trouble};
use crate::channel::secret::Secret;

/// How the connection is protected.
#[derive(Clone)]
pub(super) enum Encryption {
    None,
    StartTls(TlsConnector, ServerName<'static>),
    Tls(TlsConnector, ServerName<'static>),
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// One connection to a mail server.
pub(super) struct Conversation {
    wire: BufReader<Box<dyn Wire>>,
    offers: Offers,
    stage: Stage,
    command_limit: Duration,
    delivered: u32,
}

impl Conversation {
    /// Connects, encrypts, signs in: ready for messages.
    pub(super) async fn open(server: &Server) -> Result<Self, Trouble> {
        let wire = connect(server).await?;
        let mut conversation = Self {
            wire: BufReader::new(wire),
            offers: Offers::default(),
            stage: Stage::Connect,
            command_limit: server.limits.command,
            delivered: 0,
        };
        let greeting = conversation.read().await?;
        conversation.expect_done(greeting)?;
        conversation.hello(&server.hello_name).await?;
        if let Encryption::StartTls(connector, name) = &server.encryption {
            conversation = conversation.encrypt(connector, name.clone()).await?;
            conversation.hello(&server.hello_name).await?;
        }
        if let Some((username, password)) = &server.sign_in {
            conversation.sign_in(username, password).await?;
        }
        conversation.stage = Stage::Ready;
        Ok(conversation)
    }

    /// Hands over one message. After any failure but a clear refusal of this message the connection
    /// is of no more use; [`Conversation::is_ready`] tells.
    pub(super) async fn deliver(&mut self, letter: &Letter) -> Result<(), Trouble> {
        if letter.needs_utf8() && !self.offers.has("SMTPUTF8") {
            return Err(self.trouble(Cause::Missing("SMTPUTF8")));
        }
        let outcome = self.hand_over(letter).await;
        match &outcome {
            Ok(()) => {
                self.delivered += 1;
                self.stage = Stage::Ready;
            }
            Err(Trouble {
                cause: Cause::Refused(reply),
                ..
            }) if reply.code != 421 => {
                self.forget_message().await;
            }
            Err(_) => {}
        }
        outcome
    }

    async fn hand_over(&mut self, letter: &Letter) -> Result<(), Trouble> {
        let utf8 = if letter.needs_utf8() { " SMTPUTF8" } else { "" };
        let commands = [
            (
                Stage::Sender,
                format!("MAIL FROM:<{}>{utf8}\r\n", letter.sender),
            ),
            (
                Stage::Recipient,
                format!("RCPT TO:<{}>\r\n", letter.recipient),
            ),
            (Stage::Data, "DATA\r\n".to_owned()),
        ];
        if self.offers.has("PIPELINING") {
            self.envelope_at_once(&commands).await?;
        } else {
            for (stage, command) in &commands {
                self.stage = *stage;
                let reply = self.ask(command).await?;
                self.expect_stage(reply)?;
            }
        }
        self.stage = Stage::Content;
        let content = with_dots(&letter.content);
        self.write_content(&content).await?;
        // No limit of its own: a server may look for viruses now. The whole message has one.
        let reply = reply::read(&mut self.wire)
            .await
            .map_err(|cause| self.trouble(cause))?;
        self.expect_done(reply)
    }

    /// Three commands in one packet (RFC 2920), then their three replies.
    async fn envelope_at_once(&mut self, commands: &[(Stage, String); 3]) -> Result<(), Trouble> {
        self.stage = Stage::Sender;
        let all: String = commands
            .iter()
            .map(|(_, command)| command.as_str())
            .collect();
        self.write(&all).await?;
        let mut refused: Option<Trouble> = None;
        for (stage, _) in commands {
            self.stage = *stage;
            let reply = match self.read().await {
                Ok(reply) => reply,
                Err(trouble) => return Err(refused.unwrap_or(trouble)),
            };
            // The server awaits a message that must not come: only hanging up stops it.
            let stuck = refused.is_some() && reply.code == 354;
            match self.expect_stage(reply) {
                Err(trouble) if refused.is_none() => refused = Some(trouble),
                _ if stuck => self.stage = Stage::Content,
                _ => {}
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Writes the message and its final dot in one go, but keeps count: as long as the last byte
    /// has not been taken, the server cannot have the whole.
    async fn write_content(&mut self, content: &[u8]) -> Result<(), Trouble> {
        let limit = self.command_limit;
        let mut rest = content;
        while !rest.is_empty() {
            let written = match timeout(limit, self.wire.write(rest)).await {
                Ok(Ok(0)) => Err(Cause::Lost(std::io::ErrorKind::WriteZero.into())),
                Ok(Ok(count)) => Ok(count),
                Ok(Err(error)) => Err(Cause::Lost(error)),
                Err(_) => Err(Cause::Slow),
            };
            let count = written.map_err(|cause| self.trouble(cause))?;
            rest = &rest[count..];
        }
        self.stage = Stage::Answer;
        match timeout(limit, self.wire.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.trouble(Cause::Lost(error))),
            Err(_) => Err(self.trouble(Cause::Slow)),
        }
    }

    /// After a refusal: makes the connection fit for the next message, or leaves it unfit.
    async fn forget_message(&mut self) {
        if self.stage == Stage::Content {
            return;
        }
        let stage = self.stage;
        if self
            .ask("RSET\r\n")
            .await
            .is_ok_and(|reply| reply.is_done())
        {
            self.stage = Stage::Ready;
        } else {
            // Not ready: a stage from which nothing is reused.
            self.stage = stage.max(Stage::Sender);
        }
    }

    /// Whether another message may follow.
    pub(super) fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    /// How far it got.
    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// Messages taken over this connection.
    pub(super) fn delivered(&self) -> u32 {
        self.delivered
    }

    /// Says goodbye; whether the server hears it does not matter.
    pub(super) async fn close(mut self) {
        if self.write("QUIT\r\n").await.is_ok() {
            self.wire.shutdown().await.ok();
        }
    }

    async fn hello(&mut self, name: &str) -> Result<(), Trouble> {
        self.stage = Stage::Hello;
        let reply = self.ask(&format!("EHLO {name}\r\n")).await?;
        let lines = reply.lines.clone();
        self.expect_done(reply)?;
        self.offers = Offers::read(&lines);
        Ok(())
    }

    async fn encrypt(
        mut self,
        connector: &TlsConnector,
        name: ServerName<'static>,
    ) -> Result<Self, Trouble> {
        self.stage = Stage::Encrypt;
        // No fallback: what is asked for is protected mail or none.
        if !self.offers.has("STARTTLS") {
            return Err(self.trouble(Cause::Missing("STARTTLS")));
        }
        let reply = self.ask("STARTTLS\r\n").await?;
        self.expect_done(reply)?;
        // Bytes that came before the handshake were not protected: someone put them there.
        if !self.wire.buffer().is_empty() {
            return Err(self.trouble(Cause::Garbled));
        }
        let handshake = connector.connect(name, self.wire.into_inner());
        let wire = limited(self.command_limit, Stage::Encrypt, handshake).await?;
        Ok(Self {
            wire: BufReader::new(Box::new(wire)),
            ..self
        })
    }

    async fn sign_in(&mut self, username: &str, password: &Secret) -> Result<(), Trouble> {
        self.stage = Stage::SignIn;
        let reply = if self.offers.signs_in_by("PLAIN") {
            let both = STANDARD.encode(format!("\0{username}\0{}", password.reveal()));
            self.ask(&format!("AUTH PLAIN {both}\r\n")).await?
        } else if self.offers.signs_in_by("LOGIN") {
            let mut reply = self.ask("AUTH LOGIN\r\n").await?;
            for word in [username, password.reveal()] {
                if reply.code != 334 {
                    break;
                }
                reply = self.ask(&format!("{}\r\n", STANDARD.encode(word))).await?;
            }
            reply
        } else {
            return Err(self.trouble(Cause::Missing("sign-in with a user name and password")));
        };
        self.expect_done(reply)
    }

    async fn ask(&mut self, command: &str) -> Result<Reply, Trouble> {
        self.write(command).await?;
        self.read().await
    }

    async fn write(&mut self, text: &str) -> Result<(), Trouble> {
        let stage = self.stage;
        limited(self.command_limit, stage, async {
            self.wire.write_all(text.as_bytes()).await?;
            self.wire.flush().await
        })
        .await
    }

    async fn read(&mut self) -> Result<Reply, Trouble> {
        let stage = self.stage;
        match timeout(self.command_limit, reply::read(&mut self.wire)).await {
            Ok(read) => read.map_err(|cause| Trouble { stage, cause }),
            Err(_) => Err(Trouble {
                stage,
                cause: Cause::Slow,
            }),
        }
    }

    fn expect_stage(&self, reply: Reply) -> Result<(), Trouble> {
        if self.stage == Stage::Data && reply.code == 354 {
            return Ok(());
        }
        // A server that skips 354 is not ready for the message's bytes.
        if self.stage == Stage::Data && reply.is_done() {
            return Err(self.trouble(Cause::Garbled));
        }
        self.expect_done(reply)
    }

    fn expect_done(&self, reply: Reply) -> Result<(), Trouble> {
        if reply.is_done() {
            Ok(())
        } else {
            Err(self.trouble(Cause::Refused(reply)))
        }
    }

    fn trouble(&self, cause: Cause) -> Trouble {
        Trouble {
            stage: self.stage,
            cause,
        }
    }
}

async fn connect(server: &Server) -> Result<Box<dyn Wire>, Trouble> {
    let address = (server.host.as_str(), server.port);
    let stream = limited(
        server.limits.connect,
        Stage::Connect,
        TcpStream::connect(address),
    )
    .await?;
    // Without it each message waits some 40 ms for an acknowledgement of the one before.
    stream
        .set_nodelay(true)
        .map_err(|error| at_connect(Cause::Lost(error)))?;
    if let Encryption::Tls(connector, name) = &server.encryption {
        let handshake = connector.connect(name.clone(), stream);
        let stream = limited(server.limits.command, Stage::Connect, handshake).await?;
        return Ok(Box::new(stream));
    }
    Ok(Box::new(stream))
}

fn at_connect(cause: Cause) -> Trouble {
    Trouble {
        stage: Stage::Connect,
        cause,
    }
}

async fn limited<T>(
    limit: Duration,
    stage: Stage,
    work: impl Future<Output = std::io::Result<T>>,
) -> Result<T, Trouble> {
    match timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Trouble {
            stage,
            cause: Cause::Lost(error),
        }),
        Err(_) => Err(Trouble {
            stage,
            cause: Cause::Slow,
        }),
    }
}
