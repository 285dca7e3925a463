//! Reads from a message's words which answers it offers, as the person with the phone would. Pure.

use crate::channel::sandbox::persona::Choice;
use crate::response::option::AnswerClass;

/// One answer that a text offers: "Reply **1** *safe*".
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Offer {
    /// The digit to send or the key to press, from 1.
    pub digit: u8,
    /// What it stands for in the text's words; may be empty.
    pub words: String,
}

/// The words before a digit that make it an answer rather than a number.
const CUES: &[&str] = &[
    "reply", "press", "answer", "text", "send", "responda", "conteste", "envie", "envíe", "pulse",
    "presione", "oprima", "marque",
];

/// The answers that `text` offers, in order; empty if it offers none. A text that says them twice,
/// as a spoken one does, offers them once.
pub fn offers(text: &str) -> Vec<Offer> {
    let Some(first) = start_of_list(text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut rest = &text[first..];
    for digit in 1..=9u8 {
        // `rest` begins with the digit, which is one byte.
        let after = &rest[1..];
        let next = standalone(after, digit + 1).next();
        let own = next.map_or(after, |at| &after[..at]);
        found.push(Offer {
            digit,
            words: tidy(own, next.is_none()),
        });
        match next {
            Some(at) => rest = &after[at..],
            None => break,
        }
    }
    found
}

/// Where the list of answers begins: at the last 1 that follows a cue ("reply 1") or is followed
/// by an equals sign. Failing both, at the last 1 that has a 2 after it.
fn start_of_list(text: &str) -> Option<usize> {
    let ones: Vec<usize> = standalone(text, 1).collect();
    let is_cued = |at: &usize| {
        let before = text[..*at]
            .split_whitespace()
            .next_back()
            .unwrap_or_default();
        let before = before
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase();
        CUES.contains(&before.as_str()) || text[at + 1..].trim_start().starts_with('=')
    };
    let is_followed = |at: &usize| standalone(&text[at + 1..], 2).next().is_some();
    let last = |wanted: &dyn Fn(&usize) -> bool| ones.iter().rev().find(|at| wanted(at)).copied();
    last(&is_cued).or_else(|| last(&is_followed))
}

/// The places where `digit` stands alone: not in a time, a price, a number or a link.
fn standalone(text: &str, digit: u8) -> impl Iterator<Item = usize> {
    let sign = char::from(b'0' + digit.min(9));
    let joins = |c: char| c.is_alphanumeric() || ":/.-+_#".contains(c);
    text.match_indices(sign)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let before = text[..at].chars().next_back();
            let mut after = text[at + 1..].chars();
            let ends = match after.next() {
                // A full stop ends a sentence unless a digit follows it.
                Some('.' | ':') => !after.next().is_some_and(char::is_alphanumeric),
                Some(c) => !joins(c),
                None => true,
            };
            ends && !before.is_some_and(joins)
        })
}

/// The words of one answer without what surrounds them. Those of the last one end with the
/// sentence, the line or the link.
fn tidy(words: &str, is_last: bool) -> String {
    let mut words = words;
    if is_last {
        let ends = ["http", "\n", ". ", "; "];
        let end = ends
            .iter()
            .filter_map(|end| words.find(end))
            .min()
            .unwrap_or(words.len());
        words = &words[..end];
    }
    let mut words: Vec<&str> = words.split_whitespace().collect();
    while words.last().is_some_and(|word| {
        let word = word
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase();
        word.is_empty() || CUES.contains(&word.as_str()) || word == "drill" || word == "simulacro"
    }) {
        words.pop();
    }
    words
        .join(" ")
        .trim_matches(|c: char| !c.is_alphanumeric())
        .to_owned()
}

/// What an answer means by its words, in the languages that the shipped messages have.
fn class_of(words: &str) -> AnswerClass {
    let words = words.to_lowercase();
    let has = |cues: &[&str]| cues.iter().any(|cue| words.contains(cue));
    if has(&["help", "ayuda", "call me", "call_me", "llam", "llám"]) {
        AnswerClass::Help
    } else if has(&["cannot", "can't", "can not", "not ", "unable", "no "]) {
        AnswerClass::Negative
    } else {
        AnswerClass::Positive
    }
}

/// The place in `words` (one entry per offered answer) of the one that says `choice`; the first if
/// nothing offered says it; none if nothing is offered. The first is positive whatever it says.
pub fn pick(words: &[&str], choice: Choice) -> Option<usize> {
    let class = |at: usize| {
        if at == 0 {
            AnswerClass::Positive
        } else {
            class_of(words[at])
        }
    };
    let fitting: Vec<usize> = (0..words.len())
        .filter(|at| class(*at) == choice.class)
        .collect();
    let draw = usize::try_from(choice.draw).unwrap_or(usize::MAX);
    match fitting.len() {
        0 => (!words.is_empty()).then_some(0),
        count => fitting.get(draw % count).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u8, String)> {
        offers(text)
            .into_iter()
            .map(|offer| (offer.digit, offer.words))
            .collect()
    }

    fn expected(words: &[&str]) -> Vec<(u8, String)> {
        (1..)
            .zip(words.iter().map(|word| (*word).to_owned()))
            .collect()
    }

    #[test]
    fn an_sms_offers_what_stands_after_reply() {
        let text = "Riverside Clinic 14:02: CLOSED until tomorrow 08:00, burst pipe in room 1. \
                    Reply 1 safe, 2 need help. https://alert.riverside.example/a/1x2y1 DRILL";
        assert_eq!(read(text), expected(&["safe", "need help"]));
    }

    #[test]
    fn a_spanish_sms_is_read_as_well() {
        let text = "Clinica cerrada. Responda 1 leido, 2 necesito ayuda https://x.example/a/2";
        assert_eq!(read(text), expected(&["leido", "necesito ayuda"]));
    }

    #[test]
    fn a_call_that_repeats_itself_offers_its_keys_once() {
        let text = "Press 1 if you are safe. Press 2 if you need help. I repeat: evacuate now. \
                    Press 1 if you are safe. Press 2 if you need help.";
        assert_eq!(
            read(text),
            expected(&["if you are safe", "if you need help"])
        );
    }

    #[test]
    fn times_and_minutes_are_no_answers() {
        let text = "2 nurses needed at 21:00. Reply 1 in 15 min, 2 in 30 min, 3 in 60 min, \
                    4 cannot come.";
        assert_eq!(
            read(text),
            expected(&["in 15 min", "in 30 min", "in 60 min", "cannot come"])
        );
    }

    #[test]
    fn signs_of_equality_do_without_a_cue() {
        assert_eq!(
            read("1 = gelesen, 2 = Hilfe"),
            expected(&["gelesen", "Hilfe"])
        );
    }

    #[test]
    fn a_text_without_answers_offers_none() {
        assert!(read("").is_empty());
        assert!(read("Ward 1 is closed until 1.30, call 555-0101").is_empty());
    }

    #[test]
    fn the_drill_mark_is_not_part_of_an_answer() {
        assert_eq!(read("DRILL: test. Reply 1 read DRILL"), expected(&["read"]));
    }

    #[test]
    fn people_pick_what_says_what_they_mean() {
        let words = ["in 15 min", "in 30 min", "cannot come", "need help"];
        let choice = |class, draw| Choice { class, draw };
        assert_eq!(pick(&words, choice(AnswerClass::Positive, 0)), Some(0));
        assert_eq!(pick(&words, choice(AnswerClass::Positive, 3)), Some(1));
        assert_eq!(pick(&words, choice(AnswerClass::Negative, 7)), Some(2));
        assert_eq!(pick(&words, choice(AnswerClass::Help, 7)), Some(3));
        assert_eq!(
            pick(&["read"], choice(AnswerClass::Help, 7)),
            Some(0),
            "nothing better"
        );
        assert_eq!(pick(&[], choice(AnswerClass::Help, 7)), None);
    }

    #[test]
    fn the_shipped_messages_answers_are_understood() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("message-templates");
        let mut understood = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path().join("template.toml");
            let Ok(text) = std::fs::read_to_string(&file) else {
                continue;
            };
            let template: toml::Table = text.parse().unwrap();
            for option in template["option"].as_array().unwrap() {
                let class = option["class"].as_str().unwrap();
                for words in ["label", "short"] {
                    for text in option[words].as_table().unwrap().values() {
                        let text = text.as_str().unwrap();
                        assert_eq!(class_of(text).word(), class, "{text}");
                        understood += 1;
                    }
                }
            }
        }
        assert!(understood > 50, "only {understood} texts were found");
    }

    #[test]
    fn the_shipped_calls_offer_a_key_for_every_answer() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("message-templates");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let message = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(message.join("template.toml")) else {
                continue;
            };
            let template: toml::Table = text.parse().unwrap();
            let options = template["option"].as_array().unwrap().len();
            for language in ["en", "es"] {
                let Ok(script) = std::fs::read_to_string(message.join(language).join("voice.hbs"))
                else {
                    continue;
                };
                let spoken: String = script
                    .split("}}")
                    .map(|part| part.split_once("{{").map_or(part, |(text, _)| text))
                    .collect();
                assert_eq!(offers(&spoken).len(), options, "{spoken}");
                read += 1;
            }
        }
        assert!(read >= 10, "only {read} scripts were found");
    }
}
