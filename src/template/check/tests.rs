//! Each finding, provoked by one change to a template that has none.

use super::super::load;
use super::super::sample::{closure, closure_with, rescheduling};
use super::*;
use crate::alert::words::{AlertKind, Mode, Severity};

fn shown(template: &Template) -> Vec<String> {
    check(template).iter().map(ToString::to_string).collect()
}

/// Whether one change to one file makes a finding that begins with `level: place:` and has `words`.
#[track_caller]
fn assert_finds(file: &str, from: &str, to: &str, level_and_place: &str, words: &str) {
    let findings = shown(&closure_with(file, from, to));
    assert!(
        findings
            .iter()
            .any(|f| f.starts_with(level_and_place) && f.contains(words)),
        "{findings:#?}"
    );
}

#[test]
fn a_good_template_has_no_findings() {
    assert_eq!(shown(&closure()), Vec::<String>::new());
}

#[test]
fn an_undeclared_field_is_an_error() {
    assert_finds(
        "es/sms.hbs",
        "{{reason}}",
        "{{razon}}",
        "error: es/sms.hbs",
        "{{razon}}",
    );
}

#[test]
fn a_text_that_does_not_compile_is_an_error_with_its_line() {
    assert_finds(
        "en/voice.hbs",
        "Press",
        "{{#each x}}",
        "error: en/voice.hbs: line 1",
        "not allowed",
    );
}

#[test]
fn what_a_follow_up_is_about_exists_only_in_follow_ups() {
    let mut template = closure_with(
        "en/sms.hbs",
        "{{reason}}",
        "{{about}} of {{about_time}} {{reason}}",
    );
    assert!(shown(&template)[0].contains("only an update, a correction or an all-clear"));
    template.kind = AlertKind::Update;
    assert_eq!(shown(&template), Vec::<String>::new());
}

#[test]
fn a_required_variable_that_a_language_never_says_is_an_error() {
    let mut template = closure();
    for (key, text) in &mut template.parts {
        if key.language.as_str() == "es" {
            *text = text.replace("{{reason}}", "algo");
        }
    }
    let findings = shown(&template);
    assert_eq!(
        findings,
        ["error: template.toml: variable \"reason\" is in no es text"]
    );
}

#[test]
fn options_must_be_answerable() {
    let toml = "template.toml";
    assert_finds(
        toml,
        "class = \"positive\"",
        "class = \"negative\"",
        "error",
        "must be of class",
    );
    assert_finds(
        toml,
        "key = \"help\"",
        "key = \"read\"",
        "error",
        "two options with the key",
    );
    assert_finds(
        toml,
        "es = \"leido\"",
        "fr = \"lu\"",
        "error",
        "short of option read has no words in es",
    );
    assert_finds(
        toml,
        "en = \"read\"",
        "en = \"Yes\"",
        "error",
        "act on the reply \"Yes\"",
    );
    let mut none = closure();
    none.options.clear();
    assert!(
        shown(&none)
            .iter()
            .any(|finding| finding.contains("nobody could answer"))
    );
    let mut many = closure();
    many.options = vec![many.options[0].clone(); 10];
    assert!(
        shown(&many)
            .iter()
            .any(|finding| finding.contains("the digits end at 9"))
    );
}

#[test]
fn a_plan_that_cannot_work_is_an_error() {
    let toml = "template.toml";
    assert_finds(
        toml,
        "channels = [\"sms\"]",
        "channels = [\"push\"]",
        "error",
        "the plan uses push",
    );
    assert_finds(
        toml,
        "after_seconds = 300",
        "after_seconds = 0",
        "error",
        "not in order of time",
    );
    assert_finds(
        toml,
        "after_seconds = 300",
        "after_seconds = 86400",
        "warning",
        "has expired",
    );
}

#[test]
fn an_sms_that_nobody_could_answer_is_an_error() {
    let file = "en/sms.hbs";
    let answers = "{{answers}} or open {{link}} now.";
    assert_finds(
        file,
        answers,
        "Ask.",
        "error: en/sms.hbs",
        "nobody could answer",
    );
}

#[test]
fn an_sms_of_more_than_two_parts_is_a_warning_and_of_more_than_four_an_error() {
    let long = |length: usize| "x".repeat(length);
    let file = "en/sms.hbs";
    assert_finds(file, "now", &long(200), "warning: en/sms.hbs", "3 SMS");
    assert_finds(file, "now", &long(600), "error: en/sms.hbs", "6 SMS");
}

#[test]
fn the_length_is_that_of_the_longest_alternative_with_the_marks_of_a_drill() {
    let template = closure();
    let en = template.languages[0].clone();
    let source = template
        .part(crate::channel::Channel::Sms, &en, super::super::Part::Text)
        .unwrap();
    let segments = super::super::compile(source).unwrap();
    let values = examples::values(&template, &en);
    let longest = sms::longest(&segments, &values);
    assert_eq!(
        longest,
        "Riverside Clinic is closed since 14:02: burst pipe, until tomorrow 08:00. Reply 1 read, \
         2 need help or open https://alert.riverside.example/a/4Wq8mZ2rT6yP1kX9vN3cH7 now."
    );
}

#[test]
fn a_character_outside_the_sms_alphabet_is_named_with_its_place() {
    let (file, place) = ("es/sms.hbs", "warning: es/sms.hbs: line 1, character 19");
    assert_finds(file, "cierra", "cí", place, "\"í\" (U+00ED)");
}

#[test]
fn words_that_phones_act_on_are_refused_as_instructions_only() {
    let file = "en/sms.hbs";
    assert_finds(
        file,
        "now.",
        "or reply stop.",
        "error: en/sms.hbs",
        "the reply \"stop\"",
    );
    assert_finds(
        file,
        "now.",
        "STOP",
        "error: en/sms.hbs",
        "the reply \"STOP\"",
    );
    let template = closure_with(file, "now.", "until the end.");
    assert_eq!(shown(&template), Vec::<String>::new());
}

#[test]
fn this_is_not_a_drill_is_never_said() {
    let file = "en/voice.hbs";
    assert_finds(
        file,
        "Press",
        "This is\nNOT a drill. Press",
        "error: en/voice.hbs",
        "not a drill",
    );
}

#[test]
fn words_of_a_persons_health_are_pointed_out() {
    let file = "en/email.text.hbs";
    assert_finds(
        file,
        "closed:",
        "closed (HIV test):",
        "warning: en/email.text.hbs",
        "\"hiv\"",
    );
    let template = closure_with(file, "closed:", "closed (behives):");
    assert_eq!(shown(&template), Vec::<String>::new());
}

#[test]
fn a_default_without_translation_is_a_warning() {
    let toml = "template.toml";
    assert_finds(
        toml,
        "es = \"nuevo aviso\"",
        "",
        "warning",
        "\"further notice\" has no es text",
    );
}

#[test]
fn html_must_be_whole_quiet_and_safe() {
    let (file, error) = ("en/email.html.hbs", "error: en/email.html.hbs");
    assert_finds(
        file,
        " lang=\"en\"",
        "",
        "warning: en/email.html.hbs",
        "lang=\"en\"",
    );
    assert_finds(file, "<body>", "", error, "needs <body>");
    assert_finds(
        file,
        "<p>",
        "<img src=\"https://x.example/y.png\"><p>",
        error,
        "has <img",
    );
    assert_finds(
        file,
        "<p>",
        "<p title=\"{{reason}}\">",
        error,
        "line 1: inside a tag",
    );
    assert_finds(
        file,
        "href=\"{{link}}\"",
        "href={{link}}",
        error,
        "inside a tag",
    );
    assert_finds(
        file,
        "href=\"{{link}}\"",
        "href=\"{{reason}}\"",
        error,
        "inside a tag",
    );
}

#[test]
fn a_warning_of_danger_says_since_when_on_every_channel() {
    let mut template = closure();
    template.severity = Severity::Extreme;
    let findings = shown(&template);
    let missing: Vec<_> = findings.iter().filter(|f| f.contains("{{time}}")).collect();
    let places = [
        "en/email.text.hbs",
        "en/voice.hbs",
        "es/email.text.hbs",
        "es/voice.hbs",
    ];
    assert_eq!(missing.len(), places.len(), "{findings:#?}");
    for (finding, place) in missing.iter().zip(places) {
        assert!(finding.contains(place), "{finding}");
    }
}

#[test]
fn a_variable_without_a_sensible_example_is_an_error() {
    let toml = "template.toml";
    assert_finds(
        toml,
        "max_length = 60",
        "max_length = 5",
        "error",
        "\"burst pipe\": the variable",
    );
    let mut bare = rescheduling();
    bare.variables[0].example.clear();
    assert!(
        shown(&bare)
            .iter()
            .any(|finding| finding.contains("has no example"))
    );
}

#[test]
fn a_stray_file_is_a_warning() {
    let mut template = closure();
    template.unused_files.push("fr/sms.hbs".to_owned());
    assert!(shown(&template)[0].starts_with("warning: fr/sms.hbs: is not used"));
}

#[test]
fn the_templates_that_come_along_have_no_errors_and_fit_two_sms() {
    for template in load::embedded().templates {
        let findings = shown(&template);
        let serious = |finding: &&String| {
            finding.starts_with("error")
                || finding.contains("SMS (")
                || finding.contains("alphabet")
        };
        let serious: Vec<_> = findings.iter().filter(serious).collect();
        assert!(serious.is_empty(), "{}: {serious:#?}", template.name);
    }
}

#[test]
fn the_templates_that_come_along_can_be_sent_in_every_language_live_and_as_a_drill() {
    let templates = load::embedded().templates;
    assert!(templates.len() >= 10);
    for template in &templates {
        for (language, channel) in template
            .languages
            .iter()
            .flat_map(|l| template.channels.iter().map(move |c| (l, *c)))
        {
            let values = examples::values(template, language);
            let own = |name: &str| values.get(name).map(|value| value.as_str().into());
            for mode in Mode::ALL {
                let filled =
                    super::super::message::fill(template, channel, language, &values, *mode);
                let texts = filled.unwrap().splice(channel, &own);
                let all = [Some(texts.text), texts.subject, texts.html];
                for text in all.iter().flatten() {
                    assert!(
                        !text.contains("{{") && !text.trim().is_empty(),
                        "{}",
                        template.name
                    );
                }
            }
        }
    }
}
