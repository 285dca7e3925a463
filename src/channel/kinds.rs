//! Lists the kinds of gateway, and opens a configured one.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::channel::secret::Secret;
use crate::channel::{Channel, Common, Configured, Gateway, email, sandbox, sms};
use crate::clock::Clock;
use crate::config::wording;

/// What adapters need to know of the house when they are opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Where the outside reaches us, without a slash at the end.
    pub public_url: String,
    /// The organisation's name: who an e-mail is from.
    pub organisation: String,
    /// A short word, the same for the life of the installation (letters, digits, hyphens): keeps the
    /// Message-IDs and idempotency keys of two installations apart.
    pub instance: String,
    /// For `Retry-After` given as a date.
    pub clock: Clock,
    /// The simulated phones: one set for all sandbox gateways of a process.
    pub sandbox: Arc<sandbox::Phones>,
}

/// Why a gateway could not be opened: one sentence that names the key and says what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenError {
    /// The gateway's name; empty if it has none.
    pub gateway: String,
    /// The key that is wrong or missing.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

impl OpenError {
    /// For adapters; [`open`] adds the gateway's name.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            gateway: String::new(),
            key: key.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.gateway.is_empty() {
            write!(f, "a gateway without a name: {}", self.message)
        } else {
            write!(f, "gateway \"{}\": {}", self.gateway, self.message)
        }
    }
}

impl std::error::Error for OpenError {}

type Open = fn(&Common, &toml::Table, &Opening) -> Result<Arc<dyn Gateway>, OpenError>;

/// A kind of gateway: one file, one line in [`KINDS`].
pub struct Kind {
    /// What the configuration calls it.
    pub name: &'static str,
    /// The channels that it can serve.
    pub channels: &'static [Channel],
    /// Its secret keys: each may also be given as `<key>_file`, the path of a file that holds it.
    pub secrets: &'static [&'static str],
    /// Makes the adapter from the kind's own keys. Reads no network.
    pub open: Open,
}

/// Every kind of this version.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "sandbox",
        channels: Channel::ALL,
        secrets: &[],
        open: sandbox::open,
    },
    Kind {
        name: "http",
        channels: Channel::ALL,
        secrets: &["token", "callback_token"],
        open: sms::http::open,
    },
    Kind {
        name: "twilio",
        channels: &[Channel::Sms],
        secrets: &["auth_token", "auth_token_previous"],
        open: sms::twilio::open,
    },
    Kind {
        name: "kannel",
        channels: &[Channel::Sms],
        secrets: &["password", "callback_token"],
        open: sms::kannel::open,
    },
    Kind {
        name: "smtp",
        channels: &[Channel::Email],
        secrets: &["password"],
        open: email::smtp::open,
    },
];

/// Kinds that the configuration reference names and a later version brings.
const LATER: &[&str] = &["vonage", "smpp", "sip"];

/// The keys of [`Common`].
const COMMON_KEYS: &[&str] = &[
    "name",
    "channel",
    "kind",
    "priority",
    "weight",
    "daily_cap",
    "rate_per_second",
    "slots",
    "exercises",
    "cost",
];

/// More would only make a crash leave more in doubt.
const MOST_SLOTS: usize = 1000;

/// Opens one `[[gateway]]` of the configuration. Touches files that it names, never the network.
pub fn open(table: &toml::Table, opening: &Opening) -> Result<Configured, OpenError> {
    let name = table
        .get("name")
        .and_then(toml::Value::as_str)
        .unwrap_or_default()
        .to_owned();
    open_unnamed(table, opening).map_err(|error| OpenError {
        gateway: name,
        ..error
    })
}

fn open_unnamed(table: &toml::Table, opening: &Opening) -> Result<Configured, OpenError> {
    let (shared, own): (toml::Table, toml::Table) = table
        .clone()
        .into_iter()
        .partition(|(key, _)| COMMON_KEYS.contains(&key.as_str()));
    let common: Common = settings(&shared)?;
    check_common(&common)?;
    let kind = find(&common)?;
    let own = with_secret_files(own, kind)?;
    let gateway = (kind.open)(&common, &own, opening)?;
    Ok(Configured { common, gateway })
}

fn check_common(common: &Common) -> Result<(), OpenError> {
    let fits_an_address = (1..=64).contains(&common.name.len())
        && common
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fits_an_address {
        return Err(OpenError::new(
            "name",
            "\"name\" becomes part of an address: use 1 to 64 small letters, digits and hyphens",
        ));
    }
    if common.slots == 0 || common.slots > MOST_SLOTS {
        return Err(OpenError::new(
            "slots",
            format!("\"slots\" must be 1 to {MOST_SLOTS}"),
        ));
    }
    if common.weight == Some(0) {
        return Err(OpenError::new("weight", "\"weight\" must be 1 or more"));
    }
    if common.daily_cap.is_some_and(|cap| cap < 1) {
        return Err(OpenError::new(
            "daily_cap",
            "\"daily_cap\" must be 1 or more; leave it out for no limit",
        ));
    }
    if common
        .rate_per_second
        .is_some_and(|rate| !rate.is_finite() || rate <= 0.0)
    {
        return Err(OpenError::new(
            "rate_per_second",
            "\"rate_per_second\" must be more than 0; leave it out for no limit",
        ));
    }
    if common
        .cost
        .is_some_and(|cost| !cost.is_finite() || cost < 0.0)
    {
        return Err(OpenError::new("cost", "\"cost\" must be 0 or more"));
    }
    Ok(())
}

fn find(common: &Common) -> Result<&'static Kind, OpenError> {
    let known = || {
        KINDS
            .iter()
            .map(|kind| kind.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let kind = KINDS
        .iter()
        .find(|kind| kind.name == common.kind)
        .ok_or_else(|| {
            let what = if LATER.contains(&common.kind.as_str()) {
                "is not in this version of Muster"
            } else {
                "does not exist"
            };
            OpenError::new(
                "kind",
                format!(
                    "the kind \"{}\" {what}; the kinds are: {}",
                    common.kind,
                    known()
                ),
            )
        })?;
    if !kind.channels.contains(&common.channel) {
        let channels = kind
            .channels
            .iter()
            .map(|channel| channel.word())
            .collect::<Vec<_>>();
        return Err(OpenError::new(
            "channel",
            format!(
                "the kind \"{}\" cannot serve the channel \"{}\"; it serves: {}",
                kind.name,
                common.channel,
                channels.join(", ")
            ),
        ));
    }
    Ok(kind)
}

/// Replaces each `<secret>_file` by the secret that the file holds.
fn with_secret_files(mut own: toml::Table, kind: &Kind) -> Result<toml::Table, OpenError> {
    for secret in kind.secrets {
        let key = format!("{secret}_file");
        let Some(path) = own.remove(&key) else {
            continue;
        };
        if own.contains_key(*secret) {
            return Err(OpenError::new(
                &key,
                format!("\"{secret}\" and \"{key}\" are both set: keep one"),
            ));
        }
        let Some(path) = path.as_str() else {
            return Err(OpenError::new(
                &key,
                format!("\"{key}\" must be a path in quotes"),
            ));
        };
        let content = Secret::from_file(path.as_ref()).map_err(|error| {
            OpenError::new(&key, format!("\"{key}\" ({path}) cannot be read: {error}"))
        })?;
        if content.is_empty() {
            return Err(OpenError::new(&key, format!("\"{key}\" ({path}) is empty")));
        }
        own.insert(
            (*secret).to_owned(),
            toml::Value::String(content.reveal().to_owned()),
        );
    }
    Ok(own)
}

/// Reads a kind's own keys into its `#[serde(deny_unknown_fields)]` struct, and says which key is
/// wrong in words.
pub(crate) fn settings<T: DeserializeOwned>(table: &toml::Table) -> Result<T, OpenError> {
    serde_path_to_error::deserialize(toml::Value::Table(table.clone())).map_err(|error| {
        let path = error.path().to_string();
        let message = error.inner().message().to_owned();
        let quoted = message.split('`').nth(1).unwrap_or_default().to_owned();
        if message.starts_with("unknown field") {
            let known = message
                .split_once("expected")
                .map_or("", |(_, known)| known.trim());
            let known = known.trim_start_matches("one of ").replace('`', "\"");
            let sentence = format!("unknown key \"{quoted}\"; this kind's keys are: {known}");
            return OpenError::new(quoted, sentence);
        }
        if message.starts_with("missing field") {
            let sentence = format!("the key \"{quoted}\" is missing");
            return OpenError::new(quoted, sentence);
        }
        let sentence = wording::explain(&path, &message);
        OpenError::new(path, sentence)
    })
}

/// For `from = 13013`: names and numbers that people write without quotes.
pub(crate) fn text_or_number<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    Ok(Secret::deserialize(value)?.reveal().to_owned())
}

/// The same for a key that may be left out (with `#[serde(default)]`).
pub(crate) fn optional_text_or_number<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<String>, D::Error> {
    text_or_number(value).map(Some)
}

#[cfg(test)]
mod tests;
