//! Fills and splices the whole message of a template: every part of one channel, in one language.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::compile::{CompileError, Segment, compile};
use super::fill::{self, Unfilled};
use super::{Escape, Part, Template, answers, exercise, fields};
use crate::alert::words::{Language, Mode};
use crate::channel::Channel;

/// A message with everything in it that is the same for everyone: what an alert keeps per channel
/// and language.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    /// E-mail only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Vec<Segment>>,
    /// The text.
    pub text: Vec<Segment>,
    /// E-mail only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<Vec<Segment>>,
}

/// A message as one person gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Texts {
    /// E-mail only: one line.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// E-mail only.
    pub html: Option<String>,
}

/// Why a message cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The template is not written for this channel in this language.
    #[error("the template \"{template}\" has no {path}")]
    Missing {
        /// The template's name.
        template: String,
        /// The file that would hold the text.
        path: String,
    },
    /// A text is not one. Cannot happen to a template that was checked.
    #[error("{path}, {error}")]
    Broken {
        /// The file that holds the text.
        path: String,
        /// What is wrong with it.
        error: CompileError,
    },
    /// A field has no value.
    #[error(transparent)]
    Unfilled(#[from] Unfilled),
}

/// Fills the message for `channel` in exactly `language`. `values` has the resolved variables and
/// the alert-wide fields ([`fields::ALERT_WIDE`], and for follow-ups [`fields::FOLLOW_UP`]);
/// `answers` is made here from the options unless it is given. An exercise is marked here, so that
/// no text of one can exist unmarked.
pub fn fill(
    template: &Template,
    channel: Channel,
    language: &Language,
    values: &BTreeMap<String, String>,
    mode: Mode,
) -> Result<Filled, Refused> {
    let mut values = values.clone();
    values
        .entry(fields::ANSWERS.to_owned())
        .or_insert_with(|| answers::answers_line(&template.options, language));
    let per_person = template.per_person();

    let part = |part: Part| -> Result<Vec<Segment>, Refused> {
        let path = || format!("{language}/{}", part.file_name(channel));
        let source = template
            .part(channel, language, part)
            .ok_or_else(|| Refused::Missing {
                template: template.name.clone(),
                path: path(),
            })?;
        let segments = compile(source).map_err(|error| Refused::Broken {
            path: path(),
            error,
        })?;
        let escape = Escape::of(channel, part);
        let filled = fill::fill(&segments, &values, &per_person, escape)?;
        Ok(match mode {
            Mode::Actual => filled,
            Mode::Exercise => exercise::mark(&filled, channel, part, language),
        })
    };
    let if_any = |wanted: Part| {
        Part::of(channel)
            .contains(&wanted)
            .then(|| part(wanted))
            .transpose()
    };
    Ok(Filled {
        subject: if_any(Part::Subject)?,
        text: part(Part::Text)?,
        html: if_any(Part::Html)?,
    })
}

impl Filled {
    /// What one person gets. `own` gives their link, name and other own fields by name; one that it
    /// does not know is empty.
    pub fn splice<'a>(
        &self,
        channel: Channel,
        own: &dyn Fn(&str) -> Option<Cow<'a, str>>,
    ) -> Texts {
        let part = |segments: &[Segment], part: Part| {
            fill::splice(segments, own, Escape::of(channel, part))
        };
        Texts {
            subject: self
                .subject
                .as_deref()
                .map(|segments| part(segments, Part::Subject)),
            text: part(&self.text, Part::Text),
            html: self
                .html
                .as_deref()
                .map(|segments| part(segments, Part::Html)),
        }
    }
}

impl fmt::Debug for Filled {
    /// Shows that there is a message, never what it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filled").finish_non_exhaustive()
    }
}

impl fmt::Debug for Texts {
    /// Shows that there is a message, never what it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn values() -> BTreeMap<String, String> {
        [
            ("organisation", "Riverside & Sons"),
            ("phone", "555 0100"),
            ("time", "14:02"),
            ("date", "3 March 2027"),
            ("reason", "burst\npipe"),
            ("until", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn own(name: &str) -> Option<Cow<'static, str>> {
        match name {
            "link" => Some("https://a.example/a/x?b=1".into()),
            "name" => Some("Dana <script>".into()),
            _ => None,
        }
    }

    fn english() -> Language {
        Language("en".to_owned())
    }

    fn spliced(channel: Channel, mode: Mode) -> Texts {
        let template = sample::closure();
        fill(&template, channel, &english(), &values(), mode)
            .unwrap()
            .splice(channel, &own)
    }

    #[test]
    fn each_part_is_escaped_for_its_place() {
        let email = spliced(Channel::Email, Mode::Actual);
        assert_eq!(
            email.subject.as_deref(),
            Some("Riverside & Sons is closed: burst pipe")
        );
        assert!(email.text.contains("Dana <script>"));
        let html = email.html.unwrap();
        assert!(html.contains("Riverside &amp; Sons") && html.contains("Dana &lt;script&gt;"));
        assert!(html.contains("href=\"https://a.example/a/x?b&#x3D;1\""));
    }

    #[test]
    fn the_answers_come_from_the_options() {
        let sms = spliced(Channel::Sms, Mode::Actual).text;
        assert!(sms.contains("Reply 1 read, 2 need help"), "{sms}");
    }

    #[test]
    fn every_text_of_an_exercise_begins_and_ends_with_the_word() {
        let email = spliced(Channel::Email, Mode::Exercise);
        let sms = spliced(Channel::Sms, Mode::Exercise).text;
        for text in [email.subject.unwrap(), email.text, sms] {
            assert!(
                text.starts_with("DRILL") && text.ends_with("DRILL"),
                "{text}"
            );
        }
        assert_eq!(email.html.unwrap().matches("DRILL").count(), 2);
    }

    #[test]
    fn a_message_that_was_stored_and_read_back_gives_the_same_bytes() {
        let template = sample::rescheduling();
        let filled = fill(&template, Channel::Sms, &english(), &values(), Mode::Actual).unwrap();
        let stored = serde_json::to_string(&filled).unwrap();
        let read: Filled = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, filled);
        let person = |name: &str| (name == "appointment").then(|| "3 May 09:00".into());
        let text = read.splice(Channel::Sms, &person).text;
        assert_eq!(text, "Riverside & Sons: your visit of 3 May 09:00 moves.");
        let nobody = |_: &str| None;
        let text = read.splice(Channel::Sms, &nobody).text;
        assert_eq!(text, "Riverside & Sons: your visit moves.");
    }

    #[test]
    fn a_missing_value_is_named() {
        let mut values = values();
        values.remove("reason");
        let error = fill(
            &sample::closure(),
            Channel::Sms,
            &english(),
            &values,
            Mode::Actual,
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "the field \"reason\" is not filled"
        );
    }

    #[test]
    fn a_language_that_it_is_not_written_in_is_named() {
        let polish = Language("pl".to_owned());
        let error = fill(
            &sample::closure(),
            Channel::Sms,
            &polish,
            &values(),
            Mode::Actual,
        );
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "the template \"closure\" has no pl/sms.hbs");
    }
}
