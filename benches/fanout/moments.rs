//! How soon the first message is out: of one launch after the other, of an urgent one beside a long
//! queue, and after a restart.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use muster::alert::{self, LaunchRequest, follow_up};
use muster::app::App;
use muster::audit::Actor;
use muster::storage::alerts::Alert;

use crate::child::Child;
use crate::options::{Options, Task};
use crate::postgres::{Server, block_on};
use crate::sink::{self, micros};
use crate::{house, on_both};

/// The group of the urgent alert, and how many are in it.
pub(crate) const WARD: &str = "ward";
/// How many people are in it.
pub(crate) const WARD_SIZE: u32 = 1_000;
/// A template that is anything but urgent.
pub(crate) const ROUTINE: &str = "closure";
/// How long the gateway takes to answer: a queue stays long.
const ANSWER_MS: u64 = 20;
/// Launches one after the other.
const LAUNCHES: usize = 20;
/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Both databases.
pub(crate) fn moments(options: &Options, folder: &Path, server: &Server) -> anyhow::Result<()> {
    anyhow::ensure!(
        options.recipients > WARD_SIZE,
        "more than {WARD_SIZE} people are needed: --recipients 50000"
    );
    println!(
        "{} people; a gateway that answers after {ANSWER_MS} ms, {} in flight",
        options.recipients, options.slots
    );
    println!("| database | from | to | ms |");
    on_both("moments", options, folder, server, ANSWER_MS, on)
}

fn on(name: &str, task: &Task) -> anyhow::Result<()> {
    let mut house = Child::start("timed", task)?;
    loop {
        let line = house.line()?;
        if line == "sending" {
            break;
        }
        anyhow::ensure!(!line.is_empty(), "the server stopped");
        println!("| {name} | {line} |");
    }
    block_on(async {
        let before = sink::ask(task.port).await?.messages;
        until(task.port, before + 1_000).await?;
        // Killed in the middle, as by a power cut.
        drop(house);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let left_at = sink::ask(task.port).await?.messages;
        let begun = Instant::now();
        let _again = Child::start("node", task)?;
        until(task.port, left_at + 1).await?;
        let took = ms(begun.elapsed());
        println!("| {name} | start after a kill | next message | {took} |");
        Ok(())
    })
}

async fn until(port: u16, messages: u64) -> anyhow::Result<()> {
    let begun = Instant::now();
    while sink::ask(port).await?.messages < messages {
        anyhow::ensure!(begun.elapsed() < PATIENCE, "no more messages come");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

fn ms(span: Duration) -> String {
    format!("{:.0}", span.as_secs_f64() * 1e3)
}

/// Measures in one server, prints a line for each figure, and goes on sending until it is killed.
pub(crate) async fn measure(task: &Task, app: &App) -> anyhow::Result<()> {
    let mut firsts = Vec::new();
    for number in 0..LAUNCHES {
        let (alert, first, _) = one(task, app, "everyone", &format!("fire {number:02}"), 1).await?;
        firsts.push(first);
        follow_up::stop(app, alert.id, Actor::user("manager")).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    firsts.sort_unstable();
    let (median, late) = (firsts[LAUNCHES / 2], firsts[LAUNCHES * 95 / 100 - 1]);
    println!("durable launch | first message, median | {}", ms(median));
    println!("durable launch | first message, p95 | {}", ms(late));
    let (_, first, last) = one(task, app, WARD, "fire in the ward", WARD_SIZE).await?;
    println!(
        "urgent launch | first message, nothing queued | {}",
        ms(first)
    );
    println!(
        "urgent launch | all {WARD_SIZE}, nothing queued | {}",
        ms(last)
    );
    let routine = LaunchRequest {
        template: ROUTINE.to_owned(),
        variables: BTreeMap::from([("reason".to_owned(), "burst pipe".to_owned())]),
        ..house::request()
    };
    let routine = alert::launch(app, routine).await?.alert;
    house::plan_written(app, routine.number, Instant::now()).await?;
    let (_, first, last) = one(task, app, WARD, "fire at the queue", WARD_SIZE).await?;
    println!(
        "urgent launch | first message, behind a queue | {}",
        ms(first)
    );
    println!(
        "urgent launch | all {WARD_SIZE}, behind a queue | {}",
        ms(last)
    );
    println!("sending");
    std::future::pending().await
}

/// Launches to a group, and waits for so many of its messages: how long after the launch was on disk
/// the first and the last of them came.
async fn one(
    task: &Task,
    app: &App,
    group: &str,
    hazard: &str,
    messages: u32,
) -> anyhow::Result<(Alert, Duration, Duration)> {
    sink::watch(task.port, hazard).await?;
    let request = LaunchRequest {
        groups: vec![group.to_owned()],
        variables: BTreeMap::from([("hazard".to_owned(), hazard.to_owned())]),
        ..house::request()
    };
    let alert = alert::launch(app, request).await?.alert;
    let durable = Instant::now();
    loop {
        let seen = sink::ask(task.port).await?;
        if seen.watched >= u64::from(messages) {
            let now = micros(durable.elapsed());
            let after = |ago: u64| Duration::from_micros(now.saturating_sub(ago));
            let (first, last) = (seen.first_watched_us_ago, seen.last_watched_us_ago);
            return Ok((alert, after(first), after(last)));
        }
        anyhow::ensure!(durable.elapsed() < PATIENCE, "its messages do not come");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
