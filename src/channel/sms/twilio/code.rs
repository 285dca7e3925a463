//! Puts Twilio's error numbers into words, and says whose trouble each is.

use crate::channel::Failure;

/// What a refusal of the sending request means; `None` for numbers that need no words of their own:
/// the HTTP status then decides.
pub(super) fn refusal(code: u32) -> Option<Failure> {
    Some(match code {
        21211 | 21217 | 21401 | 21421 => Failure::person("The number does not exist."),
        21614 | 21635 => Failure::person("The number cannot receive text messages."),
        21610 => Failure::person("The person replied STOP and gets no text messages from us."),
        21612 => Failure::no_way("Twilio has no way to send a text message to this number."),
        21408 => Failure::no_way("Our account may not send text messages to this country."),
        21617 | 21605 => Failure::person("The text is too long."),
        21608 => Failure::person("A trial account may only send to numbers that it has verified."),
        20429 | 14107 | 63018 => Failure::try_again("Twilio asks us to slow down."),
        21611 | 30001 => Failure::try_again("Twilio's queue for our sender is full."),
        20503 => Failure::try_again("Twilio is too busy."),
        20003 | 20005 | 20006 | 20008 | 30002 => {
            Failure::refused_us("Twilio refuses our account: check account_sid and auth_token.")
        }
        20010 | 63038 => Failure::refused_us("Twilio's limit for our account is used up."),
        21212 | 21603 | 21606 | 21659 | 21660 | 21701 | 21703 | 21704 => {
            Failure::refused_us("Twilio refuses our sender: check from.")
        }
        _ => return None,
    })
}

/// Why a message that Twilio took did not arrive, for the person view.
pub(super) fn undelivered(code: Option<u32>) -> String {
    let words = match code {
        Some(30001) => "Twilio's queue was full.",
        Some(30002) => "Twilio has suspended our account.",
        Some(30003) => "The phone was off or out of reach.",
        Some(30004) => "The phone or its network blocks messages from us.",
        Some(30005) => "The number is not in service.",
        Some(30006) => "The number is a landline or cannot receive text messages.",
        Some(30007) => "The network took the message for spam.",
        Some(30008) => "The network gave no reason.",
        Some(30009) => "A part of the message was lost on the way.",
        Some(30010) => "The message cost more than our account allows.",
        Some(30017) => "The phone's network was overloaded.",
        Some(30018) => "The number is being moved to another network.",
        Some(30034) => "The network refuses our sender until it is registered.",
        Some(30036) => "The message waited too long and ran out of time.",
        Some(30410) => "The network did not answer Twilio in time.",
        Some(30450 | 21610) => "The person replied STOP and gets no text messages from us.",
        Some(other) => return format!("It did not arrive (Twilio's reason {other})."),
        None => "It did not arrive; Twilio gave no reason.",
    };
    words.to_owned()
}
