//! The simulation: the real dispatcher, escalation, recovery, receipts and answers on a database in
//! memory, one to three servers with clocks of their own, providers that do their worst, and a seed
//! that decides every step. Whatever goes wrong, nothing that may not be is ever seen; once the faults
//! stop, every alert ends with everyone explained.
//!
//! `MUSTER_SIM_SEEDS=100000` runs so many seeds, `MUSTER_SIM_FIRST=2000` begins there, and
//! `MUSTER_SIM_SEED=17` runs one of them again, step for step, and tells its story.
//!
//! What was broken by hand to see it fail, and what it then said:
//!
//! - results of dead boots and old tries count: *is on the wire and was put back*;
//! - what is in doubt goes out again unmarked, or an unclear answer is simply tried again: *sent again
//!   without a mark*;
//! - a stop misses what waits for its next try, or a result puts a message of a stopped alert back:
//!   the audit's *closed-is-closed*;
//! - a `failed` receipt lowers `delivered`: *a state that cannot follow*;
//! - a lane does not look at its lease: *claimed without a lease*; every other boot counts as dead:
//!   *put in doubt while its sender lives and knows*;
//! - an answer calls nothing off: *claimed although the person has answered*; the last answer's time
//!   stands, not the first's: *answered at*; a text that comes twice is two answers: *was invented*;
//! - a gateway's drill mark is not looked at: *reached a live gateway*;
//! - nobody decides about what is in doubt, or another gateway's receipt is believed: *not explained in
//!   the end*; a launch's key is not kept: *one key made two alerts*; a step loses count of what it
//!   wrote: the audit's *plan-complete*.
#![expect(clippy::unwrap_used, reason = "in a test a missing value is a failure")]
#![expect(unreachable_pub, reason = "a test has no outside")]

mod acts;
mod dice;
mod gateway;
mod model;
mod node;
mod people;
mod run;
mod stage;
mod tables;
mod wire;
mod world;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::FutureExt;
use world::{Tally, World};

/// How many seeds a run takes unless it is told otherwise.
const SEEDS: u64 = 2000;
/// What must happen in so many seeds, or the simulation proves nothing of it.
const SEEN: &[&str] = &[
    "second copies",
    "possible duplicates",
    "unknown outcomes",
    "claims put back",
    "commits that their server never learnt of",
    "orderly ends",
    "sleeps",
    "stops",
    "all-clears",
    "reminders",
    "forged callbacks",
    "answers by link",
    "in_doubt",
    "expired",
    "cancelled",
    "delivered",
];
/// The last steps of the story that a failure tells.
const TOLD: usize = 80;

fn number(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

/// What one seed came to.
#[derive(Debug, PartialEq)]
struct Story {
    trace: Vec<String>,
    tally: Tally,
    ended: Result<(), String>,
}

fn simulate(seed: u64) -> Story {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new(seed).await;
        let ran = AssertUnwindSafe(async {
            world.suffer().await?;
            world.recover().await
        });
        let ended = ran.catch_unwind().await;
        let ended = ended.unwrap_or_else(|_| Err("a panic".to_owned()));
        let mut tally = std::mem::take(&mut world.tally);
        tally.insert("claims put back", world.model.put_back);
        let trace = std::mem::take(&mut world.trace);
        for node in 0..world.nodes.len() {
            world.kill(node).await;
        }
        world.db.close().await;
        Story {
            trace,
            tally,
            ended,
        }
    })
}

fn tell(seed: u64, story: &Story, last: usize) -> String {
    let trace = &story.trace;
    let wrong = story
        .ended
        .as_ref()
        .err()
        .map_or("all is well", String::as_str);
    let from = trace.len().saturating_sub(last);
    format!(
        "seed {seed}: {wrong}\nRun it again with MUSTER_SIM_SEED={seed}. Its story:\n{}\nseed {seed}: {wrong}",
        trace[from..].join("\n")
    )
}

#[test]
fn whatever_goes_wrong_nobody_is_forgotten_and_nobody_is_told_twice_in_silence() {
    if let Some(seed) = number("MUSTER_SIM_SEED") {
        let story = simulate(seed);
        println!("{}", tell(seed, &story, usize::MAX));
        assert_eq!(story.ended, Ok(()), "seed {seed}");
        return;
    }
    let seeds = number("MUSTER_SIM_SEEDS").unwrap_or(SEEDS);
    let first = number("MUSTER_SIM_FIRST").unwrap_or(0);
    let next = AtomicU64::new(first);
    let has_failed = AtomicBool::new(false);
    let tally = Mutex::new(Tally::default());
    let work = || {
        while !has_failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return;
            }
            let story = simulate(seed);
            if story.ended.is_err() {
                has_failed.store(true, Ordering::Relaxed);
                panic!("{}", tell(seed, &story, TOLD));
            }
            let mut all = tally.lock().unwrap();
            for (what, count) in story.tally {
                *all.entry(what).or_default() += count;
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for one in running {
            if let Err(failure) = one.join() {
                std::panic::resume_unwind(failure);
            }
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{seeds} seeds: {tally:#?}");
    for what in SEEN {
        let count = tally.get(what).copied().unwrap_or_default();
        assert!(count > 0 || seeds < SEEDS, "no {what} in {seeds} seeds");
    }
}

#[test]
fn a_seed_tells_the_same_story_every_time() {
    for seed in [3, 5] {
        assert_eq!(simulate(seed), simulate(seed));
    }
}
