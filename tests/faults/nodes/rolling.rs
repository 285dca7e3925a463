//! F20: servers are stopped and started again in the middle of an alert, as for an upgrade.

use std::time::Duration;

use super::book::Book;
use super::node::{Node, Place, Site};
use crate::postgres::fresh_database;

/// Nothing was left in doubt so far, and the server that has just stopped said that it is gone.
async fn nothing_in_doubt(node: &Node, restarts: i64) {
    let doubtful = "SELECT count(*) FROM delivery WHERE state = 'in_doubt' OR possible_duplicate";
    assert_eq!(node.count(doubtful).await, 0, "{}", node.log());
    assert_eq!(
        node.count("SELECT count(*) FROM attempt").await,
        0,
        "{}",
        node.log()
    );
    let ended = node
        .count("SELECT count(*) FROM boot WHERE ended_at IS NOT NULL")
        .await;
    assert_eq!(ended, restarts);
    let open = "SELECT count(*) FROM delivery WHERE state = 'sending' \
                AND boot IN (SELECT id FROM boot WHERE ended_at IS NOT NULL)";
    assert_eq!(node.count(open).await, 0, "{}", node.log());
}

async fn each_got_it_once(node: &Node, book: &Book, people: usize) {
    node.all_accepted().await;
    let copies = book.copies();
    assert_eq!(copies.len(), people);
    assert!(copies.values().all(|copies| *copies == 1), "{copies:?}");
    node.audit().await;
}

#[tokio::test]
async fn f20_twenty_restarts_under_load_leave_nothing_in_doubt_on_sqlite() {
    let book = Book::open(Duration::from_millis(60)).await;
    let site = Site {
        database: None,
        slots: 10,
        more: String::new(),
    };
    let mut node = Node::first(&site, "one", &book).await;
    node.import("everyone", 0, 500).await;
    node.serve().await;
    node.launch("everyone").await;
    for restart in 1..=20 {
        book.wait_for(book.count() + 1 + usize::try_from(restart).unwrap() % 7)
            .await;
        node.signal("TERM").await;
        assert!(node.ended().await.success(), "{}", node.log());
        nothing_in_doubt(&node, restart).await;
        node.serve().await;
    }
    each_got_it_once(&node, &book, 500).await;
}

#[tokio::test]
async fn f20_a_rolling_restart_of_two_servers_leaves_nothing_in_doubt() {
    let book = Book::open(Duration::from_millis(60)).await;
    let database = fresh_database().await;
    let site = Site {
        database: Some(database.url().to_owned()),
        slots: 5,
        more: String::new(),
    };
    let mut nodes = vec![Node::first(&site, "one", &book).await];
    nodes.push(nodes[0].beside(&site, "two", &book, &Place::here()));
    nodes[0].import("everyone", 0, 1000).await;
    for node in &mut nodes {
        node.serve().await;
    }
    nodes[0].launch("everyone").await;
    for restart in 1..=10 {
        let node = &mut nodes[usize::try_from(restart).unwrap() % 2];
        book.wait_for(book.count() + 20).await;
        node.signal("TERM").await;
        assert!(node.ended().await.success(), "{}", node.log());
        nothing_in_doubt(node, restart).await;
        node.serve().await;
    }
    each_got_it_once(&nodes[0], &book, 1000).await;
    assert!(book.sent_by("one") > 100 && book.sent_by("two") > 100);
}

#[tokio::test]
async fn f20_a_server_that_stops_waits_for_its_gateways_answer() {
    let book = Book::open(Duration::ZERO).await;
    let site = Site {
        database: None,
        slots: 10,
        more: String::new(),
    };
    let mut node = Node::first(&site, "one", &book).await;
    node.import("everyone", 0, 10).await;
    node.serve().await;
    book.hold("one");
    node.launch("everyone").await;
    book.wait_for(10).await;
    node.signal("TERM").await;
    node.wait_until("stopping", async || node.log().contains("Stopping"))
        .await;
    book.release();
    assert!(node.ended().await.success(), "{}", node.log());
    nothing_in_doubt(&node, 1).await;
    assert_eq!(
        node.count("SELECT count(*) FROM delivery WHERE state = 'accepted'")
            .await,
        10
    );
}
