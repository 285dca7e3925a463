//! Reads what Twilio lists when it is asked for its messages.

use serde::Deserialize;

use super::{callback, code};
use crate::channel::{Failure, Found, Receipt, ReceiptStatus};
use crate::clock::Timestamp;

/// Messages of one answer, the newest first. A person who got more than that in a few minutes is
/// one of whom we cannot tell.
pub(super) const PAGE: usize = 100;

/// How far Twilio's clock and ours may be apart.
const SKEW: std::time::Duration = std::time::Duration::from_mins(5);

#[derive(Deserialize)]
struct List {
    messages: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    sid: String,
    status: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    direction: String,
    date_created: Option<String>,
    error_code: Option<u32>,
}

/// The messages that we had sent since then, the oldest first. None if the list does not tell.
///
/// The list is not narrowed by `DateSent`: a message that still waits at Twilio has none, and that
/// is just the one that is asked for.
pub(super) fn read(body: &[u8], text: &str, since: Timestamp) -> Option<Vec<Found>> {
    let list: List = serde_json::from_slice(body).ok()?;
    let since = since.before(SKEW);
    let is_older = |one: &Listed| one.created().is_some_and(|at| at < since);
    if list.messages.len() >= PAGE && !list.messages.iter().any(is_older) {
        return None;
    }
    let mut found = Vec::new();
    for one in list.messages.iter().rev() {
        if is_older(one) || one.direction == "inbound" || one.direction == "outbound-reply" {
            continue;
        }
        found.push(Found {
            same_text: one.body == text,
            receipt: one.receipt()?,
        });
    }
    Some(found)
}

/// What Twilio says of one message; none if it says nothing that we know.
pub(super) fn one(body: &[u8]) -> Option<Receipt> {
    serde_json::from_slice::<Listed>(body).ok()?.receipt()
}

impl Listed {
    fn created(&self) -> Option<Timestamp> {
        let time = jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(self.date_created.as_deref()?)
            .ok()?;
        Some(Timestamp(time.as_millisecond()))
    }

    fn receipt(&self) -> Option<Receipt> {
        let status = callback::status(&self.status)?;
        let reason = || code::undelivered(self.error_code.filter(|code| *code != 0));
        Some(Receipt {
            reference: None,
            gateway_id: self.sid.clone(),
            status,
            reason: (status == ReceiptStatus::Failed).then(reason),
        })
    }
}

/// What it said leaves open whether it has the message.
pub(super) fn unclear() -> Failure {
    Failure::unknown("Twilio's list of messages does not tell.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(messages: &str) -> Option<Vec<Found>> {
        let body = format!("{{\"messages\": [{messages}]}}");
        // 1994-11-06T08:49:37Z
        read(body.as_bytes(), "Fire", Timestamp(784_111_777_000))
    }

    fn entry(sid: &str, body: &str, direction: &str, created: &str) -> String {
        format!(
            r#"{{"sid":"{sid}","status":"queued","body":"{body}","direction":"{direction}",
                "date_created":"{created}","error_code":null}}"#
        )
    }

    #[test]
    fn only_what_we_sent_since_then_is_found_and_the_oldest_comes_first() {
        let now = "Sun, 06 Nov 1994 08:49:40 +0000";
        let old = "Sun, 06 Nov 1994 08:44:00 +0000";
        let list = [
            entry("SM4", "Fire!", "outbound-api", now),
            entry("SM3", "Fire", "outbound-api", now),
            entry("SM2", "Fire", "inbound", now),
            entry("SM1", "Fire", "outbound-api", old),
        ];
        let found = listed(&list.join(",")).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.receipt.gateway_id.as_str(), one.same_text))
            .collect();
        assert_eq!(found, [("SM3", true), ("SM4", false)]);
    }

    #[test]
    fn a_list_that_is_cut_off_or_cannot_be_read_tells_nothing() {
        let now = "Sun, 06 Nov 1994 08:49:40 +0000";
        let full = vec![entry("SM1", "Fire", "outbound-api", now); PAGE];
        assert_eq!(listed(&full.join(",")), None);
        assert_eq!(listed("oops"), None);
        let odd = entry("SM1", "Fire", "outbound-api", now).replace("queued", "odd");
        assert_eq!(listed(&odd), None);
        assert_eq!(listed(""), Some(Vec::new()));
    }
}
