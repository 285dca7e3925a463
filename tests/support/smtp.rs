//! A real SMTP server for one test, which keeps what it takes and refuses two recipients by script.
//!
//! Whatever the domain, `gone@` is answered 550 (no such mailbox) and `busy@` 452 (try later).

use std::process::Stdio;

use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::environment::{certificates, variable};
use super::inbox::Inbox;
use super::ports::free_port;

/// The login that a server with [`Behaviour::login`] asks for.
pub const USERNAME: &str = "muster";
/// The password that belongs to [`USERNAME`].
pub const PASSWORD: &str = "mailpass";

/// How the server wants to be spoken to. The default: in plain text, by anyone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Behaviour {
    /// Whether and how the line is encrypted.
    pub encryption: Encryption,
    /// Whether a sender must log in with [`USERNAME`] and [`PASSWORD`] first.
    pub login: bool,
}

/// The three ways of configuration key `tls`.
#[derive(Debug, Clone, Copy, Default)]
pub enum Encryption {
    /// Plain text.
    #[default]
    None,
    /// Plain text until STARTTLS, and nothing is taken before it.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
}

/// A message that the server took.
#[derive(Debug, Clone, Deserialize)]
pub struct Mail {
    /// The envelope's sender.
    pub sender: String,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    /// The subject, decoded; empty when there is none.
    pub subject: String,
    /// All headers in order, names in lower case, values decoded.
    pub headers: Vec<(String, String)>,
    /// The plain text part, decoded, with plain line ends.
    pub text: Option<String>,
    /// The HTML part, decoded, with plain line ends.
    pub html: Option<String>,
    /// Whether it came over an encrypted line.
    pub encrypted: bool,
    /// Who was logged in.
    pub login: Option<String>,
}

impl Mail {
    /// The first header of that name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(header, _)| header == name);
        header.map(|(_, value)| value.as_str())
    }
}

/// The running server; killed when dropped.
#[derive(Debug)]
pub struct SmtpServer {
    port: u16,
    mails: Inbox<Mail>,
    process: Child,
    directory: TempDir,
}

impl SmtpServer {
    /// Starts on a free port of 127.0.0.1 and returns once it listens.
    pub async fn start(behaviour: Behaviour) -> Self {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(variable("MUSTER_TEST_PYTHON"));
        command
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/support/smtp_server.py"
            ))
            .args(["--port", &free_port().to_string()])
            .arg("--keep")
            .arg(directory.path())
            .arg("--certificates")
            .arg(certificates())
            .args(["--tls", behaviour.encryption.name()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if behaviour.login {
            command.args(["--username", USERNAME, "--password", PASSWORD]);
        }
        let mut process = command.spawn().expect("Python starts: run scripts/test");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let port = listening_port(&mut lines).await;
        let mails = Inbox::default();
        tokio::spawn(collect(lines, mails.clone()));
        Self {
            port,
            mails,
            process,
            directory,
        }
    }

    /// The port on 127.0.0.1, which the certificate also knows as `localhost`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The oldest mail with that envelope recipient that was not read yet, waited for if need be.
    pub async fn expect_mail_to(&self, address: &str) -> Mail {
        let wanted = |mail: &Mail| mail.recipients.iter().any(|recipient| recipient == address);
        self.mails.take(&format!("mail to {address}"), wanted).await
    }

    /// How many mails came and were not read.
    pub fn unread(&self) -> usize {
        self.mails.len()
    }

    /// The folder in which every message lies as it came, one `.eml` file each.
    pub fn kept(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Kills the server at once: connections are refused from here on.
    pub async fn kill(&mut self) {
        self.process.kill().await.expect("it is ours to kill");
    }
}

impl Encryption {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::StartTls => "starttls",
            Self::Tls => "tls",
        }
    }
}

async fn listening_port(lines: &mut Lines<BufReader<ChildStdout>>) -> u16 {
    #[derive(Deserialize)]
    struct Listening {
        port: u16,
    }
    let line = lines.next_line().await.expect("its output is text");
    let line = line.expect("the mail server ended before it listened; its words are above");
    serde_json::from_str::<Listening>(&line)
        .expect("the first line names the port")
        .port
}

async fn collect(mut lines: Lines<BufReader<ChildStdout>>, mails: Inbox<Mail>) {
    while let Ok(Some(line)) = lines.next_line().await {
        mails.put(serde_json::from_str(&line).expect("each further line is a mail"));
    }
}
