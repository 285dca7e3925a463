//! Several servers on one PostgreSQL: how much faster they are together, and how they keep a rate.

use std::path::Path;

use anyhow::Context as _;

use crate::child::Child;
use crate::options::{Options, Task};
use crate::postgres::Server;
use crate::{Measured, sink, with_sinks};

/// How long the gateway of [`nodes`] takes to answer: then the servers wait for it, and not for this
/// machine's processors, which all of them share.
const ANSWER_MS: u64 = 20;
/// How long each rate is measured, in seconds.
const SECONDS: f64 = 10.0;

/// One server, two and four, with the same alert.
pub(crate) fn nodes(options: &Options, folder: &Path, server: &Server) -> anyhow::Result<()> {
    println!(
        "a gateway that answers after {ANSWER_MS} ms; {} in flight at each server",
        options.slots
    );
    println!("| round | servers | messages a second | times one server |");
    for round in 1..=options.rounds.get() {
        let mut alone = 0.0;
        for servers in [1, 2, 4] {
            let task = Task {
                delay_ms: ANSWER_MS,
                others: servers - 1,
                ..task(options, folder)
            };
            let measured = together(task, server)?.0;
            let rate = per_second(measured.messages, measured.wall_us);
            if servers == 1 {
                alone = rate;
            }
            println!("| {round} | {servers} | {rate:.0} | {:.2} |", rate / alone);
        }
    }
    Ok(())
}

/// Each rate for some seconds, by one server and by three.
pub(crate) fn rates(options: &Options, folder: &Path, server: &Server) -> anyhow::Result<()> {
    println!("| rate | servers | used, % | the most in any second |");
    for rate in [1.0, 30.0, 100.0, 1000.0] {
        for servers in [1, 3] {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small whole number"
            )]
            let recipients = (rate * SECONDS) as u32 + 1;
            let task = Task {
                recipients,
                rate: Some(rate),
                others: servers - 1,
                ..task(options, folder)
            };
            let (_, seen) = together(task, server)?;
            let used = per_second(seen.messages - 1, seen.span_us) / rate;
            let most = seen.most_in_a_second;
            println!("| {rate} | {servers} | {:.1} | {most} |", 100.0 * used);
        }
    }
    Ok(())
}

fn task(options: &Options, folder: &Path) -> Task {
    Task {
        port: 1,
        recipients: options.recipients,
        slots: options.slots,
        data: folder.join("nodes"),
        ..Task::default()
    }
}

/// One alert, sent by the server that launches it and the others beside it.
fn together(mut task: Task, server: &Server) -> anyhow::Result<(Measured, sink::Seen)> {
    task.database = server.create_database("fanout_nodes")?;
    let done = with_sinks(task.clone(), |task| {
        Child::start("prepare", task)?.finish()?;
        let mut others = Vec::new();
        for _ in 0..task.others {
            let mut node = Child::start("node", task)?;
            anyhow::ensure!(node.line()? == "ready", "a server did not start");
            others.push(node);
        }
        let said = Child::start("muster", task)?.finish()?;
        let measured = serde_json::from_str(said.lines().last().unwrap_or_default())
            .context("the server's result")?;
        let seen = crate::postgres::block_on(sink::ask(task.port))?;
        drop(others);
        Ok((measured, seen))
    });
    server.drop_database("fanout_nodes")?;
    std::fs::remove_dir_all(&task.data).context("the servers' folder")?;
    done
}

#[expect(clippy::cast_precision_loss, reason = "the figures are far below 2^52")]
fn per_second(count: u64, span_us: u64) -> f64 {
    count as f64 * 1e6 / span_us.max(1) as f64
}
