//! Checks the words themselves: what phone companies act on, what a drill must never say, what
//! strangers must not read.

use super::super::{Part, PartKey};
use super::Findings;
use crate::channel::Channel;

/// Replies that a phone company or gateway handles itself: they would never reach us, or would end
/// all messages to that phone.
const RESERVED: [&str; 11] = [
    "yes",
    "stop",
    "start",
    "cancel",
    "end",
    "quit",
    "unsubscribe",
    "stopall",
    "optout",
    "revoke",
    "unstop",
];

/// What stands before a word that people are told to send.
const INSTRUCTIONS: [&str; 8] = [
    "reply", "text", "answer", "send", "responda", "conteste", "envie", "escriba",
];

/// A drill that says so is believed the next time; and a live alert needs no such words.
const NEVER: [&str; 2] = ["not a drill", "no es un simulacro"];

/// Words of a person's health or identity. A message is read on locked screens and by families.
const PRIVATE: [&str; 25] = [
    "diagnosis",
    "diagnosed",
    "date of birth",
    "birth date",
    "birthdate",
    "dob",
    "mrn",
    "medical record number",
    "ssn",
    "social security",
    "hiv",
    "std test",
    "test result",
    "test results",
    "biopsy",
    "prescription",
    "pregnancy",
    "diagnóstico",
    "diagnostico",
    "fecha de nacimiento",
    "seguro social",
    "vih",
    "historia clínica",
    "biopsia",
    "embarazo",
];

pub(super) fn check(key: &PartKey, source: &str, findings: &mut Findings) {
    let place = key.path();
    let lower = source.to_lowercase();
    let words: Vec<&str> = words(&lower).collect();
    for never in NEVER.iter().filter(|never| has_phrase(&words, never)) {
        let message = format!("never write \"{never}\": people learn to doubt every other message");
        findings.error(&place, message);
    }
    if key.channel == Channel::Sms && key.part == Part::Text {
        for word in reserved(source) {
            let message = format!(
                "phone companies act on the reply \"{word}\" themselves: have people send a digit"
            );
            findings.error(&place, message);
        }
    }
    private_words(&place, source, findings);
}

/// Warns of words that tell a stranger about someone's health or identity.
pub(super) fn private_words(place: &str, text: &str, findings: &mut Findings) {
    let lower = text.to_lowercase();
    let words: Vec<&str> = words(&lower).collect();
    for phrase in PRIVATE.iter().filter(|phrase| has_phrase(&words, phrase)) {
        findings.warning(
            place,
            format!(
                "has \"{phrase}\": strangers may read it, so say nothing of one person's health"
            ),
        );
    }
}

/// Whether a phone company would act on this reply.
pub(super) fn is_reserved(reply: &str) -> bool {
    RESERVED.contains(&reply.trim().to_lowercase().as_str())
}

/// Reserved words that people are told to send: after a verb of sending, or alone in capitals.
fn reserved(source: &str) -> impl Iterator<Item = &str> {
    let words: Vec<&str> = words(source).collect();
    let told = move |at: usize, word: &str| {
        let before = at.checked_sub(1).map(|at| words[at].to_lowercase());
        let is_told = before.is_some_and(|before| INSTRUCTIONS.contains(&before.as_str()));
        is_told || word.chars().all(char::is_uppercase)
    };
    self::words(source)
        .enumerate()
        .filter(move |(at, word)| is_reserved(word) && told(*at, word))
        .map(|(_, word)| word)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

fn has_phrase(text: &[&str], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    text.windows(phrase.len()).any(|words| words == phrase)
}
