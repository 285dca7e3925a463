//! Reads `template.toml`: what a template is, apart from its texts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use super::super::{Expected, Template, Variable, fields};
use crate::alert::words::{AlertKind, Language, Purpose, Severity};
use crate::call_out::{TemplateCallOut, Wanted};
use crate::channel::Channel;
use crate::plan::Plan;
use crate::response::option::AnswerOption;

/// The longest time a template may ask for: nothing goes out a month later.
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// The file, to the letter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    severity: Severity,
    purpose: Purpose,
    kind: AlertKind,
    channels: Vec<Channel>,
    languages: Vec<Language>,
    #[serde(default)]
    audience: Vec<String>,
    #[serde(default)]
    expected: Option<Expected>,
    expires_in: String,
    review_by: String,
    title: BTreeMap<Language, String>,
    hint: BTreeMap<Language, String>,
    #[serde(default, rename = "variable")]
    variables: Vec<Variable>,
    #[serde(default, rename = "option")]
    options: Vec<AnswerOption>,
    #[serde(default)]
    call_out: Option<TemplateCallOut>,
    plan: Plan,
}

/// A template without its texts, or everything that is wrong with the file.
pub(super) fn read(name: &str, text: &str) -> Result<Template, Vec<String>> {
    let manifest: Manifest = toml::from_str(text).map_err(|error| vec![in_words(&error, text)])?;
    let mut problems = Vec::new();
    languages(&manifest, &mut problems);
    names(&manifest, &mut problems);
    if manifest.channels.is_empty() {
        problems.push("channels: name one at least".to_owned());
    }
    if has_twice(&manifest.channels) {
        problems.push("channels: one is named twice".to_owned());
    }
    if let Some(call_out) = &manifest.call_out {
        let usual = Wanted {
            needed: call_out.needed.unwrap_or(1),
            answer_within: None,
            ahead: None,
        };
        let problem = call_out.settings(&usual).problem();
        problems.extend(problem.map(|problem| format!("call_out: {problem}")));
    }
    let expires_in = span(&manifest.expires_in);
    if expires_in.is_none() {
        problems
            .push("expires_in: write hours or minutes, like \"12h\" or \"90m\", up to 720h".into());
    }
    let review_by = manifest.review_by.parse().ok();
    if review_by.is_none() {
        problems.push("review_by: write a day, like \"2027-11-01\"".to_owned());
    }
    let (Some(expires_in), Some(review_by), true) = (expires_in, review_by, problems.is_empty())
    else {
        return Err(problems);
    };
    Ok(Template {
        name: name.to_owned(),
        title: manifest.title,
        hint: manifest.hint,
        severity: manifest.severity,
        purpose: manifest.purpose,
        kind: manifest.kind,
        channels: manifest.channels,
        languages: manifest.languages,
        audience: manifest.audience,
        expected: manifest.expected,
        expires_in,
        review_by,
        plan: manifest.plan,
        variables: manifest.variables,
        options: manifest.options,
        call_out: manifest.call_out,
        later: BTreeMap::new(),
        parts: BTreeMap::new(),
        unused_files: Vec::new(),
        hash: String::new(),
    })
}

/// toml's message in one line, with the place; it names unknown keys and what could stand there.
fn in_words(error: &toml::de::Error, text: &str) -> String {
    let line = error
        .span()
        .map(|span| text[..span.start].matches('\n').count() + 1);
    let message = error.message().replace('\n', ", ");
    line.map_or(message.clone(), |line| format!("line {line}: {message}"))
}

/// Languages become folders' names and keys, so each must be the tag that [`Language`] makes of it.
fn languages(manifest: &Manifest, problems: &mut Vec<String>) {
    if manifest.languages.is_empty() {
        problems.push("languages: name one at least; the first is the fallback".to_owned());
    }
    if has_twice(&manifest.languages) {
        problems.push("languages: one is named twice".to_owned());
    }
    let texts = [&manifest.title, &manifest.hint]
        .into_iter()
        .chain(manifest.variables.iter().map(|variable| &variable.label))
        .chain(
            manifest
                .variables
                .iter()
                .flat_map(|v| v.choices.iter().map(|choice| &choice.text)),
        )
        .chain(
            manifest
                .options
                .iter()
                .flat_map(|option| [&option.label, &option.short]),
        );
    let mut wrong: BTreeSet<&Language> = manifest.languages.iter().collect();
    wrong.extend(texts.flat_map(BTreeMap::keys));
    wrong.retain(|language| Language::parse(language.as_str()).as_ref() != Some(*language));
    problems.extend(wrong.into_iter().map(|language| {
        format!("\"{language}\" is not a language's tag: write it like \"en\", \"es\", \"pt-BR\"")
    }));
}

/// A variable's name must be one that a text can use, and nobody else's.
fn names(manifest: &Manifest, problems: &mut Vec<String>) {
    let taken = [fields::ALERT_WIDE, fields::PER_PERSON, fields::FOLLOW_UP].concat();
    let mut seen = BTreeSet::new();
    for variable in &manifest.variables {
        let name = variable.name.as_str();
        if let Some(reason) = fields::refusal(name) {
            problems.push(format!("variable: {reason}"));
        } else if taken.contains(&name) {
            problems.push(format!(
                "variable: \"{name}\" is always there: call it otherwise"
            ));
        } else if !seen.insert(name) {
            problems.push(format!("variable: there are two called \"{name}\""));
        }
    }
}

fn has_twice<T: Ord>(values: &[T]) -> bool {
    values.iter().collect::<BTreeSet<_>>().len() < values.len()
}

/// `12h` or `90m`.
fn span(text: &str) -> Option<Duration> {
    let (number, minutes) = match text.strip_suffix('h') {
        Some(number) => (number, 60),
        None => (text.strip_suffix('m')?, 1),
    };
    let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    let minutes = is_number
        .then(|| number.parse::<u64>().ok())??
        .checked_mul(minutes)?;
    let span = Duration::from_secs(minutes.checked_mul(60)?);
    (!span.is_zero() && span <= LONGEST).then_some(span)
}
