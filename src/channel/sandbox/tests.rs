//! What a sandbox gateway promises the dispatcher, and what the other tests here share.

use std::time::Duration;

use super::persona::Fate;
use super::*;
use crate::alert::words::{Language, Mode};
use crate::channel::{Address, Certainty, ReceiptStatus, Scope};
use crate::clock::{Clock, Timestamp};
use crate::ids::DeliveryId;

/// A message that offers two answers.
pub(super) fn message(delivery: i64, to: &str) -> Message {
    Message {
        delivery: DeliveryId(delivery),
        attempt: 1,
        mode: Mode::Actual,
        to: Address::new(to),
        language: Language("en".to_owned()),
        subject: None,
        text: "Clinic closed. Reply 1 safe, 2 need help.".to_owned(),
        html: None,
        link: format!("https://alert.clinic.example/a/token{delivery}"),
        status_url: String::new(),
    }
}

/// Arrives at once and is not answered.
pub(super) fn delivered() -> Fate {
    Fate {
        busy_attempts: 0,
        refused: false,
        receipt: Some((Duration::ZERO, ReceiptStatus::Delivered)),
        answer: None,
    }
}

/// Phones that keep `kept` messages and have got these.
pub(super) fn phones_with(kept: usize, messages: &[(Channel, Message)]) -> Arc<Phones> {
    let phones = Phones::keeping(kept, Clock::fake(Timestamp(1_000)));
    for (channel, message) in messages {
        phones.receive("s", *channel, message, &delivered());
    }
    phones
}

fn gateway(settings: Settings, phones: &Arc<Phones>) -> Sandbox {
    Sandbox {
        name: "sms-sandbox".to_owned(),
        channel: Channel::Sms,
        settings,
        phones: Arc::clone(phones),
    }
}

#[tokio::test]
async fn an_accepted_message_is_on_the_phone_when_the_gateway_says_so() {
    let phones = phones_with(10, &[]);
    let gateway = gateway(Settings::default(), &phones);
    let accepted = gateway.send(&message(7, "+12025550101")).await.unwrap();
    assert_eq!(
        accepted,
        Accepted {
            gateway_id: "sandbox-7-1".to_owned(),
            sent: false
        }
    );
    assert_eq!(phones.messages(None, 10)[0].gateway, "sms-sandbox");
    let mut events = phones.events().unwrap();
    let SandboxEvent::Receipt { gateway, receipt } = events.next().await else {
        panic!("no receipt")
    };
    assert_eq!(gateway, "sms-sandbox");
    assert_eq!(
        (receipt.gateway_id, receipt.status),
        (accepted.gateway_id, ReceiptStatus::Delivered)
    );
}

#[tokio::test]
async fn a_refused_message_is_the_persons_trouble_and_never_on_the_phone() {
    let phones = phones_with(10, &[]);
    let settings = Settings {
        refuse_rate: 1.0,
        ..Settings::default()
    };
    let failure = gateway(settings, &phones)
        .send(&message(7, "+12025550101"))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.certainty, failure.scope),
        (Certainty::Certain, Scope::Person)
    );
    assert_eq!(failure.duration, crate::channel::Duration::Permanent);
    assert!(phones.messages(None, 10).is_empty());
    assert_eq!(phones.pending(), 0);
}

#[tokio::test]
async fn a_busy_gateway_takes_the_message_at_a_later_attempt() {
    let phones = phones_with(100, &[]);
    let gateway = gateway(
        Settings {
            busy_rate: 0.5,
            ..Settings::default()
        },
        &phones,
    );
    let mut refused = 0;
    for delivery in 0..50 {
        let mut message = message(delivery, "+12025550101");
        while let Err(failure) = gateway.send(&message).await {
            assert_eq!(
                (failure.certainty, failure.scope),
                (Certainty::Certain, Scope::Gateway)
            );
            assert_eq!(failure.duration, crate::channel::Duration::Temporary);
            message.attempt += 1;
            refused += 1;
        }
    }
    assert!(refused > 0);
    assert_eq!(phones.messages(None, 100).len(), 50, "each exactly once");
}

#[tokio::test]
async fn twenty_thousand_messages_are_taken_and_accounted_for() {
    let phones = Phones::new(Clock::fake(Timestamp(0)));
    let settings = Settings {
        answer_rate: 1.0,
        undeliverable_rate: 0.0,
        no_receipt_rate: 0.0,
        refuse_rate: 0.0,
        busy_rate: 0.0,
        ..Settings::lifelike()
    };
    let gateway = gateway(settings, &phones);
    for n in 0..20_000 {
        gateway
            .send(&message(n, &format!("+1202555{n:05}")))
            .await
            .unwrap();
    }
    assert_eq!(phones.messages(None, usize::MAX).len(), 20_000);
    assert_eq!(phones.pending(), 40_000, "a receipt and an answer each");
}

#[test]
fn a_sandbox_is_opened_for_any_channel_and_refuses_unknown_keys() {
    for channel in Channel::ALL {
        let common = format!("name = \"s\"\nchannel = \"{channel}\"\nkind = \"sandbox\"");
        let common: Common = toml::from_str(&common).unwrap();
        assert!(open(&common, &toml::Table::new(), &opening()).is_ok());
        let typo: toml::Table = "peopel = \"lifelike\"".parse().unwrap();
        let Err(error) = open(&common, &typo, &opening()) else {
            panic!("a typo was accepted")
        };
        assert!(error.to_string().contains("peopel"));
    }
}

fn opening() -> Opening {
    Opening {
        hurry: 1,
        public_url: "https://alert.clinic.example".to_owned(),
        organisation: "Clinic".to_owned(),
        instance: "test".to_owned(),
        clock: Clock::fake(Timestamp(0)),
        sandbox: phones_with(1, &[]),
    }
}
