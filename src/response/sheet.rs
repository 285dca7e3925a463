//! Everything that stands behind an answer link, read for many links at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use tracing::error;

use crate::alert::words::{AlertState, Language};
use crate::app::App;
use crate::channel::Channel;
use crate::ids::{AlertNumber, DeliveryId, RecipientId};
use crate::storage::alerts::{self, Alert};
use crate::storage::call_out::{self, Standing};
use crate::storage::links::{self, Lead, Sent, Sharer};
use crate::storage::responses::{self, Response};
use crate::storage::{Db, Error};
use crate::template::message::Filled;

/// How long after the end of an alert its links still open.
const OPEN_FOR: Duration = Duration::from_hours(72);

/// What an answer link leads to.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The message that the link was sent with, and the person it went to.
    pub lead: Lead,
    /// What it is about.
    pub about: Arc<About>,
    /// Whom the message told: that person, and those who share the phone.
    pub people: Vec<Sharer>,
    /// What they have answered, oldest first.
    pub given: Vec<Response>,
}

/// An alert, as those see it whom it tells.
#[derive(Clone, Debug)]
pub struct About {
    /// The alert.
    pub alert: Alert,
    /// It and what followed it, oldest first.
    pub thread: Vec<Alert>,
    /// The texts of the newest of them, each channel's fallback language first.
    pub texts: HashMap<Channel, Vec<(Language, Filled)>>,
    /// How its call-out stands, if it is one.
    pub standing: Option<Standing>,
}

impl Sheet {
    /// Takes in an answer that is on disk now.
    pub(super) fn add(&mut self, response: &Response) {
        let is_theirs = |person: &Sharer| person.recipient == response.recipient;
        if self.people.iter().any(is_theirs) {
            self.given.push(response.clone());
        }
    }
}

/// What these links lead to, by their keys. Those that are unknown, or of an alert that is over for
/// too long, lead nowhere.
pub async fn load(app: &App, keys: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Sheet>, Error> {
    let db = &app.answers;
    let now = app.clock.now();
    let mut leads = links::find(db, keys).await?;
    let mut abouts: HashMap<AlertNumber, Arc<About>> = HashMap::new();
    for lead in &leads {
        if let Entry::Vacant(place) = abouts.entry(lead.alert) {
            place.insert(Arc::new(about(db, lead.alert).await?));
        }
    }
    leads.retain(|lead| {
        let closed_at = abouts[&lead.alert].alert.closed_at;
        closed_at.is_none_or(|closed| now.since(closed) <= OPEN_FOR)
    });
    if leads.is_empty() {
        return Ok(HashMap::new());
    }
    let (mut people, given) = people_and_answers(db, &leads).await?;
    let sheets = leads.into_iter().map(|lead| {
        let people = people.remove(&lead.delivery).unwrap_or_default();
        let of = |person: &Sharer| given.get(&person.recipient).cloned().unwrap_or_default();
        let mut answers: Vec<Response> = people.iter().flat_map(of).collect();
        answers.sort_by_key(|one| (one.at, one.id));
        let sheet = Sheet {
            about: Arc::clone(&abouts[&lead.alert]),
            people,
            given: answers,
            lead,
        };
        (sheet.lead.token_key.clone(), sheet)
    });
    Ok(sheets.collect())
}

async fn about(db: &Db, number: AlertNumber) -> Result<About, Error> {
    let thread = alerts::list_from(db, number).await?;
    let alert = thread.first().cloned().ok_or(Error::NotFound)?;
    let newest = thread.last().map_or(number, |newest| newest.number);
    let is_running = alert.state == AlertState::Running;
    let mut texts: HashMap<Channel, Vec<_>> = HashMap::new();
    for text in alerts::list_texts(db, newest).await? {
        let Ok(filled) = serde_json::from_str(&text.filled) else {
            // The page does without it: nobody's answer is refused for that.
            error!(alert.number = newest.0, "A text of an alert cannot be read");
            continue;
        };
        let others = texts.entry(text.channel).or_default();
        others.push((text.language, filled));
    }
    Ok(About {
        texts,
        standing: call_out::standing(db, number).await?.filter(|_| is_running),
        alert,
        thread,
    })
}

type People = HashMap<DeliveryId, Vec<Sharer>>;
type Answers = HashMap<RecipientId, Vec<Response>>;

async fn people_and_answers(db: &Db, leads: &[Lead]) -> Result<(People, Answers), Error> {
    let sent: Vec<Sent> = leads
        .iter()
        .map(|lead| Sent {
            delivery: lead.delivery,
            recipient: lead.recipient,
        })
        .collect();
    let mut people = People::new();
    for person in links::list_sharers(db, &sent).await? {
        people.entry(person.delivery).or_default().push(person);
    }
    let all = people.values().flatten();
    let all: Vec<RecipientId> = all.map(|person| person.recipient).collect();
    let mut given = Answers::new();
    for response in responses::list_of(db, &all).await? {
        given.entry(response.recipient).or_default().push(response);
    }
    Ok((people, given))
}
