//! Checks what `template.toml` says: titles, variables, options, plan.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Template, Variable, VariableKind, values};
use super::{Findings, examples, wording};
use crate::alert::words::{Language, Purpose};
use crate::response::option::{AnswerClass, AnswerOption};

const PLACE: &str = "template.toml";

/// Digits on a phone, without 0.
const MOST_OPTIONS: usize = 9;

pub(super) fn check(template: &Template, findings: &mut Findings) {
    in_every_language(template, "title", &template.title, findings);
    in_every_language(template, "hint", &template.hint, findings);
    for variable in &template.variables {
        check_variable(template, variable, findings);
    }
    for problem in examples::problems(template) {
        findings.error(PLACE, problem);
    }
    options(template, findings);
    plan(template, findings);
    if template
        .expected
        .is_some_and(|expected| expected.min > expected.max)
    {
        findings.error(PLACE, "expected: min is more than max");
    }
    if template.severity.is_life_safety() && template.purpose != Purpose::Emergency {
        findings.warning(
            PLACE,
            format!(
                "severity is {} but purpose is {}: people who opted out of such messages will not \
                 get it",
                template.severity, template.purpose
            ),
        );
    }
}

fn in_every_language(
    template: &Template,
    what: &str,
    texts: &BTreeMap<Language, String>,
    findings: &mut Findings,
) {
    for language in &template.languages {
        if texts
            .get(language)
            .is_none_or(|text| text.trim().is_empty())
        {
            findings.error(PLACE, format!("{what} has no words in {language}"));
        }
    }
}

fn check_variable(template: &Template, variable: &Variable, findings: &mut Findings) {
    let name = &variable.name;
    in_every_language(
        template,
        &format!("the label of {name}"),
        &variable.label,
        findings,
    );
    if variable.realistic().is_empty() {
        findings.error(PLACE, format!("variable \"{name}\" has no example"));
    }
    if variable.kind == VariableKind::Choice && variable.choices.is_empty() {
        findings.error(
            PLACE,
            format!("variable \"{name}\" is a choice without choices"),
        );
    }
    if variable.required && variable.default.is_some() {
        let message = format!("variable \"{name}\" is required, so its default is never used");
        findings.error(PLACE, message);
    }
    if variable.kind != VariableKind::Text && variable.max_length.is_some() {
        findings.error(
            PLACE,
            format!("variable \"{name}\": only text has a max_length"),
        );
    }
    translations(template, variable, findings);
    wording::private_words(PLACE, &name.replace('_', " "), findings);
}

/// What the program itself may put in must not leave a reader in the first language.
fn translations(template: &Template, variable: &Variable, findings: &mut Findings) {
    let is_word = matches!(variable.kind, VariableKind::Text | VariableKind::Choice);
    let others = template.languages.iter().skip(1).filter(|_| is_word);
    for language in others {
        let translated = |value: &str| {
            let mut choices = variable
                .choices
                .iter()
                .filter(|choice| choice.value == value);
            choices.any(|choice| values::translation(choice, language).is_some())
        };
        let default = variable.default.as_deref().into_iter();
        let choices = variable.choices.iter().map(|choice| choice.value.as_str());
        let untranslated: BTreeSet<&str> = default
            .chain(choices)
            .filter(|value| !translated(value))
            .collect();
        for value in untranslated {
            findings.warning(
                PLACE,
                format!(
                    "variable \"{}\": \"{value}\" has no {language} text, so it stays as it is \
                     (add a [[variable.choice]] with that value)",
                    variable.name
                ),
            );
        }
    }
}

fn options(template: &Template, findings: &mut Findings) {
    let options = &template.options;
    match options.first() {
        None => findings.error(PLACE, "there is no [[option]]: nobody could answer"),
        Some(first) if first.class != AnswerClass::Positive => {
            let message = format!(
                "the first option, \"{}\", must be of class positive",
                first.key
            );
            findings.error(PLACE, message);
        }
        Some(_) => {}
    }
    if options.len() > MOST_OPTIONS {
        let message = format!(
            "there are {} options, and the digits end at 9",
            options.len()
        );
        findings.error(PLACE, message);
    }
    let mut seen = BTreeSet::new();
    for option in options {
        if !seen.insert(&option.key) {
            let message = format!("there are two options with the key \"{}\"", option.key);
            findings.error(PLACE, message);
        }
        check_option(template, option, findings);
    }
}

fn check_option(template: &Template, option: &AnswerOption, findings: &mut Findings) {
    let key = &option.key;
    let is_plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_plain {
        findings.error(
            PLACE,
            format!("option \"{key}\": use small letters, digits and _"),
        );
    }
    in_every_language(
        template,
        &format!("the label of option {key}"),
        &option.label,
        findings,
    );
    in_every_language(
        template,
        &format!("short of option {key}"),
        &option.short,
        findings,
    );
    for short in option
        .short
        .values()
        .filter(|short| wording::is_reserved(short))
    {
        findings.error(
            PLACE,
            format!("option \"{key}\": phone companies act on the reply \"{short}\" themselves"),
        );
    }
}

fn plan(template: &Template, findings: &mut Findings) {
    let plan = &template.plan;
    for problem in plan.problems() {
        findings.error(PLACE, problem);
    }
    let unknown: BTreeSet<_> = plan
        .steps
        .iter()
        .flat_map(|step| &step.channels)
        .filter(|channel| !template.channels.contains(channel))
        .collect();
    for channel in unknown {
        let message = format!("the plan uses {channel}, which is not in channels");
        findings.error(PLACE, message);
    }
    if plan
        .steps
        .iter()
        .any(|step| step.after() >= template.expires_in)
    {
        findings.warning(
            PLACE,
            "a step of the plan begins after the alert has expired",
        );
    }
}
