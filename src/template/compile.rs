//! Turns the source of a text into segments that can be filled without running anything.
//!
//! handlebars parses the source, so that white space around `{{#if}}` is treated as its users
//! expect. It never sees a source that could hurt: handlebars 6.4 overflows the stack, and so ends
//! the process, on deeply nested blocks and on partials that include each other. `scan` lets
//! through only the few tags that exist here, and what handlebars made of them is read with the
//! same suspicion.

mod scan;

use std::collections::BTreeSet;
use std::fmt;

use handlebars::template::{HelperTemplate, Parameter, Template as Parsed, TemplateElement};
use serde::{Deserialize, Serialize};

use super::fields;

/// The longest source, in bytes.
pub const MAX_SOURCE_BYTES: usize = 4096;
/// The most `{{#if}}` inside each other.
pub const MAX_DEPTH: usize = 8;

/// A piece of a compiled text. Serialises with one-letter names: it is stored with every alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Segment {
    /// Words that stand as they are, already escaped for their place. Never empty.
    #[serde(rename = "t")]
    Text(String),
    /// A field whose value goes here.
    #[serde(rename = "f")]
    Field(String),
    /// Two alternatives. A value that is empty or absent means otherwise.
    #[serde(rename = "i")]
    If {
        /// The field that decides.
        #[serde(rename = "f")]
        field: String,
        /// What stands here if the field has a value.
        #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
        then: Vec<Segment>,
        /// What stands here if not.
        #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
        otherwise: Vec<Segment>,
    },
}

/// Why a source is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CompileError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Compiles a source, or says on which line it must change. Terminates in time proportional to the
/// source's length, whatever the source.
pub fn compile(source: &str) -> Result<Vec<Segment>, CompileError> {
    scan::check(source)?;
    let parsed = Parsed::compile(source).map_err(|error| CompileError {
        line: error.pos().map_or(1, |(line, _)| line),
        message: error.reason().to_string(),
    })?;
    converted(&parsed)
}

fn converted(parsed: &Parsed) -> Result<Vec<Segment>, CompileError> {
    let mut segments = Vec::with_capacity(parsed.elements.len());
    for (index, element) in parsed.elements.iter().enumerate() {
        let line = parsed.mapping.get(index).map_or(1, |mapping| mapping.0);
        match element {
            TemplateElement::RawString(text) => push_text(&mut segments, text),
            TemplateElement::Comment(_) => {}
            TemplateElement::Expression(tag) => segments.push(field(tag, line)?),
            TemplateElement::HelperBlock(block) => segments.push(condition(block, line)?),
            _ => return Err(unknown(line)),
        }
    }
    Ok(segments)
}

fn field(tag: &HelperTemplate, line: usize) -> Result<Segment, CompileError> {
    let is_bare = tag.params.is_empty() && tag.hash.is_empty() && !tag.block;
    match tag.name.as_name() {
        Some(name) if is_bare && fields::refusal(name).is_none() => {
            Ok(Segment::Field(name.to_owned()))
        }
        _ => Err(unknown(line)),
    }
}

fn condition(block: &HelperTemplate, line: usize) -> Result<Segment, CompileError> {
    let is_if = block.name.as_name() == Some("if")
        && block.hash.is_empty()
        && block.block_param.is_none()
        && !block.chain;
    let [Parameter::Path(path)] = block.params.as_slice() else {
        return Err(unknown(line));
    };
    let handlebars::Path::Relative((_, name)) = path else {
        return Err(unknown(line));
    };
    if !is_if || fields::refusal(name).is_some() {
        return Err(unknown(line));
    }
    let branch = |branch: &Option<Parsed>| branch.as_ref().map_or(Ok(Vec::new()), converted);
    Ok(Segment::If {
        field: name.clone(),
        then: branch(&block.template)?,
        otherwise: branch(&block.inverse)?,
    })
}

fn unknown(line: usize) -> CompileError {
    CompileError {
        line,
        message: scan::ALLOWED.to_owned(),
    }
}

/// Adds words to the end: to the last segment if that is words too, so that none is empty and no
/// two are adjacent.
pub(super) fn push_text(segments: &mut Vec<Segment>, text: &str) {
    if text.is_empty() {
        return;
    }
    match segments.last_mut() {
        Some(Segment::Text(last)) => last.push_str(text),
        _ => segments.push(Segment::Text(text.to_owned())),
    }
}

/// Every field that the segments mention, shown or tested, in both alternatives.
pub fn fields_used(segments: &[Segment]) -> BTreeSet<&str> {
    let mut used = BTreeSet::new();
    collect_fields(segments, &mut used);
    used
}

fn collect_fields<'a>(segments: &'a [Segment], used: &mut BTreeSet<&'a str>) {
    for segment in segments {
        match segment {
            Segment::Text(_) => {}
            Segment::Field(name) => {
                used.insert(name);
            }
            Segment::If {
                field,
                then,
                otherwise,
            } => {
                used.insert(field);
                collect_fields(then, used);
                collect_fields(otherwise, used);
            }
        }
    }
}

#[cfg(test)]
mod tests;
