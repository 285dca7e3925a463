//! Says in plain words what is wrong with a value of the configuration, and what to write instead.

/// Keys that are lists of tables: each table begins with its name in two brackets.
const TABLES: [&str; 3] = ["gateway", "plan", "step"];

/// The sentence for what the reader of a file said of the value at `key`, as in
/// `organisation.languages`.
pub fn explain(key: &str, message: &str) -> String {
    let what = if let Some(rest) = message.strip_prefix("unknown variant ") {
        let (word, known) = rest.split_once(", expected").unwrap_or((rest, ""));
        let word = quoted(word).next().unwrap_or_default();
        format!("\"{word}\" is none of: {}", listed(known, ""))
    } else if let Some(rest) = message.strip_prefix("unknown field ") {
        let (word, known) = rest.split_once(", expected").unwrap_or((rest, ""));
        let word = quoted(word).next().unwrap_or_default();
        format!(
            "unknown key \"{word}\"; the keys are: {}",
            listed(known, "\"")
        )
    } else if let Some(rest) = message.strip_prefix("missing field ") {
        let word = quoted(rest).next().unwrap_or_default();
        format!("the key \"{word}\" is missing")
    } else {
        let found = message
            .strip_prefix("invalid type: ")
            .or(message.strip_prefix("invalid value: "));
        match found.and_then(|rest| rest.split_once(", expected ")) {
            Some((found, expected)) => what_to_write(key, found, expected),
            None => message.to_owned(),
        }
    };
    if key == "." {
        return what;
    }
    format!("{key}: {what}")
}

/// What stands between back quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The words between back quotes, each between `marks`.
fn listed(text: &str, marks: &str) -> String {
    let words = quoted(text).map(|word| format!("{marks}{word}{marks}"));
    words.collect::<Vec<_>>().join(", ")
}

fn what_to_write(key: &str, found: &str, expected: &str) -> String {
    let table = without_places(key);
    let name = table.rsplit('.').next().unwrap_or_default();
    // A number or a truth value as it was written; a text without its quotes.
    let bare = quoted(found).next();
    let text = found
        .strip_prefix("string \"")
        .and_then(|rest| rest.strip_suffix('"'));
    match expected {
        _ if expected.contains("string") || expected.contains("text") => {
            let text = bare.unwrap_or("…");
            format!("write a text in quotes, as in {name} = \"{text}\"")
        }
        "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => match bare {
            Some(number) if found.starts_with("integer") => {
                format!("{number} is out of range: write another whole number")
            }
            _ => {
                let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.filter(is_number).unwrap_or("5");
                format!("write a whole number without quotes, as in {name} = {number}")
            }
        },
        "f32" | "f64" => format!("write a number without quotes, as in {name} = 0.5"),
        "a boolean" => format!("write true or false without quotes, as in {name} = true"),
        "a sequence" if TABLES.contains(&name) => format!(
            "write [[{table}]] with two brackets, for there can be several, and the keys below it"
        ),
        "a sequence" => {
            let text = text.unwrap_or("…");
            format!("write a list, as in {name} = [\"{text}\"]")
        }
        _ if key.ends_with(']') => format!("write [[{table}]] and the keys below it"),
        _ if expected == "a map" || expected.starts_with("struct ") => {
            format!("write [{table}] and the keys below it")
        }
        _ => format!("it must be {expected}"),
    }
}

/// `plan[0].step[1]` is `plan.step`.
fn without_places(key: &str) -> String {
    let parts = key.split('[');
    let parts = parts.map(|part| part.split_once(']').map_or(part, |(_, rest)| rest));
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_reader_becomes_one_for_people() {
        let cases = [
            (
                "listen",
                "invalid type: integer `8080`, expected a string",
                "listen: write a text in quotes, as in listen = \"8080\"",
            ),
            (
                "data_dir",
                "invalid type: map, expected path string",
                "data_dir: write a text in quotes, as in data_dir = \"…\"",
            ),
            (
                "gateway",
                "invalid type: map, expected a sequence",
                "gateway: write [[gateway]] with two brackets, for there can be several, and the \
                 keys below it",
            ),
            (
                "gateway[0]",
                "invalid type: integer `1`, expected a map",
                "gateway[0]: write [[gateway]] and the keys below it",
            ),
            (
                "plan[0].step[2].after_seconds",
                "invalid type: string \"60\", expected u32",
                "plan[0].step[2].after_seconds: write a whole number without quotes, as in \
                 after_seconds = 60",
            ),
            (
                "hold_seconds",
                "invalid value: integer `-1`, expected u32",
                "hold_seconds: -1 is out of range: write another whole number",
            ),
            (
                "organisation",
                "invalid type: string \"x\", expected struct Organisation",
                "organisation: write [organisation] and the keys below it",
            ),
            (
                "organisation.languages",
                "invalid type: string \"en\", expected a sequence",
                "organisation.languages: write a list, as in languages = [\"en\"]",
            ),
            (
                "exercises",
                "invalid type: string \"yes\", expected a boolean",
                "exercises: write true or false without quotes, as in exercises = true",
            ),
            (
                "log_format",
                "unknown variant `xml`, expected `text` or `json`",
                "log_format: \"xml\" is none of: text, json",
            ),
            (
                "plan[0]",
                "missing field `name`",
                "plan[0]: the key \"name\" is missing",
            ),
            (
                "nmae",
                "unknown field `nmae`, expected one of `name`, `phone`",
                "nmae: unknown key \"nmae\"; the keys are: \"name\", \"phone\"",
            ),
            (".", "something else", "something else"),
        ];
        for (key, message, words) in cases {
            assert_eq!(explain(key, message), words);
        }
    }
}
