//! What a check page asks: the template's blanks as form fields, and how many a call-out needs.

use std::collections::BTreeMap;

use crate::alert::words::Language;
use crate::template::{Template, Variable, VariableKind, values};
use crate::web::format::{self, sentence};
use crate::web::pages::asked::{self, Asked};
use crate::web::pages::draft_view;
use crate::web::view::check::Blank;
use crate::web::view::{Choice, people};

/// Numbers of people that a call-out proposes, and spans for thinking, in seconds.
const NUMBERS: [u32; 5] = [1, 2, 3, 5, 10];
const SPANS: [u64; 4] = [60, 300, 600, 1800];

/// What a call-out asks first: how many, and how long each one may think.
pub(super) fn of_call_out(template: &Template, asked: &Asked) -> Vec<Blank> {
    let Some(usual) = &template.call_out else {
        return Vec::new();
    };
    let number = |number: u32| {
        let value = number.to_string();
        let chosen = value == asked.needed;
        Choice::new(value, format!("{} needed", people(number.into()))).chosen(chosen)
    };
    let everyone = Choice::new(asked::EVERYONE, "Everyone at once, however many come")
        .chosen(asked.needed == asked::EVERYONE);
    let choices: Vec<Choice> = NUMBERS.into_iter().map(number).chain([everyone]).collect();
    let is_choice = choices.iter().any(|choice| choice.chosen);
    let needed = Blank {
        name: asked::NEEDED.to_owned(),
        label: draft_view::HOW_MANY.to_owned(),
        hint: "People are asked in turn until so many have said yes.".to_owned(),
        typed: if is_choice {
            String::new()
        } else {
            asked.needed.clone()
        },
        choices,
        may_type: true,
        longest: 5,
        ..Blank::default()
    };
    let chosen = asked
        .answer_within
        .unwrap_or(usual.answer_within_seconds.into());
    let mut spans = SPANS.to_vec();
    if !spans.contains(&chosen) {
        spans.push(chosen);
        spans.sort_unstable();
    }
    let span = |seconds: u64| {
        let label = format!(
            "{} to think, then the next",
            format::span(std::time::Duration::from_secs(seconds))
        );
        Choice::new(seconds.to_string(), label).chosen(seconds == chosen)
    };
    let within = Blank {
        name: asked::WITHIN.to_owned(),
        label: "How long may each one think?".to_owned(),
        choices: spans.into_iter().map(span).collect(),
        optional: true,
        ..Blank::default()
    };
    match asked.call_out() {
        Some(_) => vec![needed, within],
        None => vec![needed],
    }
}

/// The template's blanks as form fields: those that must be filled first, pick-lists before text.
pub fn blanks(
    template: &Template,
    given: &BTreeMap<String, String>,
    language: &Language,
) -> Vec<Blank> {
    let wrong = values::resolve(template, given, language)
        .err()
        .unwrap_or_default();
    let mut blanks: Vec<Blank> = template
        .variables
        .iter()
        .filter(|variable| variable.kind != VariableKind::Person)
        .map(|variable| {
            let value = given.get(&variable.name).map_or("", String::as_str);
            let error = wrong.iter().find(|problem| problem.name == variable.name);
            Blank {
                // What is still empty is asked for, not complained about.
                error: error
                    .filter(|_| !value.is_empty())
                    .map(|problem| sentence(&problem.message))
                    .unwrap_or_default(),
                ..blank(variable, value, language)
            }
        })
        .collect();
    blanks.sort_by_key(|blank| (blank.optional, blank.choices.is_empty()));
    blanks
}

fn blank(variable: &Variable, value: &str, language: &Language) -> Blank {
    let is_choice = variable.choices.iter().any(|choice| choice.value == value);
    let nothing = value.is_empty() && !variable.required;
    let choices = variable.choices.iter().map(|choice| {
        let is_default = nothing && variable.default.as_deref() == Some(&choice.value);
        Choice::new(&choice.value, &choice.value).chosen(choice.value == value || is_default)
    });
    let longest = match variable.kind {
        VariableKind::Text => variable.max_length.unwrap_or(values::DEFAULT_MAX_LENGTH),
        _ => 0,
    };
    Blank {
        name: variable.name.clone(),
        label: variable.label_in(language).to_owned(),
        hint: match variable.kind {
            VariableKind::Time => "24 hours, like 14:30".to_owned(),
            VariableKind::Date => "year, month, day, like 2027-03-04".to_owned(),
            _ => String::new(),
        },
        error: String::new(),
        choices: choices.collect(),
        may_type: variable.kind != VariableKind::Choice,
        typed: if is_choice {
            String::new()
        } else {
            value.to_owned()
        },
        example: variable.example.clone(),
        longest: u32::try_from(longest).unwrap_or_default(),
        optional: !variable.required,
    }
}
