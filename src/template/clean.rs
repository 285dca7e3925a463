//! Makes a value safe for the place it is put into, without ever failing.

use std::borrow::Cow;

use super::{Part, segments};
use crate::channel::Channel;

/// What a place needs of the values that are put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// One line (an e-mail's subject): line breaks become spaces, so that no header can be added.
    Line,
    /// Several lines of plain text: control characters vanish, line breaks stay.
    Plain,
    /// As plain; a value that is outside the SMS alphabet only by accents or typographic quotes
    /// loses them, because one such character halves what an SMS holds.
    Sms,
    /// As plain, then with HTML's special characters written as entities, the way handlebars does.
    Html,
}

impl Escape {
    /// What a part of a message on `channel` needs.
    pub fn of(channel: Channel, part: Part) -> Self {
        match (channel, part) {
            (_, Part::Subject) => Self::Line,
            (_, Part::Html) => Self::Html,
            (Channel::Sms, Part::Text) => Self::Sms,
            (_, Part::Text) => Self::Plain,
        }
    }

    /// The value without what must not get there; not yet escaped.
    pub fn cleaned<'a>(self, value: &'a str) -> Cow<'a, str> {
        let value: Cow<'a, str> = if value.chars().all(|c| self.kept(c) == Some(c)) {
            Cow::Borrowed(value)
        } else {
            Cow::Owned(value.chars().filter_map(|c| self.kept(c)).collect())
        };
        match (self, segments::look_alike(&value)) {
            (Self::Sms, Some(plain)) => Cow::Owned(plain),
            _ => value,
        }
    }

    /// What stands for the character; none if nothing may.
    fn kept(self, c: char) -> Option<char> {
        match c {
            '\n' | '\u{2028}' | '\u{2029}' if self == Self::Line => Some(' '),
            '\n' | '\u{2028}' | '\u{2029}' => Some('\n'),
            '\t' => Some(' '),
            '\u{feff}' => None,
            _ if c.is_control() || reorders(c) => None,
            _ => Some(c),
        }
    }

    /// Writes the cleaned and escaped value to the end of `out`.
    pub fn write(self, value: &str, out: &mut String) {
        let value = self.cleaned(value);
        if self == Self::Html {
            value.chars().for_each(|c| push_html(c, out));
        } else {
            out.push_str(&value);
        }
    }
}

/// The characters that make the text after them show in another order than it is stored.
pub(super) fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same entities as handlebars: a test compares them.
fn push_html(c: char, out: &mut String) {
    match c {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '&' => out.push_str("&amp;"),
        '\'' => out.push_str("&#x27;"),
        '`' => out.push_str("&#x60;"),
        '=' => out.push_str("&#x3D;"),
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(escape: Escape, value: &str) -> String {
        let mut out = String::new();
        escape.write(value, &mut out);
        out
    }

    #[test]
    fn a_value_in_a_subject_cannot_begin_another_header() {
        let value = "burst\r\nBcc: everyone@example.org";
        assert_eq!(
            written(Escape::Line, value),
            "burst Bcc: everyone@example.org"
        );
    }

    #[test]
    fn a_plain_value_keeps_its_lines_and_loses_what_cannot_be_read() {
        assert_eq!(
            written(Escape::Plain, "a\r\n\tb\u{0}\u{202e}\u{1b}c <&>"),
            "a\n bc <&>"
        );
    }

    #[test]
    fn a_value_in_an_sms_loses_the_accents_that_would_halve_its_room() {
        assert_eq!(
            written(Escape::Sms, "Clínica “San José”"),
            "Clinica \"San José\""
        );
    }

    #[test]
    fn a_value_that_needs_the_wide_alphabet_anyway_is_left_alone() {
        assert_eq!(written(Escape::Sms, "Jiří Dvořák"), "Jiří Dvořák");
        assert_eq!(written(Escape::Sms, "клиника ó"), "клиника ó");
    }

    #[test]
    fn html_is_escaped_exactly_as_handlebars_does() {
        let every: String = (' '..='\u{17f}').filter(|c| !c.is_control()).collect();
        assert_eq!(
            written(Escape::Html, &every),
            handlebars::html_escape(&every)
        );
    }
}
