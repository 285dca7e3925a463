//! Checks what was given for a template's variables, and says it in a reader's language.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};

use super::clean::Escape;
use super::fields::shortened;
use super::{Choice, Template, Variable, VariableKind, dates, primary};
use crate::alert::words::Language;

/// Characters that a text variable may have when it sets no limit itself.
pub const DEFAULT_MAX_LENGTH: usize = 200;
/// Characters that all the variables of an alert may have together.
pub const MAX_TOTAL_LENGTH: usize = 2000;

/// Why a value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct VariableProblem {
    /// The variable.
    pub name: String,
    /// What is wrong, in a sentence that names it. Never repeats the whole value.
    pub message: String,
}

/// The value of every alert-wide variable, as a reader of `language` sees it; or everything that is
/// wrong, at once. An optional variable that nobody filled has its default, else is empty. Variables
/// of type `person` are not among them: each recipient brings their own.
pub fn resolve(
    template: &Template,
    given: &BTreeMap<String, String>,
    language: &Language,
) -> Result<BTreeMap<String, String>, Vec<VariableProblem>> {
    let mut problems = unknown(template, given);
    let total: usize = given.values().map(|value| value.chars().count()).sum();
    if let Some(name) = given.keys().next().filter(|_| total > MAX_TOTAL_LENGTH) {
        let message = format!(
            "the variables have {total} characters together, and the most is {MAX_TOTAL_LENGTH}"
        );
        problems.push(VariableProblem {
            name: name.clone(),
            message,
        });
        return Err(problems);
    }

    let mut values = BTreeMap::new();
    let is_first = template.languages.first() == Some(template.language_for(language));
    for variable in template
        .variables
        .iter()
        .filter(|v| v.kind != VariableKind::Person)
    {
        let given = given.get(&variable.name).map_or("", |value| value.trim());
        let value = match (given, &variable.default) {
            ("", _) if variable.required => {
                Err(format!("the variable \"{}\" is not filled", variable.name))
            }
            ("", None) => Ok(String::new()),
            ("", Some(default)) => accept(variable, default, language, is_first),
            (value, _) => accept(variable, value, language, is_first),
        };
        match value {
            Ok(value) => {
                values.insert(variable.name.clone(), value);
            }
            Err(message) => {
                problems.push(VariableProblem {
                    name: variable.name.clone(),
                    message,
                });
            }
        }
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(problems)
    }
}

fn unknown(template: &Template, given: &BTreeMap<String, String>) -> Vec<VariableProblem> {
    let fillable = |variable: &&Variable| variable.kind != VariableKind::Person;
    let names: Vec<&str> = template
        .variables
        .iter()
        .filter(fillable)
        .map(|v| v.name.as_str())
        .collect();
    let known = if names.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", names.join(", "))
    };
    let refused = given.keys().filter(|name| !names.contains(&name.as_str()));
    refused
        .map(|name| {
            let message = if template.variable(name).is_some() {
                format!("the variable \"{name}\" is each person's own: it comes from the directory")
            } else {
                let (template, name) = (&template.name, shortened(name));
                format!("template \"{template}\" has no variable \"{name}\": {known}")
            };
            VariableProblem {
                name: name.clone(),
                message,
            }
        })
        .collect()
}

/// The value as a reader sees it, or why it cannot be used.
fn accept(
    variable: &Variable,
    value: &str,
    language: &Language,
    is_first: bool,
) -> Result<String, String> {
    let name = &variable.name;
    let value = value.replace("\r\n", "\n").replace('\t', " ");
    if Escape::Plain.cleaned(&value) != value {
        return Err(format!(
            "the variable \"{name}\" has invisible characters in it: retype it"
        ));
    }
    let choice = variable
        .choices
        .iter()
        .find(|choice| choice.value.eq_ignore_ascii_case(&value));
    let translated = choice
        .and_then(|choice| translation(choice, language))
        .filter(|_| !is_first);
    match variable.kind {
        VariableKind::Text | VariableKind::Person => {
            let most = variable.max_length.unwrap_or(DEFAULT_MAX_LENGTH);
            match value.chars().count() {
                length if length > most => Err(format!(
                    "the variable \"{name}\" has {length} characters, and the most is {most}"
                )),
                _ => Ok(translated.map_or(value, ToOwned::to_owned)),
            }
        }
        VariableKind::Choice => {
            let value = choice.map(|choice| translated.unwrap_or(&choice.value).to_owned());
            value.ok_or_else(|| {
                let all: Vec<&str> = variable.choices.iter().map(|c| c.value.as_str()).collect();
                format!("the variable \"{name}\" must be one of: {}", all.join(", "))
            })
        }
        VariableKind::Time => time(&value).ok_or_else(|| {
            format!("the variable \"{name}\" must be a time of day with 24 hours, like 14:30")
        }),
        VariableKind::Date => date(&value)
            .map(|date| dates::date_in(date, language))
            .ok_or_else(|| {
                format!("the variable \"{name}\" must be a day that exists, like 2027-03-04")
            }),
        VariableKind::Number if is_number(&value) => Ok(value),
        VariableKind::Number => Err(format!(
            "the variable \"{name}\" must be a number, like 12 or 12.5"
        )),
    }
}

/// What a reader of `language` sees instead of the choice's value, if it says so.
pub(super) fn translation<'a>(choice: &'a Choice, language: &Language) -> Option<&'a str> {
    let related = || {
        choice
            .text
            .iter()
            .find(|(other, _)| primary(other) == primary(language))
    };
    choice
        .text
        .get(language)
        .or_else(|| related().map(|(_, text)| text))
        .map(String::as_str)
}

/// `2027-03-04` and no other way to write it.
fn date(value: &str) -> Option<Date> {
    value
        .parse()
        .ok()
        .filter(|_| value.len() == "2027-03-04".len())
}

/// `8:05` and `08:05`, written `08:05`.
fn time(value: &str) -> Option<String> {
    let (hour, minute) = value.split_once(':')?;
    let is_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !(1..=2).contains(&hour.len()) || minute.len() != 2 || !is_digits(hour) || !is_digits(minute)
    {
        return None;
    }
    let time = Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?;
    Some(format!("{:02}:{:02}", time.hour(), time.minute()))
}

fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, decimals) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    [whole, decimals]
        .iter()
        .all(|part| (1..=12).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
