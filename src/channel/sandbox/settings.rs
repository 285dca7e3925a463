//! Reads what a sandbox gateway's simulated people are like from its part of the configuration.

use std::time::Duration;

use serde::Deserialize;

use crate::alert::words::word_enum;
use crate::channel::kinds::{OpenError, settings};

word_enum! {
    /// Whether the simulated people do anything by themselves.
    People {
        /// They receive. Someone at the sandbox page answers for them.
        Silent = "silent",
        /// They receive, ignore, answer and ask for help by themselves.
        Lifelike = "lifelike",
    }
}

/// What a sandbox gateway's simulated people and lines are like. All rates are from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How long the gateway takes to accept a message.
    pub delay: Duration,
    /// Whether the people answer by themselves.
    pub people: People,
    /// How many of the messages that arrive are answered. Zero while people are silent.
    pub answer_rate: f64,
    /// How many of the answers ask for help.
    pub help_rate: f64,
    /// How many of the answers are negative: "I cannot come".
    pub negative_rate: f64,
    /// How many addresses take messages that never arrive; their receipts say so.
    pub undeliverable_rate: f64,
    /// How many addresses the gateway refuses for good when a message is handed over.
    pub refuse_rate: f64,
    /// How many attempts the gateway refuses for the moment.
    pub busy_rate: f64,
    /// How many messages never get a receipt.
    pub no_receipt_rate: f64,
    /// The soonest that anyone answers, after the message was accepted.
    pub fastest_answer: Duration,
    /// The latest that anyone answers.
    pub slowest_answer: Duration,
    /// What all chance is drawn from: the same seed, people and deliveries behave the same.
    pub seed: u64,
}

/// The longest time that makes sense in a rehearsal.
const LONGEST: Duration = Duration::from_hours(24);

/// The keys that mean nothing while people are silent.
const ANSWERING: &[&str] = &[
    "answer_rate",
    "help_rate",
    "negative_rate",
    "fastest_answer_ms",
    "slowest_answer_ms",
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    delay_ms: Option<u64>,
    people: Option<People>,
    answer_rate: Option<f64>,
    help_rate: Option<f64>,
    negative_rate: Option<f64>,
    undeliverable_rate: Option<f64>,
    refuse_rate: Option<f64>,
    busy_rate: Option<f64>,
    no_receipt_rate: Option<f64>,
    fastest_answer_ms: Option<u64>,
    slowest_answer_ms: Option<u64>,
    seed: Option<u64>,
}

impl Default for Settings {
    /// Silent people on a gateway without faults.
    fn default() -> Self {
        Self::from_written(&Written::default())
    }
}

impl Settings {
    /// People who behave as people do, on a gateway with the usual small faults.
    pub fn lifelike() -> Self {
        Self::from_written(&Written {
            people: Some(People::Lifelike),
            ..Written::default()
        })
    }

    /// Reads a gateway's own keys. An empty table is [`Settings::default`]. Fails on an unknown
    /// key, a rate outside 0 to 1, and keys that contradict each other.
    pub fn read(table: &toml::Table) -> Result<Self, OpenError> {
        let written: Written = settings(table)?;
        let settings = Self::from_written(&written);
        if settings.people == People::Silent
            && let Some(useless) = ANSWERING.iter().find(|key| table.contains_key(**key))
        {
            return Err(OpenError::new(
                *useless,
                format!("{useless} needs people = \"lifelike\": silent people do not answer"),
            ));
        }
        settings.checked()
    }

    fn from_written(written: &Written) -> Self {
        let people = written.people.unwrap_or(People::Silent);
        let slowest = written.slowest_answer_ms.unwrap_or(20_000);
        let usual = |rate: Option<f64>, lifelike: f64| {
            rate.unwrap_or(if people == People::Lifelike {
                lifelike
            } else {
                0.0
            })
        };
        Self {
            delay: Duration::from_millis(written.delay_ms.unwrap_or(0)),
            people,
            answer_rate: usual(written.answer_rate, 0.72),
            help_rate: usual(written.help_rate, 0.04),
            negative_rate: usual(written.negative_rate, 0.08),
            undeliverable_rate: usual(written.undeliverable_rate, 0.02),
            refuse_rate: usual(written.refuse_rate, 0.01),
            busy_rate: usual(written.busy_rate, 0.02),
            no_receipt_rate: usual(written.no_receipt_rate, 0.05),
            fastest_answer: Duration::from_millis(
                written.fastest_answer_ms.unwrap_or(slowest.min(800)),
            ),
            slowest_answer: Duration::from_millis(slowest),
            seed: written.seed.unwrap_or(1),
        }
    }

    fn checked(self) -> Result<Self, OpenError> {
        let rates = [
            ("answer_rate", self.answer_rate),
            ("help_rate", self.help_rate),
            ("negative_rate", self.negative_rate),
            ("undeliverable_rate", self.undeliverable_rate),
            ("refuse_rate", self.refuse_rate),
            ("busy_rate", self.busy_rate),
            ("no_receipt_rate", self.no_receipt_rate),
        ];
        if let Some((key, _)) = rates.iter().find(|(_, rate)| !(0.0..=1.0).contains(rate)) {
            return Err(OpenError::new(
                *key,
                format!("{key} must be from 0 (never) to 1 (always)"),
            ));
        }
        if self.help_rate + self.negative_rate > 1.0 {
            return Err(OpenError::new(
                "negative_rate",
                "help_rate and negative_rate are shares of the answers: together at most 1",
            ));
        }
        let times = [
            ("delay_ms", self.delay),
            ("slowest_answer_ms", self.slowest_answer),
        ];
        if let Some((key, _)) = times.iter().find(|(_, time)| *time > LONGEST) {
            return Err(OpenError::new(
                *key,
                format!("{key} must be at most a day (86400000)"),
            ));
        }
        if self.fastest_answer > self.slowest_answer {
            return Err(OpenError::new(
                "fastest_answer_ms",
                "fastest_answer_ms must not be more than slowest_answer_ms (20000 if left out)",
            ));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, OpenError> {
        Settings::read(&text.parse().unwrap())
    }

    #[test]
    fn no_keys_at_all_means_silent_people_and_no_faults() {
        let settings = read("").unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.people, People::Silent);
        assert!(settings.answer_rate == 0.0 && settings.busy_rate == 0.0);
    }

    #[test]
    fn lifelike_people_have_the_usual_rates_and_any_of_them_can_be_said() {
        let settings = read("people = \"lifelike\"\nanswer_rate = 1\nseed = 7").unwrap();
        assert!(
            (settings.answer_rate - 1.0).abs() < f64::EPSILON,
            "a whole number is a rate too"
        );
        assert!(settings.help_rate > 0.0);
        assert_eq!(settings.seed, 7);
        assert_eq!(read("people = \"lifelike\"").unwrap(), Settings::lifelike());
    }

    #[test]
    fn faults_can_be_had_without_answers() {
        let settings = read("busy_rate = 0.5\ndelay_ms = 30").unwrap();
        assert_eq!(settings.people, People::Silent);
        assert_eq!(settings.delay, Duration::from_millis(30));
    }

    #[test]
    fn an_unknown_key_is_named() {
        let problem = read("anser_rate = 0.5").unwrap_err();
        assert_eq!(problem.key, "anser_rate");
        assert!(problem.message.contains("answer_rate"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_its_key() {
        assert_eq!(read("delay_ms = \"soon\"").unwrap_err().key, "delay_ms");
        assert_eq!(read("delay_ms = -1").unwrap_err().key, "delay_ms");
        let problem = read("people = \"asleep\"").unwrap_err();
        assert_eq!(problem.key, "people");
        assert!(problem.message.contains("lifelike"), "{}", problem.message);
    }

    #[test]
    fn rates_outside_nought_to_one_are_refused() {
        assert_eq!(read("busy_rate = 1.1").unwrap_err().key, "busy_rate");
        assert_eq!(read("busy_rate = -0.1").unwrap_err().key, "busy_rate");
        assert_eq!(read("busy_rate = nan").unwrap_err().key, "busy_rate");
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        assert_eq!(read("answer_rate = 0.5").unwrap_err().key, "answer_rate");
        let lifelike = "people = \"lifelike\"\n";
        let both = format!("{lifelike}help_rate = 0.6\nnegative_rate = 0.6");
        assert_eq!(read(&both).unwrap_err().key, "negative_rate");
        let late = format!("{lifelike}fastest_answer_ms = 30000");
        assert_eq!(read(&late).unwrap_err().key, "fastest_answer_ms");
        let endless = format!("{lifelike}slowest_answer_ms = 9000000000000");
        assert_eq!(read(&endless).unwrap_err().key, "slowest_answer_ms");
        let quick = read(&format!("{lifelike}slowest_answer_ms = 100")).unwrap();
        assert_eq!(quick.fastest_answer, quick.slowest_answer);
    }
}
