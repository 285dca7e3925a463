//! What a caller reads aloud: the alert's own approved words, without what only a machine would say.

use std::collections::BTreeMap;

use crate::alert::whom::own_fields;
use crate::alert::words::Language;
use crate::channel::Channel;
use crate::dispatch::message::{best, own_value};
use crate::keys::Keys;
use crate::storage::alerts::Text;
use crate::storage::calls::CallTask;
use crate::template::message::Filled;

/// What comes before a digit that a machine asks to be pressed or sent.
const CUES: [&str; 9] = [
    "press", "reply", "answer", "send", "pulse", "marque", "presione", "oprima", "responda",
];

/// How a machine begins what it says twice. A person repeats by themselves.
const AGAIN: [&str; 3] = ["i repeat", "repito", "repetimos"];

/// What to say to one person, a sentence each, in their language: the text for calls, else the SMS.
/// Empty if the alert has neither.
pub fn sentences(keys: &Keys, texts: &[Text], task: &CallTask) -> Vec<String> {
    let own = own_fields(keys, task.contact_id, task.fields.as_deref());
    let spoken = [Channel::Voice, Channel::Sms]
        .into_iter()
        .find_map(|channel| text_of(texts, channel, &task.language, &task.name, &own));
    spoken.map(|text| for_a_person(&text)).unwrap_or_default()
}

fn text_of(
    texts: &[Text],
    channel: Channel,
    language: &Language,
    name: &str,
    own: &BTreeMap<String, String>,
) -> Option<String> {
    let filled: Vec<(Language, Filled)> = texts
        .iter()
        .filter(|text| text.channel == channel)
        .filter_map(|text| {
            Some((
                text.language.clone(),
                serde_json::from_str(&text.filled).ok()?,
            ))
        })
        .collect();
    let (_, filled) = best(&filled, language)?;
    Some(
        filled
            .splice(channel, &|field| own_value(field, name, "", own))
            .text,
    )
}

/// Splits a text at the ends of its sentences. What is said twice is said once: a line ends where it
/// begins to repeat. What asks for a key is left out.
fn for_a_person(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        while !rest.is_empty() && !is_repeated(rest) {
            let (sentence, after) = rest.split_at(end_of_sentence(rest));
            sentences.push(sentence.trim().to_owned());
            rest = after.trim_start();
        }
    }
    sentences.retain(|sentence| !sentence.is_empty() && !asks_for_a_key(sentence));
    sentences
}

/// Where the first sentence ends: behind a mark that a blank follows. A time such as 14.30 has none.
fn end_of_sentence(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ends = |at: &usize| {
        matches!(bytes[at - 1], b'.' | b'!' | b'?') && bytes[*at].is_ascii_whitespace()
    };
    (1..bytes.len()).find(ends).unwrap_or(bytes.len())
}

fn is_repeated(text: &str) -> bool {
    let lower = text.to_lowercase();
    AGAIN.iter().any(|again| lower.starts_with(again))
}

fn asks_for_a_key(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    words.windows(2).any(|pair| {
        let digit = pair[1].trim_end_matches(|c: char| !c.is_alphanumeric());
        CUES.contains(&pair[0]) && digit.len() == 1 && digit.as_bytes()[0].is_ascii_digit()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_says_what_a_person_would_say() {
        let text = "This is Riverside Clinic, sent at 14.30.\nDanger: fire! Leave now. Use the stairs.\n\
                    I repeat: fire. Leave now.\nPress 1 if you are safe. Press 2 if you need help.\n";
        let said = for_a_person(text);
        assert_eq!(
            said,
            [
                "This is Riverside Clinic, sent at 14.30.",
                "Danger: fire!",
                "Leave now.",
                "Use the stairs."
            ]
        );
    }

    #[test]
    fn keys_are_left_out_in_spanish_too() {
        let said =
            for_a_person("Salga ahora. Marque 1 si está a salvo. Pulse 2 si necesita ayuda.");
        assert_eq!(said, ["Salga ahora."]);
    }

    #[test]
    fn a_number_that_is_no_key_stays() {
        assert_eq!(for_a_person("Meet at door 2."), ["Meet at door 2."]);
    }
}
