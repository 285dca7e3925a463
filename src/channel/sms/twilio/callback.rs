//! Checks and reads what Twilio posts to us.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::code;
use crate::channel::secret::Secret;
use crate::channel::{Address, Callback, CallbackError, Inbound, Receipt, ReceiptStatus};

/// Whether `X-Twilio-Signature` is the HMAC-SHA1, under `token`, of the public address followed by
/// the form's fields sorted by name. Twilio is not steady about a default port in the address, so
/// both ways of writing it count.
pub(super) fn is_signed(callback: &Callback, token: &Secret) -> bool {
    let Some(given) = callback.header("x-twilio-signature") else {
        return false;
    };
    let Ok(given) = STANDARD.decode(given) else {
        return false;
    };
    let fields = sorted_fields(callback);
    let addresses = [Some(callback.url.clone()), with_default_port(&callback.url)];
    addresses.into_iter().flatten().any(|url| {
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.reveal().as_bytes()) else {
            return false;
        };
        mac.update(url.as_bytes());
        mac.update(fields.as_bytes());
        mac.verify_slice(&given).is_ok()
    })
}

fn sorted_fields(callback: &Callback) -> String {
    if callback.method != "POST" {
        return String::new();
    }
    // A field given twice with the same value counts once, as in Twilio's own libraries.
    let fields: BTreeSet<(String, String)> = callback.form().into_iter().collect();
    fields
        .into_iter()
        .flat_map(|(name, value)| [name, value])
        .collect()
}

fn with_default_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    (!has_port).then(|| format!("{scheme}://{host}:{port}{path}"))
}

/// What the message has come to.
pub(super) fn receipt(callback: &Callback) -> Result<Receipt, CallbackError> {
    let form = callback.form();
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let gateway_id = field("MessageSid")
        .or_else(|| field("SmsSid"))
        .filter(|id| !id.is_empty())
        .ok_or_else(|| unreadable("MessageSid is missing"))?;
    let word = field("MessageStatus")
        .or_else(|| field("SmsStatus"))
        .ok_or_else(|| unreadable("MessageStatus is missing"))?;
    let status =
        status(word).ok_or_else(|| unreadable("MessageStatus is a word we do not know"))?;
    let code = field("ErrorCode")
        .and_then(|code| code.parse().ok())
        .filter(|code| *code != 0);
    Ok(Receipt {
        reference: callback.reference(),
        gateway_id: gateway_id.to_owned(),
        status,
        reason: (status == ReceiptStatus::Failed).then(|| code::undelivered(code)),
    })
}

pub(super) fn status(word: &str) -> Option<ReceiptStatus> {
    match word {
        "accepted" | "scheduled" | "queued" | "sending" => Some(ReceiptStatus::Accepted),
        "sent" => Some(ReceiptStatus::Sent),
        "delivered" | "read" => Some(ReceiptStatus::Delivered),
        "undelivered" | "failed" | "canceled" => Some(ReceiptStatus::Failed),
        _ => None,
    }
}

/// What a person wrote.
pub(super) fn inbound(callback: &Callback) -> Result<Inbound, CallbackError> {
    let mut fields = callback.form();
    fields.extend(callback.query.clone());
    let field = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let needed = |name: &str| {
        field(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| unreadable(&format!("{name} is missing")))
    };
    Ok(Inbound {
        from: Address::new(needed("From")?),
        text: field("Body").unwrap_or_default(),
        gateway_id: needed("MessageSid").or_else(|_| needed("SmsSid"))?,
    })
}

fn unreadable(why: &str) -> CallbackError {
    CallbackError::Unreadable(why.to_owned())
}
