//! The comparison sees every kind of disagreement: books that are wrong on purpose.

use std::collections::{BTreeMap, BTreeSet};

use libtest_mimic::{Failed, Trial};

use crate::book::Desk;
use crate::compare::{Claim, Copy, Message, compare};

/// Two books that agree: one message, taken once, at second 10.
struct Books {
    claim: Claim,
    copies: Vec<Copy>,
    kills: Vec<i64>,
    recorded: BTreeSet<(usize, String)>,
}

fn message() -> Message {
    Message {
        alert: 0,
        person: "Person 0001".to_owned(),
        channel: "email".to_owned(),
    }
}

fn copy(second: i64) -> Copy {
    Copy {
        message: message(),
        at: second * 1000,
        again: false,
        differs: false,
    }
}

impl Books {
    fn in_order() -> Self {
        let claim = Claim {
            desk: Desk::Blind,
            state: "accepted".to_owned(),
            reason: String::new(),
            attempts: 1,
            marked: false,
            is_open: false,
            answer: None,
        };
        Self {
            claim,
            copies: vec![copy(10)],
            kills: Vec::new(),
            recorded: BTreeSet::new(),
        }
    }

    /// Taken twice, with a kill after the first, and marked.
    fn taken_twice() -> Self {
        let mut books = Self::in_order();
        books.copies.push(copy(25));
        books.kills.push(10_050);
        books.claim.attempts = 2;
        books.claim.marked = true;
        books
    }

    fn complaint(&self) -> String {
        let claims = BTreeMap::from([(message(), self.claim.clone())]);
        let findings = compare(&claims, &self.copies, &self.kills, &self.recorded);
        findings.complaints.join("; ")
    }

    #[track_caller]
    fn fail_with(&self, words: &str) {
        let complaint = self.complaint();
        assert!(
            complaint.contains(words),
            "“{words}” is not in: {complaint}"
        );
    }
}

/// What is not wrong is not complained about; what is, is.
pub fn trials() -> Vec<Trial> {
    let trial = |name: &str, body: fn()| {
        Trial::test(name, move || {
            body();
            Ok::<(), Failed>(())
        })
    };
    vec![
        trial("books_that_agree_are_in_order", || {
            assert_eq!(Books::in_order().complaint(), "");
            assert_eq!(Books::taken_twice().complaint(), "");
        }),
        trial("a_lost_message_is_seen", || {
            let mut books = Books::in_order();
            books.copies.clear();
            books.fail_with("never took it");
            "queued".clone_into(&mut books.claim.state);
            books.fail_with("is lost");
        }),
        trial("a_copy_that_is_not_marked_is_seen", || {
            let mut books = Books::taken_twice();
            books.claim.marked = false;
            books.fail_with("is not marked");
        }),
        trial("a_copy_without_a_crash_is_seen", || {
            let mut books = Books::taken_twice();
            books.kills = vec![25_010, 25_020];
            books.fail_with("without a crash");
        }),
        trial("a_copy_at_a_gateway_with_keys_is_seen", || {
            let mut books = Books::taken_twice();
            books.claim.desk = Desk::Keyed;
            books.fail_with("could have told");
            books.copies[1].again = true;
            assert_eq!(books.complaint(), "");
            books.copies[1].differs = true;
            books.fail_with("different bytes");
        }),
        trial("a_copy_without_an_intent_is_seen", || {
            let mut books = Books::taken_twice();
            books.claim.attempts = 1;
            books.fail_with("without an intent");
        }),
        trial("kills_that_hit_nothing_are_seen", || {
            let mut books = Books::taken_twice();
            books.kills.extend([100_000, 200_000]);
            books.fail_with("proves nothing");
        }),
        trial("a_message_that_nobody_sent_is_seen", || {
            let mut books = Books::in_order();
            books.copies[0].message.alert = 1;
            books.fail_with("knows nothing of it");
        }),
        trial("a_lost_answer_is_seen", || {
            let mut books = Books::in_order();
            books.recorded.insert((0, message().person));
            books.fail_with("is not there");
        }),
    ]
}
