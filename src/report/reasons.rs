//! Says in words why someone was not reached, and what was done. Pure.

use crate::channel::Channel;
use crate::report::text::people;
use crate::storage::deliveries::DeliveryState;
use crate::storage::standing::{Delivery, PersonState};

/// Why a person stands as they do, and what to do about it. `deliveries` are all of theirs.
pub fn of(state: PersonState, deliveries: &[Delivery]) -> (String, &'static str) {
    let fix = match state {
        PersonState::Acknowledged => "Nothing: this person has answered.",
        PersonState::Delivered => "Remind them, or call them.",
        PersonState::Accepted => "Call them: nobody confirmed that a message arrived.",
        PersonState::Sending | PersonState::Queued => "Wait, or call them.",
        PersonState::InDoubt => "Call them: nobody knows whether the message went out.",
        PersonState::Failed => "Call them now, and correct the number or address in the directory.",
        PersonState::Unreachable => "Add a mobile number or an e-mail address in the directory.",
        PersonState::Excluded => "Tell them in person if they need to know.",
    };
    let reasons: Vec<String> = deliveries.iter().filter_map(reason).collect();
    let mut distinct: Vec<String> = Vec::new();
    for reason in reasons {
        if !distinct.contains(&reason) {
            distinct.push(reason);
        }
    }
    if distinct.is_empty() {
        distinct.push(match state {
            PersonState::Queued => "The messages are not written yet.".to_owned(),
            PersonState::Excluded => "The alert was over before a message was written.".to_owned(),
            _ => "There is no message to this person.".to_owned(),
        });
    }
    (distinct.join(" "), fix)
}

/// Why one message did not arrive; none if it did, or still may.
fn reason(delivery: &Delivery) -> Option<String> {
    let what = message(delivery.channel);
    let because = delivery.reason.as_deref().unwrap_or_default();
    Some(match delivery.state {
        DeliveryState::Excluded if because == "no address" => match delivery.channel {
            Channel::Email => "No e-mail address.".to_owned(),
            Channel::Voice => "No phone number.".to_owned(),
            Channel::Sms | Channel::Push => "No mobile number.".to_owned(),
        },
        DeliveryState::Excluded if because == "opted out" => {
            format!("Opted out of {}.", messages(delivery.channel))
        }
        DeliveryState::Excluded => {
            format!("{what} went to someone else with the same address.")
        }
        DeliveryState::Failed => format!("{what} failed: {because}"),
        DeliveryState::Expired => format!("{what} could not be sent in time: {because}"),
        DeliveryState::Cancelled if because == "stopped" => {
            format!("{what} was stopped before it left.")
        }
        DeliveryState::Cancelled if because == "filled" => {
            format!("{what} was called off: enough others had said yes.")
        }
        DeliveryState::InDoubt => format!("{what} may or may not have gone out: {because}"),
        DeliveryState::Queued => format!("{what} has not left yet."),
        _ => return None,
    })
}

/// "The text message", "The e-mail".
pub fn message(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "The text message",
        Channel::Email => "The e-mail",
        Channel::Voice => "The call",
        Channel::Push => "The notification",
    }
}

/// "by text", "by e-mail".
pub fn by(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "by text",
        Channel::Email => "by e-mail",
        Channel::Voice => "by phone",
        Channel::Push => "by push message",
    }
}

fn messages(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "text messages",
        Channel::Email => "e-mails",
        Channel::Voice => "calls",
        Channel::Push => "notifications",
    }
}

/// An entry of the audit chain as a sentence.
pub fn act_in_words(action: &str, detail: &str) -> String {
    let detail: serde_json::Value = serde_json::from_str(detail).unwrap_or_default();
    let number = |key: &str| {
        detail
            .get(key)
            .and_then(serde_json::Value::as_i64)
            .unwrap_or_default()
    };
    match action {
        "alert.launch" => format!(
            "Launched version {} of the template to {} people.",
            number("version"),
            number("recipients")
        ),
        "alert.stop" => {
            format!(
                "Stopped the alert: {} messages were called off.",
                number("called_off")
            )
        }
        "alert.end" => format!(
            "The alert's time was over: {} messages had not left.",
            number("expired")
        ),
        "alert.remind" => "Reminded those who had not answered.".to_owned(),
        "call_out.ask" => format!("Asked the next in turn: {}.", people(number("people"))),
        "call_out.filled" => format!("Thanked {}: it is filled.", people(number("people"))),
        "call_out.needed" => {
            format!(
                "Told {} of the standby list to come.",
                people(number("people"))
            )
        }
        "response.on_behalf" => "Entered an answer for someone.".to_owned(),
        "call.claim" => "Began a call.".to_owned(),
        "call.release" => "Gave a call back to the others.".to_owned(),
        "call.report" => match detail.get("outcome").and_then(serde_json::Value::as_str) {
            Some("spoke") => "Entered a call: spoke with the person.".to_owned(),
            Some("voicemail") => "Entered a call: only the voicemail.".to_owned(),
            Some("no_answer") => "Entered a call: nobody answered.".to_owned(),
            Some("wrong_number") => "Entered a call: a wrong number.".to_owned(),
            _ => "Entered the outcome of a call.".to_owned(),
        },
        "call_list.fill" => "Put everyone who was silent onto the call list.".to_owned(),
        "call_list.link" => "Gave a caller a link to the call list.".to_owned(),
        other => other.to_owned(),
    }
}
