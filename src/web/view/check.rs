//! The check page: exactly what will be said to whom, before anything is sent.

use askama::Template;

use super::sign_in::Field;
use super::{Choice, Fact, Frame, Mode, Notice, Severity, people};

/// `/live/NAME` and `/drill/NAME`.
///
/// One form. Its send button posts to the page's own address; "Show with these words" asks for the
/// same address with the form's values in the query. With JavaScript, `live` is fetched from
/// `preview_href` with the same query whenever something changes.
#[derive(Clone, Debug, Template)]
#[template(path = "check.html")]
pub struct Check {
    /// What surrounds the page, in its mode; the ribbon says that nothing has been sent yet.
    pub page: Frame,
    /// LIVE or DRILL.
    pub mode: Mode,
    /// The template's title: "Clinic closed".
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// "Approved by R. Okafor, version 4, 3 September 2026".
    pub approved: String,
    /// Where the form posts to: the page's own path.
    pub action: String,
    /// Where the changing part is fetched from.
    pub preview_href: String,
    /// The launch board to go back to.
    pub back: String,
    /// Fields that go along unseen: the nonce that makes a second post harmless.
    pub hidden: Vec<(String, String)>,
    /// What must be filled in, pick-lists first. Empty when the template has no blanks.
    pub blanks: Vec<Blank>,
    /// The form's name for the groups.
    pub groups_name: String,
    /// All groups, those chosen ticked.
    pub groups: Vec<Choice>,
    /// The form's name for people picked one by one.
    pub contacts_name: String,
    /// People picked one by one, ticked.
    pub contacts: Vec<Choice>,
    /// "All staff and today's patients": the chosen groups in words.
    pub groups_in_words: String,
    /// The part that changes with the blanks and groups.
    pub live: CheckLive,
}

impl Check {
    /// What the blanks say, when nothing is left to ask: after a quick pick the questions then
    /// stand folded, so that the text and the button come first. None while something must still
    /// be filled in, or nothing is.
    pub fn filled_in(&self) -> Option<String> {
        let is_wrong = |blank: &Blank| !blank.error.is_empty();
        if !self.live.missing.is_empty() || self.blanks.iter().any(is_wrong) {
            return None;
        }
        let values: Vec<&str> = self.blanks.iter().filter_map(Blank::value).collect();
        if values.is_empty() {
            return None;
        }
        let filled = values.join(" · ");
        Some(match self.blanks.len() - values.len() {
            0 => filled,
            more => format!("{filled} · {more} more may be filled in"),
        })
    }
}

impl Blank {
    /// What it says: the words of what is picked, or what was typed; none while it is empty.
    pub fn value(&self) -> Option<&str> {
        let picked = self.choices.iter().find(|choice| choice.chosen);
        let value = picked.map_or(self.typed.as_str(), |choice| choice.label.as_str());
        (!value.is_empty()).then_some(value)
    }
}

/// One variable of the template.
///
/// The form sends it as `name`. Where both picking and typing are possible, "something else" sends
/// `name` empty and the typed words as `name.other`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blank {
    /// The form's name for it.
    pub name: String,
    /// The question: "Why?"
    pub label: String,
    /// A line that says what is meant; empty for none.
    pub hint: String,
    /// What is wrong with what was given, as a sentence; empty for nothing.
    pub error: String,
    /// What may be picked; empty when it is typed.
    pub choices: Vec<Choice>,
    /// Whether something else than the choices may be typed. True when there are no choices.
    pub may_type: bool,
    /// What was typed.
    pub typed: String,
    /// An example for the empty input: "burst pipe".
    pub example: String,
    /// Characters that fit; zero for no limit.
    pub longest: u32,
    /// Whether it can be left empty.
    pub optional: bool,
}

/// The part of the check page that depends on the blanks and groups; also `…/preview` on its own.
#[derive(Clone, Debug, Template)]
#[template(path = "check_live.html")]
pub struct CheckLive {
    /// LIVE or DRILL.
    pub mode: Mode,
    /// Whether a posted form no longer matched what had been shown, so that it is shown again and
    /// nothing was sent.
    pub changed: bool,
    /// Refusals and warnings in words. With one of tone `Wrong` there is no send button.
    pub problems: Vec<Notice>,
    /// The questions that are not answered yet. With one there is no send button.
    pub missing: Vec<String>,
    /// What people will read and hear, the most used first.
    pub previews: Vec<Preview>,
    /// People by category and channel, how long it takes, cost.
    pub facts: Vec<Fact>,
    /// What happens to those who stay silent, and when.
    pub plan: Vec<PlanStep>,
    /// Who cannot get it as planned, by reason.
    pub cannot: Vec<CannotGet>,
    /// How many people get it.
    pub people: u64,
    /// How many of them are needed, when they are asked in turn until so many have said yes.
    pub needed: Option<u64>,
    /// A signed word for everything shown: goes along in the form, so that the server can refuse to
    /// send what was not read; it also clears the tick, because it is a new one each time.
    pub fingerprint: String,
    /// Asks whether it is still the same person, when the browser has been open for a while.
    pub proof: Option<Field>,
    /// Seconds between the button and the first message, for stopping; zero for none.
    pub hold_seconds: u32,
}

impl CheckLive {
    /// Whether nothing stands in the way of sending.
    pub fn may_send(&self) -> bool {
        self.people > 0
            && self.missing.is_empty()
            && self.problems.iter().all(|p| p.tone != super::Tone::Wrong)
    }

    /// The one button: "Send LIVE alert to 143 people".
    pub fn button(&self) -> String {
        match (self.needed, self.mode) {
            (Some(needed), Mode::Live) => {
                format!("Send LIVE call-out: {needed} of {}", people(self.people))
            }
            (Some(needed), Mode::Drill) => {
                format!("Send DRILL call-out: {needed} of {}", people(self.people))
            }
            (None, Mode::Live) => format!("Send LIVE alert to {}", people(self.people)),
            (None, Mode::Drill) => format!("Send DRILL to {}", people(self.people)),
        }
    }

    /// The tick's sentence.
    pub fn understanding(&self) -> String {
        if let Some(needed) = self.needed {
            let (really, all) = (
                match self.mode {
                    Mode::Live => "for real",
                    Mode::Drill => "in a drill",
                },
                people(self.people),
            );
            let verb = if self.people == 1 { "is" } else { "are" };
            return format!(
                "I understand that {all} {verb} asked in turn {really}, from now on, until {needed} \
                 can come."
            );
        }
        let people = people(self.people);
        match self.mode {
            Mode::Live => format!("I understand that this alerts {people} for real, now."),
            Mode::Drill => format!("I understand that {people} get a drill message now."),
        }
    }
}

/// What a preview looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewKind {
    /// A bubble.
    Sms,
    /// A letter with a subject.
    Email,
    /// Words that are spoken.
    Voice,
}

/// One text, exactly as it goes out in one channel and language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// What it looks like.
    pub kind: PreviewKind,
    /// "SMS · English".
    pub heading: String,
    /// The language's tag, for `lang` and hyphenation.
    pub language: String,
    /// Whether the language is written from right to left.
    pub right_to_left: bool,
    /// How many people get this one; none on a template's own page.
    pub people: Option<u64>,
    /// The subject; empty for none.
    pub subject: String,
    /// The exact text, with its line breaks.
    pub text: String,
    /// "1 part, 148 of 160 characters"; empty for none.
    pub counter: String,
    /// What to know about it: "One curly quote makes it 2 parts."; empty for nothing.
    pub remark: String,
}

impl PreviewKind {
    /// The class that draws it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Voice => "voice",
        }
    }
}

impl Preview {
    /// The class that draws it.
    pub fn class(&self) -> &'static str {
        self.kind.class()
    }

    /// "131 people", or nothing.
    pub fn people_in_words(&self) -> String {
        self.people.map(people).unwrap_or_default()
    }
}

/// One stage of what happens, on a line of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// "at once", "after 3 min".
    pub when: String,
    /// "SMS and e-mail to everyone", "a call to whoever is silent".
    pub what: String,
}

/// People who cannot get it as planned, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotGet {
    /// "9 have only a landline: they are called instead."
    pub summary: String,
    /// Their names.
    pub names: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::view::Tone;

    fn live(people: u64, problems: Vec<Notice>) -> CheckLive {
        CheckLive {
            mode: Mode::Live,
            changed: false,
            problems,
            missing: Vec::new(),
            previews: Vec::new(),
            facts: Vec::new(),
            plan: Vec::new(),
            cannot: Vec::new(),
            people,
            needed: None,
            fingerprint: "abc".to_owned(),
            proof: None,
            hold_seconds: 5,
        }
    }

    #[test]
    fn the_button_names_the_act_and_the_number() {
        assert_eq!(
            live(143, Vec::new()).button(),
            "Send LIVE alert to 143 people"
        );
        let drill = CheckLive {
            mode: Mode::Drill,
            ..live(1, Vec::new())
        };
        assert_eq!(drill.button(), "Send DRILL to 1 person");
    }

    #[test]
    fn there_is_no_send_button_while_something_is_refused_or_nobody_gets_it() {
        let refused = live(
            143,
            vec![Notice::new(Tone::Wrong, "The reason is not filled in.")],
        );
        assert!(!refused.render().unwrap().contains("Send LIVE alert"));
        assert!(
            !live(0, Vec::new())
                .render()
                .unwrap()
                .contains("Send LIVE alert")
        );

        let warned = live(143, vec![Notice::new(Tone::Careful, "It takes 40 min.")]);
        assert!(
            warned
                .render()
                .unwrap()
                .contains("Send LIVE alert to 143 people")
        );
    }

    #[test]
    fn a_text_is_shown_as_text_and_never_as_markup() {
        let preview = Preview {
            kind: PreviewKind::Sms,
            heading: "SMS".to_owned(),
            language: "en".to_owned(),
            right_to_left: false,
            people: Some(1),
            subject: String::new(),
            text: "<script>alert(1)</script>".to_owned(),
            counter: String::new(),
            remark: String::new(),
        };

        let html = CheckLive {
            previews: vec![preview],
            ..live(1, Vec::new())
        }
        .render()
        .unwrap();

        assert!(!html.contains("<script>"), "{html}");
    }
}
