//! Checks the HTML part: that a value cannot become markup, and that a reader needs nothing else.

use super::super::{PartKey, Segment, exercise, fields};
use super::Findings;

/// What makes a mail program fetch or run something.
const OUTSIDE: [&str; 8] = [
    "<script", "<img", "<iframe", "<link", "<form", "@import", "url(", " src=",
];

pub(super) fn check(key: &PartKey, source: &str, compiled: &[Segment], findings: &mut Findings) {
    let place = key.path();
    let lower = source.to_ascii_lowercase();
    let in_words = |find: fn(&str) -> Option<usize>| {
        compiled.iter().any(|segment| {
            matches!(segment, Segment::Text(text) if find(&text.to_ascii_lowercase()).is_some())
        })
    };
    if !in_words(exercise::after_body_opens) || !in_words(exercise::before_body_ends) {
        findings.error(
            &place,
            "needs <body> and </body>, outside of {{#if}}: a drill is marked there",
        );
    }
    let wanted = format!(
        "<html lang=\"{}\"",
        key.language.as_str().to_ascii_lowercase()
    );
    if !lower.contains(&wanted) {
        findings.warning(
            &place,
            format!(
                "begin with <html lang=\"{}\">, so that it is read aloud rightly",
                key.language
            ),
        );
    }
    for tag in OUTSIDE.iter().filter(|tag| lower.contains(**tag)) {
        let tag = tag.trim();
        findings.error(
            &place,
            format!("has {tag}: a message needs nothing from outside"),
        );
    }
    for (at, _) in source.match_indices("{{") {
        if let Some(message) = misplaced(&lower[..at], &source[at..]) {
            let line = source[..at].matches('\n').count() + 1;
            findings.error(&place, format!("line {line}: {message}"));
        }
    }
}

/// Escaping protects the text between tags, and quoted attributes that hold our own addresses.
fn misplaced(before: &str, tag: &str) -> Option<&'static str> {
    if before.rfind("<style") > before.rfind("</style") {
        return Some("a field cannot stand in <style>");
    }
    let inside_tag = before.rfind('<') > before.rfind('>');
    let is = |field: &str| tag.trim_start_matches(['{', ' ']).starts_with(field);
    let allowed = (before.ends_with("href=\"") && is(fields::LINK))
        || (before.ends_with("href=\"tel:") && is(fields::PHONE));
    (inside_tag && !allowed).then_some(
        "inside a tag only href=\"{{link}}\" and href=\"tel:{{phone}}\" can have a field: put it \
         between the tags",
    )
}
