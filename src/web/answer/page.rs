//! Fills the answer page: the newest word of the alert, for this person, in their language.

use crate::alert::whom::own_fields;
use crate::alert::words::{AlertKind, AlertState, Language};
use crate::app::App;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::dispatch::message::{answer_link, best, own_value};
use crate::response::{AnswerClass, AnswerOption, Sheet};
use crate::storage::Json;
use crate::storage::alerts::Alert;
use crate::storage::links::Sharer;
use crate::storage::responses::Response;
use crate::template::{answers, dates};
use crate::web::view::answer::{AlertNow, AnswerButton, AnswerPage, Answerer};
use crate::web::view::answer_words::AnswerWords;
use crate::web::view::{Link, Severity};

use super::text::without_link;

/// Which channel's text is shown, if the alert has it: the shortest that is meant to be read first.
const PREFERRED: [Channel; 4] = [Channel::Sms, Channel::Push, Channel::Voice, Channel::Email];

/// The fixed words in the language of whoever has the link.
pub(super) fn words(sheet: &Sheet) -> &'static AnswerWords {
    AnswerWords::of(sheet.lead.language.as_str())
}

/// The page as it is now.
pub(super) fn build(app: &App, sheet: &Sheet) -> AnswerPage {
    let Sheet { lead, about, .. } = sheet;
    let alert = &about.alert;
    let newest = about.thread.last().unwrap_or(alert);
    let words = words(sheet);
    AnswerPage {
        words,
        language: words.tag.to_owned(),
        right_to_left: false,
        organisation: app.config.organisation.name.clone(),
        mode: alert.mode.into(),
        severity: Severity::of(newest.kind, newest.severity),
        sent: moment(app, newest.launched_at, &lead.language, "%H:%M"),
        now: stands(alert, &about.thread),
        message: message(app, newest, sheet),
        question: String::new(),
        people: answerers(&sheet.people),
        options: buttons(&alert.options, &lead.language),
        recorded: recorded(app, sheet, words),
        places: places(sheet, words),
        phone: phone(app),
    }
}

/// The clinic's number, to be called.
pub(super) fn phone(app: &App) -> Option<Link> {
    let phone = app.config.organisation.phone.trim();
    let digits: String = phone
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    (!digits.is_empty()).then(|| Link::new(phone, format!("tel:{digits}")))
}

/// A false alarm stays one, and what is over stays over, whatever the alert's own state says.
fn stands(alert: &Alert, thread: &[Alert]) -> AlertNow {
    let last_word = thread.iter().rev().find_map(|other| match other.kind {
        AlertKind::Correction => Some(AlertNow::Corrected),
        AlertKind::AllClear => Some(AlertNow::AllClear),
        AlertKind::Alert | AlertKind::Update => None,
    });
    last_word.unwrap_or(match alert.state {
        AlertState::Running => AlertNow::Running,
        AlertState::Stopped => AlertNow::Stopped,
        AlertState::Ended => AlertNow::Ended,
    })
}

fn message(app: &App, alert: &Alert, sheet: &Sheet) -> String {
    let Sheet { lead, about, .. } = sheet;
    let on = |channel: Channel| {
        let (language, text) = best(about.texts.get(&channel)?, &lead.language)?;
        Some((channel, language, text))
    };
    let Some((channel, language, text)) = PREFERRED.into_iter().find_map(on) else {
        return alert.title_in(&lead.language).to_owned();
    };
    let link = answer_link(app, lead.delivery);
    let own = own_fields(&app.keys, lead.contact_id, lead.fields.as_deref());
    let spliced = text
        .splice(channel, &|field| own_value(field, &lead.name, &link, &own))
        .text;
    let answers = answers::answers_line(&alert.options, language);
    without_link(&spliced, &link, &answers)
}

fn buttons(options: &Json<Vec<AnswerOption>>, language: &Language) -> Vec<AnswerButton> {
    options
        .iter()
        .map(|option| AnswerButton {
            key: option.key.clone(),
            label: option.label_in(language).to_owned(),
            help: option.class == AnswerClass::Help,
        })
        .collect()
}

/// Those who share the phone, by first name; nobody is asked where there is only one.
fn answerers(people: &[Sharer]) -> Vec<Answerer> {
    if people.len() < 2 {
        return Vec::new();
    }
    let names: Vec<&str> = people
        .iter()
        .map(|person| first_name(&person.name))
        .collect();
    let is_clear = |name: &str| names.iter().filter(|other| **other == name).count() == 1;
    people
        .iter()
        .zip(&names)
        .map(|(person, first)| Answerer {
            key: person.recipient.to_string(),
            name: if is_clear(first) {
                (*first).to_owned()
            } else {
                person.name.clone()
            },
            chosen: false,
        })
        .collect()
}

/// `Pérez, Ana` is Ana.
fn first_name(name: &str) -> &str {
    let spoken = name.split_once(',').map_or(name, |(_, given)| given);
    spoken.split_whitespace().next().unwrap_or(name)
}

/// What is on disk, one line for each person who answered. Whose only answer a machine may have given
/// is asked for it once more.
fn recorded(app: &App, sheet: &Sheet, words: &AnswerWords) -> Vec<String> {
    let language = &sheet.lead.language;
    let options = &sheet.about.alert.options;
    let line = |person: &Sharer| {
        let own = |one: &&Response| one.recipient == person.recipient;
        let name = name_if_shared(sheet, person);
        let sure = |one: &&Response| own(one) && !one.maybe_automatic;
        let Some(latest) = sheet.given.iter().rfind(sure) else {
            let unsure = sheet.given.iter().find(own);
            return unsure.map(|_| format!("{name}{}", words.unsure));
        };
        let option = options.iter().find(|option| option.key == latest.answer);
        let label = option.map_or(latest.answer.as_str(), |option| option.label_in(language));
        let at = moment(app, latest.at, language, "%H:%M:%S");
        let late = if latest.late {
            format!(" ({})", words.late)
        } else {
            String::new()
        };
        Some(format!("{name}{label}, {at}{late}"))
    };
    sheet.people.iter().filter_map(line).collect()
}

fn name_if_shared(sheet: &Sheet, person: &Sharer) -> String {
    if sheet.people.len() > 1 {
        format!("{}: ", first_name(&person.name))
    } else {
        String::new()
    }
}

/// Where those stand who said yes to a call-out, one line for each; or that it is filled, to whoever
/// has not said yes.
fn places(sheet: &Sheet, words: &AnswerWords) -> Vec<String> {
    let Some(standing) = &sheet.about.standing else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for person in &sheet.people {
        if let Some(place) = standing.place(person.recipient) {
            let name = name_if_shared(sheet, person);
            lines.push(format!("{name}{}", words.place(place)));
        }
    }
    if lines.is_empty() && standing.still_needed() == 0 {
        lines.push(words.filled.to_owned());
    }
    lines
}

/// The time of day, with the date when that is not today.
fn moment(app: &App, at: Timestamp, language: &Language, format: &str) -> String {
    let zone = app.config.organisation.zone();
    let then = at.to_jiff().to_zoned(zone.clone());
    let today = app.clock.now().to_jiff().to_zoned(zone).date();
    let time = then.strftime(format).to_string();
    if then.date() == today {
        time
    } else {
        format!("{}, {time}", dates::date_in(then.date(), language))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DeliveryId, RecipientId};

    fn sharer(number: i64, name: &str) -> Sharer {
        let recipient = RecipientId(number);
        Sharer {
            delivery: DeliveryId(1),
            recipient,
            name: name.to_owned(),
        }
    }

    #[test]
    fn people_who_share_a_phone_are_told_apart_by_as_little_as_needed() {
        let names = |people: &[Sharer]| -> Vec<String> {
            answerers(people)
                .into_iter()
                .map(|person| person.name)
                .collect()
        };
        assert_eq!(
            names(&[sharer(1, "Ana Cruz"), sharer(2, "Cruz, Luis")]),
            ["Ana", "Luis"]
        );
        assert_eq!(
            names(&[sharer(1, "Ana Cruz"), sharer(2, "Ana Gil")]),
            ["Ana Cruz", "Ana Gil"]
        );
        assert!(names(&[sharer(1, "Ana Cruz")]).is_empty());
    }
}
