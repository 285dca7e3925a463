//! F15: PostgreSQL is restarted, stopped and killed under two servers that launch, send and take answers.

#![expect(
    clippy::panic,
    reason = "an answer that nobody may get is a failed test"
)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::book::Book;
use super::node::{Node, Place, Site};
use super::server::{Server, Stop};
use super::switch::Switch;
use crate::postgres::fresh_database;
use crate::support::environment::http_client;

/// What launching and answering people were told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Alerts that are said to be out.
    pub(super) launched: BTreeSet<String>,
    /// How often it was said that nothing was sent, or that nobody knows.
    not_sent: usize,
    pub(super) in_doubt: usize,
    /// How long the slowest launch took.
    slowest: Duration,
}

/// Launches again and again until told to stop: with a key, repeated until it is out, and without one.
pub(super) async fn launch_on(node: &Node, over: &AtomicBool) -> Told {
    let mut told = Told::default();
    let mut number = 0;
    while !over.load(Ordering::SeqCst) {
        number += 1;
        let key = format!("{}-{number}", node.name);
        let key = (number % 2 == 0).then_some(key.as_str());
        loop {
            let begun = Instant::now();
            let (status, answer) = node.try_launch("few", "all-at-once", key).await;
            told.slowest = told.slowest.max(begun.elapsed());
            let detail = answer["detail"].as_str().unwrap_or_default();
            match status {
                202 => assert!(
                    told.launched
                        .insert(answer["id"].as_str().unwrap().to_owned())
                ),
                503 if detail.contains("nothing was sent") => told.not_sent += 1,
                503 if detail.contains("it is done, or it is not") => told.in_doubt += 1,
                other => panic!("{other}: {answer}\n{}", node.log()),
            }
            if status == 202 || key.is_none() {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await; // as people press Send
    }
    told
}

/// Each alert that was said to be out is in the database.
pub(super) async fn all_there(node: &Node, told: &BTreeSet<String>) {
    for id in told {
        assert!(
            node.has_alert(id).await,
            "{id} was said to be out and is lost"
        );
    }
}

/// Answers every message that has come, by its link, until it is recorded.
async fn answer_on(node: &Node, book: &Book, over: &AtomicBool) -> BTreeSet<String> {
    let mut recorded = BTreeSet::new();
    while !over.load(Ordering::SeqCst) {
        for taken in book.taken() {
            let link = taken
                .text
                .split_whitespace()
                .find(|word| word.contains("/a/"));
            let token = link.and_then(|link| link.rsplit_once('/')).unwrap().1;
            let token = token.trim_end_matches(['.', ',']);
            if over.load(Ordering::SeqCst)
                || recorded.len() > 60
                || !recorded.insert(token.to_owned())
            {
                continue;
            }
            let post = || {
                http_client()
                    .post(node.url(&format!("/a/{token}")))
                    .body("o=safe")
                    .send()
            };
            loop {
                let status = post().await.unwrap().status().as_u16();
                match status {
                    200 => break,
                    503 => tokio::time::sleep(Duration::from_millis(100)).await, // as people try again
                    other => panic!("{other}\n{}", node.log()),
                }
            }
            // As people answer, one after the other.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::task::yield_now().await;
    }
    recorded
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f15_a_database_server_that_is_restarted_stopped_and_killed_loses_nothing() {
    let server = Server::start("");
    let book = Book::open(Duration::from_millis(20)).await;
    let site = Site {
        database: Some(server.url()),
        slots: 5,
        more: String::new(),
    };
    let mut one = Node::first(&site, "one", &book).await;
    let mut two = one.beside(&site, "two", &book, &Place::here());
    one.import("few", 0, 20).await;
    one.serve().await;
    two.serve().await;
    let over = AtomicBool::new(false);
    let breaking = async {
        for stop in [
            Stop::Fast,
            Stop::Immediate,
            Stop::Kill,
            Stop::Immediate,
            Stop::Kill,
            Stop::Fast,
        ] {
            book.wait_for(book.count() + 60).await;
            tokio::task::block_in_place(|| {
                server.stop(stop);
                server.start_again();
            });
        }
        book.wait_for(book.count() + 60).await;
        over.store(true, Ordering::SeqCst);
    };
    let ((), first, second, recorded) = tokio::join!(
        breaking,
        launch_on(&one, &over),
        launch_on(&two, &over),
        answer_on(&two, &book, &over),
    );
    one.all_accepted().await;

    let in_doubt = first.in_doubt + second.in_doubt;
    let told: BTreeSet<_> = first.launched.union(&second.launched).cloned().collect();
    let there = usize::try_from(one.count("SELECT count(*) FROM alert").await).unwrap();
    assert!(
        (told.len()..=told.len() + in_doubt).contains(&there),
        "{there} alerts exist, {} were said to be out, {in_doubt} to be in doubt",
        told.len()
    );
    all_there(&one, &told).await;
    let keys = one
        .count("SELECT count(DISTINCT key) FROM idempotency")
        .await;
    assert_eq!(
        keys,
        one.count("SELECT count(DISTINCT alert_id) FROM idempotency")
            .await
    );
    for told in [&first, &second] {
        assert!(told.slowest < Duration::from_secs(11), "{told:?}");
    }
    let answers = one
        .count("SELECT count(DISTINCT delivery) FROM response")
        .await;
    assert_eq!(
        answers,
        i64::try_from(recorded.len()).unwrap(),
        "every answer is there"
    );
    let deliveries = one.count("SELECT count(*) FROM delivery").await;
    assert_eq!(deliveries, i64::try_from(there * 20).unwrap());
    one.compare(&book).await;
    one.audit().await;
}

#[tokio::test]
async fn f15_a_commit_whose_answer_is_lost_is_resolved_and_nobody_gets_two_messages() {
    let database = fresh_database().await;
    let (address, name) = database.url().rsplit_once('/').unwrap();
    let switch = Switch::to(address.rsplit_once(':').unwrap().1.parse().unwrap()).await;
    let book = Book::open(Duration::from_millis(10)).await;
    let site = Site {
        database: Some(switch.url(name)),
        slots: 5,
        more: String::new(),
    };
    let mut node = Node::first(&site, "one", &book).await;
    node.import("everyone", 0, 200).await;
    node.serve().await;
    switch.lose_one_commit_of(2);
    for _ in 0..5 {
        // Without a key: it is one alert all the same, and known to be out.
        node.launch("everyone").await;
    }
    switch.lose_one_commit_of(5);
    let lost = switch.lost();
    node.wait_until("many lost", async || switch.lost() > lost + 10)
        .await;
    switch.lose_one_commit_of(0);
    node.all_accepted().await;
    assert_eq!(node.count("SELECT count(*) FROM alert").await, 5);
    let copies = book.copies();
    assert_eq!(copies.len(), 5 * 200);
    assert!(
        copies.values().all(|copies| *copies == 1),
        "what was never handed over is no duplicate"
    );
    let marked = "SELECT count(*) FROM delivery WHERE possible_duplicate";
    assert_eq!(node.count(marked).await, 0);
    node.audit().await;
}
