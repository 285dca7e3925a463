//! Says in plain words what happened to one person's messages. Pure.
//!
//! Never more than is known: a gateway that took a text is not a phone that showed it, and a message
//! that arrived is not one that was read.

use crate::alert::words::Language;
use crate::call_out::Says;
use crate::channel::{Channel, ReceiptStatus};
use crate::clock::Timestamp;
use crate::report::reasons;
use crate::report::written::Written;
use crate::response::AnswerOption;
use crate::storage::deliveries::DeliveryState;
use crate::storage::receipts::ReceiptRow;
use crate::storage::responses::{Response, Via};
use crate::storage::standing::{Attempt, Delivery, PersonState};

/// How something that happened is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It went on.
    Plain,
    /// They know, as far as can be known.
    Good,
    /// It is not certain.
    Careful,
    /// It did not work.
    Wrong,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// How it is meant.
    pub mood: Mood,
    /// What happened, in whole sentences.
    pub text: String,
    /// The technical words: gateway, its name for the message; empty for none.
    pub detail: String,
}

impl Event {
    fn new(at: Timestamp, mood: Mood, text: impl Into<String>) -> Self {
        Self {
            at,
            mood,
            text: text.into(),
            detail: String::new(),
        }
    }

    fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }
}

/// "Text", "E-mail".
pub fn noun(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "Text",
        Channel::Email => "E-mail",
        Channel::Voice => "Call",
        Channel::Push => "Push message",
    }
}

/// Where a message of this channel arrives.
fn place(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "mailbox",
        Channel::Sms | Channel::Voice | Channel::Push => "phone",
    }
}

/// Everything that is known of one message. `to` is its address as the reader may see it; empty for
/// none. `attempts` and `receipts` are this message's own. `shared_with` is the person whose message
/// tells this one too.
pub fn of_delivery(
    delivery: &Delivery,
    attempts: &[Attempt],
    receipts: &[ReceiptRow],
    to: &str,
    shared_with: Option<&str>,
) -> Vec<Event> {
    let noun = &match delivery.says {
        Says::Message => noun(delivery.channel).to_owned(),
        Says::Filled => format!("“Filled” by {}", noun(delivery.channel).to_lowercase()),
        Says::Needed => format!(
            "“You are needed” by {}",
            noun(delivery.channel).to_lowercase()
        ),
    };
    let to = if to.is_empty() {
        String::new()
    } else {
        format!(" to {to}")
    };
    let mut events: Vec<Event> = attempts.iter().map(|one| of_attempt(one, noun)).collect();
    if let Some(at) = delivery.accepted_at {
        let waits = matches!(
            delivery.state,
            DeliveryState::Accepted | DeliveryState::Sent
        );
        let (mood, rest) = if waits {
            let rest = format!(" The {} has not confirmed.", place(delivery.channel));
            (Mood::Careful, rest)
        } else {
            (Mood::Plain, String::new())
        };
        let text = format!("{noun}{to} accepted by the gateway.{rest}");
        events.push(Event::new(at, mood, text).detail(at_gateway(delivery)));
    }
    if let Some(at) = delivery
        .sent_at
        .filter(|at| Some(*at) != delivery.delivered_at)
    {
        let text = format!("{noun} passed on towards the {}.", place(delivery.channel));
        events.push(Event::new(at, Mood::Plain, text));
    }
    if let Some(at) = delivery.delivered_at {
        let text = format!(
            "{noun} arrived: the {} confirmed it.",
            place(delivery.channel)
        );
        events.push(Event::new(at, Mood::Good, text));
    }
    events.extend(
        receipts
            .iter()
            .filter_map(|receipt| of_receipt(receipt, delivery, noun)),
    );
    events.extend(of_state(delivery, noun, &to, shared_with));
    if delivery.possible_duplicate {
        let text = format!(
            "The {} may have arrived twice: it was sent again because nobody knew whether the first \
             one had gone out.",
            noun.to_lowercase()
        );
        let at = delivery
            .accepted_at
            .or(delivery.sending_at)
            .unwrap_or(delivery.queued_at);
        events.push(Event::new(at, Mood::Careful, text));
    }
    events
}

fn of_attempt(attempt: &Attempt, noun: &str) -> Event {
    let (mood, text) = if attempt.outcome == "unknown" {
        let text = format!(
            "{noun} handed over, but no clear answer came back: {}",
            attempt.reason
        );
        (Mood::Careful, text)
    } else {
        (
            Mood::Wrong,
            format!("{noun} not taken by the gateway: {}", attempt.reason),
        )
    };
    let detail = format!("gateway {}, try {}", attempt.gateway, attempt.number);
    Event::new(attempt.ended_at, mood, ended(text)).detail(detail)
}

/// A receipt that the delivery's own times do not tell.
fn of_receipt(receipt: &ReceiptRow, delivery: &Delivery, noun: &str) -> Option<Event> {
    if receipt.status != ReceiptStatus::Failed || delivery.state == DeliveryState::Failed {
        return None;
    }
    let why = receipt.reason.as_deref().unwrap_or("it gave no reason");
    let text = format!(
        "The gateway reported that the {} failed: {why}",
        noun.to_lowercase()
    );
    Some(
        Event::new(receipt.at, Mood::Wrong, ended(text)).detail(format!(
            "gateway {}, {}",
            receipt.gateway, receipt.gateway_id
        )),
    )
}

/// What the message's state adds to its times.
fn of_state(delivery: &Delivery, noun: &str, to: &str, shared_with: Option<&str>) -> Option<Event> {
    let because = delivery.reason.as_deref().unwrap_or_default();
    let over = delivery.closed_at.unwrap_or(delivery.queued_at);
    Some(match delivery.state {
        DeliveryState::Queued if delivery.attempts > 0 => Event::new(
            delivery.due_at,
            Mood::Plain,
            format!("{noun} is to be tried again."),
        ),
        DeliveryState::Queued => Event::new(
            delivery.due_at,
            Mood::Plain,
            format!("{noun}{to} waits to be sent."),
        ),
        DeliveryState::Sending => {
            let at = delivery.sending_at.unwrap_or(delivery.queued_at);
            Event::new(
                at,
                Mood::Plain,
                format!("{noun}{to} is being handed to the gateway."),
            )
        }
        DeliveryState::InDoubt => {
            let at = delivery.sending_at.unwrap_or(over);
            let text = format!(
                "Nobody knows whether the {} went out: {because}",
                noun.to_lowercase()
            );
            Event::new(at, Mood::Careful, ended(text))
        }
        DeliveryState::Failed => {
            let text = format!("{noun}{to} failed for good: {because}");
            Event::new(over, Mood::Wrong, ended(text)).detail(at_gateway(delivery))
        }
        DeliveryState::Expired => {
            let text = format!("{noun}{to} could not be sent in time: {because}");
            Event::new(over, Mood::Wrong, ended(text))
        }
        DeliveryState::Cancelled if because == "stopped" => {
            let text = format!("{noun}{to} was not sent: the alert was stopped before.");
            Event::new(over, Mood::Careful, text)
        }
        DeliveryState::Cancelled if because == "filled" => {
            let text = format!("{noun}{to} was not sent: enough others had said yes before.");
            Event::new(over, Mood::Plain, text)
        }
        DeliveryState::Cancelled => {
            let text = format!("{noun}{to} was not sent: the person had answered before.");
            Event::new(over, Mood::Plain, text)
        }
        DeliveryState::Excluded => return Some(excluded(delivery, because, shared_with)),
        DeliveryState::Accepted | DeliveryState::Sent | DeliveryState::Delivered => return None,
    })
}

fn excluded(delivery: &Delivery, because: &str, shared_with: Option<&str>) -> Event {
    let at = delivery.queued_at;
    if because == "duplicate" {
        let name = shared_with.unwrap_or("someone else");
        let text = format!(
            "Shares the {} with {name}: one {} tells both.",
            place(delivery.channel),
            noun(delivery.channel).to_lowercase()
        );
        return Event::new(at, Mood::Plain, text);
    }
    let (reason, _) = reasons::of(PersonState::Excluded, std::slice::from_ref(delivery));
    let text = format!(
        "{reason} No {} was sent.",
        noun(delivery.channel).to_lowercase()
    );
    Event::new(at, Mood::Wrong, text)
}

fn at_gateway(delivery: &Delivery) -> String {
    match (&delivery.gateway, &delivery.gateway_id) {
        (Some(gateway), Some(id)) => format!("gateway {gateway}, {id}"),
        (Some(gateway), None) => format!("gateway {gateway}"),
        (None, _) => String::new(),
    }
}

/// An answer.
pub fn of_response(response: &Response, options: &[AnswerOption], language: &Language) -> Event {
    let option = options.iter().find(|option| option.key == response.answer);
    let label = option.map_or(response.answer.as_str(), |option| option.label_in(language));
    let mut text = format!("Answered “{label}” {}.", via(response.via));
    if let Some(by) = &response.recorded_by {
        let by = by.split_once(' ').map_or(by.as_str(), |(_, name)| name);
        text.push_str(&format!(" Entered by {by}."));
    }
    if response.late {
        text.push_str(" It came after the alert was over.");
    }
    if response.maybe_automatic {
        text.push_str(" It came so soon that a mail scanner may have pressed the button.");
    }
    let mood = match (response.answer_class, response.maybe_automatic) {
        (_, true) => Mood::Careful,
        (crate::response::AnswerClass::Help, _) => Mood::Wrong,
        _ => Mood::Good,
    };
    let note = response.note.as_deref().map(|note| format!("Note: {note}"));
    Event::new(response.at, mood, text).detail(note.unwrap_or_default())
}

/// Words that are no answer.
pub fn of_written(written: &Written) -> Event {
    let text = format!("Wrote “{}” by text. That is no answer.", written.text);
    let mood = if written.settled {
        Mood::Plain
    } else {
        Mood::Careful
    };
    Event::new(written.at, mood, text)
}

/// How an answer came: "by the link".
pub fn via(via: Via) -> &'static str {
    match via {
        Via::Link => "by the link in the message",
        Via::Sms => "by text",
        Via::Email => "by the link in the e-mail",
        Via::Voice => "by a key during the call",
        Via::Call => "to a caller",
        Via::Manager => "to someone who entered it here",
    }
}

/// The most that is known of a person who has not answered, in one or two sentences. `time` writes a
/// moment.
pub fn in_short(
    state: PersonState,
    deliveries: &[Delivery],
    time: &dyn Fn(Timestamp) -> String,
) -> String {
    let newest = |moment: fn(&Delivery) -> Option<Timestamp>| {
        deliveries
            .iter()
            .filter_map(|delivery| moment(delivery).map(|at| (at, delivery.channel)))
            .max_by_key(|(at, _)| *at)
    };
    match state {
        PersonState::Delivered => match newest(|one| one.delivered_at) {
            Some((at, channel)) => format!("{} arrived {}.", noun(channel), time(at)),
            None => "Told by a message to a shared phone.".to_owned(),
        },
        PersonState::Accepted => match newest(|one| one.accepted_at) {
            Some((at, channel)) => format!(
                "{} accepted by the gateway {}. The {} has not confirmed.",
                noun(channel),
                time(at),
                place(channel)
            ),
            None => "A message to a shared phone was accepted by the gateway.".to_owned(),
        },
        PersonState::Sending => "A message is being handed to the gateway.".to_owned(),
        PersonState::Queued => "A message waits to be sent.".to_owned(),
        PersonState::Acknowledged => "Answered.".to_owned(),
        PersonState::InDoubt
        | PersonState::Failed
        | PersonState::Unreachable
        | PersonState::Excluded => reasons::of(state, deliveries).0,
    }
}

fn ended(mut text: String) -> String {
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DeliveryId, RecipientId};

    fn delivery(state: DeliveryState) -> Delivery {
        Delivery {
            id: DeliveryId(1),
            recipient: RecipientId(1),
            step: 0,
            channel: Channel::Sms,
            says: Says::Message,
            point_id: None,
            address: None,
            same_as: None,
            state,
            reason: None,
            due_at: Timestamp(1),
            attempts: 1,
            possible_duplicate: false,
            gateway: Some("kannel".to_owned()),
            gateway_id: Some("7".to_owned()),
            queued_at: Timestamp(1),
            sending_at: Some(Timestamp(2)),
            accepted_at: None,
            sent_at: None,
            delivered_at: None,
            closed_at: None,
        }
    }

    fn texts(delivery: &Delivery) -> Vec<String> {
        let events = of_delivery(delivery, &[], &[], "+41•••••567", None);
        events.into_iter().map(|event| event.text).collect()
    }

    #[test]
    fn an_accepted_text_is_not_said_to_have_arrived() {
        let accepted = Delivery {
            accepted_at: Some(Timestamp(3)),
            ..delivery(DeliveryState::Accepted)
        };
        assert_eq!(
            texts(&accepted),
            ["Text to +41•••••567 accepted by the gateway. The phone has not confirmed."]
        );
        let arrived = Delivery {
            state: DeliveryState::Delivered,
            delivered_at: Some(Timestamp(4)),
            ..accepted
        };
        assert_eq!(texts(&arrived)[1], "Text arrived: the phone confirmed it.");
        assert!(!texts(&arrived)[0].contains("not confirmed"));
    }

    #[test]
    fn no_state_is_called_a_success() {
        for state in DeliveryState::ALL {
            let events = texts(&Delivery {
                reason: Some("the number does not exist".to_owned()),
                ..delivery(*state)
            });
            assert!(
                !events.concat().to_lowercase().contains("success"),
                "{events:?}"
            );
        }
    }

    #[test]
    fn what_nobody_knows_and_what_may_be_double_is_said() {
        let doubt = Delivery {
            reason: Some("the connection broke".to_owned()),
            possible_duplicate: true,
            ..delivery(DeliveryState::InDoubt)
        };
        let words = texts(&doubt).join(" ");
        assert!(words.contains("Nobody knows whether the text went out: the connection broke."));
        assert!(words.contains("may have arrived twice"));
    }

    #[test]
    fn a_message_that_an_answer_made_needless_is_no_failure() {
        let needless = Delivery {
            reason: Some("answered".to_owned()),
            ..delivery(DeliveryState::Cancelled)
        };
        let events = of_delivery(&needless, &[], &[], "", None);
        assert_eq!(
            events[0].text,
            "Text was not sent: the person had answered before."
        );
        assert_eq!(events[0].mood, Mood::Plain);
    }

    #[test]
    fn a_shared_phone_names_who_shares_it() {
        let shared = Delivery {
            reason: Some("duplicate".to_owned()),
            same_as: Some(RecipientId(2)),
            ..delivery(DeliveryState::Excluded)
        };
        let events = of_delivery(&shared, &[], &[], "", Some("Ana Ruiz"));
        assert_eq!(
            events[0].text,
            "Shares the phone with Ana Ruiz: one text tells both."
        );
    }

    #[test]
    fn a_short_account_says_no_more_than_is_known() {
        let time = |at: Timestamp| at.0.to_string();
        let accepted = Delivery {
            accepted_at: Some(Timestamp(3)),
            ..delivery(DeliveryState::Accepted)
        };
        assert_eq!(
            in_short(PersonState::Accepted, &[accepted], &time),
            "Text accepted by the gateway 3. The phone has not confirmed."
        );
        assert_eq!(
            in_short(PersonState::Queued, &[], &time),
            "A message waits to be sent."
        );
    }
}
