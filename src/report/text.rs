//! The account as sentences: its one-line summary, and the whole for a terminal. Pure.

use std::fmt::Write as _;

use crate::report::Report;
use crate::storage::standing::PersonState;

impl Report {
    /// "143 people: 138 reached (97 %), 121 answered (85 %), half of those within 1 min 40 s; 3 need
    /// help."
    pub fn summary(&self) -> String {
        let figures = &self.figures;
        let mut text = format!(
            "{}: {} reached ({}), {} answered ({})",
            people(figures.people),
            figures.reached,
            percent(figures.reached, figures.people),
            figures.answered,
            percent(figures.answered, figures.people),
        );
        if let Some(half) = figures.p50_answer_ms {
            write!(text, ", half of those within {}", span(half)).unwrap_or_default();
        }
        let help: i64 = self
            .answers
            .iter()
            .filter(|answer| answer.class == crate::response::AnswerClass::Help)
            .map(|answer| answer.people)
            .sum();
        if help > 0 {
            let verb = if help == 1 { "needs" } else { "need" };
            write!(text, "; {help} {verb} help").unwrap_or_default();
        }
        text.push('.');
        text
    }

    /// The whole account for a terminal.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write_to(&mut text).unwrap_or_default();
        text
    }

    fn write_to(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "{}: {} (alert {})",
            self.mode.shown(),
            self.title,
            self.number
        )?;
        writeln!(text, "{}", self.summary())?;
        if let Some(call_out) = &self.call_out {
            writeln!(text, "{}", call_out.figures.in_words())?;
        }
        writeln!(text)?;
        for (state, count) in self.counts.iter().filter(|(_, count)| **count > 0) {
            writeln!(text, "  {count:>6}  {}", state_in_words(*state))?;
        }
        writeln!(text, "  {:>6}  in all", self.recipients)?;
        writeln!(text)?;
        for answer in self.answers.iter().filter(|answer| answer.people > 0) {
            writeln!(
                text,
                "  {:>6}  answered \"{}\"",
                answer.people, answer.label
            )?;
        }
        if self.possible_duplicates > 0 || self.unknown_outcomes > 0 {
            writeln!(
                text,
                "  {:>6}  messages may have arrived twice, {} are of unknown outcome",
                self.possible_duplicates, self.unknown_outcomes
            )?;
        }
        if !self.not_reached.is_empty() {
            writeln!(text, "\nNot reached, or not known to be:")?;
        }
        for person in &self.not_reached {
            writeln!(text, "  {}: {} {}", person.name, person.reason, person.fix)?;
        }
        if !self.messages.is_empty() {
            writeln!(text, "\nWrote something that is no answer:")?;
        }
        for message in &self.messages {
            writeln!(text, "  {}: \"{}\"", message.name, message.text)?;
        }
        Ok(())
    }
}

/// How a person stands, as the page and the terminal say it.
pub fn state_in_words(state: PersonState) -> &'static str {
    match state {
        PersonState::Acknowledged => "answered",
        PersonState::Delivered => "reached, no answer yet",
        PersonState::Accepted => "handed over, arrival not confirmed",
        PersonState::Sending => "being sent",
        PersonState::Queued => "waiting to be sent",
        PersonState::InDoubt => "outcome unknown",
        PersonState::Failed => "failed",
        PersonState::Unreachable => "no way to reach them",
        PersonState::Excluded => "left out on purpose",
    }
}

/// "1 person", "143 people".
pub fn people(count: i64) -> String {
    if count == 1 {
        "1 person".to_owned()
    } else {
        format!("{count} people")
    }
}

/// Whole percent; nobody of nobody is 0 %.
pub fn percent(part: i64, whole: i64) -> String {
    if whole == 0 {
        "0 %".to_owned()
    } else {
        format!("{} %", (part * 100 + whole / 2) / whole)
    }
}

/// "0.8 s", "42 s", "1 min 40 s", "2 h 5 min".
pub fn span(millis: i64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..=9 => format!("{}.{} s", seconds, millis % 1000 / 100),
        10..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_shares_read_as_people_say_them() {
        assert_eq!(span(850), "0.8 s");
        assert_eq!(span(100_000), "1 min 40 s");
        assert_eq!(span(7_500_000), "2 h 5 min");
        assert_eq!(percent(2, 3), "67 %");
        assert_eq!(percent(0, 0), "0 %");
        assert_eq!(people(1), "1 person");
    }
}
