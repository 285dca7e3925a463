//! Several servers on one database: all send, each thing happens once, and who dies is replaced.

use std::time::{Duration, Instant};

use super::book::Book;
use super::node::{Node, Place, Site};
use crate::postgres::{FreshDatabase, fresh_database};

/// Three servers, each with five messages on the wire at most.
async fn three(book: &Book, more: &str) -> (FreshDatabase, Vec<Node>) {
    let database = fresh_database().await;
    let site = Site {
        database: Some(database.url().to_owned()),
        slots: 5,
        more: more.to_owned(),
    };
    let mut nodes = vec![Node::first(&site, "one", book).await];
    for name in ["two", "three"] {
        nodes.push(nodes[0].beside(&site, name, book, &Place::here()));
    }
    nodes[0].import("everyone", 0, 300).await;
    nodes[0].import("few", 1000, 20).await;
    for node in &mut nodes {
        node.serve().await;
    }
    (database, nodes)
}

#[tokio::test]
async fn f17_of_three_servers_all_send_and_one_that_dies_is_replaced_within_20_seconds() {
    let book = Book::open(Duration::from_millis(40)).await;
    let (_database, mut nodes) = three(&book, "").await;
    nodes[0].launch("everyone").await;
    book.wait_for_each(&["one", "two", "three"]).await;
    book.hold("two");
    book.wait_for(book.count() + 40).await;
    nodes[1].kill().await;
    let died = Instant::now();
    nodes[0].all_accepted().await;

    let last = book.taken().last().unwrap().at.duration_since(died);
    assert!(last < Duration::from_secs(20), "replaced after {last:?}");
    let twice = nodes[0].compare(&book).await;
    assert!(
        (1..=5).contains(&twice),
        "{twice} had five in flight at most"
    );
    assert_eq!(book.copies().len(), 300, "nobody is forgotten");
    nodes[2].audit().await;
}

#[tokio::test]
async fn c10_a_step_that_is_due_on_three_servers_is_taken_once() {
    let step = |after: u32, whom: &str| {
        format!("[[plan.step]]\nafter_seconds = {after}\nwhom = \"{whom}\"\nchannels = [\"sms\"]\n")
    };
    let silent = [1, 2, 3, 4, 5].map(|after| step(after, "silent")).concat();
    let steps = step(0, "everyone") + &silent;
    let book = Book::open(Duration::from_millis(5)).await;
    let (_database, nodes) = three(&book, &format!("[[plan]]\nname = \"steps\"\n{steps}")).await;
    for node in &nodes {
        let (status, answer) = node.try_launch("few", "steps", None).await;
        assert_eq!(status, 202, "{answer}");
    }
    let written = "SELECT count(*) FROM alert_step WHERE state = 'written'";
    nodes[0]
        .wait_until("six steps written, three times", async || {
            nodes[0].count(written).await == 18
        })
        .await;
    nodes[0].all_accepted().await;

    let per_step = nodes[0]
        .ask("SELECT count(*) FROM delivery GROUP BY alert, step")
        .await;
    assert_eq!(
        per_step, [20; 18],
        "each step wrote one message for each person"
    );
    assert_eq!(book.copies().len(), 18 * 20);
    assert!(
        book.copies().values().all(|copies| *copies == 1),
        "each went out once"
    );
    nodes[0].audit().await;
}
