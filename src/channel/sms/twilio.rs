//! Sends text messages through Twilio, or anything that speaks its API.

mod callback;
mod code;
mod listed;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;

use crate::channel::http_client::{Answer, HttpClient, Way, parse_url};
use crate::channel::kinds::{OpenError, Opening, settings};
use crate::channel::secret::Secret;
use crate::channel::{
    Accepted, Callback, CallbackError, Common, Failure, Found, Gateway, Inbound, Message, Receipt,
};
use crate::clock::Timestamp;

/// The kind's own keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default = "Settings::default_base_url")]
    base_url: String,
    account_sid: String,
    auth_token: Secret,
    auth_token_previous: Option<Secret>,
    from: String,
    tls_ca_file: Option<PathBuf>,
    proxy: Option<String>,
}

impl Settings {
    fn default_base_url() -> String {
        "https://api.twilio.com".to_owned()
    }
}

struct Twilio {
    http: HttpClient,
    messages: Url,
    account: Url,
    account_sid: String,
    auth_token: Secret,
    /// Accepted in signatures while the token is being changed.
    auth_token_previous: Option<Secret>,
    from: String,
}

/// What we need of Twilio's answer.
#[derive(Deserialize)]
struct Created {
    sid: String,
}

/// What we need of Twilio's refusal. `message` is left alone: it repeats the number.
#[derive(Deserialize)]
struct Refused {
    code: Option<u32>,
}

/// Opens a Twilio account. `from` is a number, a sender name, or a messaging service (`MG…`).
pub fn open(
    common: &Common,
    table: &toml::Table,
    opening: &Opening,
) -> Result<Arc<dyn Gateway>, OpenError> {
    open_within(common, table, opening, &Way::default()).map(|gateway| Arc::new(gateway) as _)
}

fn open_within(
    common: &Common,
    table: &toml::Table,
    opening: &Opening,
    way: &Way,
) -> Result<Twilio, OpenError> {
    let settings: Settings = settings(table)?;
    let required = [
        ("account_sid", settings.account_sid.is_empty()),
        ("auth_token", settings.auth_token.is_empty()),
        ("from", settings.from.is_empty()),
    ];
    if let Some((key, _)) = required.iter().find(|(_, empty)| *empty) {
        return Err(OpenError::new(*key, format!("\"{key}\" is empty")));
    }
    if !settings
        .account_sid
        .bytes()
        .all(|b| b.is_ascii_alphanumeric())
    {
        return Err(OpenError::new(
            "account_sid",
            "\"account_sid\" must be the letters and digits that Twilio's console shows (AC…)",
        ));
    }
    let base = settings.base_url.trim_end_matches('/');
    let account = format!("{base}/2010-04-01/Accounts/{}", settings.account_sid);
    let way = Way {
        ca_file: settings.tls_ca_file,
        proxy: settings.proxy,
        limits: way.limits,
    };
    Ok(Twilio {
        http: HttpClient::open(common, &way, opening)?,
        messages: parse_url("base_url", &format!("{account}/Messages.json"))?,
        account: parse_url("base_url", &format!("{account}.json"))?,
        account_sid: settings.account_sid,
        auth_token: settings.auth_token,
        auth_token_previous: settings.auth_token_previous,
        from: settings.from,
    })
}

#[async_trait]
impl Gateway for Twilio {
    async fn send(&self, message: &Message) -> Result<Accepted, Failure> {
        let sender = if is_messaging_service(&self.from) {
            "MessagingServiceSid"
        } else {
            "From"
        };
        let request = self
            .http
            .request(Method::POST, self.messages.clone())
            .basic_auth(&self.account_sid, Some(self.auth_token.reveal()))
            .form(&[
                ("To", message.to.reveal()),
                (sender, &self.from),
                ("Body", &message.text),
                ("StatusCallback", &message.status_url),
            ]);
        let answer = self.http.exchange(request).await?;
        judge(&answer)
    }

    /// Asks for the account. Whoever answers is there; only a refusal of the credentials counts,
    /// because stand-ins for Twilio rarely have this address.
    async fn check(&self) -> Result<(), Failure> {
        let request = self
            .http
            .request(Method::GET, self.account.clone())
            .basic_auth(&self.account_sid, Some(self.auth_token.reveal()));
        let answer = self.http.exchange(request).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(answer.failure()),
            StatusCode::NOT_IMPLEMENTED => Ok(()),
            status if status.is_server_error() => {
                Err(Failure::try_again("Twilio is having trouble."))
            }
            _ => Ok(()),
        }
    }

    fn can_be_asked(&self) -> bool {
        true
    }

    async fn ask(&self, message: &Message, since: Timestamp) -> Result<Vec<Found>, Failure> {
        let mut url = self.messages.clone();
        url.query_pairs_mut()
            .append_pair("To", message.to.reveal())
            .append_pair("PageSize", &listed::PAGE.to_string());
        let answer = self.get(url).await?;
        listed::read(&answer.body, &message.text, since).ok_or_else(listed::unclear)
    }

    async fn status(&self, gateway_id: &str) -> Result<Option<Receipt>, Failure> {
        let mut url = self.messages.clone();
        // Messages.json → Messages/SM….json
        url.path_segments_mut()
            .map_err(|()| listed::unclear())?
            .pop()
            .extend(["Messages", &format!("{gateway_id}.json")]);
        let answer = self.get(url).await?;
        Ok(listed::one(&answer.body))
    }

    fn receipt(&self, callback: &Callback) -> Result<Vec<Receipt>, CallbackError> {
        self.believe(callback)?;
        callback::receipt(callback).map(|receipt| vec![receipt])
    }

    fn inbound(&self, callback: &Callback) -> Result<Inbound, CallbackError> {
        self.believe(callback)?;
        callback::inbound(callback)
    }
}

impl Twilio {
    /// Asks for something; only a success is an answer.
    async fn get(&self, url: Url) -> Result<Answer, Failure> {
        let request = self
            .http
            .request(Method::GET, url)
            .basic_auth(&self.account_sid, Some(self.auth_token.reveal()));
        let answer = self.http.exchange(request).await?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(answer.failure())
        }
    }

    fn believe(&self, callback: &Callback) -> Result<(), CallbackError> {
        let mut tokens = [Some(&self.auth_token), self.auth_token_previous.as_ref()]
            .into_iter()
            .flatten()
            .filter(|token| !token.is_empty());
        if tokens.any(|token| callback::is_signed(callback, token)) {
            Ok(())
        } else {
            Err(CallbackError::Forged)
        }
    }
}

/// Only an answer with a message's id is an acceptance.
fn judge(answer: &Answer) -> Result<Accepted, Failure> {
    if answer.status.is_success() {
        return match serde_json::from_slice::<Created>(&answer.body) {
            Ok(created) if !created.sid.is_empty() => Ok(Accepted {
                gateway_id: created.sid,
                sent: false,
            }),
            _ => Err(Failure::unknown(
                "Twilio's answer does not name the message it took.",
            )),
        };
    }
    let code = serde_json::from_slice::<Refused>(&answer.body)
        .ok()
        .and_then(|it| it.code);
    let known = code.and_then(|code| {
        let failure = code::refusal(code)?;
        Some(failure.because(std::io::Error::other(format!("Twilio error {code}"))))
    });
    match known {
        Some(failure) => Err(failure.after(answer.retry_after())),
        None => Err(answer.failure()),
    }
}

/// Whether a sender is the id of a messaging service (`MG` and 32 digits), rather than a name, which
/// is at most 11 characters long, that begins like one.
fn is_messaging_service(from: &str) -> bool {
    from.starts_with("MG") && from.len() > 11
}
