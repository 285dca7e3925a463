//! The real program is killed (SIGKILL) again and again while it alerts 500 people on three channels,
//! and at the end its book is compared with that of the gateway, a process of its own that had every
//! message on disk before it answered:
//!
//! - nobody is lost, and no answer that was shown as recorded;
//! - a message comes at most once more than there were crashes while it was under way, and is then
//!   marked as a possible duplicate in the API, on the board and in the report;
//! - it comes once where the gateway takes a key or can be asked.
//!
//! ```text
//! cargo test --test crash                                  25 kills on each database
//! cargo test --test crash -- --kills 200                   as many as you like
//! cargo test --test crash -- --kills 200 --seed 7 sqlite   the same instants again, on one of them
//! ```
#![expect(clippy::unwrap_used, reason = "in a test a missing value is a failure")]

#[path = "../support/muster.rs"]
pub mod muster;
#[path = "../support/rig.rs"]
pub mod support;

pub mod book;
pub mod campaign;
pub mod compare;
pub mod gateway;
pub mod mail;
pub mod pages;
pub mod people;
pub mod wrong_books;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use libtest_mimic::{Failed, Trial};

use crate::campaign::{Orders, Outcome};
use crate::compare::{Findings, compare};
use crate::gateway::Gateway;
use crate::muster::Store;

/// Kills the server at random and compares the books.
#[derive(Parser)]
struct CommandLine {
    /// How often the server is killed, on each database
    #[arg(long, default_value_t = 25)]
    kills: u32,
    /// How many people each alert goes to
    #[arg(long, default_value_t = 500)]
    recipients: usize,
    /// Where chance begins; printed when it is not given
    #[arg(long)]
    seed: Option<u64>,
    /// Be the gateway that writes into this file
    #[arg(long, hide = true)]
    gateway: Option<PathBuf>,
    #[command(flatten)]
    usual: libtest_mimic::Arguments,
}

fn main() -> ExitCode {
    let arguments = CommandLine::parse();
    if let Some(book) = &arguments.gateway {
        be_gateway(book);
        return ExitCode::SUCCESS;
    }
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let orders = |store| Orders {
        store,
        kills: arguments.kills,
        recipients: arguments.recipients,
        seed,
    };
    let mut trials = wrong_books::trials();
    for (name, store) in [("sqlite", Store::Sqlite), ("postgres", Store::Postgres)] {
        let orders = orders(store);
        let name = format!("random_kills_lose_nobody_and_every_extra_copy_is_marked_on_{name}");
        trials.push(Trial::test(name, move || random_kills(orders)));
    }
    libtest_mimic::run(&arguments.usual, trials).exit_code()
}

fn be_gateway(book: &std::path::Path) {
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = Gateway::new(book, 5..=60);
        println!("{}", listener.local_addr().unwrap().port());
        gateway.serve(listener).await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn random_kills(orders: Orders) -> Result<(), Failed> {
    eprintln!("{:?}: begins with --seed {}", orders.store, orders.seed);
    let began = Instant::now();
    let outcome = runtime().block_on(campaign::run(orders));
    let findings = compare(
        &outcome.claims,
        &outcome.copies,
        &outcome.kills,
        &outcome.recorded,
    );
    tell(orders, &outcome, &findings, began.elapsed().as_secs());
    if findings.complaints.is_empty() {
        return Ok(());
    }
    let shown = findings
        .complaints
        .iter()
        .take(20)
        .cloned()
        .collect::<Vec<_>>();
    let all = findings.complaints.len();
    Err(format!(
        "--seed {}: {all} complaints\n{}",
        orders.seed,
        shown.join("\n")
    )
    .into())
}

fn tell(orders: Orders, outcome: &Outcome, findings: &Findings, seconds: u64) {
    eprintln!(
        "{:?}: {} kills in {seconds} s, {} of them with messages under way, {} alerts, {} messages, {} answers; copies beyond the first {:?}, \
         at most {} of one message; marked {:?}; {} complaints",
        orders.store,
        outcome.kills.len(),
        findings.hits,
        outcome.alerts,
        findings.messages,
        outcome.recorded.len(),
        findings.extra,
        findings.most,
        findings.marked,
        findings.complaints.len(),
    );
}
