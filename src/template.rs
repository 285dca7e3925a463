//! The pre-approved messages: what can be said, on which channels, in which languages.
//!
//! The life of a template:
//!
//! 1. **File.** A folder of `message-templates/`: one `template.toml`, and one text per channel,
//!    language and part.
//! 2. **Load** ([`load`]): the folder becomes a [`Template`], or a list of what is wrong with it.
//!    The hash of its files is its identity.
//! 3. **Check** ([`check()`]): what a careful reader would find before anyone is told anything.
//! 4. **Approve** (elsewhere): another person approves that hash. Any change makes another hash.
//! 5. **Compile** ([`compile()`]): a text becomes [`Segment`]s. Only `{{field}}` and
//!    `{{#if field}}` exist, so nothing can loop, include, or run.
//! 6. **Fill** ([`message::fill`]): once per alert, channel and language, at launch, with the values
//!    that are the same for everyone. What comes out is stored with the alert.
//! 7. **Splice** ([`message::Filled::splice`]): once per recipient, with what is theirs alone (link,
//!    name, appointment). It cannot fail, and gives the same bytes at every attempt.
//!
//! Pure, except that [`load`] reads files: no database, no clock, no network.

pub mod answers;
pub mod check;
pub mod clean;
pub mod compile;
pub mod dates;
pub mod exercise;
pub mod fields;
pub mod fill;
pub mod load;
pub mod message;
pub mod reference;
pub mod segments;
pub mod values;

#[cfg(test)]
pub(crate) mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::words::{AlertKind, Language, Purpose, Severity, word_enum};
use crate::call_out::{Says, TemplateCallOut};
use crate::channel::Channel;
use crate::plan::Plan;
use crate::response::option::AnswerOption;

pub use check::{Finding, Level, check};
pub use clean::Escape;
pub use compile::{CompileError, Segment, compile};
pub use load::{Loaded, Problem};

word_enum! {
    /// One text of a message. An e-mail has all three, every other channel has only the text.
    Part {
        /// The subject line of an e-mail: always one line.
        Subject = "subject",
        /// The text of an SMS, the plain part of an e-mail, what a call says.
        Text = "text",
        /// The HTML part of an e-mail.
        Html = "html",
    }
}

impl Part {
    /// The parts that a message on `channel` is made of.
    pub fn of(channel: Channel) -> &'static [Self] {
        match channel {
            Channel::Email => &[Self::Subject, Self::Text, Self::Html],
            Channel::Sms | Channel::Voice | Channel::Push => &[Self::Text],
        }
    }

    /// The name of the part's file, inside the folder of its language.
    pub fn file_name(self, channel: Channel) -> &'static str {
        match (channel, self) {
            (Channel::Email, Self::Subject) => "email.subject.hbs",
            (Channel::Email, Self::Text) => "email.text.hbs",
            (Channel::Email, Self::Html) => "email.html.hbs",
            (Channel::Sms, _) => "sms.hbs",
            (Channel::Voice, _) => "voice.hbs",
            (Channel::Push, _) => "push.hbs",
        }
    }
}

/// Names one text of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartKey {
    /// The channel it is sent on.
    pub channel: Channel,
    /// The language it is written in.
    pub language: Language,
    /// Which part of the message it is.
    pub part: Part,
}

impl PartKey {
    /// Where the text is, relative to the template's folder: `es/sms.hbs`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.language, self.part.file_name(self.channel))
    }
}

word_enum! {
    /// What a variable takes.
    VariableKind {
        /// Free text; its choices are suggestions.
        Text = "text",
        /// One of its choices.
        Choice = "choice",
        /// A time of day, `HH:MM`, 24 hours.
        Time = "time",
        /// A day, `YYYY-MM-DD`; written out in the reader's language.
        Date = "date",
        /// A number, with `.` or `,` before its decimals.
        Number = "number",
        /// Each recipient's own value, from the column of that name in the directory.
        Person = "person",
    }
}

/// A value that a choice or suggestion stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The value as it is sent in the API, and as the template's first language shows it.
    pub value: String,
    /// What the other languages show; a language that is missing shows the value.
    #[serde(default)]
    pub text: BTreeMap<Language, String>,
}

/// A blank of a template, filled at launch or from the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The field's name in the texts.
    pub name: String,
    /// What it takes.
    #[serde(rename = "type")]
    pub kind: VariableKind,
    /// Whether a launch without it is refused.
    pub required: bool,
    /// For text: the most characters it may have. None means [`values::DEFAULT_MAX_LENGTH`].
    #[serde(default)]
    pub max_length: Option<usize>,
    /// The question that the launching person reads, per language.
    pub label: BTreeMap<Language, String>,
    /// A realistic value: shown as a hint, and used for checking.
    #[serde(default)]
    pub example: String,
    /// What an optional variable is when nobody fills it.
    #[serde(default)]
    pub default: Option<String>,
    /// Suggestions for text; the only values for a choice.
    #[serde(default, rename = "choice")]
    pub choices: Vec<Choice>,
}

impl Variable {
    /// The question in `language`, else in any language, else the name.
    pub fn label_in(&self, language: &Language) -> &str {
        self.label
            .get(language)
            .or_else(|| self.label.values().next())
            .unwrap_or(&self.name)
    }

    /// A realistic value: the example, else the default, else the first choice, else empty.
    pub fn realistic(&self) -> &str {
        if !self.example.is_empty() {
            return &self.example;
        }
        let first = self.choices.first().map(|choice| choice.value.as_str());
        self.default.as_deref().or(first).unwrap_or_default()
    }
}

/// How many people the template is meant for; an audience outside is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The fewest people.
    pub min: u64,
    /// The most people.
    pub max: u64,
}

/// A message that can be sent, with everything decided in advance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The folder's name: what it is called in the API and on the command line.
    pub name: String,
    /// What people call it, per language.
    pub title: BTreeMap<Language, String>,
    /// When to use it, in one line, per language.
    pub hint: BTreeMap<Language, String>,
    /// How bad it is.
    pub severity: Severity,
    /// Why it is sent.
    pub purpose: Purpose,
    /// Whether it begins a thread or follows another alert.
    pub kind: AlertKind,
    /// The channels that it is written for.
    pub channels: Vec<Channel>,
    /// The languages that it is written in; the first is the fallback. Never empty once loaded.
    pub languages: Vec<Language>,
    /// The groups it goes to unless others are chosen, by name.
    pub audience: Vec<String>,
    /// The number of people it is meant for, if it says so.
    pub expected: Option<Expected>,
    /// How long after the launch nothing more may go out.
    pub expires_in: Duration,
    /// The day by which someone should read it again.
    pub review_by: jiff::civil::Date,
    /// What is tried, and when.
    pub plan: Plan,
    /// Its blanks, in the order they are asked for.
    pub variables: Vec<Variable>,
    /// What people can answer, in the order of their digits.
    pub options: Vec<AnswerOption>,
    /// That it may ask in turn until enough have said yes, and how; none: it may not.
    pub call_out: Option<TemplateCallOut>,
    /// What such a call-out says later: this template with other texts, and nothing to answer. Empty
    /// without `call_out`.
    pub later: BTreeMap<Says, Template>,
    /// The texts, as written: line breaks normalised, without white space at the end.
    pub parts: BTreeMap<PartKey, String>,
    /// Files of the folder that nothing refers to. They are not part of the hash.
    pub unused_files: Vec<String>,
    /// SHA-256 of its files, in hexadecimal: what is approved.
    pub hash: String,
}

impl Template {
    /// The language that a reader of `wanted` gets: that one, else one with the same primary tag,
    /// else the first.
    pub fn language_for<'a>(&'a self, wanted: &'a Language) -> &'a Language {
        let same_tag = |language: &&Language| *language == wanted;
        let same_primary = |language: &&Language| primary(language) == primary(wanted);
        self.languages
            .iter()
            .find(same_tag)
            .or_else(|| self.languages.iter().find(same_primary))
            .or_else(|| self.languages.first())
            .unwrap_or(wanted)
    }

    /// The title for a reader of `language`; the name if it has none.
    pub fn title_in(&self, language: &Language) -> &str {
        self.in_language(&self.title, language)
            .unwrap_or(&self.name)
    }

    /// The hint for a reader of `language`; empty if it has none.
    pub fn hint_in(&self, language: &Language) -> &str {
        self.in_language(&self.hint, language).unwrap_or_default()
    }

    /// The text of one part, as written, in exactly this language.
    pub fn part(&self, channel: Channel, language: &Language, part: Part) -> Option<&str> {
        let key = PartKey {
            channel,
            language: language.clone(),
            part,
        };
        self.parts.get(&key).map(String::as_str)
    }

    /// The variable called `name`.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    /// The fields that differ between recipients: link, name and the variables of type `person`.
    pub fn per_person(&self) -> BTreeSet<String> {
        let own = self
            .variables
            .iter()
            .filter(|variable| variable.kind == VariableKind::Person);
        fields::PER_PERSON
            .iter()
            .map(ToString::to_string)
            .chain(own.map(|variable| variable.name.clone()))
            .collect()
    }

    /// Whether it follows another alert: an update, a correction, an all-clear.
    pub fn follows(&self) -> bool {
        self.kind != AlertKind::Alert
    }

    fn in_language<'a>(
        &self,
        texts: &'a BTreeMap<Language, String>,
        language: &Language,
    ) -> Option<&'a str> {
        texts
            .get(self.language_for(language))
            .or_else(|| texts.values().next())
            .map(String::as_str)
    }
}

/// The tag's first subtag: `pt` of `pt-BR`.
pub(crate) fn primary(language: &Language) -> &str {
    language.as_str().split('-').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::sample;
    use crate::alert::words::Language;

    fn language(tag: &str) -> Language {
        Language::parse(tag).unwrap()
    }

    #[test]
    fn a_reader_gets_their_language_a_related_one_or_the_first() {
        let template = sample::closure();
        assert_eq!(template.language_for(&language("es")).as_str(), "es");
        assert_eq!(template.language_for(&language("es-MX")).as_str(), "es");
        assert_eq!(template.language_for(&language("pl")).as_str(), "en");
        assert_eq!(template.title_in(&language("es-MX")), "Clínica cerrada");
    }

    #[test]
    fn the_link_the_name_and_person_variables_differ_between_recipients() {
        let fields = sample::rescheduling().per_person();
        assert_eq!(
            fields.into_iter().collect::<Vec<_>>(),
            ["appointment", "link", "name"]
        );
    }
}
