//! Decides whether an answer of a generic gateway means that it took the message.

use serde_json::Value;

use crate::channel::Failure;
use crate::channel::http_client::Answer;
use crate::channel::kinds::OpenError;

/// When to believe that the message was taken, and what the gateway calls it.
pub(super) struct Acceptance {
    /// All must hold. None = any status of the 200s.
    pub(super) conditions: Vec<Condition>,
    /// Where the gateway's name for the message stands; none = ours is used.
    pub(super) message_id: Option<MessageId>,
}

/// One line of `accepted_when`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// `2xx`
    AnySuccess,
    /// `status = 200,201`
    Status(Vec<u16>),
    /// `json:/path = value`
    Json(String, String),
    /// `body contains TEXT`
    Contains(String),
}

/// Where the gateway's name for the message stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MessageId {
    /// A JSON pointer: `/messages/0/id`.
    Json(String),
    /// `header:X-Id`
    Header(String),
}

impl Condition {
    pub(super) fn parse(text: &str) -> Result<Self, OpenError> {
        let text = text.trim();
        let wrong = || {
            OpenError::new(
                "accepted_when",
                format!(
                    "\"accepted_when\" is \"{text}\"; it must be \"2xx\", \"status = 200,202\", \
                     \"json:/path = value\" or \"body contains TEXT\""
                ),
            )
        };
        if text == "2xx" {
            return Ok(Self::AnySuccess);
        }
        if let Some(part) = text.strip_prefix("body contains ").map(str::trim)
            && !part.is_empty()
        {
            return Ok(Self::Contains(part.to_owned()));
        }
        let (left, right) = text.split_once('=').ok_or_else(wrong)?;
        let (left, right) = (left.trim(), right.trim());
        if left == "status" {
            let codes = right.split(',').map(|code| code.trim().parse().ok());
            let codes: Option<Vec<u16>> = codes.collect();
            return codes.map(Self::Status).ok_or_else(wrong);
        }
        match left.strip_prefix("json:") {
            Some(path) if path.starts_with('/') => Ok(Self::Json(
                path.to_owned(),
                right.trim_matches('"').to_owned(),
            )),
            _ => Err(wrong()),
        }
    }
}

impl MessageId {
    pub(super) fn parse(text: &str) -> Result<Self, OpenError> {
        let path = text.strip_prefix("json:").unwrap_or(text);
        if path.starts_with('/') {
            return Ok(Self::Json(path.to_owned()));
        }
        match text.strip_prefix("header:").map(str::trim) {
            Some(name) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            _ => Err(OpenError::new(
                "message_id",
                "\"message_id\" must be a path in the JSON answer (\"/id\", \"/messages/0/id\") or \
                 \"header:X-Message-Id\"",
            )),
        }
    }

    fn find(&self, answer: &Answer, json: Option<&Value>) -> Option<String> {
        let id = match self {
            Self::Json(path) => word(json?.pointer(path)?)?,
            Self::Header(name) => answer.headers.get(name)?.to_str().ok()?.to_owned(),
        };
        (!id.is_empty()).then_some(id)
    }
}

impl Acceptance {
    /// The gateway's name for the message if it gives one, or why it was not accepted.
    ///
    /// An answer that says something else than expected is a refusal; one that cannot be read, or
    /// that lacks the name it must have, leaves the message in doubt.
    pub(super) fn judge(&self, answer: &Answer) -> Result<Option<String>, Failure> {
        let named = self
            .conditions
            .iter()
            .find_map(|condition| match condition {
                Condition::Status(codes) => Some(codes.contains(&answer.status.as_u16())),
                _ => None,
            });
        if !named.unwrap_or(answer.status.is_success()) {
            return Err(if answer.status.is_success() {
                refused()
            } else {
                answer.failure()
            });
        }
        let json = answer.json();
        for condition in &self.conditions {
            hold(condition, answer, json.as_ref())?;
        }
        match &self.message_id {
            None => Ok(None),
            Some(place) => place.find(answer, json.as_ref()).map(Some).ok_or_else(|| {
                Failure::unknown("The gateway's answer does not name the message it took.")
            }),
        }
    }
}

fn hold(condition: &Condition, answer: &Answer, json: Option<&Value>) -> Result<(), Failure> {
    match condition {
        Condition::AnySuccess | Condition::Status(_) => Ok(()),
        Condition::Contains(part) if answer.text().contains(part) => Ok(()),
        Condition::Contains(_) => Err(refused()),
        Condition::Json(path, wanted) => match json.and_then(|json| json.pointer(path)) {
            None => Err(Failure::unknown(
                "The gateway's answer is not what its manual describes.",
            )),
            Some(found) if word(found).as_ref() == Some(wanted) => Ok(()),
            Some(_) => Err(refused()),
        },
    }
}

/// Scoped to the person: nothing in such an answer says whether others are concerned, and a wrong
/// guess would close the gateway for everyone.
fn refused() -> Failure {
    Failure::person_for_now("The gateway answered, but did not accept the message.")
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_in_every_documented_form() {
        assert_eq!(Condition::parse("2xx").unwrap(), Condition::AnySuccess);
        assert_eq!(
            Condition::parse("status = 200, 202").unwrap(),
            Condition::Status(vec![200, 202])
        );
        assert_eq!(
            Condition::parse("json:/messages/0/status = \"0\"").unwrap(),
            Condition::Json("/messages/0/status".to_owned(), "0".to_owned())
        );
        assert_eq!(
            Condition::parse("body contains OK: 1").unwrap(),
            Condition::Contains("OK: 1".to_owned())
        );
    }

    #[test]
    fn anything_else_is_refused_with_the_forms_that_exist() {
        let error = Condition::parse("status is fine").unwrap_err();
        assert_eq!(error.key, "accepted_when");
        assert!(error.message.contains("status = 200,202"));
        assert!(Condition::parse("status = ok").is_err());
        assert!(Condition::parse("json:status = ok").is_err());
        assert!(MessageId::parse("id").is_err());
    }
}
