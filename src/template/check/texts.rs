//! Checks the texts: that each compiles, uses only fields that exist, and says what it must.

use std::collections::{BTreeMap, BTreeSet};

use super::super::compile::fields_used;
use super::super::{Escape, Part, PartKey, Segment, Template, compile, fields, reference};
use super::{Findings, examples, html, sms, wording};
use crate::alert::words::Language;
use crate::channel::Channel;

/// The compiled texts of one language.
type Compiled = BTreeMap<PartKey, Vec<Segment>>;

pub(super) fn check(template: &Template, findings: &mut Findings) {
    check_texts(template, true, findings);
}

/// What a call-out says later, which need not repeat everything.
pub(super) fn check_later(later: &Template, findings: &mut Findings) {
    check_texts(later, false, findings);
}

fn check_texts(template: &Template, uses_all: bool, findings: &mut Findings) {
    for language in &template.languages {
        let values = examples::values(template, language);
        let mut compiled = Compiled::new();
        for channel in &template.channels {
            for part in Part::of(*channel) {
                let key = PartKey {
                    channel: *channel,
                    language: language.clone(),
                    part: *part,
                };
                if let Some(segments) = one(template, &key, &values, findings) {
                    compiled.insert(key, segments);
                }
            }
        }
        if uses_all {
            variables_are_used(template, language, &compiled, findings);
        }
        for channel in &template.channels {
            whole_message(template, *channel, language, &compiled, findings);
        }
    }
}

/// One text by itself. None if it does not compile.
fn one(
    template: &Template,
    key: &PartKey,
    values: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Option<Vec<Segment>> {
    let place = key.path();
    let Some(source) = template.parts.get(key) else {
        findings.error(&place, "is missing");
        return None;
    };
    let segments = match compile(source) {
        Ok(segments) => segments,
        Err(error) => {
            findings.error(&place, error.to_string());
            return None;
        }
    };
    if segments.is_empty() {
        findings.error(&place, "is empty");
        return None;
    }
    if key.part == Part::Subject && source.contains('\n') {
        findings.error(&place, "a subject is one line");
    }
    wording::check(key, source, findings);
    if !fields_exist(template, &place, &segments, findings) {
        return Some(segments);
    }
    let escape = Escape::of(key.channel, key.part);
    let per_person = template.per_person();
    if let Some(difference) = reference::difference(source, values, &per_person, escape) {
        findings.error(&place, difference);
    }
    match (key.channel, key.part) {
        (Channel::Sms, _) => sms::check(key, source, &segments, values, findings),
        (Channel::Email, Part::Html) => html::check(key, source, &segments, findings),
        _ => {}
    }
    Some(segments)
}

fn fields_exist(
    template: &Template,
    place: &str,
    segments: &[Segment],
    findings: &mut Findings,
) -> bool {
    let mut all_exist = true;
    for field in fields_used(segments) {
        let always = fields::ALERT_WIDE.contains(&field) || fields::PER_PERSON.contains(&field);
        if always || template.variable(field).is_some() {
            continue;
        }
        let is_follow_up = fields::FOLLOW_UP.contains(&field);
        if is_follow_up && template.follows() {
            continue;
        }
        all_exist = false;
        let reason = if is_follow_up {
            "only an update, a correction or an all-clear follows another alert"
        } else {
            "declare it as a [[variable]] in template.toml, or correct its name"
        };
        findings.error(
            place,
            format!("there is no field {{{{{field}}}}}: {reason}"),
        );
    }
    all_exist
}

fn variables_are_used(
    template: &Template,
    language: &Language,
    compiled: &Compiled,
    findings: &mut Findings,
) {
    let used: BTreeSet<&str> = compiled
        .values()
        .flat_map(|segments| fields_used(segments))
        .collect();
    for variable in &template.variables {
        let name = variable.name.as_str();
        if used.contains(name) {
            continue;
        }
        let message = format!("variable \"{name}\" is in no {language} text");
        if variable.required {
            findings.error("template.toml", message);
        } else {
            findings.warning("template.toml", message);
        }
    }
}

/// What a message must have somewhere, whichever part it is in.
fn whole_message(
    template: &Template,
    channel: Channel,
    language: &Language,
    compiled: &Compiled,
    findings: &mut Findings,
) {
    let parts = || {
        compiled
            .iter()
            .filter(move |(key, _)| key.channel == channel && key.language == *language)
    };
    let used: BTreeSet<&str> = parts()
        .flat_map(|(_, segments)| fields_used(segments))
        .collect();
    let Some((first, _)) = parts().next() else {
        return;
    };
    let place = &PartKey {
        part: Part::Text,
        ..first.clone()
    }
    .path();
    let has_answer = used.contains(fields::LINK) || used.contains(fields::ANSWERS);
    let has_options = !template.options.is_empty();
    match channel {
        Channel::Sms if has_options && !has_answer => {
            findings.error(place, "nobody could answer: use {{answers}} or {{link}}");
        }
        Channel::Email if has_options && !used.contains(fields::LINK) => {
            findings.warning(place, "the e-mail has no {{link}} to answer with");
        }
        Channel::Voice => voice(template, place, language, &used, findings),
        _ => {}
    }
    if template.severity.is_life_safety() && !used.contains(fields::TIME) {
        findings.warning(place, "a warning of danger says since when: use {{time}}");
    }
    if !used.contains(fields::ORGANISATION) {
        findings.warning(place, "nothing says who is speaking: use {{organisation}}");
    }
}

fn voice(
    template: &Template,
    place: &str,
    language: &Language,
    used: &BTreeSet<&str>,
    findings: &mut Findings,
) {
    if used.contains(fields::LINK) || used.contains(fields::ANSWERS) {
        findings.warning(
            place,
            "a link and an SMS reply cannot be spoken: say which key to press",
        );
    }
    let spoken = template
        .part(Channel::Voice, language, Part::Text)
        .unwrap_or_default();
    for digit in 1..=template.options.len() {
        if !spoken.contains(&digit.to_string()) {
            findings.warning(place, format!("nothing says what key {digit} does"));
        }
    }
}
