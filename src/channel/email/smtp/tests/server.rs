//! Plays mail servers from a script: each connection is a list of things to say and to hear.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::super::{Limits, Smtp, open_within, tls};
use crate::channel::http_client::tests::{common, opening};

pub(super) enum Step {
    /// Writes a line.
    Say(&'static str),
    /// Reads a line, which must begin so.
    Hear(&'static str),
    /// Reads a message up to its dot, and keeps it.
    Take,
    /// Takes the TLS handshake; the script ends if the client breaks it off.
    Encrypt,
    /// Reads until the client hangs up.
    Bye,
    /// Says nothing until the client hangs up.
    Stall,
}
use Step::{Bye, Encrypt, Hear, Say, Stall, Take};

/// The usual beginning of a connection.
pub(super) const HELLO: [Step; 3] = [
    Say("220 mail.example ESMTP"),
    Hear("EHLO clinic.example"),
    Say("250-mail.example\r\n250 8BITMIME"),
];

/// One message that is taken.
pub(super) const MAIL: [Step; 8] = [
    Hear("MAIL FROM:<alerts@clinic.example>"),
    Say("250 ok"),
    Hear("RCPT TO:<ana@clinic.example>"),
    Say("250 ok"),
    Hear("DATA"),
    Say("354 go on"),
    Take,
    Say("250 2.0.0 queued"),
];

pub(super) fn steps<const N: usize>(parts: [Vec<Step>; N]) -> Vec<Step> {
    parts.into_iter().flatten().collect()
}

pub(super) struct MailServer {
    pub(super) address: SocketAddr,
    pub(super) task: JoinHandle<Vec<String>>,
}

impl MailServer {
    pub(super) async fn play(connections: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut letters = Vec::new();
            for script in connections {
                let (stream, _) = listener.accept().await.unwrap();
                perform(stream, script, &mut letters).await;
            }
            letters
        });
        Self { address, task }
    }

    pub(super) fn gateway(&self, more: &str) -> Smtp {
        self.gateway_within(more, Limits::default())
    }

    pub(super) fn gateway_within(&self, more: &str, limits: Limits) -> Smtp {
        let tls = if more.contains("tls =") {
            ""
        } else {
            "tls = \"none\""
        };
        let table = format!(
            "host = \"127.0.0.1\"\nport = {}\nfrom = \"alerts@clinic.example\"\n{tls}\n{more}",
            self.address.port()
        );
        open_within(
            &common("email", "smtp"),
            &table.parse().unwrap(),
            &opening(),
            limits,
        )
        .unwrap()
    }

    /// The letters it took; fails if the script was not played to its end.
    pub(super) async fn letters(self) -> Vec<String> {
        self.task.await.unwrap()
    }
}

async fn perform(stream: tokio::net::TcpStream, script: Vec<Step>, letters: &mut Vec<String>) {
    let mut wire: BufReader<Box<dyn Both>> = BufReader::new(Box::new(stream));
    for step in script {
        match step {
            Say(text) => wire
                .write_all(format!("{text}\r\n").as_bytes())
                .await
                .unwrap(),
            Hear(start) => {
                let mut line = String::new();
                wire.read_line(&mut line).await.unwrap();
                assert!(
                    line.starts_with(start),
                    "heard {line:?} instead of {start:?}"
                );
            }
            Take => letters.push(take(&mut wire).await),
            Encrypt => {
                let inner = wire.into_inner();
                let Ok(stream) = tls::tests::acceptor().accept(inner).await else {
                    return;
                };
                wire = BufReader::new(Box::new(stream));
            }
            Bye | Stall => {
                let mut rest = String::new();
                wire.read_to_string_until_end(&mut rest).await;
            }
        }
    }
}

async fn take(wire: &mut BufReader<Box<dyn Both>>) -> String {
    let mut letter = String::new();
    while !letter.ends_with("\r\n.\r\n") {
        assert_ne!(
            wire.read_line(&mut letter).await.unwrap(),
            0,
            "the message broke off"
        );
    }
    letter
}

trait Both: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Both for T {}

trait UntilEnd {
    async fn read_to_string_until_end(&mut self, rest: &mut String);
}

impl UntilEnd for BufReader<Box<dyn Both>> {
    /// A client that hangs up rudely ends it too.
    async fn read_to_string_until_end(&mut self, rest: &mut String) {
        while self.read_line(rest).await.is_ok_and(|count| count > 0) {}
    }
}
