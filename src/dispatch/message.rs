//! Puts a claimed delivery's message together: the stored text with the person's own fields in it.
//!
//! Total: it cannot fail because of a text, and gives the same bytes at every attempt. All that can
//! go wrong is a sealed address that does not open, and that is one person's trouble.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::alert::whom::own_fields;
use crate::alert::words::Language;
use crate::app::Parts;
use crate::call_out::Says;
use crate::channel::{Address, Channel, Common, Configured, Failure, Message};
use crate::ids::{AlertNumber, DeliveryId};
use crate::storage::deliveries::Claimed;
use crate::storage::{Db, Error, alerts};
use crate::template::fields;
use crate::template::message::Filled;
use crate::template::primary;

/// When a lane has the texts of so many alerts at hand, it begins anew.
const KEPT: usize = 512;

/// The texts of one alert on one channel, the fallback language first.
pub type InLanguages = Arc<Vec<(Language, Filled)>>;

/// The texts of the alerts that a lane is sending.
#[derive(Debug, Default)]
pub struct Texts {
    channel: Option<Channel>,
    by_alert: HashMap<(AlertNumber, Says), InLanguages>,
}

impl Texts {
    /// For one channel.
    pub fn new(channel: Channel) -> Self {
        Self {
            channel: Some(channel),
            by_alert: HashMap::new(),
        }
    }

    /// Reads the texts of those alerts that are not at hand.
    pub async fn load(
        &mut self,
        db: &Db,
        claimed: impl IntoIterator<Item = &Claimed>,
    ) -> Result<(), Error> {
        // Never in between: what was claimed together is sent together.
        if self.by_alert.len() >= KEPT {
            self.by_alert.clear();
        }
        for delivery in claimed {
            let key = (delivery.alert, delivery.says);
            if self.by_alert.contains_key(&key) {
                continue;
            }
            let texts = alerts::list_all_texts(db, delivery.alert).await?;
            let texts = texts
                .into_iter()
                .filter(|text| Some(text.channel) == self.channel && text.says == delivery.says)
                .filter_map(|text| Some((text.language, serde_json::from_str(&text.filled).ok()?)))
                .collect();
            self.by_alert.insert(key, Arc::new(texts));
        }
        Ok(())
    }

    /// The texts of a delivery's alert, if they were loaded.
    pub fn of(&self, claimed: &Claimed) -> Option<InLanguages> {
        let key = (claimed.alert, claimed.says);
        self.by_alert.get(&key).map(Arc::clone)
    }
}

/// The text for a reader of `language`, and the language it is in: theirs, a related one, or the
/// first.
pub fn best<'a>(
    texts: &'a [(Language, Filled)],
    language: &Language,
) -> Option<&'a (Language, Filled)> {
    let same = texts.iter().find(|(tag, _)| tag == language);
    let related = || {
        texts
            .iter()
            .find(|(tag, _)| primary(tag) == primary(language))
    };
    same.or_else(related).or_else(|| texts.first())
}

/// The person's answer link.
pub fn answer_link(app: &Parts, delivery: DeliveryId) -> String {
    format!("{}/a/{}", app.public_url, app.keys.answer_token(delivery))
}

/// The message of a claimed delivery, from the texts of its alert.
pub fn compose(
    app: &Parts,
    gateway: &Configured,
    claimed: &Claimed,
    texts: Option<&Vec<(Language, Filled)>>,
) -> Result<Message, Failure> {
    let Common { name, channel, .. } = &gateway.common;
    let address = app
        .keys
        .open_text(claimed.point_id.0.as_bytes(), &claimed.address)
        .map_err(|error| Failure::person("The address could not be unsealed.").because(error))?;
    let (_, filled) = texts
        .and_then(|texts| best(texts, &claimed.language))
        // Reading it failed a moment ago: it is there, because a launch writes it.
        .ok_or_else(|| Failure::person_for_now("The alert's text could not be read."))?;
    let link = answer_link(app, claimed.id);
    let own = own_fields(&app.keys, claimed.contact_id, claimed.fields.as_deref());
    let spliced = filled.splice(*channel, &|field| {
        own_value(field, &claimed.name, &link, &own)
    });
    Ok(Message {
        delivery: claimed.id,
        attempt: u32::try_from(claimed.attempts).unwrap_or(u32::MAX),
        mode: claimed.mode,
        to: Address::new(address),
        language: claimed.language.clone(),
        subject: spliced.subject,
        text: spliced.text,
        html: spliced.html,
        link,
        status_url: format!(
            "{}/callbacks/{name}/status?ref={}.{}",
            app.public_url, claimed.id, claimed.attempts
        ),
    })
}

/// One field of one person; none if they have no such field.
pub fn own_value<'a>(
    field: &str,
    name: &'a str,
    link: &'a str,
    own: &'a BTreeMap<String, String>,
) -> Option<Cow<'a, str>> {
    match field {
        fields::NAME => Some(Cow::Borrowed(name)),
        fields::LINK => Some(Cow::Borrowed(link)),
        other => own.get(other).map(|value| Cow::Borrowed(value.as_str())),
    }
}
