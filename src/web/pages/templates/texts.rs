//! What a template says and is, in words: its texts with examples in the blanks, its settings.

use std::collections::BTreeMap;

use crate::alert::words::{Language, Mode, Purpose};
use crate::app::App;
use crate::call_out::{Says, Wanted};
use crate::channel::Channel;
use crate::plan::{Step, Whom};
use crate::storage::alerts::Text;
use crate::template::{
    self, Level, Template, Variable, VariableKind, dates, fields, message, values,
};
use crate::web::format::{self, listed, sentence};
use crate::web::pages::{draft_view, preview};
use crate::web::view::check::{PlanStep, Preview};
use crate::web::view::templates::Finding;
use crate::web::view::{Fact, Tone};

/// Every text, with realistic values in its blanks, as people would read it. A text that cannot be
/// filled is left out: the findings say why.
pub(super) fn with_examples(app: &App, template: &Template) -> Vec<Preview> {
    let mut previews = of_one(app, template);
    for (says, later) in &template.later {
        previews.extend(
            of_one(app, later)
                .into_iter()
                .map(|one| preview::later(*says, one)),
        );
    }
    previews
}

fn of_one(app: &App, template: &Template) -> Vec<Preview> {
    let mut texts = Vec::new();
    for (position, language) in (0_i32..).zip(&template.languages) {
        let values = examples(app, template, language);
        for channel in &template.channels {
            let filled = message::fill(template, *channel, language, &values, Mode::Actual);
            if let Some(filled) = filled
                .ok()
                .and_then(|text| serde_json::to_string(&text).ok())
            {
                let (channel, language) = (*channel, language.clone());
                texts.push(Text {
                    says: Says::Message,
                    channel,
                    language,
                    position,
                    filled,
                    sha256: String::new(),
                });
            }
        }
    }
    let shown = preview::shown(app, Some(template), &texts, &template.channels, &[]);
    shown
        .into_iter()
        .map(|one| Preview {
            people: None,
            ..one.preview
        })
        .collect()
}

fn examples(app: &App, template: &Template, language: &Language) -> BTreeMap<String, String> {
    let given: BTreeMap<String, String> = template
        .variables
        .iter()
        .filter(|variable| variable.kind != VariableKind::Person)
        .map(|variable| (variable.name.clone(), variable.realistic().to_owned()))
        .collect();
    let mut all = values::resolve(template, &given, language).unwrap_or(given);
    let house = &app.config.organisation;
    let now = app.clock.now().to_jiff().to_zoned(house.zone());
    let standing = [
        (fields::ORGANISATION, house.name.clone()),
        (fields::PHONE, house.phone.clone()),
        (fields::TIME, now.strftime("%H:%M").to_string()),
        (fields::DATE, dates::date_in(now.date(), language)),
    ];
    all.extend(standing.map(|(name, value)| (name.to_owned(), value)));
    if template.follows() {
        let followed = app.shelf();
        let followed = followed.templates.iter().find(|one| !one.follows());
        let title = followed.map_or("…", |one| one.title_in(language));
        all.insert(fields::ABOUT.to_owned(), title.to_owned());
        all.insert(
            fields::ABOUT_TIME.to_owned(),
            now.strftime("%H:%M").to_string(),
        );
    }
    all
}

/// What the check found, the worst first, and whether the review is due.
pub(super) fn findings(app: &App, template: &Template) -> Vec<Finding> {
    let mut findings: Vec<Finding> = template::check(template)
        .into_iter()
        .map(|finding| Finding {
            tone: if finding.level == Level::Error {
                Tone::Wrong
            } else {
                Tone::Careful
            },
            place: finding.place,
            text: sentence(&finding.message),
        })
        .collect();
    let today = app
        .clock
        .now()
        .to_jiff()
        .to_zoned(app.config.organisation.zone())
        .date();
    if template.review_by < today {
        findings.push(Finding {
            tone: Tone::Careful,
            place: String::new(),
            text: "Its review is overdue: read it again and set a new review_by.".to_owned(),
        });
    }
    findings
}

pub(super) fn facts(template: &Template, version: Option<i32>) -> Vec<Fact> {
    let channels: Vec<&str> = template
        .channels
        .iter()
        .map(|channel| preview::name(*channel))
        .collect();
    let languages: Vec<&str> = template.languages.iter().map(format::language).collect();
    let mut facts = vec![
        Fact::new("What for", purpose(template.purpose)),
        Fact::new("Goes to", audience(template)),
        Fact::new("By", listed(&channels)),
        Fact::new("In", listed(&languages)),
        Fact::new("Ends after", format::span(template.expires_in)),
        Fact::new(
            "Review by",
            template.review_by.strftime("%-d %B %Y").to_string(),
        ),
    ];
    if let Some(expected) = template.expected {
        let value = format!("{} to {} people", expected.min, expected.max);
        facts.push(Fact::new("Meant for", value));
    }
    let version = version.map_or_else(|| "not approved".to_owned(), |number| number.to_string());
    facts.push(Fact::new("Version", version));
    facts.push(Fact::new(
        "Content",
        template.hash.chars().take(12).collect::<String>(),
    ));
    facts
}

fn audience(template: &Template) -> String {
    match (template.follows(), template.audience.is_empty()) {
        (true, _) => "whoever the alert before it reached".to_owned(),
        (false, true) => "whom the sender picks".to_owned(),
        (false, false) => listed(&template.audience),
    }
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Emergency => "an emergency: reaches also those who opted out of other messages",
        Purpose::Operations => "running the house",
        Purpose::Appointment => "a person’s own appointment",
        Purpose::Notice => "a notice that the law asks for",
    }
}

/// The blanks: what is asked, and what may be in it.
pub(super) fn variables(template: &Template, language: &Language) -> Vec<Fact> {
    template
        .variables
        .iter()
        .map(|variable| Fact::new(&variable.name, about(variable, language)))
        .collect()
}

fn about(variable: &Variable, language: &Language) -> String {
    let must = if variable.required {
        "must be filled"
    } else {
        "may stay empty"
    };
    let kind = match variable.kind {
        VariableKind::Text => "text",
        VariableKind::Choice => "one of the choices",
        VariableKind::Time => "a time",
        VariableKind::Date => "a day",
        VariableKind::Number => "a number",
        VariableKind::Person => "each person’s own, from the directory",
    };
    let choices: Vec<&str> = variable
        .choices
        .iter()
        .map(|choice| choice.value.as_str())
        .collect();
    let choices = match (choices.is_empty(), variable.kind) {
        (true, _) => String::new(),
        (false, VariableKind::Text) => format!(" Suggested: {}.", choices.join(", ")),
        (false, _) => format!(" One of: {}.", choices.join(", ")),
    };
    let question = sentence(variable.label_in(language));
    let kind = sentence(&format!("{kind}, {must}"));
    format!("{question} {kind}{choices}")
}

/// The answers with their digits.
pub(super) fn answers(template: &Template, language: &Language) -> Vec<Fact> {
    (1..)
        .zip(&template.options)
        .map(|(digit, option): (u32, _)| Fact::new(digit.to_string(), option.label_in(language)))
        .collect()
}

/// The steps of its plan, on a line of time.
pub(super) fn plan(template: &Template) -> Vec<PlanStep> {
    if let Some(usual) = &template.call_out {
        let wanted = Wanted {
            needed: usual.needed.unwrap_or(1),
            answer_within: None,
            ahead: None,
        };
        return draft_view::in_turn(&template.plan, &usual.settings(&wanted));
    }
    template.plan.steps.iter().map(step).collect()
}

fn step(step: &Step) -> PlanStep {
    let when = match step.after_seconds {
        0 => "at once".to_owned(),
        _ => format!("after {}", format::span(step.after())),
    };
    let whom = match step.whom {
        Whom::Everyone => "everyone",
        Whom::Silent => "whoever is silent",
    };
    let mut acts: Vec<String> = Vec::new();
    if !step.channels.is_empty() {
        let messages: Vec<&str> = step
            .channels
            .iter()
            .map(|channel: &Channel| preview::one_of(*channel))
            .collect();
        acts.push(format!("{} to {whom}", listed(&messages)));
    }
    if step.call_list {
        acts.push(format!("{whom} goes onto the call list"));
    }
    PlanStep {
        when,
        what: sentence(&acts.join("; ")).trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_when_what_and_to_whom() {
        let first = Step {
            after_seconds: 0,
            whom: Whom::Everyone,
            channels: vec![Channel::Sms, Channel::Email],
            call_list: false,
        };
        let said = step(&first);
        assert_eq!(
            (said.when.as_str(), said.what.as_str()),
            ("at once", "A text and an e-mail to everyone")
        );
        let later = Step {
            after_seconds: 300,
            whom: Whom::Silent,
            channels: Vec::new(),
            call_list: true,
        };
        let said = step(&later);
        assert_eq!(said.what, "Whoever is silent goes onto the call list");
        assert_eq!(said.when, "after 5 min");
    }
}
