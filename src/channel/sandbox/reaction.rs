//! Turns the fate of a delivery into what the application will hear of it, and when. Pure.

use std::fmt;
use std::time::Duration;

use crate::channel::sandbox::offers::{offers, pick};
use crate::channel::sandbox::persona::{Answer, Choice, Fate, Via};
use crate::channel::{Address, Channel, Inbound, Message, Receipt, ReceiptStatus};

/// Something that a simulated provider or person does.
#[derive(Clone, PartialEq, Eq)]
pub enum SandboxEvent {
    /// The gateway says what became of a message: to be recorded as if it had been posted to its
    /// `/callbacks/<gateway>/status`.
    Receipt {
        /// The gateway's name.
        gateway: String,
        /// What it says.
        receipt: Receipt,
    },
    /// A person sent an SMS or pressed a key: as if it had been posted to
    /// `/callbacks/<gateway>/inbound`.
    Reply {
        /// The gateway's name.
        gateway: String,
        /// What came.
        inbound: Inbound,
    },
    /// A person opens the answer link and presses a button: for a [`super::TapRunner`].
    Tap {
        /// Whose phone or mailbox it is.
        from: Address,
        /// The answer link as it stood in the message.
        link: String,
        /// Which button.
        wish: Wish,
    },
}

/// Which button of the answer page is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The one at that place, from 0: chosen by someone at the sandbox page.
    Nth(usize),
    /// The one whose words say what the simulated person wants to say.
    Saying(Choice),
}

impl fmt::Debug for SandboxEvent {
    /// Shows what happened, never to whom, the words or the link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receipt { gateway, receipt } => {
                write!(f, "Receipt({gateway}, {})", receipt.status)
            }
            Self::Reply { gateway, .. } => write!(f, "Reply({gateway})"),
            Self::Tap { .. } => f.write_str("Tap"),
        }
    }
}

/// The gateway's own name for a message; another one at each attempt, as providers do.
pub fn gateway_id(message: &Message) -> String {
    format!("sandbox-{}-{}", message.delivery, message.attempt)
}

/// What will be heard of a message that the gateway `gateway` accepted, each with its time after
/// that. A second copy of a delivery has receipts of its own, but nobody answers twice:
/// `is_first_copy`.
pub fn reactions(
    gateway: &str,
    channel: Channel,
    message: &Message,
    fate: &Fate,
    is_first_copy: bool,
) -> Vec<(Duration, SandboxEvent)> {
    let receipt = fate.receipt.map(|(after, status)| {
        let reason = (status == ReceiptStatus::Failed).then(|| loss(channel).to_owned());
        let receipt = Receipt {
            reference: Some(message.reference()),
            gateway_id: gateway_id(message),
            status,
            reason,
        };
        (
            after,
            SandboxEvent::Receipt {
                gateway: gateway.to_owned(),
                receipt,
            },
        )
    });
    let answer = fate
        .answer
        .filter(|_| is_first_copy)
        .and_then(|answer| Some((answer.after, answering(gateway, channel, message, &answer)?)));
    receipt.into_iter().chain(answer).collect()
}

/// How the person answers; none if the message leaves no way to.
fn answering(
    gateway: &str,
    channel: Channel,
    message: &Message,
    answer: &Answer,
) -> Option<SandboxEvent> {
    let has_link = !message.link.is_empty();
    let by_link = match channel {
        Channel::Email | Channel::Push => true,
        // Nobody can tap what they hear.
        Channel::Voice => false,
        Channel::Sms => answer.via == Via::Link && has_link,
    };
    let tap = || SandboxEvent::Tap {
        from: message.to.clone(),
        link: message.link.clone(),
        wish: Wish::Saying(answer.choice),
    };
    if by_link {
        return has_link.then(tap);
    }
    let offered = offers(&message.text);
    let words: Vec<&str> = offered.iter().map(|offer| offer.words.as_str()).collect();
    match pick(&words, answer.choice) {
        Some(at) => {
            let inbound = Inbound {
                from: message.to.clone(),
                text: offered[at].digit.to_string(),
                gateway_id: format!("sandbox-answer-{}", message.delivery),
            };
            Some(SandboxEvent::Reply {
                gateway: gateway.to_owned(),
                inbound,
            })
        }
        None if has_link && channel == Channel::Sms => Some(tap()),
        None => None,
    }
}

/// What the receipt says of a message that did not arrive.
fn loss(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "The phone could not be reached.",
        Channel::Email => "The mail server sent it back.",
        Channel::Voice => "Nobody picked up.",
        Channel::Push => "The device could not be reached.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::sandbox::tests::message;
    use crate::response::option::AnswerClass;

    fn fate(via: Via, class: AnswerClass) -> Fate {
        Fate {
            busy_attempts: 0,
            refused: false,
            receipt: Some((Duration::from_secs(1), ReceiptStatus::Delivered)),
            answer: Some(Answer {
                after: Duration::from_secs(5),
                via,
                choice: Choice { class, draw: 0 },
            }),
        }
    }

    #[test]
    fn a_person_who_types_sends_the_digit_that_says_it() {
        let message = message(7, "+12025550101");
        let fate = fate(Via::Reply, AnswerClass::Help);
        let heard = reactions("sms-a", Channel::Sms, &message, &fate, true);
        let (after, SandboxEvent::Reply { gateway, inbound }) = &heard[1] else {
            panic!("no reply")
        };
        assert_eq!((after.as_secs(), gateway.as_str()), (5, "sms-a"));
        assert_eq!((inbound.text.as_str(), &inbound.from), ("2", &message.to));
    }

    #[test]
    fn a_person_who_taps_uses_their_own_link() {
        let message = message(7, "+12025550101");
        let fate = fate(Via::Link, AnswerClass::Positive);
        let heard = reactions("sms-a", Channel::Sms, &message, &fate, true);
        assert!(matches!(&heard[1].1, SandboxEvent::Tap { link, .. } if *link == message.link));
    }

    #[test]
    fn a_call_is_answered_by_key_and_an_email_by_link_whatever_people_prefer() {
        let message = message(7, "+12025550101");
        let typed = fate(Via::Reply, AnswerClass::Positive);
        let tapped = fate(Via::Link, AnswerClass::Positive);
        let call = reactions("v", Channel::Voice, &message, &tapped, true);
        let mail = reactions("m", Channel::Email, &message, &typed, true);
        assert!(matches!(call[1].1, SandboxEvent::Reply { .. }));
        assert!(matches!(mail[1].1, SandboxEvent::Tap { .. }));
    }

    #[test]
    fn a_text_that_offers_nothing_can_still_be_tapped_but_not_answered_on_a_call() {
        let mut message = message(7, "+12025550101");
        message.text = "Clinic closed.".to_owned();
        let fate = fate(Via::Reply, AnswerClass::Positive);
        let sms = reactions("s", Channel::Sms, &message, &fate, true);
        assert!(matches!(sms[1].1, SandboxEvent::Tap { .. }));
        assert_eq!(
            reactions("v", Channel::Voice, &message, &fate, true).len(),
            1
        );
        message.link.clear();
        assert_eq!(reactions("s", Channel::Sms, &message, &fate, true).len(), 1);
    }

    #[test]
    fn a_second_copy_has_its_own_receipt_and_no_second_answer() {
        let mut copy = message(7, "+12025550101");
        copy.attempt = 2;
        let fate = fate(Via::Link, AnswerClass::Positive);
        let heard = reactions("s", Channel::Sms, &copy, &fate, false);
        assert_eq!(heard.len(), 1);
        let SandboxEvent::Receipt { receipt, .. } = &heard[0].1 else {
            panic!("no receipt")
        };
        assert_eq!(receipt.gateway_id, "sandbox-7-2");
        assert_eq!(receipt.reference, Some(copy.reference()));
    }

    #[test]
    fn a_failure_says_why() {
        let mut fate = fate(Via::Link, AnswerClass::Positive);
        fate.receipt = Some((Duration::ZERO, ReceiptStatus::Failed));
        fate.answer = None;
        let heard = reactions(
            "v",
            Channel::Voice,
            &message(7, "+12025550101"),
            &fate,
            true,
        );
        let SandboxEvent::Receipt { receipt, .. } = &heard[0].1 else {
            panic!("no receipt")
        };
        assert_eq!(receipt.reason.as_deref(), Some("Nobody picked up."));
    }

    #[test]
    fn an_event_shows_neither_the_person_nor_the_link() {
        let message = message(7, "+12025550101");
        for via in [Via::Link, Via::Reply] {
            let fate = fate(via, AnswerClass::Positive);
            let shown = format!("{:?}", reactions("s", Channel::Sms, &message, &fate, true));
            assert!(
                !shown.contains("5550101") && !shown.contains("/a/"),
                "{shown}"
            );
        }
    }
}
