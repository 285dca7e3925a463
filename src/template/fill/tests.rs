//! Filling and splicing say exactly what handlebars would, and never more than they were given.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::{compile, reference};
use super::*;

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn own(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn a_person_s_own_fields_stay_open_and_words_are_joined() {
    let segments = compile("At {{time}}, {{name}}: {{reason}}.").unwrap();
    let given = values(&[
        ("time", "14:02"),
        ("reason", "fire"),
        ("name", "not for everyone"),
    ]);
    let filled = fill(&segments, &given, &own(&["name"]), Escape::Plain).unwrap();
    let expected = [
        Segment::Text("At 14:02, ".to_owned()),
        Segment::Field("name".to_owned()),
        Segment::Text(": fire.".to_owned()),
    ];
    assert_eq!(filled, expected);
}

#[test]
fn a_condition_is_decided_as_early_as_its_field_is_known() {
    let segments = compile("{{#if a}}A{{#if name}}N{{/if}}{{else}}-{{/if}}").unwrap();
    let filled = fill(
        &segments,
        &values(&[("a", "x")]),
        &own(&["name"]),
        Escape::Plain,
    )
    .unwrap();
    assert_eq!(
        splice(&filled, &|_| Some("Dana".into()), Escape::Plain),
        "AN"
    );
    assert_eq!(splice(&filled, &|_| Some("".into()), Escape::Plain), "A");
    assert_eq!(splice(&filled, &|_| None, Escape::Plain), "A");
    let filled = fill(&segments, &values(&[]), &own(&["name"]), Escape::Plain).unwrap();
    assert_eq!(filled, [Segment::Text("-".to_owned())]);
}

#[test]
fn a_field_without_value_is_named_unless_nobody_would_see_it() {
    let segments = compile("{{#if until}}until {{until}}{{/if}}{{reason}}").unwrap();
    let unfilled = fill(&segments, &values(&[]), &own(&[]), Escape::Plain).unwrap_err();
    assert_eq!(unfilled.to_string(), "the field \"reason\" is not filled");
    assert!(
        fill(
            &segments,
            &values(&[("reason", "")]),
            &own(&[]),
            Escape::Plain
        )
        .is_ok()
    );
}

#[test]
fn a_value_is_never_read_as_a_template() {
    let segments = compile("{{a}} {{name}}").unwrap();
    let filled = fill(
        &segments,
        &values(&[("a", "{{b}}")]),
        &own(&["name"]),
        Escape::Plain,
    );
    let text = splice(
        &filled.unwrap(),
        &|_| Some("{{#if c}}".into()),
        Escape::Plain,
    );
    assert_eq!(text, "{{b}} {{#if c}}");
}

/// A piece of a template: words, a field, or a condition around other pieces.
#[derive(Clone, Debug)]
enum Piece {
    Words(String),
    Field(usize, &'static str),
    If(usize, Vec<Piece>, Option<Vec<Piece>>),
    Comment,
}

const FIELDS: [&str; 4] = ["time", "reason", "name", "link"];
const OWN: [&str; 2] = ["name", "link"];

fn piece() -> impl Strategy<Value = Piece> {
    let words = prop::collection::vec(
        prop::sample::select(vec![
            "a", "é", " ", "  ", "\n", "\n\n", "\t", "<b>", "&", "}", "}}", "{ ", "\\ ", "\"", "=",
        ]),
        1..5,
    );
    let leaf = prop_oneof![
        4 => words.prop_map(|words| Piece::Words(words.concat())),
        3 => (0..4_usize, prop::sample::select(vec!["", " ", "\n"]))
            .prop_map(|(field, space)| Piece::Field(field, space)),
        1 => Just(Piece::Comment),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        let pieces = prop::collection::vec(inner, 0..5);
        (0..4_usize, pieces.clone(), prop::option::of(pieces))
            .prop_map(|(field, then, otherwise)| Piece::If(field, then, otherwise))
    })
}

fn print(pieces: &[Piece], out: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Words(words) => out.push_str(words),
            Piece::Comment => out.push_str("{{! why }}"),
            Piece::Field(field, space) => {
                write!(out, "{{{{{space}{}{space}}}}}", FIELDS[*field]).unwrap();
            }
            Piece::If(field, then, otherwise) => {
                write!(out, "{{{{#if {}}}}}", FIELDS[*field]).unwrap();
                print(then, out);
                if let Some(otherwise) = otherwise {
                    out.push_str("{{else}}");
                    print(otherwise, out);
                }
                out.push_str("{{/if}}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_sent_is_what_handlebars_shows(
        pieces in prop::collection::vec(piece(), 0..8),
        given in prop::collection::vec("[a<&'\"=`{}é \n\t\u{202e}\u{7}]{0,6}", 4),
        escape in prop::sample::select(
            vec![Escape::Line, Escape::Plain, Escape::Sms, Escape::Html],
        ),
    ) {
        let mut source = String::new();
        print(&pieces, &mut source);
        let all: BTreeMap<String, String> =
            FIELDS.iter().map(ToString::to_string).zip(given).collect();

        let shown = reference::render(&source, &all, escape).unwrap();

        let segments = compile(&source).unwrap();
        let filled = fill(&segments, &all, &own(&OWN), escape).unwrap();
        let person = |name: &str| all.get(name).map(|value| value.as_str().into());
        prop_assert_eq!(&splice(&filled, &person, escape), &shown);
        prop_assert_eq!(reference::difference(&source, &all, &own(&OWN), escape), None);
        prop_assert!(filled.windows(2).all(
            |pair| !matches!(pair, [Segment::Text(_), Segment::Text(_)])
        ));
    }

    #[test]
    fn no_value_can_bring_a_tag_a_line_or_a_control_character_where_it_must_not(
        value in any::<String>(),
    ) {
        let segments = compile("{{name}}").unwrap();
        let person = |_: &str| Some(value.as_str().into());
        let html = splice(&segments, &person, Escape::Html);
        prop_assert!(!html.contains(['<', '>', '"', '\'']));
        let line = splice(&segments, &person, Escape::Line);
        prop_assert!(!line.contains(|c: char| c.is_control()));
        prop_assert_eq!(line, splice(&segments, &person, Escape::Line));
    }
}
