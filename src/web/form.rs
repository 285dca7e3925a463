//! A posted form as its fields, in order: a field may be there several times, or not at all.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// The fields of a form. Whatever is not there reads as empty: what is missing is for the handler to
/// say in words, not for a parser. Debug shows names only.
#[derive(Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a=1&b=2`; never fails.
    pub fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of this name, without blanks at its ends; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first value of this name as it was typed: for passwords.
    pub fn raw(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value)
    }

    /// Every value of this name: ticks.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let is_form = request
            .headers()
            .get(axum::http::header::CONTENT_TYPE)
            .is_some_and(|kind| {
                kind.as_bytes()
                    .starts_with(b"application/x-www-form-urlencoded")
            });
        let body = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(IntoResponse::into_response)?;
        if !is_form && !body.is_empty() {
            let words = "This address takes the fields of a form.";
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, words).into_response());
        }
        Ok(Self::parse(&body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_may_be_there_several_times_or_not_at_all() {
        let fields = Fields::parse(b"role=sender&name=+Ana+&role=approver&password=+x+");
        assert_eq!(
            fields.all("role").collect::<Vec<_>>(),
            ["sender", "approver"]
        );
        assert_eq!(fields.get("name"), "Ana");
        assert_eq!(fields.raw("password"), " x ");
        assert_eq!(fields.get("nothing"), "");
    }

    #[test]
    fn what_was_typed_is_not_shown_to_logs() {
        let fields = Fields::parse(b"password=secret");
        assert!(!format!("{fields:?}").contains("secret"));
    }
}
