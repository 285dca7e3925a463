//! What the benchmark is asked for, and what it asks of its own child processes.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Measures one big alert on SQLite and PostgreSQL against the bare clients.
#[derive(Clone, Debug, Parser)]
#[command(name = "fanout")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Options {
    /// People of the alert: one text message and one e-mail each.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) recipients: u32,
    /// How often everything is measured; the table shows the medians.
    #[arg(long, default_value = "3")]
    pub(crate) rounds: NonZeroUsize,
    /// Text messages in flight at once, of Muster and of the bare client; half as many e-mails.
    #[arg(long, default_value = "64")]
    pub(crate) slots: NonZeroUsize,
    /// Text messages alone.
    #[arg(long)]
    pub(crate) sms_only: bool,
    /// E-mails alone.
    #[arg(long, conflicts_with = "sms_only")]
    pub(crate) email_only: bool,
    /// Leave PostgreSQL out.
    #[arg(long)]
    pub(crate) sqlite_only: bool,
    /// What cargo adds by itself.
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// What a child process does.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Role {
    /// Measures 1, 2 and 4 servers on one PostgreSQL, with a gateway that takes 20 ms to answer.
    Nodes,
    /// Measures how a gateway's rate is used and kept: by one server, and by three together.
    Rates,
    /// Measures how fast answers by link are taken, also while an alert goes out.
    Answers,
    /// Measures how soon first messages leave: of 20 launches, of an urgent one behind a queue, after
    /// a kill.
    Moments,
    /// Is the gateway for text messages.
    #[command(hide = true)]
    Sink {
        /// How long it takes to answer.
        #[arg(long, default_value_t = 0)]
        delay_ms: u64,
    },
    /// Is the mail server.
    #[command(hide = true)]
    MailSink,
    /// Fills a database with people.
    #[command(hide = true)]
    Prepare(Task),
    /// Sends by the bare clients.
    #[command(hide = true)]
    Client(Task),
    /// Sends by the gateways' adapters alone.
    #[command(hide = true)]
    Adapter(Task),
    /// Launches an alert.
    #[command(hide = true)]
    Muster(Task),
    /// Is one more server.
    #[command(hide = true)]
    Node(Task),
    /// Launches one alert after the other.
    #[command(hide = true)]
    Timed(Task),
    /// Has sent an alert and takes answers.
    #[command(hide = true)]
    House(Task),
}

/// One measurement's particulars.
#[derive(Clone, Debug, Args)]
pub(crate) struct Task {
    /// Where the sink for text messages listens; 0: none are sent.
    #[arg(long)]
    pub(crate) port: u16,
    /// Where the mail server listens; 0: no e-mails are sent.
    #[arg(long)]
    pub(crate) mail_port: u16,
    #[arg(long)]
    pub(crate) recipients: u32,
    #[arg(long)]
    pub(crate) slots: NonZeroUsize,
    /// `sqlite:PATH` or `postgres://…`; any word for the bare client, which has none.
    #[arg(long)]
    pub(crate) database: String,
    /// The data folder.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Messages a second that the gateway's settings allow.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Servers besides the one that launches.
    #[arg(long, default_value_t = 0)]
    pub(crate) others: usize,
    /// How long the gateway takes to answer.
    #[arg(long, default_value_t = 0)]
    pub(crate) delay_ms: u64,
    /// The database server's first process, whose children's processor time is counted.
    #[arg(long)]
    pub(crate) server: Option<u32>,
}

impl Default for Task {
    fn default() -> Self {
        Self {
            port: 0,
            mail_port: 0,
            recipients: 0,
            slots: NonZeroUsize::MIN,
            database: String::new(),
            data: PathBuf::new(),
            rate: None,
            others: 0,
            delay_ms: 0,
            server: None,
        }
    }
}

impl Task {
    /// Whether text messages are sent.
    pub(crate) fn has_sms(&self) -> bool {
        self.port > 0
    }

    /// Whether e-mails are sent.
    pub(crate) fn has_email(&self) -> bool {
        self.mail_port > 0
    }

    /// How many messages that makes.
    pub(crate) fn messages(&self) -> u64 {
        let channels = u64::from(self.has_sms()) + u64::from(self.has_email());
        u64::from(self.recipients) * channels
    }

    /// Connections to the mail server.
    pub(crate) fn mail_slots(&self) -> usize {
        self.slots.get().div_ceil(2)
    }

    /// The same, as arguments of a child process.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--port={}", self.port),
            format!("--mail-port={}", self.mail_port),
            format!("--recipients={}", self.recipients),
            format!("--slots={}", self.slots),
            format!("--database={}", self.database),
            format!("--data={}", self.data.display()),
        ];
        arguments.push(format!("--others={}", self.others));
        arguments.extend(self.rate.map(|rate| format!("--rate={rate}")));
        arguments.extend(self.server.map(|process| format!("--server={process}")));
        arguments
    }
}
