//! The answer page: one kilobyte, no script, readable on an old phone on a bad network.

use askama::Template;

use super::answer_words::AnswerWords;
use super::{Link, Mode, Severity};

/// The page's only style, inline because a second request may never arrive. The handler allows it
/// in the page's Content-Security-Policy by its SHA-256.
pub const STYLE: &str = include_str!("../assets/answer.css");

/// How the alert stands when the page is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertNow {
    /// It is going on.
    Running,
    /// It was a false alarm.
    Corrected,
    /// It is over.
    AllClear,
    /// It expired or everything was done.
    Ended,
    /// A person stopped it.
    Stopped,
}

/// `GET /a/TOKEN` and what its POST answers.
#[derive(Clone, Debug, Template)]
#[template(path = "answer.html")]
pub struct AnswerPage {
    /// The fixed words, in the recipient's language.
    pub words: &'static AnswerWords,
    /// The language's tag, for `lang`.
    pub language: String,
    /// Whether it is written from right to left.
    pub right_to_left: bool,
    /// The organisation's name.
    pub organisation: String,
    /// LIVE or DRILL.
    pub mode: Mode,
    /// How bad it is.
    pub severity: Severity,
    /// When it was sent, with the date when that is not today: "14:02".
    pub sent: String,
    /// How the alert stands now.
    pub now: AlertNow,
    /// The newest message of the alert (its correction or all-clear when there is one), without
    /// the answer link.
    pub message: String,
    /// The question above the buttons; empty for the language's own words.
    pub question: String,
    /// Who may answer from this phone; empty when it is one person's. More than one are asked for.
    pub people: Vec<Answerer>,
    /// The answers, the positive one first; empty when no answer is asked for.
    pub options: Vec<AnswerButton>,
    /// What is recorded: "I am safe, 14:03:12"; one line for each person of a shared phone.
    pub recorded: Vec<String>,
    /// Of a call-out: who is in, who stands by, or that it is filled.
    pub places: Vec<String>,
    /// The clinic's number: label as read aloud, address `tel:`.
    pub phone: Option<Link>,
}

/// One button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerButton {
    /// What the form sends as `o`: the option's key.
    pub key: String,
    /// The words.
    pub label: String,
    /// Whether someone is told at once: drawn as danger.
    pub help: bool,
}

/// One of the people who share a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answerer {
    /// What the form sends as `w`.
    pub key: String,
    /// The first name.
    pub name: String,
    /// Whether this one is picked.
    pub chosen: bool,
}

impl AnswerPage {
    /// The style, for the template.
    pub fn style(&self) -> &'static str {
        STYLE
    }

    /// The sentence on how the alert stands; nothing while it is going on.
    pub fn state(&self) -> Option<&'static str> {
        let states = self.words.states;
        match self.now {
            AlertNow::Running => None,
            AlertNow::Corrected => Some(states[0]),
            AlertNow::AllClear => Some(states[1]),
            AlertNow::Ended => Some(states[2]),
            AlertNow::Stopped => Some(states[3]),
        }
    }

    /// The question above the buttons.
    pub fn asked(&self) -> &str {
        if self.question.is_empty() {
            self.words.question
        } else {
            &self.question
        }
    }
}

/// The page of a link that is unknown or too old (it looks the same in both cases), and of an
/// answer that could not be recorded.
#[derive(Clone, Debug, Template)]
#[template(path = "answer_unknown.html")]
pub struct AnswerUnknown {
    /// The fixed words: the reader's own when the link is known, else the organisation's.
    pub words: &'static AnswerWords,
    /// What is the matter, and what to do: one of the words.
    pub sentence: &'static str,
    /// The organisation's name.
    pub organisation: String,
    /// The clinic's number.
    pub phone: Option<Link>,
}

impl AnswerUnknown {
    /// The style, for the template.
    pub fn style(&self) -> &'static str {
        STYLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(now: AlertNow, recorded: &[&str]) -> AnswerPage {
        let button = |key: &str, label: &str, help| AnswerButton {
            key: key.to_owned(),
            label: label.to_owned(),
            help,
        };
        AnswerPage {
            words: AnswerWords::of("es"),
            language: "es".to_owned(),
            right_to_left: false,
            organisation: "Riverside Clinic".to_owned(),
            mode: Mode::Drill,
            severity: Severity::Caution,
            sent: "14:02".to_owned(),
            now,
            message: "La clínica está CERRADA hoy por rotura de una tubería. No venga.".to_owned(),
            question: String::new(),
            people: Vec::new(),
            options: vec![
                button("safe", "Estoy a salvo", false),
                button("help", "Necesito ayuda", true),
                button("cannot", "No puedo venir", false),
            ],
            recorded: recorded.iter().map(|&line| line.to_owned()).collect(),
            places: Vec::new(),
            phone: Some(Link::new("+1 555 010 0100", "tel:+15550100100")),
        }
    }

    #[test]
    fn the_page_is_one_plain_form_whose_first_button_is_the_positive_answer() {
        let html = page(AlertNow::Running, &[]).render().unwrap();

        assert_eq!(html.matches("<form").count(), 1);
        let first = html.split("<button").nth(1).unwrap();
        assert!(first.contains("Estoy a salvo"), "{first}");
        assert!(html.contains("Aún no hay ninguna respuesta registrada."));
        assert!(html.contains("SIMULACRO · ATENCIÓN · 14:02"));
        assert!(
            !html.contains("<script") && !html.contains("http"),
            "{html}"
        );
    }

    #[test]
    fn a_later_state_is_said_before_the_message() {
        let html = page(AlertNow::Corrected, &[]).render().unwrap();

        let state = html.find("falsa alarma").unwrap();
        assert!(state < html.find("CERRADA").unwrap());
    }

    #[test]
    fn what_was_recorded_is_shown_and_can_be_changed() {
        let html = page(AlertNow::Running, &["Estoy a salvo, 14:03:12"])
            .render()
            .unwrap();

        assert!(
            html.contains("Registrado:<b>Estoy a salvo, 14:03:12</b>"),
            "{html}"
        );
        assert!(html.contains("Cambiar mi respuesta"));
        assert!(!html.contains("Aún no hay"));
    }

    #[test]
    fn the_page_stays_small_before_it_is_compressed() {
        // Text and style of this shape shrink to about 55 %: this is well under one kilobyte.
        let html = page(AlertNow::Running, &["Estoy a salvo, 14:03:12"])
            .render()
            .unwrap();
        assert!(html.len() < 1_650, "{} bytes", html.len());
    }
}
