//! Lays `MUSTER_…` variables over the configuration file.

use super::ConfigError;

const PREFIX: &str = "MUSTER_";

/// Variables that are not configuration keys: the command line's own, and the tests'.
const OTHERS: &[&str] = &["MUSTER_URL", "MUSTER_TOKEN", "MUSTER_CONFIG", "MUSTER_LOG"];
const TESTS: &str = "MUSTER_TEST_";

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

/// Sets each variable's key in `table`: `MUSTER_ORGANISATION__NAME` is `organisation.name`,
/// `MUSTER_GATEWAY__0__FROM` the first gateway's `from`.
///
/// A value is read as TOML where it is a number, a truth value or an array, else as text; digits
/// that are text want quotes of their own.
pub(super) fn lay_over(
    table: toml::Table,
    variables: &[(String, String)],
) -> Result<toml::Table, ConfigError> {
    let mut root = toml::Value::Table(table);
    for (name, text) in variables {
        if OTHERS.contains(&name.as_str()) || name.starts_with(TESTS) {
            continue;
        }
        let Some(path) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let path = path.to_ascii_lowercase();
        let keys: Vec<&str> = path.split("__").collect();
        set(&mut root, &keys, read(text))
            .map_err(|message| ConfigError(vec![format!("{name}: {message}")]))?;
    }
    match root {
        toml::Value::Table(table) => Ok(table),
        _ => Err(ConfigError(vec![
            "the configuration is no table".to_owned(),
        ])),
    }
}

fn read(text: &str) -> toml::Value {
    // "+15005550001" is a phone number, not a number.
    if text.starts_with('+') {
        return toml::Value::String(text.to_owned());
    }
    let parsed = format!("value = {text}").parse::<toml::Table>();
    match parsed.ok().and_then(|mut table| table.remove("value")) {
        Some(value) => value,
        None => toml::Value::String(text.to_owned()),
    }
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
