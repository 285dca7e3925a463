//! Every kind of variable takes what it should, and says in words what it should not take.

use super::super::sample;
use super::*;

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn language(tag: &str) -> Language {
    Language(tag.to_owned())
}

fn closure(pairs: &[(&str, &str)], tag: &str) -> BTreeMap<String, String> {
    resolve(&sample::closure(), &given(pairs), &language(tag)).unwrap()
}

fn refused(pairs: &[(&str, &str)]) -> Vec<String> {
    let problems = resolve(&sample::closure(), &given(pairs), &language("en")).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

/// What the closure's reason takes when it is of another kind.
fn typed(kind: VariableKind, value: &str) -> Result<String, String> {
    let mut template = sample::closure();
    template.variables[0].kind = kind;
    match resolve(&template, &given(&[("reason", value)]), &language("es")) {
        Ok(values) => Ok(values["reason"].clone()),
        Err(problems) => Err(problems[0].message.clone()),
    }
}

#[test]
fn a_suggestion_is_said_in_the_reader_s_language_and_own_words_stay() {
    assert_eq!(
        closure(&[("reason", " burst pipe ")], "en")["reason"],
        "burst pipe"
    );
    assert_eq!(
        closure(&[("reason", "Burst pipe")], "es-MX")["reason"],
        "una tubería rota"
    );
    assert_eq!(
        closure(&[("reason", "sewage smell")], "es")["reason"],
        "sewage smell"
    );
}

#[test]
fn an_optional_variable_has_its_default_in_the_reader_s_language() {
    assert_eq!(closure(&[("reason", "x")], "en")["until"], "further notice");
    assert_eq!(
        closure(&[("reason", "x"), ("until", "  ")], "es")["until"],
        "nuevo aviso"
    );
    assert_eq!(
        closure(&[("reason", "x"), ("until", "noon")], "es")["until"],
        "noon"
    );
}

#[test]
fn an_optional_variable_without_default_is_empty_rather_than_absent() {
    let mut template = sample::closure();
    template.variables[1].default = None;
    let values = resolve(&template, &given(&[("reason", "x")]), &language("en")).unwrap();
    assert_eq!(values["until"], "");
}

#[test]
fn everything_wrong_is_said_at_once_by_name() {
    let problems = refused(&[("reazon", "x"), ("until", "a\u{7}b")]);
    assert_eq!(
        problems,
        [
            "template \"closure\" has no variable \"reazon\": it has reason, until",
            "the variable \"reason\" is not filled",
            "the variable \"until\" has invisible characters in it: retype it",
        ]
    );
}

#[test]
fn a_text_that_is_too_long_is_refused_with_both_numbers() {
    let message = &refused(&[("reason", &"x".repeat(61))])[0];
    assert_eq!(
        message,
        "the variable \"reason\" has 61 characters, and the most is 60"
    );
    let message = &refused(&[("reason", "x"), ("until", &"x".repeat(3000))])[0];
    assert!(message.contains("together"), "{message}");
}

#[test]
fn a_person_s_own_variable_cannot_be_given_for_everyone() {
    let template = sample::rescheduling();
    let problems = resolve(
        &template,
        &given(&[("appointment", "noon")]),
        &language("en"),
    );
    let message = &problems.unwrap_err()[0].message;
    assert!(message.contains("comes from the directory"), "{message}");
    assert_eq!(
        resolve(&template, &given(&[]), &language("en")).unwrap(),
        BTreeMap::new()
    );
}

#[test]
fn a_choice_takes_only_its_choices() {
    assert_eq!(
        typed(VariableKind::Choice, "BURST PIPE").unwrap(),
        "una tubería rota"
    );
    let message = typed(VariableKind::Choice, "flood").unwrap_err();
    assert_eq!(
        message,
        "the variable \"reason\" must be one of: burst pipe"
    );
}

#[test]
fn a_time_is_of_24_hours() {
    assert_eq!(typed(VariableKind::Time, "8:05").unwrap(), "08:05");
    assert_eq!(typed(VariableKind::Time, "23:59").unwrap(), "23:59");
    for wrong in [
        "24:00", "8", "8:5", "08:60", "8pm", "+8:00", "noon", "123:00",
    ] {
        assert!(typed(VariableKind::Time, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_date_must_exist_and_is_written_out() {
    assert_eq!(
        typed(VariableKind::Date, "2028-02-29").unwrap(),
        "29 de febrero de 2028"
    );
    for wrong in [
        "2027-02-29",
        "03/04/2027",
        "20270304",
        "2027-03-04T10:00",
        "tomorrow",
    ] {
        assert!(typed(VariableKind::Date, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_number_stays_as_it_was_written() {
    assert_eq!(typed(VariableKind::Number, "-12,5").unwrap(), "-12,5");
    for wrong in [
        "",
        "1e9",
        "12.",
        ".5",
        "1.2.3",
        "twelve",
        "0x10",
        "9999999999999",
    ] {
        assert!(typed(VariableKind::Number, wrong).is_err(), "{wrong}");
    }
}
