//! What a person can answer, as the template offers it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alert::words::{Language, word_enum};

word_enum! {
    /// What an answer means to the person who must act on it.
    AnswerClass {
        /// Safe, coming, read.
        Positive = "positive",
        /// Cannot come.
        Negative = "negative",
        /// Needs help: someone is told at once.
        Help = "help",
    }
}

/// One possible answer. Its place in the template's list is its SMS digit and its keypad key:
/// the first is 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerOption {
    /// The word that stands for it in the API and the database: `safe`, `help`, `in_30`.
    pub key: String,
    /// What it means.
    pub class: AnswerClass,
    /// The button, per language: "I am safe".
    #[schema(value_type = BTreeMap<String, String>)]
    pub label: BTreeMap<Language, String>,
    /// The same in a word or two for an SMS, per language: "safe".
    #[schema(value_type = BTreeMap<String, String>)]
    pub short: BTreeMap<Language, String>,
}

impl AnswerOption {
    /// The button's words in `language`, else in any language, else the key.
    pub fn label_in(&self, language: &Language) -> &str {
        in_language(&self.label, language).unwrap_or(&self.key)
    }

    /// The short words in `language`, else in any language, else the key.
    pub fn short_in(&self, language: &Language) -> &str {
        in_language(&self.short, language).unwrap_or(&self.key)
    }
}

fn in_language<'a>(texts: &'a BTreeMap<Language, String>, language: &Language) -> Option<&'a str> {
    texts
        .get(language)
        .or_else(|| texts.values().next())
        .map(String::as_str)
}
