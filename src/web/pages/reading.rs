//! Ties the button of a check page to what was read there: a signed word that goes along in the form.
//!
//! It says who read what, when, for how many people and in which version of the template. A form
//! that asks for anything else than was read does not match its word, and nothing is sent. The word
//! is also the request's key, so that pressing twice, reloading and going back make one alert.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::alert::launch::RequestKey;
use crate::app::App;
use crate::clock::Timestamp;
use crate::ids::UserId;
use crate::keys::hex;
use crate::keys::random_token;

/// The form's field that carries it. Has a hyphen, which no blank of a template can have.
pub const FIELD: &str = "as-read";

/// What was read longer ago than this must be read again.
const LONGEST: Duration = Duration::from_mins(30);

/// What someone read on a check page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When the texts were made; the time in them.
    pub composed_at: Timestamp,
    /// How many people it was for.
    pub people: u64,
    /// The template's files then; empty where there is no template.
    pub template_hash: String,
    /// Tells two openings of the same page apart.
    pub nonce: String,
}

impl Reading {
    /// A page that is shown now.
    pub fn new(composed_at: Timestamp, people: u64, template_hash: &str) -> Self {
        Self {
            composed_at,
            people,
            template_hash: template_hash.to_owned(),
            nonce: random_token(),
        }
    }

    /// The word for the form. `about` names the page, `asked` is all that the form asks for.
    pub fn seal(&self, app: &App, reader: UserId, about: &str, asked: &str) -> String {
        let signature = app.keys.sign_form(
            &self
                .parts(reader, about, asked)
                .each_ref()
                .map(|part: &Vec<u8>| part.as_slice()),
        );
        format!(
            "{}.{}.{}.{}.{}",
            self.composed_at.0,
            self.people,
            self.template_hash,
            self.nonce,
            URL_SAFE_NO_PAD.encode(signature)
        )
    }

    /// Reads a form's word back; none if it is not one of ours, another person's, another page's,
    /// or the form asks for something else than was read.
    pub fn open(app: &App, reader: UserId, about: &str, asked: &str, word: &str) -> Option<Self> {
        let mut fields = word.split('.');
        let reading = Self {
            composed_at: Timestamp(fields.next()?.parse().ok()?),
            people: fields.next()?.parse().ok()?,
            template_hash: fields.next()?.to_owned(),
            nonce: fields.next()?.to_owned(),
        };
        let signature = URL_SAFE_NO_PAD.decode(fields.next()?).ok()?;
        let parts = reading.parts(reader, about, asked);
        let parts = parts.each_ref().map(|part: &Vec<u8>| part.as_slice());
        let is_ours = fields.next().is_none() && app.keys.form_is_signed(&parts, &signature);
        is_ours.then_some(reading)
    }

    /// The nonce of a word, ours or not: to find what it was used for.
    pub fn nonce_of(word: &str) -> Option<&str> {
        word.split('.').nth(3)
    }

    /// Whether it is too long ago to be sent as it was read.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now.since(self.composed_at) > LONGEST
    }

    /// What makes two presses of its button the same.
    pub fn key(&self, reader: UserId, about: &str, asked: &str) -> RequestKey {
        RequestKey {
            scope: scope(reader),
            key: self.nonce.clone(),
            request_hash: hex(&Sha256::digest(format!("{about}\0{asked}"))),
        }
    }

    fn parts(&self, reader: UserId, about: &str, asked: &str) -> [Vec<u8>; 7] {
        [
            reader.0.as_bytes().to_vec(),
            about.as_bytes().to_vec(),
            asked.as_bytes().to_vec(),
            self.composed_at.0.to_be_bytes().to_vec(),
            self.people.to_be_bytes().to_vec(),
            self.template_hash.as_bytes().to_vec(),
            self.nonce.as_bytes().to_vec(),
        ]
    }
}

/// Whose keys these are.
pub fn scope(reader: UserId) -> String {
    format!("page:{reader}")
}
