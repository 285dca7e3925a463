//! Sends text messages through a Kannel gateway in the house, by its HTTP interface.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::{Method, Url};
use serde::Deserialize;

use super::posted::{self, Names, Record, unreadable};
use crate::channel::http_client::{Answer, HttpClient, Way, parse_url};
use crate::channel::kinds::{
    OpenError, Opening, optional_text_or_number, settings, text_or_number,
};
use crate::channel::secret::Secret;
use crate::channel::{
    Accepted, Callback, CallbackError, Common, Failure, Gateway, Inbound, Message, Receipt,
    ReceiptStatus,
};

/// Every kind of receipt: 1 delivered, 2 failed, 4 queued, 8 taken by the network, 16 refused by it.
const ALL_RECEIPTS: &str = "31";

/// What Kannel fills into the receipt's address: kind, the network's answer, its id, the link used.
const RECEIPT_CODES: &str = "&type=%d&answer=%A&fid=%F&smsc=%i";

/// The kind's own keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: String,
    #[serde(deserialize_with = "text_or_number")]
    username: String,
    password: Secret,
    #[serde(default, deserialize_with = "optional_text_or_number")]
    from: Option<String>,
    callback_token: Option<Secret>,
    tls_ca_file: Option<PathBuf>,
    proxy: Option<String>,
}

struct Kannel {
    http: HttpClient,
    url: Url,
    username: String,
    password: Secret,
    from: Option<String>,
    callback_token: Option<Secret>,
}

/// Opens a Kannel `sendsms` address. Without `callback_token` it sends, but no receipt and no reply
/// is asked for or believed: Kannel signs nothing.
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
) -> Result<Kannel, OpenError> {
    let settings: Settings = settings(table)?;
    let mut url = parse_url("url", &settings.url)?;
    if url.path() == "/" {
        url.set_path("/cgi-bin/sendsms");
    }
    check_token(settings.callback_token.as_ref())?;
    if settings.callback_token.is_none() {
        tracing::warn!(
            gateway.name = common.name,
            "Gateway {} has no callback_token: it will send, but receipts and replies are refused",
            common.name
        );
    }
    let way = Way {
        ca_file: settings.tls_ca_file,
        proxy: settings.proxy,
        limits: way.limits,
    };
    Ok(Kannel {
        http: HttpClient::open(common, &way, opening)?,
        url,
        username: settings.username,
        password: settings.password,
        from: settings.from.filter(|from| !from.is_empty()),
        callback_token: settings.callback_token,
    })
}

/// Kannel expands `%` codes in the receipt's address, so the token must need no such code itself.
fn check_token(token: Option<&Secret>) -> Result<(), OpenError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    match token {
        Some(token) if token.is_empty() || !token.reveal().bytes().all(plain) => {
            Err(OpenError::new(
                "callback_token",
                "\"callback_token\" must be made of letters, digits and - . _ ~ only",
            ))
        }
        _ => Ok(()),
    }
}

impl Kannel {
    fn parameters<'a>(&'a self, message: &'a Message) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("username", self.username.clone()),
            ("password", self.password.reveal().to_owned()),
            ("to", message.to.reveal().to_owned()),
            ("text", message.text.clone()),
            ("charset", "UTF-8".to_owned()),
        ];
        if let Some(from) = &self.from {
            parameters.push(("from", from.clone()));
        }
        // Without it Kannel silently replaces what GSM-7 cannot say by question marks.
        if !is_gsm7(&message.text) {
            parameters.push(("coding", "2".to_owned()));
        }
        if let Some(token) = &self.callback_token {
            let status_url = &message.status_url;
            let joint = if status_url.contains('?') { '&' } else { '?' };
            let token = token.reveal();
            parameters.push(("dlr-mask", ALL_RECEIPTS.to_owned()));
            parameters.push((
                "dlr-url",
                format!("{status_url}{joint}token={token}{RECEIPT_CODES}"),
            ));
        }
        parameters
    }
}

#[async_trait]
impl Gateway for Kannel {
    async fn send(&self, message: &Message) -> Result<Accepted, Failure> {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(self.parameters(message));
        let answer = self
            .http
            .exchange(self.http.request(Method::GET, url))
            .await?;
        judge(&answer)?;
        // Kannel's answer names nothing; its receipts carry our reference.
        Ok(Accepted {
            gateway_id: message.reference().to_string(),
            sent: false,
        })
    }

    /// Connects only: every request to Kannel's address is a message.
    async fn check(&self) -> Result<(), Failure> {
        self.http.reach(&self.url).await
    }

    fn receipt(&self, callback: &Callback) -> Result<Vec<Receipt>, CallbackError> {
        posted::believe(callback, self.callback_token.as_ref())?;
        posted::records(callback)?.iter().map(receipt).collect()
    }

    fn inbound(&self, callback: &Callback) -> Result<Inbound, CallbackError> {
        posted::believe(callback, self.callback_token.as_ref())?;
        let names = Names {
            id: &["id"],
            from: &["from"],
            text: &["text"],
        };
        posted::inbound(callback, &names)
    }
}

/// Whether every character is in GSM 03.38's alphabet or its extension.
fn is_gsm7(text: &str) -> bool {
    let mut writer = gsm7::Gsm7Writer::new(std::io::sink());
    // The alphabet's escape code is no character of its own.
    text.chars()
        .all(|c| c != '\u{1b}' && writer.write_char(c).is_ok())
}

/// Kannel says the outcome in the text; its statuses differ between versions.
fn judge(answer: &Answer) -> Result<(), Failure> {
    let text = answer.text();
    let text = text.trim();
    let says = |part: &str| text.to_ascii_lowercase().contains(part);
    if answer.status.is_success() {
        // 0 accepted, 3 queued until a network is connected again.
        let taken = ["0:", "3:", "Sent."]
            .iter()
            .any(|start| text.starts_with(start));
        return if taken {
            Ok(())
        } else {
            Err(Failure::unknown(
                "Kannel's answer does not say that it took the message.",
            ))
        };
    }
    if says("temporal failure") || says("temporary failure") {
        return Err(Failure::try_again(
            "Kannel cannot take messages at the moment.",
        ));
    }
    if says("authorization failed") {
        return Err(Failure::refused_us(
            "Kannel refuses our user name or password.",
        ));
    }
    if says("not routable") {
        return Err(Failure::no_way("Kannel has no way to send to this number."));
    }
    if says("max-messages") || says("too long") {
        return Err(Failure::person("The text is too long for Kannel."));
    }
    Err(answer.failure())
}

fn receipt(record: &Record) -> Result<Receipt, CallbackError> {
    let reference = record
        .reference()
        .ok_or_else(|| unreadable("ref is missing"))?;
    let kind = record
        .get(&["type"])
        .ok_or_else(|| unreadable("type is missing"))?;
    let answer = record.get(&["answer"]).unwrap_or_default();
    let (status, reason) = match kind {
        "1" => (ReceiptStatus::Delivered, None),
        "2" => (ReceiptStatus::Failed, Some(undelivered(answer))),
        // 32 is the network's progress report.
        "4" | "32" => (ReceiptStatus::Accepted, None),
        "8" => (ReceiptStatus::Sent, None),
        "16" => (
            ReceiptStatus::Failed,
            Some("The network refused the message.".to_owned()),
        ),
        _ => return Err(unreadable("type is none of 1, 2, 4, 8, 16, 32")),
    };
    Ok(Receipt {
        reference: Some(reference),
        gateway_id: reference.to_string(),
        status,
        reason,
    })
}

/// SMPP networks answer with `stat:WORD` somewhere in the text.
fn undelivered(answer: &str) -> String {
    let answer = answer.to_ascii_uppercase();
    let words = if answer.contains("EXPIRED") {
        "The phone was off or out of reach for too long."
    } else if answer.contains("REJECTD") {
        "The network refused the message."
    } else if answer.contains("DELETED") {
        "The network deleted the message."
    } else {
        "The network could not deliver the message."
    };
    words.to_owned()
}

#[cfg(test)]
mod tests;
