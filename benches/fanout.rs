//! Measures one big alert against the bare clients: rates, their ratios, time to the first message,
//! memory and processor time. docs/benchmarks.md says how and what for.
//!
//!   cargo bench --bench fanout -- --recipients 20000
//!
//! Every measurement runs in a process of its own, so that peaks of memory stay apart, against a
//! gateway that is a process of its own too; all of them share this machine's processors.

#[path = "fanout/answers.rs"]
mod answers;
#[path = "fanout/bare.rs"]
mod bare;
#[path = "fanout/child.rs"]
mod child;
#[path = "fanout/house.rs"]
mod house;
#[path = "fanout/machine.rs"]
mod machine;
#[path = "fanout/mail_sink.rs"]
mod mail_sink;
#[path = "fanout/moments.rs"]
mod moments;
#[path = "fanout/nodes.rs"]
mod nodes;
#[path = "fanout/options.rs"]
mod options;
#[path = "fanout/postgres.rs"]
mod postgres;
#[path = "fanout/sink.rs"]
mod sink;
#[path = "fanout/table.rs"]
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use serde::{Deserialize, Serialize};

use child::Child;
use options::{Options, Role, Task};
use postgres::Server;
use table::Round;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What one measurement found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Messages that were handed over, and recorded where there is a record.
    pub(crate) messages: u64,
    /// From the first act to the last record, in microseconds.
    pub(crate) wall_us: u64,
    /// Processor time of the measured process, in microseconds.
    pub(crate) cpu_us: u64,
    /// Processor time of the database server's processes, where there is one that we may look at.
    pub(crate) server_cpu_us: Option<u64>,
    /// The most memory that the process ever held, in KiB.
    pub(crate) peak_kib: u64,
    /// Muster only: from the call of `launch` to its answer.
    pub(crate) launch_us: Option<u64>,
    /// Muster only: from that answer until every delivery was on disk.
    pub(crate) planned_us: Option<u64>,
    /// Muster only: from that answer to the first text message at its gateway.
    pub(crate) first_us: Option<u64>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // An error means that a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let done = match options.role.clone() {
        Some(Role::Nodes) if options.bench => with_postgres(&options, nodes::nodes),
        Some(Role::Rates) if options.bench => with_postgres(&options, nodes::rates),
        Some(Role::Answers) if options.bench => with_postgres(&options, answers::answers),
        Some(Role::Moments) if options.bench => with_postgres(&options, moments::moments),
        Some(role) => play(role),
        None if options.bench => bench(&options),
        // `cargo test --all-targets` runs this too, and has no use for figures.
        None => {
            eprintln!("fanout: run it by cargo bench --bench fanout");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fanout: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What this process does as a child of the benchmark.
fn play(role: Role) -> anyhow::Result<()> {
    child::end_with_parent();
    let measured = match role {
        Role::Nodes | Role::Rates | Role::Answers | Role::Moments => {
            anyhow::bail!("run it by cargo bench --bench fanout")
        }
        Role::Sink { delay_ms } => return sink::run(Duration::from_millis(delay_ms)),
        Role::MailSink => return mail_sink::run(),
        Role::Prepare(task) => return runtime()?.block_on(house::prepare(&task)),
        Role::Client(task) => runtime()?.block_on(bare::client(&task)),
        Role::Adapter(task) => runtime()?.block_on(bare::adapter(&task)),
        Role::Muster(task) => runtime()?.block_on(house::measure(&task)),
        Role::House(task) => return runtime()?.block_on(house::answer(&task)),
        Role::Timed(task) => return runtime()?.block_on(house::moments(&task)),
        Role::Node(task) => return runtime()?.block_on(house::serve(&task)),
    }?;
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

/// The runtime that `muster serve` has.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

/// Below the build's folder and not in /tmp, which may be memory, where a commit costs nothing.
fn folder() -> anyhow::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("fanout-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .context("there is no room for the throw-away databases")
}

/// Runs a measurement of several servers.
fn with_postgres(
    options: &Options,
    measure: fn(&Options, &Path, &Server) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let folder = folder()?;
    let server = Server::find_or_start(folder.path())?;
    end_when_told(server.process(), folder.path().to_owned());
    table::print_machine(options, folder.path(), Some(&server))?;
    measure(options, folder.path(), &server)
}

fn bench(options: &Options) -> anyhow::Result<()> {
    let folder = folder()?;
    let server = if options.sqlite_only {
        None
    } else {
        Some(Server::find_or_start(folder.path())?)
    };
    end_when_told(
        server.as_ref().and_then(Server::process),
        folder.path().to_owned(),
    );
    table::print_machine(options, folder.path(), server.as_ref())?;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds.get() {
        eprintln!("fanout: round {number} of {}", options.rounds);
        rounds.push(round(options, folder.path(), number, server.as_ref())?);
    }
    table::print(&rounds);
    Ok(())
}

/// Ends the database server and removes the folder when someone ends the benchmark early.
fn end_when_told(server: Option<u32>, folder: PathBuf) {
    std::thread::spawn(move || {
        let told = postgres::block_on(async {
            let mut terminate =
                tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
            tokio::select! {
                told = tokio::signal::ctrl_c() => told?,
                _ = terminate.recv() => {}
            }
            Ok(())
        });
        if let Err(error) = told {
            eprintln!(
                "fanout: an early end will leave {} behind: {error}",
                folder.display()
            );
            return;
        }
        if let Some(process) = server {
            postgres::end(process);
        }
        drop(std::fs::remove_dir_all(&folder));
        std::process::exit(130);
    });
}

/// Everything once, one after the other: what is compared was measured within the same seconds.
fn round(
    options: &Options,
    folder: &Path,
    number: usize,
    server: Option<&Server>,
) -> anyhow::Result<Round> {
    let task = |database: String, data: PathBuf| Task {
        // Any port but none; the sinks' own come later.
        port: u16::from(!options.email_only),
        mail_port: u16::from(!options.sms_only),
        recipients: options.recipients,
        slots: options.slots,
        database,
        data,
        server: server.and_then(Server::process),
        ..Task::default()
    };
    let nothing = task("none".to_owned(), folder.to_owned());
    let client = against_a_sink("client", nothing.clone())?;
    let adapter = against_a_sink("adapter", nothing)?;
    let data = folder.join(format!("sqlite-{number}"));
    let file = format!("sqlite:{}", data.join("muster.db").display());
    let sqlite = in_a_house(Task {
        server: None,
        ..task(file, data)
    })?;
    let postgres = match server {
        None => None,
        Some(server) => {
            let database = server.create_database(&format!("fanout_{number}"))?;
            let data = folder.join(format!("postgres-{number}"));
            let measured = in_a_house(task(database.clone(), data));
            server.drop_database(&format!("fanout_{number}"))?;
            Some(measured?)
        }
    };
    Ok(Round {
        client,
        adapter,
        sqlite,
        postgres,
    })
}

/// Fills a house, then measures its alert in a process that has not seen the filling.
fn in_a_house(task: Task) -> anyhow::Result<Measured> {
    Child::start("prepare", &task)?.finish()?;
    against_a_sink("muster", task)
}

/// Runs one measurement against gateways that count, and checks that they got every message once.
fn against_a_sink(role: &str, task: Task) -> anyhow::Result<Measured> {
    with_sinks(task, |task| {
        let said = Child::start(role, task)?.finish()?;
        let line = said.lines().last().unwrap_or_default();
        let measured: Measured =
            serde_json::from_str(line).with_context(|| format!("the {role}'s result"))?;
        anyhow::ensure!(
            measured.messages == task.messages(),
            "{role}: {} messages arrived and were recorded, of {}",
            measured.messages,
            task.messages()
        );
        Ok(measured)
    })
}

/// Fills a house on each database, as often as ordered, and measures in it what `measure` does: it is
/// given the database's name for people.
fn on_both(
    what: &str,
    options: &Options,
    folder: &Path,
    server: &Server,
    delay_ms: u64,
    measure: fn(&str, &Task) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let on = |name: &str, database: String, data: PathBuf| {
        let task = Task {
            port: 1,
            recipients: options.recipients,
            slots: options.slots,
            database,
            data,
            delay_ms,
            ..Task::default()
        };
        with_sinks(task, |task| {
            Child::start("prepare", task)?.finish()?;
            measure(name, task)
        })
    };
    for round in 1..=options.rounds.get() {
        let data = folder.join(format!("{what}-{round}"));
        let file = format!("sqlite:{}", data.join("muster.db").display());
        on("SQLite", file, data)?;
        let database = format!("{what}_{round}");
        let url = server.create_database(&database)?;
        let done = on("PostgreSQL", url, folder.join(format!("{what}-pg-{round}")));
        server.drop_database(&database)?;
        done?;
    }
    Ok(())
}

/// Starts the gateways that the task needs, for as long as `act` takes.
fn with_sinks<T>(
    mut task: Task,
    act: impl FnOnce(&Task) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut sink = Child::start("sink", &task)?;
    let mut mail_sink = Child::start("mail-sink", &task)?;
    if task.has_sms() {
        task.port = sink.line()?.parse().context("the sink's port")?;
    }
    if task.has_email() {
        task.mail_port = mail_sink.line()?.parse().context("the mail sink's port")?;
    }
    act(&task)
}
