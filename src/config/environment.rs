//! Lays `MUSTER_…` variables over the configuration file.

const PREFIX: &str = "MUSTER_";

/// Variables that are not configuration keys: the command line's own, and the tests'.
const OTHERS: &[&str] = &["MUSTER_URL", "MUSTER_TOKEN", "MUSTER_CONFIG", "MUSTER_LOG"];
const TESTS: &str = "MUSTER_TEST_";

/// One variable that sets a key: `MUSTER_ORGANISATION__NAME` is `organisation.name`,
/// `MUSTER_GATEWAY__0__FROM` the first gateway's `from`.
pub(super) struct Setting {
    pub(super) name: String,
    /// The key, part by part; a place in a list is a number.
    pub(super) path: Vec<String>,
    pub(super) text: String,
}

/// The environment, in the order of names.
pub(super) fn all() -> Vec<(String, String)> {
    let mut variables: Vec<_> = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(key, _)| key.starts_with(PREFIX))
        .collect();
    variables.sort();
    variables
}

/// One variable of the command line, if it is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variables that are meant to set keys.
pub(super) fn settings(variables: &[(String, String)]) -> Vec<Setting> {
    let is_ours = |name: &str, text: &str| {
        !OTHERS.contains(&name) && !name.starts_with(TESTS) && !is_service_link(name, text)
    };
    let mut settings = Vec::new();
    for (name, text) in variables {
        let key = name.strip_prefix(PREFIX).filter(|_| is_ours(name, text));
        if let Some(key) = key {
            settings.push(Setting {
                name: name.clone(),
                path: key.to_lowercase().split("__").map(str::to_owned).collect(),
                text: text.clone(),
            });
        }
    }
    settings
}

/// Whether Kubernetes set it. It tells every container about each service beside it, so one that is
/// called `muster` or `muster-db` gives `MUSTER_SERVICE_HOST`, `MUSTER_PORT=tcp://…`,
/// `MUSTER_DB_PORT_5432_TCP_ADDR`: none of them is a key, and nobody wrote them.
fn is_service_link(name: &str, text: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    (1..words.len()).any(|from| match &words[from..] {
        ["SERVICE", "HOST"] | ["SERVICE", "PORT", ..] => true,
        ["PORT"] => text.contains("://"),
        ["PORT", number, "TCP" | "UDP" | "SCTP", ..] => number.parse::<u16>().is_ok(),
        _ => false,
    })
}

/// Sets each variable's key in `table`; takes out those that cannot be set, and says why.
pub(super) fn lay_over(table: &mut toml::Value, settings: &mut Vec<Setting>) -> Vec<String> {
    let mut problems = Vec::new();
    settings.retain(|setting| {
        let keys: Vec<&str> = setting.path.iter().map(String::as_str).collect();
        let done = set(table, &keys, read(&setting.text));
        let problem = done
            .err()
            .map(|why| format!("the variable {}: {why}", setting.name));
        let is_set = problem.is_none();
        problems.extend(problem);
        is_set
    });
    problems
}

/// Reads what can only be meant as a number, a truth value, a list or a table as such, and all else
/// as the text that it is: a phone number with its `+`, an identifier with its leading noughts.
fn read(text: &str) -> toml::Value {
    let as_text = || toml::Value::String(text.to_owned());
    let parsed = format!("value = {text}").parse::<toml::Table>();
    let Some(value) = parsed.ok().and_then(|mut table| table.remove("value")) else {
        return as_text();
    };
    let is_plain = match &value {
        toml::Value::Integer(number) => number.to_string() == text,
        toml::Value::Float(_) => text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"-.".contains(&b)),
        toml::Value::Datetime(_) => false,
        _ => true,
    };
    if is_plain { value } else { as_text() }
}

fn set(at: &mut toml::Value, keys: &[&str], value: toml::Value) -> Result<(), String> {
    let Some((first, rest)) = keys.split_first() else {
        *at = value;
        return Ok(());
    };
    let next = match at {
        toml::Value::Table(table) => {
            let is_list = rest.first().is_some_and(|key| key.parse::<usize>().is_ok());
            let empty = if is_list {
                toml::Value::Array(Vec::new())
            } else {
                toml::Value::Table(toml::Table::new())
            };
            table.entry((*first).to_owned()).or_insert(empty)
        }
        toml::Value::Array(list) => {
            let index: usize = first
                .parse()
                .map_err(|_| format!("\"{first}\" must be a place in a list: 0, 1…"))?;
            if index > list.len() {
                return Err(format!("there is no entry {} before {index}", index - 1));
            }
            if index == list.len() {
                list.push(toml::Value::Table(toml::Table::new()));
            }
            &mut list[index]
        }
        _ => return Err(format!("\"{first}\" is inside a value that is not a table")),
    };
    set(next, rest, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_sets_is_no_setting_of_ours() {
        for (name, text) in [
            ("MUSTER_SERVICE_HOST", "10.0.0.7"),
            ("MUSTER_SERVICE_PORT", "8080"),
            ("MUSTER_SERVICE_PORT_HTTP", "8080"),
            ("MUSTER_PORT", "tcp://10.0.0.7:8080"),
            ("MUSTER_PORT_8080_TCP", "tcp://10.0.0.7:8080"),
            ("MUSTER_PORT_8080_TCP_PROTO", "tcp"),
            ("MUSTER_DB_PORT_5432_TCP_ADDR", "10.0.0.8"),
        ] {
            assert!(is_service_link(name, text), "{name}");
        }
        for (name, text) in [
            ("MUSTER_GATEWAY__0__PORT", "587"),
            ("MUSTER_PORT", "8080"),
            ("MUSTER_PUBLIC_URL", "https://x"),
        ] {
            assert!(!is_service_link(name, text), "{name}");
        }
    }

    #[test]
    fn only_what_can_be_nothing_else_is_more_than_text() {
        let is_text = |text: &str| read(text) == toml::Value::String(text.to_owned());
        for text in [
            "Riverside",
            "+15005550001",
            "007",
            "0x1F",
            "1_000",
            "1e5",
            "2026-11-22",
            "nan",
            "",
        ] {
            assert!(is_text(text), "{text}");
        }
        for text in ["587", "-1", "0.0079", "true", "[\"en\"]", "{ a = 1 }"] {
            assert!(!is_text(text), "{text}");
        }
    }
}
