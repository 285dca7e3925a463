//! Times, spans and lists in the words that every page uses.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::alert::words::Language;
use crate::clock::Timestamp;
use crate::config::Config;

/// Writes moments in the organisation's time zone.
#[derive(Clone, Debug)]
pub struct Times {
    zone: TimeZone,
    now: Timestamp,
}

impl Times {
    /// For a page that is made at `now`.
    pub fn new(config: &Config, now: Timestamp) -> Self {
        Self {
            zone: config.organisation.zone(),
            now,
        }
    }

    /// "14:02:07".
    pub fn clock(&self, at: Timestamp) -> String {
        self.write(at, "%H:%M:%S")
    }

    /// "14:02:07 EST".
    pub fn clock_and_zone(&self, at: Timestamp) -> String {
        self.write(at, "%H:%M:%S %Z")
    }

    /// "14:02:07" for a moment of today, else "21 November, 14:02:07".
    pub fn near(&self, at: Timestamp) -> String {
        if self.day(at) == self.day(self.now) {
            self.clock(at)
        } else {
            self.write(at, "%-d %B, %H:%M:%S")
        }
    }

    /// "18:00" for a moment of today, else "23 November, 18:00".
    pub fn near_minute(&self, at: Timestamp) -> String {
        if self.day(at) == self.day(self.now) {
            self.write(at, "%H:%M")
        } else {
            self.write(at, "%-d %B, %H:%M")
        }
    }

    /// "22 November 2026, 14:02:07 EST".
    pub fn moment(&self, at: Timestamp) -> String {
        self.write(at, "%-d %B %Y, %H:%M:%S %Z")
    }

    /// "22 November 2026".
    pub fn day(&self, at: Timestamp) -> String {
        self.write(at, "%-d %B %Y")
    }

    fn write(&self, at: Timestamp, format: &str) -> String {
        at.to_jiff()
            .to_zoned(self.zone.clone())
            .strftime(format)
            .to_string()
    }
}

/// "0 s", "45 s", "3 min 24 s", "2 h 5 min", "3 days": the two biggest parts, rounded down.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match (
        seconds / 86_400,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    ) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, 0) => format!("{m} min"),
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, 0, _) => format!("{h} h"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (1, ..) => "1 day".to_owned(),
        (days, ..) => format!("{days} days"),
    }
}

/// "a", "a and b", "a, b and c"; empty for nothing.
pub fn listed(words: &[impl AsRef<str>]) -> String {
    match words {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [init @ .., last] => {
            let init: Vec<&str> = init.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", init.join(", "), last.as_ref())
        }
    }
}

/// `text` with a capital at the beginning and a full stop at the end: an error's words on a page.
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

/// Who did it, for people: the login of a user, "script NAME" for a token, "Muster" for the program
/// itself. Takes what [`crate::audit::Actor`] wrote.
pub fn actor(stored: &str) -> String {
    match stored.split_once(' ') {
        Some(("user" | "caller", name)) => name.to_owned(),
        Some(("token", name)) => format!("script {name}"),
        _ if stored == "system" => "Muster".to_owned(),
        _ => stored.to_owned(),
    }
}

/// "English" for `en`, "Spanish" for `es-MX`; the tag itself where the name is not known here.
pub fn language(tag: &Language) -> &str {
    match tag.as_str().split('-').next().unwrap_or_default() {
        "ar" => "Arabic",
        "de" => "German",
        "en" => "English",
        "es" => "Spanish",
        "fr" => "French",
        "he" => "Hebrew",
        "hi" => "Hindi",
        "it" => "Italian",
        "ko" => "Korean",
        "nl" => "Dutch",
        "pl" => "Polish",
        "pt" => "Portuguese",
        "ru" => "Russian",
        "tl" => "Tagalog",
        "tr" => "Turkish",
        "uk" => "Ukrainian",
        "vi" => "Vietnamese",
        "zh" => "Chinese",
        _ => tag.as_str(),
    }
}

/// A count from the database; a negative one, which there is none of, is zero.
pub fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times() -> Times {
        let mut config = Config::default();
        config.organisation.time_zone = "America/New_York".to_owned();
        Times::new(&config, Timestamp(1_795_374_127_000))
    }

    #[test]
    fn a_moment_names_its_day_seconds_and_zone() {
        let at = Timestamp(1_795_374_127_000);
        assert_eq!(times().moment(at), "22 November 2026, 14:02:07 EST");
        assert_eq!(times().clock_and_zone(at), "14:02:07 EST");
    }

    #[test]
    fn a_moment_of_another_day_names_the_day() {
        let at = Timestamp(1_795_374_127_000 - 86_400_000);
        assert_eq!(times().near(at), "21 November, 14:02:07");
        assert_eq!(times().near_minute(Timestamp(1_795_374_127_000)), "14:02");
    }

    #[test]
    fn a_span_is_told_in_its_two_biggest_parts() {
        for (seconds, words) in [
            (0, "0 s"),
            (45, "45 s"),
            (204, "3 min 24 s"),
            (120, "2 min"),
            (7_500, "2 h 5 min"),
            (90_000, "1 day"),
            (300_000, "3 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn an_error_becomes_a_sentence() {
        assert_eq!(sentence("the alert is over"), "The alert is over.");
        assert_eq!(sentence("Really?"), "Really?");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn lists_and_actors_read_as_people_say_them() {
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(actor("user rosa"), "rosa");
        assert_eq!(actor("token alertmanager"), "script alertmanager");
        assert_eq!(actor("command line"), "command line");
    }
}
