//! Reads the callbacks of gateways that sign nothing: a secret token in the address guards them.

use crate::channel::secret::Secret;
use crate::channel::{Address, Callback, CallbackError, Inbound, Reference};
use crate::ids::ReplyId;

/// Words that a gateway may use for one thing, first found first taken.
pub(super) struct Names {
    pub(super) id: &'static [&'static str],
    pub(super) from: &'static [&'static str],
    pub(super) text: &'static [&'static str],
}

/// One set of named values, from the query and from the body.
pub(super) struct Record(Vec<(String, String)>);

impl Record {
    /// The first of these names that has a value.
    pub(super) fn get(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| {
            let found = self
                .0
                .iter()
                .find(|(key, value)| key == name && !value.is_empty());
            found.map(|(_, value)| value.as_str())
        })
    }

    /// The try that our own `ref` names.
    pub(super) fn reference(&self) -> Option<Reference> {
        self.get(&["ref", "reference"])?.parse().ok()
    }
}

/// Refuses whoever does not know the token: in the query, in a form, or as a bearer. Without a
/// configured token nobody is believed.
pub(super) fn believe(callback: &Callback, token: Option<&Secret>) -> Result<(), CallbackError> {
    let Some(token) = token else {
        return Err(CallbackError::Forged);
    };
    let bearer = callback
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let form = if is_json(callback) {
        Vec::new()
    } else {
        callback.form()
    };
    let in_form = form
        .iter()
        .find(|(key, _)| key == "token")
        .map(|(_, value)| value.as_str());
    let given = callback.param("token").or(bearer).or(in_form);
    match given {
        Some(given) if token.matches(given) => Ok(()),
        _ => Err(CallbackError::Forged),
    }
}

/// The callback's values. A JSON array is several records; everything else is one.
pub(super) fn records(callback: &Callback) -> Result<Vec<Record>, CallbackError> {
    if !is_json(callback) {
        let mut values = callback.query.clone();
        values.extend(callback.form());
        return Ok(vec![Record(values)]);
    }
    let value: serde_json::Value = serde_json::from_slice(&callback.body)
        .map_err(|error| unreadable(&format!("the body is no JSON (column {})", error.column())))?;
    let items = match value {
        serde_json::Value::Array(items) => items,
        one => vec![one],
    };
    items.iter().map(|item| record(callback, item)).collect()
}

fn record(callback: &Callback, item: &serde_json::Value) -> Result<Record, CallbackError> {
    let object = item
        .as_object()
        .ok_or_else(|| unreadable("the JSON is no object"))?;
    let mut values: Vec<(String, String)> = object
        .iter()
        .filter_map(|(key, value)| match value {
            serde_json::Value::String(text) => Some((key.clone(), text.clone())),
            serde_json::Value::Number(number) => Some((key.clone(), number.to_string())),
            _ => None,
        })
        .collect();
    values.extend(callback.query.clone());
    Ok(Record(values))
}

/// A reply. Without an id of the gateway's each request counts as a new message: better one too many
/// than an answer lost.
pub(super) fn inbound(callback: &Callback, names: &Names) -> Result<Inbound, CallbackError> {
    let records = records(callback)?;
    let record = records.first().ok_or_else(|| unreadable("it is empty"))?;
    let from = record
        .get(names.from)
        .ok_or_else(|| unreadable("the sender is missing"))?;
    let text = record.get(names.text).unwrap_or_default();
    let gateway_id = match record.get(names.id) {
        Some(id) => id.to_owned(),
        // Nothing of the message is in it: it is stored in clear.
        None => ReplyId::new().0.to_string(),
    };
    Ok(Inbound {
        from: Address::new(from),
        text: text.to_owned(),
        gateway_id,
    })
}

/// A gateway's own words, fit for the person view: short, one line, without anything that could be
/// a number.
pub(super) fn quote(words: &str) -> String {
    let one_line: String = words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut shown = String::new();
    for word in one_line.split_whitespace() {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let hidden = digits >= 6 || word.contains('@');
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(if hidden { "…" } else { word });
    }
    shown.chars().take(120).collect()
}

/// An authentic callback that says nothing we know.
pub(super) fn unreadable(why: &str) -> CallbackError {
    CallbackError::Unreadable(why.to_owned())
}

fn is_json(callback: &Callback) -> bool {
    let declared = callback
        .header("content-type")
        .unwrap_or_default()
        .contains("json");
    declared || matches!(callback.body.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Builds callbacks for the tests of the kinds that use them.
#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::clock::Timestamp;

    pub(crate) fn get(url: &str) -> Callback {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        Callback {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            query: crate::channel::callback::serde_urlencoded_pairs(query.as_bytes()),
            body: Vec::new(),
            at: Timestamp(1_770_000_000_000),
        }
    }

    pub(crate) fn post(url: &str, content_type: &str, body: &str) -> Callback {
        Callback {
            method: "POST".to_owned(),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_bytes().to_vec(),
            ..get(url)
        }
    }

    #[test]
    fn nobody_is_believed_without_a_configured_token() {
        let callback = get("https://clinic.example/callbacks/x/status?token=");
        assert_eq!(believe(&callback, None), Err(CallbackError::Forged));
        assert_eq!(
            believe(&callback, Some(&Secret::new(""))),
            Err(CallbackError::Forged)
        );
    }

    #[test]
    fn the_token_may_come_in_the_query_in_a_form_or_as_a_bearer() {
        let token = Secret::new("t0ken");
        let mut bearer = get("https://clinic.example/s");
        bearer
            .headers
            .push(("authorization".to_owned(), "Bearer t0ken".to_owned()));
        let form = post(
            "https://clinic.example/s",
            "application/x-www-form-urlencoded",
            "token=t0ken",
        );
        assert_eq!(
            believe(&get("https://clinic.example/s?token=t0ken"), Some(&token)),
            Ok(())
        );
        assert_eq!(believe(&bearer, Some(&token)), Ok(()));
        assert_eq!(believe(&form, Some(&token)), Ok(()));
        assert_eq!(
            believe(&get("https://clinic.example/s?token=t0keN"), Some(&token)),
            Err(CallbackError::Forged)
        );
    }

    #[test]
    fn numbers_and_addresses_in_a_gateways_words_are_not_shown() {
        assert_eq!(quote("number +41791234567\r\nis off"), "number … is off");
        assert_eq!(quote("ana@clinic.example bounced"), "… bounced");
    }
}
