//! Puts values into a compiled text: first what is the same for everyone, then what is one person's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::clean::Escape;
use super::compile::{Segment, push_text};

/// A field that is shown, is nobody's own, and has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the field \"{field}\" is not filled")]
pub struct Unfilled {
    /// Its name.
    pub field: String,
}

/// Puts the alert-wide values in, escaped for their place; done once per alert, channel, language
/// and part. What remains are words and the fields in `per_person`, which stay open even if
/// `values` has them. An `{{#if}}` on an absent or empty value is otherwise, never an error.
pub fn fill(
    segments: &[Segment],
    values: &BTreeMap<String, String>,
    per_person: &BTreeSet<String>,
    escape: Escape,
) -> Result<Vec<Segment>, Unfilled> {
    let mut filled = Vec::new();
    fill_into(
        &mut filled,
        segments,
        &Filling {
            values,
            per_person,
            escape,
        },
    )?;
    Ok(filled)
}

struct Filling<'a> {
    values: &'a BTreeMap<String, String>,
    per_person: &'a BTreeSet<String>,
    escape: Escape,
}

fn fill_into(
    out: &mut Vec<Segment>,
    segments: &[Segment],
    with: &Filling<'_>,
) -> Result<(), Unfilled> {
    for segment in segments {
        match segment {
            Segment::Text(text) => push_text(out, text),
            Segment::Field(name) if with.per_person.contains(name) => out.push(segment.clone()),
            Segment::Field(name) => {
                let value = with.values.get(name).ok_or_else(|| Unfilled {
                    field: name.clone(),
                })?;
                let mut text = String::new();
                with.escape.write(value, &mut text);
                push_text(out, &text);
            }
            Segment::If {
                field,
                then,
                otherwise,
            } if with.per_person.contains(field) => {
                let (mut yes, mut no) = (Vec::new(), Vec::new());
                fill_into(&mut yes, then, with)?;
                fill_into(&mut no, otherwise, with)?;
                out.push(Segment::If {
                    field: field.clone(),
                    then: yes,
                    otherwise: no,
                });
            }
            Segment::If {
                field,
                then,
                otherwise,
            } => {
                let value = with.values.get(field).map(String::as_str);
                let chosen = if has_value(value, with.escape) {
                    then
                } else {
                    otherwise
                };
                fill_into(out, chosen, with)?;
            }
        }
    }
    Ok(())
}

/// Writes one person's text. Cannot fail, and gives the same bytes for the same values: a value
/// that is absent is empty.
pub fn splice<'a>(
    segments: &[Segment],
    own: &dyn Fn(&str) -> Option<Cow<'a, str>>,
    escape: Escape,
) -> String {
    let mut out = String::with_capacity(256);
    splice_into(&mut out, segments, own, escape);
    out
}

fn splice_into<'a>(
    out: &mut String,
    segments: &[Segment],
    own: &dyn Fn(&str) -> Option<Cow<'a, str>>,
    escape: Escape,
) {
    for segment in segments {
        match segment {
            Segment::Text(text) => out.push_str(text),
            Segment::Field(name) => {
                if let Some(value) = own(name) {
                    escape.write(&value, out);
                }
            }
            Segment::If {
                field,
                then,
                otherwise,
            } => {
                let chosen = if has_value(own(field).as_deref(), escape) {
                    then
                } else {
                    otherwise
                };
                splice_into(out, chosen, own, escape);
            }
        }
    }
}

fn has_value(value: Option<&str>, escape: Escape) -> bool {
    value.is_some_and(|value| !escape.cleaned(value).is_empty())
}

#[cfg(test)]
mod tests;
