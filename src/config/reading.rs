//! Makes a configuration of a file and the variables over it, and says of every key that cannot be
//! read what to write instead.

use serde_path_to_error::Segment;

use super::environment::{self, Setting};
use super::{Config, wording};

/// Problems told at most: behind that many something else is wrong, such as another program's file.
const MOST: usize = 100;

/// One key that cannot be read.
struct Wrong {
    /// Where it is, or the table that it is in.
    place: Vec<String>,
    /// The key, if there is none of that name.
    unknown: Option<String>,
    /// Whether a text would do.
    wants_text: bool,
    /// A sentence that names it.
    message: String,
}

/// Takes out key after key that cannot be read, until the rest can; those have their defaults.
pub(super) fn read(file: toml::Table, variables: &[(String, String)]) -> (Config, Vec<String>) {
    let file = toml::Value::Table(file);
    let mut settings = environment::settings(variables);
    let mut table = file.clone();
    let mut problems = environment::lay_over(&mut table, &mut settings);
    while problems.len() < MOST {
        let wrong = match from_table(table.clone()) {
            Ok(config) => return (config, problems),
            Err(wrong) => wrong,
        };
        let (exact, below) = to_blame(&wrong, &settings, &file);
        if let Some(setting) = exact.first()
            && wrong.wants_text
            && as_text(&mut table, setting)
        {
            continue;
        }
        if exact.is_empty() && below.is_empty() {
            problems.push(wrong.message.clone());
        }
        for setting in &exact {
            problems.push(match wrong.unknown {
                None => format!("the variable {}: {}", setting.name, wrong.message),
                Some(_) => no_key(setting),
            });
        }
        problems.extend(below.into_iter().map(no_key));
        let inside = wrong.unknown.map(|key| [&wrong.place[..], &[key]].concat());
        let is_out = inside.is_some_and(|place| take_out(&mut table, &place))
            || take_out(&mut table, &wrong.place);
        if !is_out {
            break;
        }
    }
    (Config::default(), problems)
}

fn from_table(table: toml::Value) -> Result<Config, Wrong> {
    serde_path_to_error::deserialize(table).map_err(|error| {
        let word = |segment: &Segment| match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        };
        let place = error.path().iter().map(word).collect();
        let key = error.path().to_string();
        let cause: toml::de::Error = error.into_inner();
        let unknown = cause.message().strip_prefix("unknown field `");
        let unknown = unknown.and_then(|rest| rest.split('`').next());
        Wrong {
            place,
            unknown: unknown.map(str::to_owned),
            wants_text: cause
                .message()
                .rsplit_once(", expected ")
                .is_some_and(|(_, expected)| expected.contains("string")),
            message: wording::explain(&key, cause.message()),
        }
    })
}

/// The variables that set the wrong key itself, and those that set something inside it where the
/// file has nothing.
fn to_blame<'a>(
    wrong: &Wrong,
    settings: &'a [Setting],
    file: &toml::Value,
) -> (Vec<&'a Setting>, Vec<&'a Setting>) {
    let mut place = wrong.place.clone();
    if let Some(key) = &wrong.unknown
        && place.last() != Some(key)
    {
        place.push(key.clone());
    }
    let is_exact = |setting: &&Setting| setting.path == place;
    let is_of_file = at(&mut file.clone(), &place).is_some();
    let is_below = |setting: &&Setting| {
        !is_of_file && setting.path.starts_with(&place) && setting.path != place
    };
    (
        settings.iter().filter(is_exact).collect(),
        settings.iter().filter(is_below).collect(),
    )
}

fn no_key(setting: &Setting) -> String {
    format!(
        "the variable {} sets no key of the configuration: `muster config example` shows them all",
        setting.name
    )
}

/// Takes what looked like a number for the text that it is; false if it is one already.
fn as_text(table: &mut toml::Value, setting: &Setting) -> bool {
    match at(table, &setting.path) {
        None | Some(toml::Value::String(_)) => false,
        Some(value) => {
            *value = toml::Value::String(setting.text.clone());
            true
        }
    }
}

/// The value at a place.
fn at<'a>(value: &'a mut toml::Value, place: &[String]) -> Option<&'a mut toml::Value> {
    let Some((first, rest)) = place.split_first() else {
        return Some(value);
    };
    let next = match value {
        toml::Value::Table(table) => table.get_mut(first),
        toml::Value::Array(list) => list.get_mut(first.parse::<usize>().ok()?),
        _ => None,
    };
    at(next?, rest)
}

/// Removes the value at a place; false if there is none.
fn take_out(value: &mut toml::Value, place: &[String]) -> bool {
    let Some((last, around)) = place.split_last() else {
        return false;
    };
    match (at(value, around), last.parse::<usize>()) {
        (Some(toml::Value::Table(table)), _) => table.remove(last).is_some(),
        (Some(toml::Value::Array(list)), Ok(index)) if index < list.len() => {
            list.remove(index);
            true
        }
        _ => false,
    }
}
