//! The words an alert is described with: CAP 1.2's where CAP has one.

use serde::{Deserialize, Serialize};

/// Declares an enum that is one snake-case word everywhere: in the database, in JSON, on the page.
macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
            serde::Deserialize, sqlx::Type, utoipa::ToSchema,
        )]
        #[sqlx(type_name = "text", rename_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        #[schema(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order they are declared.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word that stands for this value everywhere.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!(
                        "\"{text}\" is none of: {}",
                        [$($word),*].join(", ")
                    )),
                }
            }
        }
    };
}
pub(crate) use word_enum;

word_enum! {
    /// Whether it is meant. Set when the alert is made and never changed.
    Mode {
        /// CAP status `Actual`: shown as LIVE.
        Actual = "actual",
        /// CAP status `Exercise`: shown as DRILL, in every text, on every page.
        Exercise = "exercise",
    }
}

impl Mode {
    /// The word people see on pages and ribbons.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Actual => "LIVE",
            Self::Exercise => "DRILL",
        }
    }

    /// The word of the API and of the launch boards' addresses.
    pub fn path(self) -> &'static str {
        match self {
            Self::Actual => "live",
            Self::Exercise => "drill",
        }
    }

    /// Reads the API's `live` or `drill`.
    pub fn from_path(text: &str) -> Option<Self> {
        match text {
            "live" => Some(Self::Actual),
            "drill" => Some(Self::Exercise),
            _ => None,
        }
    }
}

word_enum! {
    /// What an activation is to the one it follows (CAP `msgType`; both cancels are CAP's `Cancel`).
    AlertKind {
        /// A new incident.
        Alert = "alert",
        /// More news of the same incident.
        Update = "update",
        /// "That was a false alarm."
        Correction = "correction",
        /// "It is over."
        AllClear = "all_clear",
    }
}

word_enum! {
    /// CAP's severity. The first two are life-safety: they lift quiet hours, and a message whose
    /// fate nobody knows is sent again rather than left.
    Severity {
        /// An extraordinary threat to life or property.
        Extreme = "extreme",
        /// A significant threat to life or property.
        Severe = "severe",
        /// A possible threat, or work that must change today.
        Moderate = "moderate",
        /// No threat: news.
        Minor = "minor",
    }
}

impl Severity {
    /// Whether a second copy is better than silence.
    pub fn is_life_safety(self) -> bool {
        self <= Self::Severe
    }
}

word_enum! {
    /// Why a message is sent: what a person may have opted out of.
    Purpose {
        /// Danger now. Opting out of routine messages does not silence it.
        Emergency = "emergency",
        /// Running the house: closures, staffing, systems.
        Operations = "operations",
        /// A patient's own appointment.
        Appointment = "appointment",
        /// A notice that the law asks for.
        Notice = "notice",
    }
}

word_enum! {
    /// What a person is to the organisation.
    Category {
        /// Works here.
        Staff = "staff",
        /// Supplies or serves the house.
        Vendor = "vendor",
        /// Health department, police, fire service, council.
        Authority = "authority",
        /// Is treated here.
        Patient = "patient",
    }
}

word_enum! {
    /// How an alert stands.
    AlertState {
        /// Messages may still go out; answers come in.
        Running = "running",
        /// A person stopped it: nothing more goes out. Answers are still recorded.
        Stopped = "stopped",
        /// It expired or everything was done. Answers are recorded as late.
        Ended = "ended",
    }
}

/// A language by its BCP 47 tag (`en`, `es`, `pt-BR`), lower-cased up to the first hyphen.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[sqlx(transparent)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Language(pub String);

impl Language {
    /// Accepts `en`, `EN`, `en_GB`, `en-GB`; refuses what is no tag at all.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace('_', "-");
        let (primary, region) = match text.split_once('-') {
            Some((primary, region)) => (primary, Some(region)),
            None => (text.as_str(), None),
        };
        let is_tag = (2..=3).contains(&primary.len())
            && primary.chars().all(|c| c.is_ascii_alphabetic())
            && region.is_none_or(|r| !r.is_empty() && r.chars().all(|c| c.is_ascii_alphanumeric()));
        is_tag.then(|| {
            let primary = primary.to_ascii_lowercase();
            Self(region.map_or(primary.clone(), |region| format!("{primary}-{region}")))
        })
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is written from right to left.
    pub fn is_right_to_left(&self) -> bool {
        let primary = self.0.split('-').next().unwrap_or_default();
        matches!(primary, "ar" | "fa" | "he" | "ps" | "ur" | "yi")
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn danger_is_life_safety_and_news_is_not() {
        assert!(Severity::Severe.is_life_safety());
        assert!(!Severity::Moderate.is_life_safety());
    }

    #[test]
    fn a_language_tag_is_tidied_or_refused() {
        assert_eq!(Language::parse(" EN_gb ").unwrap().as_str(), "en-gb");
        assert_eq!(Language::parse("English"), None);
        assert_eq!(Language::parse(""), None);
    }

    #[test]
    fn a_wrong_word_is_answered_with_the_right_ones() {
        let error = "catastrophic".parse::<Severity>().unwrap_err();
        assert!(error.contains("extreme, severe, moderate, minor"));
    }
}
