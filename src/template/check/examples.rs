//! Realistic values for every field, so that a text can be judged as people will read it.

use std::collections::BTreeMap;

use super::super::{Template, VariableKind, answers, dates, fields, values};
use crate::alert::words::Language;

/// As long as real answer links are.
const LINK: &str = "https://alert.riverside.example/a/4Wq8mZ2rT6yP1kX9vN3cH7";

/// A value for every field of the template, as a reader of `language` would see it. Long rather than
/// short: what fits with these fits in earnest. A value that its variable refuses stands as written.
pub(super) fn values(template: &Template, language: &Language) -> BTreeMap<String, String> {
    let realistic: BTreeMap<String, String> = template
        .variables
        .iter()
        .map(|variable| (variable.name.clone(), variable.realistic().to_owned()))
        .collect();
    let given = |is_person: bool| -> BTreeMap<String, String> {
        let of_kind = template
            .variables
            .iter()
            .filter(|variable| (variable.kind == VariableKind::Person) == is_person);
        of_kind
            .map(|v| (v.name.clone(), realistic[&v.name].clone()))
            .collect()
    };
    let mut all = realistic.clone();
    all.extend(values::resolve(template, &given(false), language).unwrap_or_default());
    all.extend(given(true));

    let longest_month = dates::date_in(jiff::civil::date(2027, 9, 30), language);
    let standing = [
        (fields::ORGANISATION, "Riverside Clinic".to_owned()),
        (fields::PHONE, "+1 555 010 0199".to_owned()),
        (fields::TIME, "14:02".to_owned()),
        (fields::DATE, longest_month),
        (
            fields::ANSWERS,
            answers::answers_line(&template.options, language),
        ),
        (fields::LINK, LINK.to_owned()),
        (fields::NAME, "Alexandra Montgomery".to_owned()),
    ];
    all.extend(standing.map(|(name, value)| (name.to_owned(), value)));
    if template.follows() {
        all.insert(
            fields::ABOUT.to_owned(),
            "Severe weather warning".to_owned(),
        );
        all.insert(fields::ABOUT_TIME.to_owned(), "13:47".to_owned());
    }
    all
}

/// What is wrong with the examples, defaults and choices of the variables themselves.
pub(super) fn problems(template: &Template) -> Vec<String> {
    let Some(first) = template.languages.first() else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for variable in &template.variables {
        let choices = variable.choices.iter().map(|choice| choice.value.as_str());
        let offered = choices
            .chain(variable.default.as_deref())
            .chain([variable.realistic()]);
        for value in offered.filter(|value| !value.is_empty()) {
            // Alone, so that what is said is about this value and not about the others.
            let alone = Template {
                variables: vec![super::super::Variable {
                    kind: match variable.kind {
                        VariableKind::Person => VariableKind::Text,
                        kind => kind,
                    },
                    ..variable.clone()
                }],
                ..template.clone()
            };
            let given = [(variable.name.clone(), value.to_owned())].into();
            if let Err(refused) = values::resolve(&alone, &given, first) {
                problems.extend(
                    refused
                        .iter()
                        .map(|problem| format!("\"{value}\": {problem}")),
                );
            }
        }
    }
    problems.dedup();
    problems
}
