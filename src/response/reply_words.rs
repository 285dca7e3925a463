//! Reads what people write back by SMS. Pure.

use crate::response::AnswerOption;

/// What a message means before anyone knows which alert it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The digit of an option, from 1 to 9.
    Digit(usize),
    /// Send me nothing more.
    Stop,
    /// Send me messages again.
    Start,
    /// Something else: perhaps the words of an option.
    Words,
}

/// Words that carriers and laws reserve for opting out (CTIA's list, and the Spanish ones).
const STOP: &[&str] = &[
    "stop",
    "stopall",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "revoke",
    "optout",
    "alto",
    "baja",
];
/// Words that take it back.
const START: &[&str] = &["start", "unstop", "yes", "alta"];

/// Reads a message: a digit at its beginning counts whatever follows ("1 please", "1." or "#1"),
/// a reserved word only alone.
pub fn read(text: &str) -> Meaning {
    let text = text.trim().trim_start_matches(['#', '(', '"', '\'']);
    let mut characters = text.chars();
    if let Some(digit) = characters.next().and_then(|first| first.to_digit(10))
        && digit > 0
        && !characters.next().is_some_and(char::is_alphanumeric)
    {
        return Meaning::Digit(usize::try_from(digit).unwrap_or_default());
    }
    let word = bare(text);
    if STOP.contains(&word.as_str()) {
        Meaning::Stop
    } else if START.contains(&word.as_str()) {
        Meaning::Start
    } else {
        Meaning::Words
    }
}

/// The option whose label or short words the message is, in any language.
pub fn option_in_words<'a>(text: &str, options: &'a [AnswerOption]) -> Option<&'a AnswerOption> {
    let said = bare(text);
    if said.is_empty() {
        return None;
    }
    options.iter().find(|option| {
        let words = option.short.values().chain(option.label.values());
        words.map(|words| bare(words)).any(|words| words == said)
    })
}

/// Which of several people a message such as "1 Ben" names: by the first part of a name, if it is
/// only one person's.
pub fn who_is_named(text: &str, names: &[&str]) -> Option<usize> {
    if names.len() < 2 {
        return None;
    }
    let said: Vec<String> = text.split_whitespace().map(bare).collect();
    let is_named = |name: &str| {
        name.split_whitespace()
            .map(bare)
            .any(|part| part.len() > 1 && said.contains(&part))
    };
    let mut named = names.iter().enumerate().filter(|(_, name)| is_named(name));
    match (named.next(), named.next()) {
        (Some((index, _)), None) => Some(index),
        _ => None,
    }
}

/// Letters only, lower case, without accents: how people type.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .map(|character| match character {
            'á' | 'à' | 'ä' | 'â' => 'a',
            'é' | 'è' | 'ë' | 'ê' => 'e',
            'í' | 'ì' | 'ï' | 'î' => 'i',
            'ó' | 'ò' | 'ö' | 'ô' => 'o',
            'ú' | 'ù' | 'ü' | 'û' => 'u',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::words::Language;
    use crate::response::AnswerClass;
    use proptest::prelude::*;
    use proptest::sample::select;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn whatever_is_written_is_read_as_something(text in any::<String>(), names in any::<[String; 3]>()) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            if let Some(index) = who_is_named(&text, &names) {
                prop_assert!(index < names.len());
            }
            prop_assert!(option_in_words(&text, &[]).is_none());
            if let Meaning::Digit(digit) = read(&text) {
                prop_assert!((1..=9).contains(&digit) && text.contains(&digit.to_string()));
            }
        }

        #[test]
        fn a_digit_is_read_through_what_people_put_around_it(
            digit in 1_usize..10,
            before in select(vec!["", " ", "#", "(", "\"", " '", "\n"]),
            after in "([ .,!)\n\"-]\\PC{0,20})?",
        ) {
            prop_assert_eq!(read(&format!("{before}{digit}{after}")), Meaning::Digit(digit));
        }

        #[test]
        fn a_reserved_word_counts_alone_however_it_is_written(
            word in select(STOP),
            capitals in any::<[bool; 12]>(),
            dots in "[ .!]{0,3}",
            more in "[a-z]{1,8}",
        ) {
            let typed: String = word
                .chars()
                .zip(capitals)
                .map(|(letter, capital)| if capital { letter.to_ascii_uppercase() } else { letter })
                .collect();
            prop_assert_eq!(read(&format!("{dots}{typed}{dots}")), Meaning::Stop);
            let sentence = read(&format!("{typed} {more}"));
            let joined = bare(&format!("{typed}{more}"));
            prop_assert!(sentence != Meaning::Stop || STOP.contains(&joined.as_str()));
        }
    }

    #[test]
    fn a_digit_counts_whatever_follows_it() {
        for text in ["1", " 1 ", "1.", "1 please", "#1", "1, thank you", "1\n"] {
            assert_eq!(read(text), Meaning::Digit(1), "{text:?}");
        }
    }

    #[test]
    fn a_longer_number_or_a_zero_is_no_option() {
        for text in ["10", "15 minutes", "0", "1st floor", "room 1"] {
            assert_eq!(read(text), Meaning::Words, "{text:?}");
        }
    }

    #[test]
    fn reserved_words_count_only_alone() {
        assert_eq!(read("STOP."), Meaning::Stop);
        assert_eq!(read("Opt-out"), Meaning::Stop);
        assert_eq!(read("I cannot stop by"), Meaning::Words);
        assert_eq!(read("start"), Meaning::Start);
    }

    #[test]
    fn an_option_can_be_written_out_in_any_language_with_or_without_accents() {
        let texts = |en: &str, es: &str| {
            [
                (Language("en".into()), en.to_owned()),
                (Language("es".into()), es.to_owned()),
            ]
            .into()
        };
        let options = [AnswerOption {
            key: "read".into(),
            class: AnswerClass::Positive,
            label: texts("I have read this", "Lo he leído"),
            short: texts("read", "leido"),
        }];
        assert!(option_in_words("Lo he leido!", &options).is_some());
        assert!(option_in_words("READ", &options).is_some());
        assert!(option_in_words("!", &options).is_none());
        assert!(option_in_words("what is this?", &options).is_none());
    }

    #[test]
    fn on_a_shared_phone_a_name_says_who_answers() {
        let names = ["Ana Ruiz", "Ben Ruiz"];
        assert_eq!(who_is_named("1 Ben", &names), Some(1));
        assert_eq!(who_is_named("1", &names), None);
        assert_eq!(who_is_named("1 Ruiz", &names), None);
    }
}
