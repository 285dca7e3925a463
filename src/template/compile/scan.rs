//! Reads a source before handlebars does, and lets through only what this program allows.

use super::super::clean::reorders;
use super::super::fields::{self, shortened};
use super::{CompileError, MAX_DEPTH, MAX_SOURCE_BYTES};

/// What to write instead of anything else.
pub(super) const ALLOWED: &str =
    "only {{field}} and {{#if field}}…{{else}}…{{/if}} can be used in a message";

/// One tag of the source.
enum Tag<'a> {
    Field(&'a str),
    If(&'a str),
    Else,
    EndIf,
}

/// An `{{#if}}` that is still open.
struct Open {
    line: usize,
    has_else: bool,
}

/// Refuses a source that is too long, too deep, hard to read, or has any tag but ours.
pub(super) fn check(source: &str) -> Result<(), CompileError> {
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!(
            "the text has {} bytes, and the most is {MAX_SOURCE_BYTES}: shorten it",
            source.len()
        );
        return Err(CompileError { line: 1, message });
    }
    characters(source)?;

    let mut open: Vec<Open> = Vec::new();
    let mut position = 0;
    while let Some(found) = source[position..].find("{{") {
        let start = position + found;
        let line = line_of(source, start);
        if source[..start].ends_with('\\') {
            return refuse(
                line,
                "a backslash before {{ would show the tag itself: leave it out",
            );
        }
        let tag = &source[start..];
        position = start
            + if tag.starts_with("{{!") {
                comment(tag, line)?
            } else {
                let (tag, length) = read_tag(tag, line)?;
                nest(&tag, line, &mut open)?;
                length
            };
    }
    match open.first() {
        Some(open) => refuse(open.line, "this {{#if}} is never closed: add {{/if}}"),
        None => Ok(()),
    }
}

fn characters(source: &str) -> Result<(), CompileError> {
    let is_bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || reorders(c);
    match source.char_indices().find(|(_, c)| is_bad(*c)) {
        None => Ok(()),
        Some((at, c)) => refuse(
            line_of(source, at),
            &format!(
                "there is an invisible character (U+{:04X}): delete it",
                u32::from(c)
            ),
        ),
    }
}

/// The length of the comment that `source` begins with. Comments with another tag or dashes inside
/// are refused, so that there is one way only to see where a comment ends.
fn comment(source: &str, line: usize) -> Result<usize, CompileError> {
    let dashed = source.starts_with("{{!--");
    let (opening, closing) = if dashed {
        ("{{!--", "--}}")
    } else {
        ("{{!", "}}")
    };
    let body = &source[opening.len()..];
    let end = body.find(closing).unwrap_or(body.len());
    if end == body.len() {
        return refuse(
            line,
            &format!("this comment is never closed: add {closing}"),
        );
    }
    let body = &body[..end];
    if body.contains("{{") || body.contains("}}") || body.contains("--") {
        return refuse(
            line,
            "a comment can have no {{, }} or -- inside: leave them out",
        );
    }
    Ok(opening.len() + end + closing.len())
}

/// The tag that `source` begins with, and its length.
fn read_tag(source: &str, line: usize) -> Result<(Tag<'_>, usize), CompileError> {
    let inside = &source[2..];
    let Some(end) = inside.find("}}") else {
        return refuse(line, "this {{ is never closed: add }}");
    };
    let inside = &inside[..end];
    let words: Vec<&str> = inside.split_ascii_whitespace().collect();
    let tag = match words.as_slice() {
        ["else"] => Tag::Else,
        ["/if"] => Tag::EndIf,
        ["#if", field] => Tag::If(field),
        [field] if !field.contains(MARKS) && *field != "this" => Tag::Field(field),
        _ => return refuse(line, &advice(inside)),
    };
    if let Tag::Field(name) | Tag::If(name) = tag
        && let Some(reason) = fields::refusal(name)
    {
        return refuse(line, &reason);
    }
    Ok((tag, end + 4))
}

/// What a tag has that handlebars knows and a message does not.
const MARKS: [char; 13] = [
    '#', '/', '>', '*', '&', '{', '~', '^', '@', '.', '(', '[', '"',
];

/// What to write instead of a tag that does not exist here.
fn advice(inside: &str) -> String {
    let trimmed = inside.trim();
    let words: Vec<&str> = trimmed.split_ascii_whitespace().collect();
    let instead = match words.as_slice() {
        [] => "an empty tag: write the name of a field between {{ and }}",
        _ if trimmed.starts_with('{') || trimmed.starts_with('&') => {
            "values are always escaped where they must be: write {{field}} with two braces"
        }
        _ if trimmed.contains('~') => {
            "write the tag without ~, and leave no space where none is wanted"
        }
        ["else", ..] => "close the first {{#if}} with {{/if}} inside {{else}}, and open another",
        ["^"] => "write {{else}}",
        ["#if"] => "name the field that decides: {{#if field}}",
        ["#if", ..] => "{{#if}} takes one field: {{#if field}}",
        ["#unless" | "^if", ..] => "write {{#if field}}{{else}}…{{/if}}",
        _ if trimmed.starts_with('>') || trimmed.starts_with("#>") => {
            "texts cannot include each other: write the words here"
        }
        [first, ..] if first.contains('.') || first.contains('/') || *first == "this" => {
            "fields have plain names, without . or /"
        }
        _ => ALLOWED,
    };
    if instead == ALLOWED {
        format!("{{{{{}}}}} is not allowed: {ALLOWED}", shortened(trimmed))
    } else {
        format!("{{{{{}}}}} is not allowed: {instead}", shortened(trimmed))
    }
}

fn nest(tag: &Tag<'_>, line: usize, open: &mut Vec<Open>) -> Result<(), CompileError> {
    match tag {
        Tag::Field(_) => {}
        Tag::If(_) if open.len() >= MAX_DEPTH => {
            return refuse(
                line,
                &format!("more than {MAX_DEPTH} {{{{#if}}}} inside each other"),
            );
        }
        Tag::If(_) => open.push(Open {
            line,
            has_else: false,
        }),
        Tag::Else => match open.last_mut() {
            None => return refuse(line, "this {{else}} belongs to no {{#if}}"),
            Some(open) if open.has_else => {
                return refuse(line, "this {{#if}} has an {{else}} already: take one away");
            }
            Some(open) => open.has_else = true,
        },
        Tag::EndIf => {
            if open.pop().is_none() {
                return refuse(line, "this {{/if}} belongs to no {{#if}}");
            }
        }
    }
    Ok(())
}

fn line_of(source: &str, at: usize) -> usize {
    source[..at].matches('\n').count() + 1
}

fn refuse<T>(line: usize, message: &str) -> Result<T, CompileError> {
    Err(CompileError {
        line,
        message: message.to_owned(),
    })
}
