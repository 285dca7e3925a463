//! Names the fields that every text may use without declaring them.

/// The clinic's name, from the configuration.
pub const ORGANISATION: &str = "organisation";
/// The clinic's public number, to call.
pub const PHONE: &str = "phone";
/// When the alert was launched, local time: `14:02`.
pub const TIME: &str = "time";
/// The day the alert was launched, written out in the reader's language.
pub const DATE: &str = "date";
/// How to answer by SMS, made from the options.
pub const ANSWERS: &str = "answers";
/// The recipient's answer link.
pub const LINK: &str = "link";
/// The recipient's name.
pub const NAME: &str = "name";
/// Follow-ups only: the title of the alert that is followed, in the reader's language.
pub const ABOUT: &str = "about";
/// Follow-ups only: when the alert that is followed was launched.
pub const ABOUT_TIME: &str = "about_time";

/// The fields that are the same for everyone in an alert.
pub const ALERT_WIDE: &[&str] = &[ORGANISATION, PHONE, TIME, DATE, ANSWERS];
/// The fields that each recipient has their own value of.
pub const PER_PERSON: &[&str] = &[LINK, NAME];
/// The fields that only an update, a correction or an all-clear has.
pub const FOLLOW_UP: &[&str] = &[ABOUT, ABOUT_TIME];

/// The longest name a field may have, in characters.
pub const MAX_NAME_LENGTH: usize = 40;

/// Words that handlebars would read as something other than a field.
const TAKEN: &[&str] = &[
    "and", "as", "each", "eq", "false", "gt", "gte", "if", "len", "log", "lookup", "lt", "lte",
    "ne", "not", "null", "or", "raw", "this", "true", "unless", "with",
];

/// Why `name` cannot name a field; none if it can.
pub fn refusal(name: &str) -> Option<String> {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_plain || name.len() > MAX_NAME_LENGTH {
        return Some(format!(
            "\"{}\" cannot name a field: use a letter first, then small letters, digits and _, \
             {MAX_NAME_LENGTH} at most",
            shortened(name)
        ));
    }
    // handlebars reads {{elsewhere}} as an else with a condition.
    if TAKEN.contains(&name) || name.starts_with("else") {
        return Some(format!(
            "\"{name}\" cannot name a field, because the template language uses the word itself"
        ));
    }
    None
}

/// The beginning of `text`, short enough for an error message.
pub(super) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_NAME_LENGTH).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_is_always_there_can_be_written() {
        let all = [ALERT_WIDE, PER_PERSON, FOLLOW_UP].concat();
        assert_eq!(all.iter().filter_map(|name| refusal(name)).count(), 0);
    }

    #[test]
    fn names_that_handlebars_would_misread_are_refused() {
        for name in [
            "else",
            "elsewhere",
            "this",
            "if",
            "a.b",
            "a-b",
            "@root",
            "../a",
            "1st",
            "",
        ] {
            assert!(refusal(name).is_some(), "{name}");
        }
    }
}
