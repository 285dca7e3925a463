//! Checks what an SMS costs, at its longest, drill marks included.

use std::collections::BTreeMap;

use super::super::segments::{self, Encoding};
use super::super::{Escape, Part, PartKey, Segment, exercise};
use super::Findings;
use crate::channel::Channel;

/// More parts than this are worth a second look: they cost, and may arrive out of order.
const COMFORTABLE: usize = 2;
/// More parts than this are refused by some networks.
const MOST: usize = 4;

pub(super) fn check(
    key: &PartKey,
    source: &str,
    compiled: &[Segment],
    values: &BTreeMap<String, String>,
    findings: &mut Findings,
) {
    let place = key.path();
    let marked = exercise::mark(compiled, Channel::Sms, Part::Text, &key.language);
    let longest = longest(&marked, values);
    let size = segments::count(&longest);
    if let Some((line, column, character)) = outside(source) {
        findings.warning(
            &place,
            format!(
                "line {line}, character {column}: \"{character}\" (U+{:04X}) is not in the SMS \
                 alphabet, so 70 characters fill a message instead of 160",
                u32::from(character)
            ),
        );
    } else if let (Encoding::Ucs2, Some(character)) = (size.encoding, size.culprit) {
        findings.warning(
            &place,
            format!("an example or option has \"{character}\", which is not in the SMS alphabet"),
        );
    }
    let message = || {
        format!(
            "at its longest this is {} SMS ({} of {} places, the marks of a drill included): \
             shorten it",
            size.parts,
            size.units,
            size.units + size.left
        )
    };
    if size.parts > MOST {
        findings.error(&place, message());
    } else if size.parts > COMFORTABLE {
        findings.warning(&place, message());
    }
}

/// The text with the longer alternative of every `{{#if}}`.
pub(super) fn longest(segments: &[Segment], values: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    for segment in segments {
        match segment {
            Segment::Text(text) => out.push_str(text),
            Segment::Field(name) => {
                Escape::Sms.write(values.get(name).map_or("", String::as_str), &mut out);
            }
            Segment::If {
                then, otherwise, ..
            } => {
                let (yes, no) = (longest(then, values), longest(otherwise, values));
                let is_longer = segments::count(&yes).units >= segments::count(&no).units;
                out.push_str(if is_longer { &yes } else { &no });
            }
        }
    }
    out
}

/// Line, column and character of the first that is not in GSM 03.38, counted from 1.
fn outside(source: &str) -> Option<(usize, usize, char)> {
    (1..).zip(source.lines()).find_map(|(line, text)| {
        let mut characters = (1..).zip(text.chars());
        characters
            .find(|(_, c)| segments::septets(*c).is_none())
            .map(|(column, character)| (line, column, character))
    })
}
