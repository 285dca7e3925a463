//! Prints the machine and one table: medians over the rounds, ratios taken round by round.

use std::path::Path;

use crate::options::Options;
use crate::postgres::Server;
use crate::{Measured, machine};

/// One of everything.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) client: Measured,
    pub(crate) adapter: Measured,
    pub(crate) sqlite: Measured,
    pub(crate) postgres: Option<Measured>,
}

/// Says on what, and how busy it was: a figure without it means nothing.
pub(crate) fn print_machine(
    options: &Options,
    folder: &Path,
    server: Option<&Server>,
) -> anyhow::Result<()> {
    let (processors, load) = machine::load();
    println!(
        "{} recipients, {} in flight, {} rounds; {processors} processors shared with the gateway, \
         load before {load}; one durable 8 KiB write takes {} µs",
        options.recipients,
        options.slots,
        options.rounds,
        machine::sync_us(folder)?
    );
    if let Some(server) = server {
        let (fsync, commit) = (
            server.setting("fsync")?,
            server.setting("synchronous_commit")?,
        );
        println!(
            "PostgreSQL {}: fsync {fsync}, synchronous_commit {commit}{}",
            server.setting("server_version")?,
            if fsync == "on" {
                ""
            } else {
                ": NOT durable, its figures are too good"
            }
        );
    }
    Ok(())
}

/// Picks one column of a round.
type Column = fn(&Round) -> Option<&Measured>;

const COLUMNS: [(&str, Column); 4] = [
    ("bare clients", |round| Some(&round.client)),
    ("adapters", |round| Some(&round.adapter)),
    ("Muster, SQLite", |round| Some(&round.sqlite)),
    ("Muster, PostgreSQL", |round| round.postgres.as_ref()),
];

/// Reads one fact of one column; the round is there to compare with.
type Fact = fn(&Round, &Measured) -> Option<f64>;

/// Prints the table: a line a fact, a column a way of sending.
pub(crate) fn print(rounds: &[Round]) {
    println!();
    println!("{}", line("", &COLUMNS.map(|(name, _)| name.to_owned())));
    let facts: [(&str, Fact, usize); 9] = [
        ("messages a second", |_, one| Some(rate(one)), 0),
        (
            "share of the bare clients, %",
            |round, one| Some(share(one, &round.client)),
            1,
        ),
        (
            "share of the adapters, %",
            |round, one| Some(share(one, &round.adapter)),
            1,
        ),
        (
            "launch until durable, ms",
            |_, one| one.launch_us.map(|us| float(us) / 1e3),
            1,
        ),
        (
            "from there, all deliveries durable, ms",
            |_, one| one.planned_us.map(|us| float(us) / 1e3),
            0,
        ),
        (
            "durable launch to first SMS, ms",
            |_, one| one.first_us.map(|us| float(us) / 1e3),
            1,
        ),
        (
            "processor µs a message",
            |_, one| Some(each(one.cpu_us, one)),
            1,
        ),
        (
            "the same, database server",
            |_, one| one.server_cpu_us.map(|us| each(us, one)),
            1,
        ),
        (
            "peak memory, MiB",
            |_, one| Some(float(one.peak_kib) / 1024.0),
            1,
        ),
    ];
    for (name, fact, decimals) in facts {
        let cells = COLUMNS.map(|(_, column)| {
            let values = rounds
                .iter()
                .filter_map(|round| fact(round, column(round)?))
                .collect();
            cell(values, decimals)
        });
        println!("{}", line(name, &cells));
    }
}

fn line(name: &str, cells: &[String; 4]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>24}")).collect();
    format!("| {name:<38} |{} |", cells.join(" |"))
}

/// The median, and the range where there were several rounds.
fn cell(mut values: Vec<f64>, decimals: usize) -> String {
    values.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (values.first(), values.last()) else {
        return String::new();
    };
    let middle = values.len() / 2;
    let median = if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    };
    if values.len() == 1 {
        return format!("{median:.decimals$}");
    }
    format!("{median:.decimals$} ({least:.decimals$}–{most:.decimals$})")
}

fn rate(one: &Measured) -> f64 {
    float(one.messages) * 1e6 / float(one.wall_us.max(1))
}

fn share(one: &Measured, of: &Measured) -> f64 {
    100.0 * rate(one) / rate(of)
}

fn each(total: u64, one: &Measured) -> f64 {
    float(total) / float(one.messages.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "the figures are far below 2^52")]
fn float(value: u64) -> f64 {
    value as f64
}
