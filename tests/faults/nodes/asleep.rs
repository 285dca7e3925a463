//! F18: a server sleeps in the middle of sending, and wakes up after others have taken over.

use std::time::Duration;

use muster::dispatch::recovery;

use super::book::Book;
use super::node::{Node, Place, Site};
use crate::house::House;
use crate::postgres::fresh_database;

#[tokio::test]
async fn f18_a_server_that_wakes_up_after_its_lease_is_fenced() {
    let book = Book::open(Duration::from_millis(20)).await;
    let database = fresh_database().await;
    let site = Site {
        database: Some(database.url().to_owned()),
        slots: 5,
        more: String::new(),
    };
    let mut awake = Node::first(&site, "awake", &book).await;
    let mut asleep = awake.beside(&site, "asleep", &book, &Place::here());
    awake.import("everyone", 0, 100).await;
    awake.serve().await;
    asleep.serve().await;
    book.hold("asleep");
    awake.launch("everyone").await;
    // The five that it has on the wire are never answered.
    awake
        .wait_until("five held", async || book.sent_by("asleep") == 5)
        .await;
    asleep.signal("STOP").await;
    awake.all_accepted().await;
    let before = awake
        .ask("SELECT hashtext(gateway_id)::bigint FROM delivery ORDER BY id")
        .await;
    book.release();
    asleep.signal("CONT").await;
    asleep
        .wait_until("awake", async || asleep.ready().await.0 == 200)
        .await;
    // Its gateway seemed dead to it while it slept, so it takes a moment before it trusts it again.
    awake
        .wait_until("the other sending again", async || {
            awake.launch("everyone").await;
            awake.all_accepted().await;
            book.sent_by("asleep") > 5
        })
        .await;

    let after = awake
        .ask("SELECT hashtext(gateway_id)::bigint FROM delivery ORDER BY id LIMIT 100")
        .await;
    assert_eq!(before, after, "what it says now changes nothing");
    let twice = awake.compare(&book).await;
    assert_eq!(
        twice, 5,
        "one more copy of what it had on the wire, and of nothing else"
    );
    assert!(book.copies().values().all(|copies| *copies <= 2));
    awake.audit().await;
}

/// Claims, and lets the server sleep so long before the first byte leaves.
async fn sleep_before_sending(house: &House, length: Duration) -> usize {
    house.crowd(10).await;
    house.launch(house.evacuation()).await;
    muster::escalation::turn(&house.app).await.unwrap();
    let mut lane = house.lanes().remove(0);
    lane.turn().await.unwrap();
    // The sending tasks have not had their turn yet: this test and they share one thread.
    house.app.clock.advance(length);
    lane.drain().await;
    house.sms.taken().len()
}

macro_rules! on_both_stores {
    ($($open:ident in $store:ident),*) => {$(
        mod $store {
            use super::*;

            #[tokio::test]
            async fn f18_what_was_claimed_before_a_sleep_is_given_up_unsent_and_goes_out_once() {
                let house = House::$open().await;
                assert_eq!(sleep_before_sending(&house, Duration::from_secs(5)).await, 0);
                recovery::turn(&house.app, *house.app.boot.get().unwrap()).await.unwrap();
                house.pass(10).await;
                house.pass(60).await;
                let copies = house.sms.copies();
                assert!(copies.len() == 10 && copies.values().all(|copies| *copies == 1), "{copies:?}");
                house.close().await;
            }

            #[tokio::test]
            async fn f18_a_moment_between_claim_and_sending_is_no_sleep() {
                let house = House::$open().await;
                assert_eq!(sleep_before_sending(&house, Duration::from_secs(4)).await, 10);
                house.close().await;
            }
        }
    )*};
}

on_both_stores!(on_sqlite in sqlite, on_postgres in postgres);
