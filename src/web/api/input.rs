//! Reads bodies, queries and addresses, and says which part of them is wrong.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use crate::app::App;
use crate::web::problem::Problem;

/// A JSON body. Anything else than JSON is 415, no JSON at all is 400, wrong JSON is 422 and names
/// the field.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = bytes(request, app).await?;
        if !is_json {
            return Err(not_json());
        }
        read(&bytes).map(Self)
    }
}

/// A JSON body that may be missing: then it is the default.
#[derive(Clone, Debug)]
pub struct MaybeBody<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<App> for MaybeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = bytes(request, app).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(not_json());
        }
        read(&bytes).map(Self)
    }
}

fn not_json() -> Problem {
    Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, "")
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The whole body; 413 if it is larger than the address takes.
pub async fn bytes(request: Request, app: &App) -> Result<Bytes, Problem> {
    Bytes::from_request(request, app)
        .await
        .map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE, ""),
            _ => Problem::malformed("the body broke off before its end: send it again"),
        })
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    refuse_null_characters(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        if cause.classify() == Category::Data {
            wrong_value(&path, &cause.to_string())
        } else {
            Problem::malformed(format!("the body is not valid JSON: {cause}"))
        }
    })?;
    match json.end() {
        Ok(()) => Ok(value),
        Err(_) => Err(Problem::malformed(
            "the body goes on after the end of its JSON",
        )),
    }
}

/// No database keeps them, and no text needs them.
fn refuse_null_characters(bytes: &[u8]) -> Result<(), Problem> {
    let may_have = bytes.windows(6).any(|window| window == b"\\u0000");
    if !may_have {
        return Ok(());
    }
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return Ok(());
    };
    match path_of_null(&value) {
        Some(path) => Err(Problem::invalid(format!(
            "{path}: a text holds a null character: take it out"
        ))
        .field(path)),
        None => Ok(()),
    }
}

fn path_of_null(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .find_map(|(index, value)| path_of_null(value).map(|rest| format!("[{index}]{rest}"))),
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let name = key.replace('\0', "?");
            if key.contains('\0') {
                return Some(name);
            }
            path_of_null(value).map(|rest| match rest.as_str() {
                "" => name,
                rest if rest.starts_with('[') => format!("{name}{rest}"),
                rest => format!("{name}.{rest}"),
            })
        }),
        _ => None,
    }
}

/// A value that is JSON but not what the field takes.
fn wrong_value(path: &str, message: &str) -> Problem {
    let path = if path == "." { "" } else { path };
    let message = message.split(" at line ").next().unwrap_or(message);
    let named = message.split('`').nth(1).unwrap_or_default();
    let (field, sentence) = if message.starts_with("missing field") {
        let field = joined(path, named);
        let sentence = format!("the field \"{field}\" is missing");
        (field, sentence)
    } else if message.starts_with("unknown field") {
        // Some readers have the unknown field on the path already.
        let field = if path.ends_with(named) {
            path.to_owned()
        } else {
            joined(path, named)
        };
        let known = message
            .split_once("expected")
            .map_or("none", |(_, known)| known.trim());
        let sentence = format!(
            "there is no field \"{field}\"; it can be {}",
            known.replace('`', "\"")
        );
        (field, sentence)
    } else {
        let sentence = format!("\"{path}\" is not right: {}", message.replace('`', "\""));
        (path.to_owned(), sentence)
    };
    if field.is_empty() {
        Problem::invalid(message)
    } else {
        Problem::invalid(sentence).field(field)
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The query of an address. An unknown or malformed parameter is 422 and named; an empty one is as
/// good as none.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let mut map = serde_json::Map::new();
        for (key, value) in pairs.into_owned().filter(|(_, value)| !value.is_empty()) {
            if key.contains('\0') || value.contains('\0') {
                return Err(Problem::invalid(
                    "the query holds a null character: take it out",
                ));
            }
            if map.contains_key(&key) {
                let sentence = format!("the parameter \"{key}\" is given twice");
                return Err(Problem::invalid(sentence).field(key));
            }
            map.insert(key, Value::String(value));
        }
        serde_path_to_error::deserialize(Value::Object(map))
            .map(Self)
            .map_err(|error| {
                let path = error.path().to_string();
                wrong_value(&path, &error.into_inner().to_string())
            })
    }
}

/// For `#[serde(deserialize_with)]` of a query's fields: everything in a query is text.
pub fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let text: String = serde::Deserialize::deserialize(deserializer)?;
    text.trim()
        .parse()
        .map(Some)
        .map_err(serde::de::Error::custom)
}

/// One part of the address that names a thing. Whatever cannot name one is not found.
pub fn id<T: FromStr>(text: &str, missing: &'static str) -> Result<T, Problem> {
    text.parse().map_err(|_cause| Problem::not_found(missing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Sample {
        template: String,
        #[serde(default)]
        variables: BTreeMap<String, String>,
        #[serde(default)]
        audience: Inner,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Inner {
        groups: Vec<String>,
    }

    fn refused(text: &str) -> (u16, Option<String>, String) {
        let problem = read::<Sample>(text.as_bytes()).unwrap_err();
        let json: Value = serde_json::from_str(&problem_json(problem)).unwrap();
        let field = json["field"].as_str().map(str::to_owned);
        let status = u16::try_from(json["status"].as_u64().unwrap()).unwrap();
        (status, field, json["detail"].as_str().unwrap().to_owned())
    }

    fn problem_json(problem: Problem) -> String {
        use axum::response::IntoResponse;
        let response = problem.into_response();
        let body = axum::body::to_bytes(response.into_body(), 10_000);
        let bytes = futures::executor::block_on(body).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn what_is_no_json_is_400() {
        for text in [
            "",
            "{",
            "{\"template\": \"a\"} x",
            "not json",
            "{\"template\": \"\\ud800\"}",
        ] {
            assert_eq!(refused(text).0, 400, "{text}");
        }
    }

    #[test]
    fn a_wrong_type_is_422_and_names_the_field() {
        let (status, field, _) = refused(r#"{"template": "a", "audience": {"groups": [1]}}"#);
        assert_eq!(
            (status, field.as_deref()),
            (422, Some("audience.groups[0]"))
        );
    }

    #[test]
    fn an_unknown_and_a_missing_field_are_named() {
        let (status, field, detail) = refused(r#"{"template": "a", "audience": {"group": []}}"#);
        assert_eq!((status, field.as_deref()), (422, Some("audience.group")));
        assert!(detail.contains("groups"), "{detail}");
        let (status, field, _) = refused("{}");
        assert_eq!((status, field.as_deref()), (422, Some("template")));
    }

    #[test]
    fn a_null_character_is_refused_where_it_stands() {
        let (status, field, _) =
            refused(r#"{"template": "a", "audience": {"groups": ["a\u0000"]}}"#);
        assert_eq!(
            (status, field.as_deref()),
            (422, Some("audience.groups[0]"))
        );
        assert!(read::<Sample>(br#"{"template": "a\\u0000"}"#).is_ok());
    }
}
