//! Renders with handlebars itself, to prove that compiling, filling and splicing say the same.
//!
//! For checking only, and only after [`compile()`] let the source through: handlebars is never run
//! on a source that it might not survive, and never while messages are going out.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::Handlebars;

use super::clean::Escape;
use super::compile::{Segment, compile};
use super::fill;

/// What handlebars makes of the source, in strict mode, with cleaned values.
pub fn render(
    source: &str,
    values: &BTreeMap<String, String>,
    escape: Escape,
) -> Result<String, String> {
    compile(source).map_err(|error| error.to_string())?;
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    if escape == Escape::Html {
        registry.register_escape_fn(handlebars::html_escape);
    } else {
        registry.register_escape_fn(handlebars::no_escape);
    }
    let values: BTreeMap<&str, _> = values
        .iter()
        .map(|(name, value)| (name.as_str(), escape.cleaned(value)))
        .collect();
    registry
        .render_template(source, &values)
        .map_err(|error| error.to_string())
}

/// Says in words how our own rendering differs from handlebars', if it does: with every value, with
/// none, and with each in turn left empty.
pub fn difference(
    source: &str,
    values: &BTreeMap<String, String>,
    per_person: &BTreeSet<String>,
    escape: Escape,
) -> Option<String> {
    let segments = match compile(source) {
        Ok(segments) => segments,
        Err(error) => return Some(error.to_string()),
    };
    let emptied = |is_empty: &dyn Fn(&str) -> bool| -> BTreeMap<String, String> {
        let value = |name: &str, value: &str| {
            if is_empty(name) {
                String::new()
            } else {
                value.to_owned()
            }
        };
        values
            .iter()
            .map(|(name, v)| (name.clone(), value(name, v)))
            .collect()
    };
    let mut cases = vec![values.clone(), emptied(&|_| true)];
    cases.extend(values.keys().map(|empty| emptied(&|name| name == empty)));

    cases.iter().find_map(|values| {
        let theirs = render(source, values, escape);
        match (ours(&segments, values, per_person, escape), theirs) {
            (Ok(ours), Ok(theirs)) if ours == theirs => None,
            (Ok(_), Ok(_)) => Some("would be sent otherwise than handlebars shows it".to_owned()),
            (Err(problem), _) | (_, Err(problem)) => Some(problem),
        }
    })
}

/// What is really sent, as one text.
fn ours(
    segments: &[Segment],
    values: &BTreeMap<String, String>,
    per_person: &BTreeSet<String>,
    escape: Escape,
) -> Result<String, String> {
    let filled =
        fill::fill(segments, values, per_person, escape).map_err(|error| error.to_string())?;
    let own = |name: &str| values.get(name).map(|value| value.as_str().into());
    Ok(fill::splice(&filled, &own, escape))
}
