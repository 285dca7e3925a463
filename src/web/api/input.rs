//! Reads bodies, queries and addresses, and says which part of them is wrong.

mod tree;

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, Error as _, Unexpected};

use crate::app::App;
use crate::web::problem::Problem;
use tree::{AN_ID, Fault, Tree, joined, quoted};

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
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let tree: Tree = serde::Deserialize::deserialize(&mut json)
        .map_err(|cause| Problem::malformed(format!("the body is not valid JSON: {cause}")))?;
    json.end()
        .map_err(|_cause| Problem::malformed("the body goes on after the end of its JSON"))?;
    if let Some((path, what)) = tree.flaw() {
        return Err(Problem::invalid(format!("the field \"{path}\" {what}")).field(path));
    }
    understood(tree)
}

/// The value as what is asked for, or the field that is none.
fn understood<T: DeserializeOwned>(tree: Tree) -> Result<T, Problem> {
    serde_path_to_error::deserialize(tree).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { &path };
        wrong(path, &error.into_inner())
    })
}

fn wrong(path: &str, fault: &Fault) -> Problem {
    let (field, sentence) = match fault {
        Fault::Missing(name) => {
            let field = joined(path, name);
            let sentence = format!("the field \"{field}\" is missing");
            (field, sentence)
        }
        Fault::Unknown(known) => {
            let known = match known {
                [] => "none is known here".to_owned(),
                known => format!("it can be {}", quoted(known)),
            };
            (
                path.to_owned(),
                format!("there is no field \"{path}\"; {known}"),
            )
        }
        Fault::Wrong(rest) if path.is_empty() => {
            return Problem::invalid(format!("the body {rest}"));
        }
        Fault::Wrong(rest) => (path.to_owned(), format!("\"{path}\" {rest}")),
    };
    Problem::invalid(sentence).field(field)
}

/// The query of an address. An unknown or malformed parameter is 422 and named; an empty one is as
/// good as none.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let mut fields: Vec<(String, Tree)> = Vec::new();
        for (key, value) in pairs.into_owned().filter(|(_, value)| !value.is_empty()) {
            if key.contains('\0') || value.contains('\0') {
                return Err(Problem::invalid(
                    "the query holds a null character: take it out",
                ));
            }
            if fields.iter().any(|(other, _)| *other == key) {
                let sentence = format!("the parameter \"{key}\" is given twice");
                return Err(Problem::invalid(sentence).field(key));
            }
            fields.push((key, Tree::Text(value)));
        }
        understood(Tree::Object(fields)).map(Self)
    }
}

/// For `#[serde(deserialize_with)]` of a query's fields, where everything is text: a word.
pub fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let text: String = serde::Deserialize::deserialize(deserializer)?;
    text.trim().parse().map(Some).map_err(D::Error::custom)
}

/// The same for a whole number.
pub fn number<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: FromStr,
{
    expected(deserializer, "a whole number, 0 or more")
}

/// The same for `true` or `false`.
pub fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    expected(deserializer, "true or false")
}

fn expected<'de, D, T>(deserializer: D, what: &'static str) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: FromStr,
{
    let text: String = serde::Deserialize::deserialize(deserializer)?;
    let wrong = |_cause| D::Error::invalid_value(Unexpected::Str(&text), &what);
    text.trim().parse().map(Some).map_err(wrong)
}

/// One part of the address that names a thing. Whatever cannot name one is not found.
pub fn id<T: FromStr>(text: &str, missing: &'static str) -> Result<T, Problem> {
    text.parse().map_err(|_cause| {
        let sentence = format!(
            "{missing}: what stands for its id in the address is no id, which looks like {AN_ID}"
        );
        Problem::not_found(sentence).field("id")
    })
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
        seconds: Option<u64>,
        #[serde(default)]
        who: Vec<crate::ids::ContactId>,
        mode: Option<crate::web::api::alerts::Mode>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Inner {
        groups: Vec<String>,
    }

    fn refused(text: &str) -> (u16, Option<String>, String) {
        let problem = read::<Sample>(text.as_bytes()).unwrap_err();
        let json: serde_json::Value = serde_json::from_str(&problem_json(problem)).unwrap();
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
    fn a_list_is_no_object_at_the_top_and_inside() {
        let (status, field, detail) = refused(r#"["a", {"x": "y"}, {"groups": []}]"#);
        assert_eq!((status, field), (422, None));
        assert_eq!(detail, "the body must be an object, not a list");
        let (_, field, detail) = refused(r#"{"template": "a", "audience": [["all"], []]}"#);
        assert_eq!(field.as_deref(), Some("audience"));
        assert_eq!(detail, "\"audience\" must be an object, not a list");
        let (_, field, _) = refused(r#"{"template": "a", "variables": [["a", "b"]]}"#);
        assert_eq!(field.as_deref(), Some("variables"));
    }

    #[test]
    fn a_field_that_is_given_twice_is_refused_by_its_name() {
        for (text, field) in [
            (r#"{"template": "a", "template": "a"}"#, "template"),
            (
                r#"{"template": "a", "variables": {"r": "1", "r": "2"}}"#,
                "variables.r",
            ),
        ] {
            let (status, given, detail) = refused(text);
            assert_eq!((status, given.as_deref()), (422, Some(field)));
            assert!(detail.contains("twice"), "{detail}");
        }
    }

    #[test]
    fn what_is_expected_is_said_in_plain_words() {
        for (text, wanted) in [
            (
                r#"{"template": null}"#,
                "\"template\" must be text, not null",
            ),
            (
                r#"{"template": "a", "audience": null}"#,
                "\"audience\" must be an object, not null",
            ),
            (
                r#"{"template": "a", "seconds": "9"}"#,
                "\"seconds\" must be a whole number, not text",
            ),
            (
                r#"{"template": "a", "seconds": -1}"#,
                "\"seconds\" must be a whole number, 0 or more, not -1",
            ),
            (
                r#"{"template": "a", "seconds": 1.5}"#,
                "\"seconds\" must be a whole number, 0 or more, not 1.5",
            ),
            (
                r#"{"template": "a", "who": ["x"]}"#,
                "\"who[0]\" must be an id, which looks like 0190a000-0000-7000-8000-000000000000",
            ),
            (
                r#"{"template": "a", "mode": "loud"}"#,
                "\"mode\" must be \"live\" or \"drill\", not \"loud\"",
            ),
            (
                r#"{"template": "a", "mode": 1}"#,
                "\"mode\" must be \"live\" or \"drill\", not a number",
            ),
            ("7", "the body must be an object, not a number"),
        ] {
            assert_eq!(refused(text).2, wanted);
        }
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
