//! C2 to C6: the server dies while it hands a message over, to each kind of gateway.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::on_stores;
use super::scene::Scene;
use crate::book::{Desk, Entry};
use crate::muster::Store;

/// Where the server dies.
#[derive(Clone, Copy)]
enum At {
    /// At a fail point.
    Point(&'static str),
    /// The gateway has the message, and its answer is on its way.
    Answer,
}

/// How often the person is told, and whether the message is marked as a possible duplicate.
type Told = (usize, bool);

/// What became of the message, by kind of gateway.
async fn outcomes(store: Store, at: At) -> BTreeMap<Desk, Told> {
    let desks = [Desk::Blind, Desk::Mail, Desk::Keyed, Desk::Asked];
    let told = join_all(desks.map(|desk| outcome(store, desk, at))).await;
    desks.into_iter().zip(told).collect()
}

/// `blind` where the gateway cannot tell what it has; once and unmarked where it can.
fn expected(blind: Told) -> BTreeMap<Desk, Told> {
    let once = (1, false);
    BTreeMap::from([
        (Desk::Blind, blind),
        (Desk::Mail, blind),
        (Desk::Keyed, once),
        (Desk::Asked, once),
    ])
}

async fn outcome(store: Store, desk: Desk, at: At) -> Told {
    let mut scene = Scene::new(store, desk, "").await;
    match at {
        At::Point(name) => {
            scene.start(name).await;
            // It may die before it has answered.
            scene.launch().await;
            scene.muster.died().await;
        }
        At::Answer => {
            scene.gateway.hold(true);
            scene.start("").await;
            scene.launch().await.unwrap();
            scene.expect_entries(1).await;
            scene.muster.kill().await;
            scene.gateway.hold(false);
        }
    }
    scene.restart().await;
    let person = scene.accepted(1).await;
    scene.muster.audit().await;
    let entries = scene.entries();
    let copies: Vec<&Entry> = entries.iter().filter(|entry| !entry.again).collect();
    assert!(entries.iter().all(|entry| !entry.differs), "{entries:?}");
    assert!(
        copies
            .iter()
            .all(|copy| identity(copy) == identity(copies[0])),
        "every copy is the same message: {copies:?}"
    );
    let marked = person["deliveries"][0]["possible_duplicate"] == true;
    (copies.len(), marked)
}

/// What a phone or a mailbox could know a copy by.
fn identity(entry: &Entry) -> &str {
    match entry.desk {
        Desk::Mail => {
            let mut lines = entry.text.lines();
            lines.find(|line| line.starts_with("Message-ID:")).unwrap()
        }
        _ => &entry.text,
    }
}

on_stores! {
    async fn c02_what_was_about_to_be_claimed_goes_out_once(store: Store) {
        let at = At::Point("claim.before_commit");
        assert_eq!(outcomes(store, at).await, expected((1, false)));
    }

    async fn c03_what_was_claimed_and_not_begun_goes_out_once_and_is_marked_where_nobody_can_tell(store: Store) {
        let at = At::Point("claim.after_commit");
        assert_eq!(outcomes(store, at).await, expected((1, true)));
    }

    async fn c04_what_was_taken_unheard_comes_again_marked_only_where_nobody_can_tell(store: Store) {
        assert_eq!(outcomes(store, At::Answer).await, expected((2, true)));
    }

    async fn c05_what_was_taken_and_not_recorded_comes_again_marked_only_where_nobody_can_tell(store: Store) {
        let at = At::Point("record.before_commit");
        assert_eq!(outcomes(store, at).await, expected((2, true)));
    }

    async fn c06_what_was_recorded_does_not_go_out_again(store: Store) {
        let at = At::Point("record.after_commit");
        assert_eq!(outcomes(store, at).await, expected((1, false)));
    }
}
