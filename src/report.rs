//! Who was reached, who was not and why, and how fast: one structure, from which every form is made.
//!
//! The same figures stand on the page, in the CSV, in the JSON and on the terminal, because all of
//! them are [`Report`]. It can be built at any moment of an alert, also while it runs.

pub mod acts;
pub mod call_out;
pub mod figures;
pub mod reasons;
pub mod slices;
pub mod table;
pub mod text;
pub mod words;
pub mod written;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::alert::words::{AlertKind, AlertState, Category, Language, Mode, Severity};
use crate::app::App;
use crate::call_out::Says;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::{AlertId, AlertNumber, ContactId, RecipientId};
use crate::response::AnswerClass;
use crate::storage::alerts::Alert;
use crate::storage::call_out::Standing;
use crate::storage::deliveries::DeliveryState;
use crate::storage::standing::{self, Delivery, Filter, Person, PersonState};
use crate::storage::{self, Error};
use crate::template::message::Filled;
use acts::Act;
use call_out::CallOutAccount;
use figures::{Figures, Point};
use slices::Slice;
use written::Written;

/// The account of one alert.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What people say aloud.
    pub number: AlertNumber,
    /// What the outside calls it.
    pub id: AlertId,
    /// What it was called.
    pub title: String,
    /// The template and its approved version.
    pub template: String,
    /// The approved version.
    pub template_version: i32,
    /// Who approved that version, and when; none if the approval was taken back since.
    pub approved: Option<Approved>,
    /// Live or drill.
    pub mode: Mode,
    /// What it was to the alert it follows.
    pub kind: AlertKind,
    /// How bad it was.
    pub severity: Severity,
    /// How it stands.
    pub state: AlertState,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// By whom.
    pub launched_by: String,
    /// When it was over.
    pub closed_at: Option<Timestamp>,
    /// When this account was made.
    pub made_at: Timestamp,
    /// People in the audience.
    pub recipients: i64,
    /// How many people stand how: every state is there, and together they are all.
    pub counts: BTreeMap<PersonState, i64>,
    /// Messages by channel and state.
    pub deliveries: BTreeMap<Channel, BTreeMap<DeliveryState, i64>>,
    /// Answers, in the order of the options.
    pub answers: Vec<AnswerCount>,
    /// How it stands as a call-out; null if it is none.
    pub call_out: Option<CallOutAccount>,
    /// The figures of a drill form.
    pub figures: Figures,
    /// Reached and answered over time.
    pub curve: Vec<Point>,
    /// The same by group, category, site, unit, language, channel and gateway.
    pub slices: Vec<Slice>,
    /// Everyone who may not know, with the reason and what to do about it.
    pub not_reached: Vec<NotReached>,
    /// What people wrote that is no answer, oldest first.
    pub messages: Vec<Written>,
    /// What people and the program did, oldest first.
    pub acts: Vec<Act>,
    /// The texts, word for word but for what is each person's own.
    pub texts: Vec<SentText>,
    /// Messages that may have reached someone twice.
    pub possible_duplicates: i64,
    /// Messages of which nobody knows whether they went out.
    pub unknown_outcomes: i64,
    /// Follow-ups and the alert followed: number, kind, id.
    pub thread: Vec<(AlertNumber, AlertKind, AlertId)>,
    /// The last hash of the audit chain when this account was made.
    pub audit_head: String,
}

/// A person's yes to the words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approved {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// How many people's latest answer is one option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnswerCount {
    /// The option's key.
    pub key: String,
    /// Its label.
    pub label: String,
    /// What it means.
    pub class: AnswerClass,
    /// How many people.
    pub people: i64,
}

/// Someone who may not know.
#[derive(Clone, Debug, Serialize)]
pub struct NotReached {
    /// Their place in the alert.
    pub recipient: RecipientId,
    /// Who.
    pub contact: ContactId,
    /// Their name.
    pub name: String,
    /// What they are.
    pub category: Category,
    /// How they stand.
    pub state: PersonState,
    /// Why, in a sentence.
    pub reason: String,
    /// What to do about it, in a sentence.
    pub fix: &'static str,
}

/// A text as it was sent.
#[derive(Clone, Debug, Serialize)]
pub struct SentText {
    /// The message, or what a call-out said later.
    pub says: Says,
    /// On which channel.
    pub channel: Channel,
    /// In which language.
    pub language: Language,
    /// The subject line of an e-mail.
    pub subject: Option<String>,
    /// The text; what is each person's own stands as «name», «link»…
    pub text: String,
    /// SHA-256 of the stored text, as in the audit chain.
    pub sha256: String,
}

impl Report {
    /// The account of an alert as it stands now.
    pub async fn build(app: &App, alert: &Alert) -> Result<Self, Error> {
        let (db, now) = (&app.db, app.clock.now());
        let language = app.config.organisation.language();
        let times = standing::list_times(db, alert.number).await?;
        let standing = storage::call_out::standing(db, alert.number).await?;
        let counts = counts(db, alert).await?;
        let (possible_duplicates, unknown_outcomes) =
            standing::count_uncertain(db, alert.number).await?;
        let thread = storage::alerts::list_thread(db, alert.thread).await?;
        Ok(Self {
            number: alert.number,
            id: alert.id,
            title: alert.title_in(&language).to_owned(),
            template: alert.template.clone(),
            template_version: alert.template_version,
            approved: approved(db, alert).await?,
            mode: alert.mode,
            kind: alert.kind,
            severity: alert.severity,
            state: alert.state,
            launched_at: alert.launched_at,
            launched_by: alert.launched_by.clone(),
            closed_at: alert.closed_at,
            made_at: now,
            recipients: alert.recipients,
            deliveries: deliveries(db, alert).await?,
            answers: answers(db, alert, &language).await?,
            call_out: standing.as_ref().map(|one| CallOutAccount::of(alert, one)),
            figures: Figures::of(alert, &times),
            curve: figures::curve(alert.launched_at, &times),
            slices: slices::of(db, alert).await?,
            not_reached: not_reached(db, alert, standing.as_ref()).await?,
            messages: written::of_alert(app, alert).await?,
            acts: acts::of(db, alert, &thread, now).await?,
            texts: texts(db, alert).await?,
            possible_duplicates,
            unknown_outcomes,
            thread: thread
                .iter()
                .map(|one| (one.number, one.kind, one.id))
                .collect(),
            audit_head: crate::keys::hex(&storage::audit::head(db).await?.1),
            counts,
        })
    }
}

/// How many people stand how, every state named.
pub async fn counts(db: &storage::Db, alert: &Alert) -> Result<BTreeMap<PersonState, i64>, Error> {
    let mut counts: BTreeMap<PersonState, i64> =
        PersonState::ALL.iter().map(|state| (*state, 0)).collect();
    counts.extend(standing::count(db, alert.number).await?);
    Ok(counts)
}

/// Messages by channel and state.
pub async fn deliveries(
    db: &storage::Db,
    alert: &Alert,
) -> Result<BTreeMap<Channel, BTreeMap<DeliveryState, i64>>, Error> {
    let mut by_channel: BTreeMap<Channel, BTreeMap<DeliveryState, i64>> = BTreeMap::new();
    for (channel, state, count) in standing::count_deliveries(db, alert.number).await? {
        by_channel.entry(channel).or_default().insert(state, count);
    }
    Ok(by_channel)
}

/// Answers in the order of the options, also those that nobody gave.
pub async fn answers(
    db: &storage::Db,
    alert: &Alert,
    language: &Language,
) -> Result<Vec<AnswerCount>, Error> {
    let given = standing::count_answers(db, alert.number).await?;
    let count = |key: &str| {
        given
            .iter()
            .filter(|(answer, ..)| answer == key)
            .map(|(.., people)| people)
            .sum()
    };
    Ok(alert
        .options
        .iter()
        .map(|option| AnswerCount {
            key: option.key.clone(),
            label: option.label_in(language).to_owned(),
            class: option.class,
            people: count(&option.key),
        })
        .collect())
}

/// States in which someone may not know of the alert.
const MAY_NOT_KNOW: &[PersonState] = &[
    PersonState::Failed,
    PersonState::Unreachable,
    PersonState::Excluded,
    PersonState::InDoubt,
    PersonState::Queued,
    PersonState::Sending,
];

/// More people than this, and one read of all the alert's messages is cheaper than one for each.
const FEW: usize = 50;

/// Everyone who may not know. Whom a call-out did not ask need not know.
async fn not_reached(
    db: &storage::Db,
    alert: &Alert,
    call_out: Option<&Standing>,
) -> Result<Vec<NotReached>, Error> {
    let mut people = Vec::new();
    for state in MAY_NOT_KNOW {
        let filter = Filter {
            state: Some(*state),
            ..Filter::default()
        };
        people.extend(standing::list(db, alert.number, filter, i64::MAX).await?);
    }
    people.retain(|person| call_out.is_none_or(|one| one.asked.contains(&person.id)));
    let mut messages: BTreeMap<RecipientId, Vec<Delivery>> = BTreeMap::new();
    let base = alert.number.base();
    let everyone = (RecipientId(base), RecipientId(base + alert.recipients));
    let spans = if people.len() > FEW {
        vec![everyone]
    } else {
        people.iter().map(|person| (person.id, person.id)).collect()
    };
    for (first, last) in spans {
        for delivery in standing::list_deliveries(db, first, last).await? {
            messages
                .entry(delivery.recipient)
                .or_default()
                .push(delivery);
        }
    }
    Ok(people
        .into_iter()
        .map(|person| {
            let own = messages.get(&person.id).map_or(&[][..], Vec::as_slice);
            explain(person, own)
        })
        .collect())
}

fn explain(person: Person, deliveries: &[Delivery]) -> NotReached {
    let (reason, fix) = reasons::of(person.state, deliveries);
    NotReached {
        recipient: person.id,
        contact: person.contact_id,
        name: person.name,
        category: person.category,
        state: person.state,
        reason,
        fix,
    }
}

async fn approved(db: &storage::Db, alert: &Alert) -> Result<Option<Approved>, Error> {
    let found = storage::approvals::find(db, &alert.template, &alert.template_hash).await?;
    Ok(found.map(|approval| Approved {
        by: approval.approved_by,
        at: approval.approved_at,
    }))
}

/// The texts of an alert with their open places shown.
pub async fn texts(db: &storage::Db, alert: &Alert) -> Result<Vec<SentText>, Error> {
    let stored = storage::alerts::list_all_texts(db, alert.number).await?;
    Ok(stored
        .into_iter()
        .filter_map(|text| {
            let filled: Filled = serde_json::from_str(&text.filled).ok()?;
            let shown = filled.splice(text.channel, &|field| Some(format!("«{field}»").into()));
            Some(SentText {
                says: text.says,
                channel: text.channel,
                language: text.language,
                subject: shown.subject,
                text: shown.text,
                sha256: text.sha256,
            })
        })
        .collect())
}
