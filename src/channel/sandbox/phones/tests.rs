//! What the simulated phones promise: nothing changed, nothing lost while kept, everything in time.

use std::time::Duration;

use super::*;
use crate::alert::words::Mode;
use crate::channel::ReceiptStatus;
use crate::channel::sandbox::persona::{Answer, Choice, Via};
use crate::channel::sandbox::tests::{delivered, message, phones_with};
use crate::clock::Timestamp;
use crate::response::option::AnswerClass;

fn serials(messages: &[Arc<SandboxMessage>]) -> Vec<u64> {
    messages.iter().map(|message| message.serial).collect()
}

#[test]
fn a_message_is_kept_as_it_came() {
    let mut sent = message(7, "ana@clinic.example");
    sent.mode = Mode::Exercise;
    sent.subject = Some("DRILL: closed DRILL".to_owned());
    sent.html = Some("<p>DRILL closed DRILL</p>".to_owned());
    let phones = phones_with(10, &[(Channel::Email, sent.clone())]);
    let kept = phones.message(1).unwrap();
    assert_eq!(
        (&kept.text, &kept.subject, &kept.html),
        (&sent.text, &sent.subject, &sent.html)
    );
    assert_eq!(
        (kept.mode, kept.delivery, &kept.link),
        (sent.mode, sent.delivery, &sent.link)
    );
    assert_eq!(kept.at, Timestamp(1_000));
    let json = serde_json::to_value(&*kept).unwrap();
    assert_eq!(json["to"], "ana@clinic.example");
    assert_eq!(json["mode"], "drill");
    assert_eq!(json["channel"], "email");
}

#[test]
fn only_the_newest_are_kept_and_serials_go_on() {
    let all: Vec<_> = (1..=5)
        .map(|n| (Channel::Sms, message(n, "+12025550101")))
        .collect();
    let phones = phones_with(3, &all);
    assert_eq!(serials(&phones.messages(None, 10)), [3, 4, 5]);
    assert_eq!(
        serials(&phones.messages(Some(1), 10)),
        [3, 4, 5],
        "what is gone is skipped"
    );
    assert_eq!(serials(&phones.messages(Some(3), 1)), [4]);
    assert!(phones.messages(Some(5), 10).is_empty());
    assert!(phones.messages(Some(u64::MAX), 10).is_empty());
    assert_eq!(phones.message(2), Err(NotOnThePhone));
    assert_eq!(phones.message(0), Err(NotOnThePhone));
    assert_eq!(phones.message(6), Err(NotOnThePhone));
    assert_eq!(phones.state().copies.len(), 3);
}

#[test]
fn long_messages_push_older_ones_out_sooner() {
    let long = |n| {
        let mut message = message(n, "+12025550101");
        message.text = "x".repeat(KEPT_BYTES / 2);
        (Channel::Sms, message)
    };
    let phones = phones_with(10, &[long(1), long(2), long(3)]);
    assert_eq!(serials(&phones.messages(None, 10)), [2, 3]);
}

#[test]
fn one_address_has_its_own_messages() {
    let phones = phones_with(
        10,
        &[
            (Channel::Sms, message(1, "+12025550101")),
            (Channel::Sms, message(2, "+12025550102")),
            (Channel::Voice, message(3, "+12025550101")),
        ],
    );
    assert_eq!(
        serials(&phones.for_address(&Address::new("+12025550101"))),
        [1, 3]
    );
    assert!(phones.for_address(&Address::new("+12025550109")).is_empty());
}

#[tokio::test]
async fn watchers_hear_of_every_arrival() {
    let phones = Phones::keeping(10, Clock::fake(Timestamp(0)));
    let mut watcher = phones.subscribe();
    phones.receive("s", Channel::Sms, &message(1, "+12025550101"), &delivered());
    assert_eq!(watcher.recv().await, Ok(1));
}

#[tokio::test]
async fn what_happens_comes_in_order_of_time() {
    let phones = Phones::keeping(10, Clock::fake(Timestamp(0)));
    let at = |millis, after| {
        let choice = Choice {
            class: AnswerClass::Positive,
            draw: 0,
        };
        let after = Duration::from_millis(after);
        let answer = Some(Answer {
            after,
            via: Via::Reply,
            choice,
        });
        let receipt = Some((Duration::from_millis(millis), ReceiptStatus::Delivered));
        Fate {
            busy_attempts: 0,
            refused: false,
            receipt,
            answer,
        }
    };
    phones.receive("s", Channel::Sms, &message(1, "+12025550101"), &at(1, 9));
    phones.receive("s", Channel::Sms, &message(2, "+12025550102"), &at(2, 4));
    let mut events = phones.events().unwrap();
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(match events.next().await {
            SandboxEvent::Receipt { receipt, .. } => receipt.gateway_id,
            SandboxEvent::Reply { inbound, .. } => inbound.gateway_id,
            SandboxEvent::Tap { .. } => "tap".to_owned(),
        });
    }
    assert_eq!(
        heard,
        [
            "sandbox-1-1",
            "sandbox-2-1",
            "sandbox-answer-2",
            "sandbox-answer-1"
        ]
    );
    assert_eq!(phones.pending(), 0);
}

#[tokio::test]
async fn a_second_copy_of_a_delivery_is_shown_but_not_answered() {
    let phones = Phones::keeping(10, Clock::fake(Timestamp(0)));
    let choice = Choice {
        class: AnswerClass::Positive,
        draw: 0,
    };
    let answer = Some(Answer {
        after: Duration::ZERO,
        via: Via::Reply,
        choice,
    });
    let fate = Fate {
        answer,
        ..delivered()
    };
    phones.receive("s", Channel::Sms, &message(1, "+12025550101"), &fate);
    phones.receive("s", Channel::Sms, &message(1, "+12025550101"), &fate);
    assert_eq!(phones.messages(None, 10).len(), 2);
    assert_eq!(phones.pending(), 3, "two receipts, one answer");
}

#[tokio::test]
async fn someone_at_the_page_answers_for_the_person() {
    let phones = phones_with(10, &[]);
    let silent = Fate {
        receipt: None,
        ..delivered()
    };
    phones.receive("sms-a", Channel::Sms, &message(1, "+12025550101"), &silent);
    phones.reply(1, "2").unwrap();
    phones.reply(1, "2").unwrap();
    phones.tap(1, 1).unwrap();
    let mut events = phones.events().unwrap();
    let SandboxEvent::Reply {
        gateway,
        inbound: first,
    } = events.next().await
    else {
        panic!("no reply")
    };
    let SandboxEvent::Reply {
        inbound: second, ..
    } = events.next().await
    else {
        panic!("no second reply")
    };
    assert_eq!((gateway.as_str(), first.text.as_str()), ("sms-a", "2"));
    assert_eq!(first.from.reveal(), "+12025550101");
    assert_ne!(first.gateway_id, second.gateway_id);
    let sent = message(1, "+12025550101");
    let tap = SandboxEvent::Tap {
        from: sent.to,
        link: sent.link,
        wish: Wish::Nth(1),
    };
    assert_eq!(events.next().await, tap);
    assert_eq!(phones.reply(9, "1"), Err(NotOnThePhone));
    assert_eq!(phones.tap(9, 0), Err(NotOnThePhone));
}

#[tokio::test]
async fn a_reply_reaches_someone_who_is_already_waiting() {
    let phones = phones_with(10, &[]);
    let mut events = phones.events().unwrap();
    let waiting = tokio::spawn(async move { events.next().await });
    phones.receive("s", Channel::Sms, &message(1, "+12025550101"), &delivered());
    assert!(matches!(
        waiting.await.unwrap(),
        SandboxEvent::Receipt { .. }
    ));
}

#[test]
fn the_events_have_one_holder_at_a_time() {
    let phones = phones_with(10, &[]);
    let first = phones.events();
    assert!(first.is_some());
    assert!(phones.events().is_none());
    drop(first);
    assert!(phones.events().is_some());
}

#[test]
fn when_nobody_takes_the_events_memory_stays_bounded() {
    let phones = phones_with(2, &[]);
    for n in 0..100 {
        phones.receive("s", Channel::Sms, &message(n, "+12025550101"), &delivered());
    }
    assert_eq!(phones.pending(), 2 * EVENTS_PER_MESSAGE);
}

#[test]
fn a_message_and_the_phones_show_neither_the_person_nor_the_text() {
    let phones = phones_with(10, &[(Channel::Sms, message(1, "+12025550101"))]);
    let shown = format!("{phones:?} {:?}", phones.messages(None, 10));
    assert!(!shown.contains("5550101") && !shown.contains("Clinic") && !shown.contains("/a/"));
}
