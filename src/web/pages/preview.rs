//! Shows the texts of an alert before it goes out, word for word, and what they cost.

use std::borrow::Cow;

use crate::alert::words::{Language, Mode, Severity};
use crate::app::App;
use crate::call_out::Says;
use crate::channel::{Channel, Configured};
use crate::storage::alerts::Text;
use crate::template::message::Filled;
use crate::template::segments::{self, Encoding, SmsSize};
use crate::template::{Template, VariableKind, fields};
use crate::web::format::{self, Times};
use crate::web::view::check::{Preview, PreviewKind};
use crate::web::view::{Fact, counted, grouped};

/// Whom a text is shown for: nobody's real name belongs on a screen.
const SAMPLE_NAME: &str = "Dana Ortiz";
/// Stands for an answer token: as long, so that the count is right.
const SAMPLE_TOKEN: &str = "7kQmXw3TzRb9VdLpNc5HsY";

/// How many people a channel reaches in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readers {
    /// The channel.
    pub channel: Channel,
    /// The language of the text that they get.
    pub language: Language,
    /// How many.
    pub people: u64,
}

/// One text as it is shown, and as a text message is charged.
#[derive(Clone, Debug)]
pub struct Shown {
    /// For the page.
    pub preview: Preview,
    /// Its channel.
    pub channel: Channel,
    /// How many people get it.
    pub people: u64,
    /// What it costs as SMS; none on other channels.
    pub size: Option<SmsSize>,
}

/// The texts on `channels`, those that most people read first. The template gives examples for what
/// is each person's own.
pub fn shown(
    app: &App,
    template: Option<&Template>,
    texts: &[Text],
    channels: &[Channel],
    readers: &[Readers],
) -> Vec<Shown> {
    let mut shown: Vec<Shown> = texts
        .iter()
        .filter(|text| channels.contains(&text.channel))
        .filter_map(|text| one(app, template, text, readers))
        .collect();
    // A stable sort: within the same number, channels and languages keep the template's order.
    shown.sort_by_key(|one| {
        let channel = channels.iter().position(|channel| *channel == one.channel);
        (channel, std::cmp::Reverse(one.people))
    });
    shown
}

fn one(app: &App, template: Option<&Template>, text: &Text, readers: &[Readers]) -> Option<Shown> {
    let filled: Filled = serde_json::from_str(&text.filled).ok()?;
    let link = format!("{}/a/{SAMPLE_TOKEN}", app.public_url);
    let own = |field: &str| -> Option<Cow<'_, str>> {
        match field {
            fields::NAME => Some(SAMPLE_NAME.into()),
            fields::LINK => Some(link.clone().into()),
            other => template
                .and_then(|template| template.variable(other))
                .filter(|variable| variable.kind == VariableKind::Person)
                .map(|variable| variable.realistic().to_owned().into()),
        }
    };
    let spliced = filled.splice(text.channel, &own);
    let people = readers
        .iter()
        .filter(|one| one.channel == text.channel && one.language == text.language)
        .map(|one| one.people)
        .sum();
    let size = (text.channel == Channel::Sms).then(|| segments::count(&spliced.text));
    let (counter, remark) = size.as_ref().map(in_words).unwrap_or_default();
    Some(Shown {
        preview: Preview {
            kind: kind(text.channel),
            heading: format!(
                "{} · {}",
                name(text.channel),
                format::language(&text.language)
            ),
            language: text.language.to_string(),
            right_to_left: text.language.is_right_to_left(),
            people: Some(people),
            subject: spliced.subject.unwrap_or_default(),
            text: spliced.text,
            counter,
            remark,
        },
        channel: text.channel,
        people,
        size,
    })
}

/// The same for what a call-out says later.
pub fn later(says: Says, preview: Preview) -> Preview {
    Preview {
        heading: format!("{}{}", when(says), preview.heading),
        people: None,
        ..preview
    }
}

/// When something is said, for a heading; empty for the message itself.
pub fn when(says: Says) -> &'static str {
    match says {
        Says::Message => "",
        Says::Filled => "Once it is filled: ",
        Says::Needed => "To the standby list, when needed: ",
    }
}

/// What a text of this channel looks like.
pub fn kind(channel: Channel) -> PreviewKind {
    match channel {
        Channel::Email => PreviewKind::Email,
        Channel::Voice => PreviewKind::Voice,
        Channel::Sms | Channel::Push => PreviewKind::Sms,
    }
}

/// "Text message", "E-mail".
pub fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "Text message",
        Channel::Email => "E-mail",
        Channel::Voice => "Call",
        Channel::Push => "Push message",
    }
}

/// "a text", "an e-mail".
pub fn one_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "a text",
        Channel::Email => "an e-mail",
        Channel::Voice => "a call",
        Channel::Push => "a push message",
    }
}

/// "text messages", "e-mails".
pub fn many_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "text messages",
        Channel::Email => "e-mails",
        Channel::Voice => "calls",
        Channel::Push => "push messages",
    }
}

fn in_words(size: &SmsSize) -> (String, String) {
    let alphabet = match size.encoding {
        Encoding::Gsm7 => "",
        Encoding::Ucs2 => ", in the wide alphabet",
    };
    let parts = u64::try_from(size.parts).unwrap_or(u64::MAX);
    let counter = format!(
        "{}, {} characters{alphabet}; {} more would fit.",
        counted(parts, "part", "parts"),
        size.units,
        size.left
    );
    let remark = size.culprit.filter(|_| size.parts > 1).map(|culprit| {
        format!(
            "The character “{culprit}” is not in the phones' short alphabet: the whole text takes \
             more parts because of it."
        )
    });
    (counter, remark.unwrap_or_default())
}

/// When the first round begins and how long it takes on each channel, and what it costs where the
/// gateways say so.
pub fn cost_and_time(app: &App, mode: Mode, severity: Severity, shown: &[Shown]) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut cost = None;
    let mut channels: Vec<Channel> = shown.iter().map(|one| one.channel).collect();
    channels.dedup();
    for channel in channels {
        let of_channel: Vec<&Shown> = shown.iter().filter(|one| one.channel == channel).collect();
        let people: u64 = of_channel.iter().map(|one| one.people).sum();
        let gateways = working(app, mode, channel);
        let value = if gateways.is_empty() {
            format!("{}; no gateway takes them now, they wait", grouped(people))
        } else {
            let waits = app.quiet_until(severity, &[channel]).map(|until| {
                let times = Times::new(&app.config, app.clock.now());
                format!("from {} on, ", times.near_minute(until))
            });
            let waits = waits.unwrap_or_default();
            format!("{}, {waits}{}", grouped(people), time(people, &gateways))
        };
        facts.push(Fact::new(format!("By {}", by(channel)), value));
        let price = gateways.first().and_then(|gateway| gateway.common.cost);
        if let Some(price) = price {
            let units: u64 = of_channel.iter().map(|one| one.people * parts(one)).sum();
            #[expect(clippy::cast_precision_loss, reason = "an estimate of money")]
            let added = price * units as f64;
            cost = Some(cost.unwrap_or(0.0) + added);
        }
    }
    if let Some(cost) = cost {
        let currency = &app.config.organisation.currency;
        let value = format!("about {cost:.2} {currency} for the first round");
        facts.push(Fact::new("Cost", value));
    }
    facts
}

fn parts(shown: &Shown) -> u64 {
    shown
        .size
        .as_ref()
        .map_or(1, |size| u64::try_from(size.parts).unwrap_or(1))
}

fn by(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "text",
        Channel::Email => "e-mail",
        Channel::Voice => "call",
        Channel::Push => "push message",
    }
}

/// The gateways that would carry it now, the first in use first.
fn working(app: &App, mode: Mode, channel: Channel) -> Vec<&Configured> {
    let is_up = |name: &str| app.health.get(name).is_none_or(|health| !health.is_down());
    app.gateways
        .iter()
        .filter(|gateway| gateway.common.channel == channel)
        .filter(|gateway| mode == Mode::Actual || gateway.common.exercises)
        .filter(|gateway| is_up(&gateway.common.name))
        .collect()
}

/// "done in about 45 s"; without a limit at every gateway it is a matter of seconds.
fn time(people: u64, gateways: &[&Configured]) -> String {
    let rates: Option<f64> = gateways.iter().map(|one| one.common.rate_per_second).sum();
    match rates {
        Some(rate) if rate > 0.0 && people > 0 => {
            #[expect(clippy::cast_precision_loss, reason = "an estimate of time")]
            let seconds = (people as f64 / rate).ceil();
            let span = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
            format!("gone in about {}", format::span(span))
        }
        _ => "gone in a few seconds".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_its_parts_and_what_makes_it_longer() {
        let (counter, remark) = in_words(&segments::count("Closed."));
        assert_eq!(counter, "1 part, 7 characters; 153 more would fit.");
        assert!(remark.is_empty());
        let (counter, remark) = in_words(&segments::count(&format!("“{}", "a".repeat(100))));
        assert!(counter.starts_with("2 parts"), "{counter}");
        assert!(remark.contains('“'), "{remark}");
    }

    #[test]
    fn the_sample_token_is_as_long_as_a_real_one() {
        assert_eq!(SAMPLE_TOKEN.len(), crate::keys::TOKEN_LENGTH);
    }
}
