//! What compiles, what is refused with which words, and what must never end the process.

use proptest::prelude::*;

use super::*;

fn refusal(source: &str) -> String {
    compile(source).unwrap_err().to_string()
}

fn text(words: &str) -> Segment {
    Segment::Text(words.to_owned())
}

fn field(name: &str) -> Segment {
    Segment::Field(name.to_owned())
}

#[test]
fn fields_conditions_and_words_become_segments() {
    let segments = compile("At {{ time }}{{#if place}} in {{place}}{{else}} here{{/if}}.").unwrap();
    let condition = Segment::If {
        field: "place".to_owned(),
        then: vec![text(" in "), field("place")],
        otherwise: vec![text(" here")],
    };
    assert_eq!(segments, [text("At "), field("time"), condition, text(".")]);
}

#[test]
fn comments_vanish_and_leave_one_piece_of_words() {
    assert_eq!(
        compile("a{{! why }}b{{!-- and how --}}c").unwrap(),
        [text("abc")]
    );
    assert_eq!(compile("{{! nothing }}").unwrap(), []);
}

#[test]
fn a_condition_alone_on_its_line_takes_the_line_with_it() {
    let segments = compile("a\n{{#if x}}\nb\n{{else}}\nc\n{{/if}}\nd\n").unwrap();
    let condition = Segment::If {
        field: "x".to_owned(),
        then: vec![text("b\n")],
        otherwise: vec![text("c\n")],
    };
    assert_eq!(segments, [text("a\n"), condition, text("d\n")]);
}

#[test]
fn segments_are_stored_with_short_names_and_read_back() {
    let segments = compile("a{{b}}{{#if c}}d{{/if}}").unwrap();
    let stored = serde_json::to_string(&segments).unwrap();
    assert_eq!(
        stored,
        r#"[{"t":"a"},{"f":"b"},{"i":{"f":"c","t":[{"t":"d"}]}}]"#
    );
    assert_eq!(
        serde_json::from_str::<Vec<Segment>>(&stored).unwrap(),
        segments
    );
}

#[test]
fn every_other_tag_is_refused_with_its_line_and_what_to_write() {
    let cases = [
        ("{{{name}}}", "two braces"),
        ("{{&name}}", "two braces"),
        ("{{> partial}}", "cannot include"),
        ("{{#> layout}}x{{/layout}}", "cannot include"),
        ("{{* decorator}}", "only {{field}}"),
        ("{{#*inline \"a\"}}x{{/inline}}", "only {{field}}"),
        ("{{#each people}}x{{/each}}", "only {{field}}"),
        ("{{#unless a}}x{{/unless}}", "{{else}}"),
        ("{{#with a}}x{{/with}}", "only {{field}}"),
        ("{{lookup a b}}", "only {{field}}"),
        ("{{log \"a\"}}", "only {{field}}"),
        ("{{a.b}}", "plain names"),
        ("{{../a}}", "plain names"),
        ("{{this}}", "plain names"),
        ("{{@root.a}}", "plain names"),
        ("{{\"a\"}}", "only {{field}}"),
        ("{{true}}", "cannot name a field"),
        ("{{12}}", "cannot name a field"),
        ("{{elsewhere}}", "cannot name a field"),
        ("{{#if (not a)}}x{{/if}}", "takes one field"),
        ("{{#if a b}}x{{/if}}", "takes one field"),
        ("{{#if}}x{{/if}}", "name the field"),
        ("{{#if a includeZero=true}}x{{/if}}", "takes one field"),
        ("{{#if a}}x{{else if b}}y{{/if}}", "open another"),
        ("{{#if a}}x{{^}}y{{/if}}", "write {{else}}"),
        ("{{~a~}}", "without ~"),
        ("{{}}", "empty tag"),
        ("{{{{raw}}}}x{{{{/raw}}}}", "two braces"),
        ("\\{{a}}", "backslash"),
    ];
    for (source, expected) in cases {
        let refusal = refusal(&format!("first\n{source}"));
        assert!(refusal.starts_with("line 2: "), "{source}: {refusal}");
        assert!(refusal.contains(expected), "{source}: {refusal}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused_where_it_begins() {
    let cases = [
        ("a\n{{#if x}}\nb", "line 2: this {{#if}} is never closed"),
        ("a{{/if}}", "line 1: this {{/if}} belongs to no"),
        ("{{else}}", "line 1: this {{else}} belongs to no"),
        (
            "{{#if a}}{{else}}{{else}}{{/if}}",
            "line 1: this {{#if}} has an {{else}} already",
        ),
        ("a {{name", "line 1: this {{ is never closed"),
        ("{{! a", "line 1: this comment is never closed"),
        ("{{! {{a}} }}", "line 1: a comment can have no"),
    ];
    for (source, expected) in cases {
        assert!(
            refusal(source).starts_with(expected),
            "{source}: {}",
            refusal(source)
        );
    }
}

#[test]
fn invisible_characters_are_refused_by_name() {
    for character in ['\u{202e}', '\u{2066}', '\0', '\u{1b}', '\r', '\u{85}'] {
        let code = format!("U+{:04X}", u32::from(character));
        assert!(
            refusal(&format!("a\nb{character}c")).contains(&code),
            "{code}"
        );
        assert!(
            refusal(&format!("a\nb{character}c")).starts_with("line 2"),
            "{code}"
        );
    }
}

#[test]
fn the_longest_source_is_4096_bytes() {
    assert!(compile(&"a".repeat(MAX_SOURCE_BYTES)).is_ok());
    assert!(refusal(&"a".repeat(MAX_SOURCE_BYTES + 1)).contains("4097 bytes"));
}

fn nested(depth: usize) -> String {
    format!("{}x{}", "{{#if a}}".repeat(depth), "{{/if}}".repeat(depth))
}

#[test]
fn eight_conditions_inside_each_other_are_enough() {
    assert!(compile(&nested(MAX_DEPTH)).is_ok());
    assert!(refusal(&nested(MAX_DEPTH + 1)).contains("inside each other"));
}

// handlebars 6.4.4 ends the process on each of these. No assertion about that could be caught: if
// one got through, the whole test run would abort.
#[test]
fn sources_that_abort_handlebars_never_reach_it() {
    let mutual = "{{#*inline \"a\"}}{{> b}}{{/inline}}{{#*inline \"b\"}}{{> a}}{{/inline}}{{> a}}";
    assert!(compile(mutual).is_err());
    assert!(compile(&nested(5000)).is_err());
    assert!(compile(&nested(200)).is_err());
    assert!(compile(&"{{#if (".repeat(500)).is_err());
    assert!(
        compile(&format!(
            "{{{{{}a{}}}}}",
            "(".repeat(1500),
            ")".repeat(1500)
        ))
        .is_err()
    );
    assert!(
        compile(&format!(
            "{{{{a {}{}}}}}",
            "[".repeat(1900),
            "]".repeat(1900)
        ))
        .is_err()
    );
    assert!(compile(&"{{#each a}}".repeat(300)).is_err());
    assert!(compile(&"{{!--".repeat(800)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_source_panics_and_what_compiles_uses_plain_fields(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "{{", "}}", "{", "}", "#if ", "/if", "else", "^", "~", "!", "--", "&", ">", "*",
                "a", "b_1", " ", "\n", "\\", "(", ")", "[", "]", "\"", ".", "/", "@", "é", "=", "|",
                "{{a}}", "{{#if a}}", "{{else}}", "{{/if}}", "{{! c }}", "this", "\u{a0}",
            ]),
            0..40,
        )
    ) {
        if let Ok(segments) = compile(&pieces.concat()) {
            for name in fields_used(&segments) {
                prop_assert!(fields::refusal(name).is_none());
            }
        }
    }
}
