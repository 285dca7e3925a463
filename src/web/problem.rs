//! Says what was refused, to programs: RFC 9457 `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use crate::alert::Refusal;
use crate::{account, directory, storage};

/// The media type of every refusal under `/api`.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What stands before the short name of a kind of problem.
const KIND: &str = "urn:muster:problem:";

/// Seconds after which it makes sense to ask again when the database was away.
const RETRY_AFTER: u16 = 2;

/// Why a request was refused, as the caller reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// The kind of problem: the same word for the same cause in every version.
    #[serde(rename = "type")]
    #[schema(example = "urn:muster:problem:unapproved-template")]
    pub kind: String,
    /// The kind in words.
    #[schema(example = "The template is not approved")]
    pub title: &'static str,
    /// The HTTP status code.
    #[schema(example = 422)]
    pub status: u16,
    /// What is wrong with this request and what to do about it, naming the thing refused.
    pub detail: String,
    /// The part of the request that is refused: `audience.groups`, `variables.reason`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Every sentence of `detail` on its own, when there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// With 403: the scope that a token needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed_scope: Option<String>,
    /// What else there is to say, as members of their own: an import's report of its rows.
    #[serde(flatten)]
    #[schema(ignore)]
    pub report: serde_json::Map<String, serde_json::Value>,
}

/// A refusal on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    details: Box<Details>,
    challenge: Option<&'static str>,
}

impl Problem {
    /// A problem of this kind: `slug` is its short name, `detail` a plain sentence.
    pub fn new(
        status: StatusCode,
        slug: &str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let details = Details {
            kind: format!("{KIND}{slug}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            problems: Vec::new(),
            needed_scope: None,
            report: serde_json::Map::new(),
        };
        Self {
            details: Box::new(details),
            challenge: None,
        }
    }

    /// 404: `what` is not there.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", what)
    }

    /// 422: something that was sent makes no sense.
    pub fn invalid(detail: impl Into<String>) -> Self {
        let title = "The request cannot be carried out";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", title, detail)
    }

    /// 400: it could not be read at all.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            "The request cannot be read",
            detail,
        )
    }

    /// 401: who asks is not known. `challenge` goes into `WWW-Authenticate`.
    pub fn unauthenticated(challenge: &'static str, detail: impl Into<String>) -> Self {
        let title = "A valid API token is needed";
        let problem = Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", title, detail);
        Self {
            challenge: Some(challenge),
            ..problem
        }
    }

    /// 403: the token lacks a scope.
    pub fn scope(needed: String) -> Self {
        let detail =
            format!("this token may not do that: it needs the scope \"{needed}\" (or \"admin\")");
        let title = "The token may not do this";
        let mut problem = Self::new(StatusCode::FORBIDDEN, "scope", title, detail);
        problem.details.needed_scope = Some(needed);
        Self {
            challenge: Some("Bearer realm=\"muster\", error=\"insufficient_scope\""),
            ..problem
        }
    }

    /// The same, naming the part of the request that is refused.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.details.field = Some(field.into());
        self
    }

    /// The same, with every sentence on its own; one sentence alone is left out.
    #[must_use]
    pub fn problems(mut self, problems: Vec<String>) -> Self {
        if problems.len() > 1 {
            self.details.problems = problems;
        }
        self
    }

    /// The same with the members of a report beside its own.
    #[must_use]
    pub fn report(mut self, report: &impl Serialize) -> Self {
        if let Ok(serde_json::Value::Object(report)) = serde_json::to_value(report) {
            self.details.report = report;
        }
        self
    }

    /// The status that it answers with.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.details.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What stands in for an answer that another layer made without words for programs.
    pub fn of_status(status: StatusCode, detail: &str) -> Self {
        let (slug, title, fallback) = match status {
            StatusCode::BAD_REQUEST => (
                "malformed",
                "The request cannot be read",
                "the request cannot be read",
            ),
            StatusCode::NOT_FOUND => ("not-found", "Not found", "there is nothing at this address"),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method-not-allowed",
                "This method is not offered",
                "this address does not offer the method: see the header Allow",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => (
                "too-large",
                "The request is too large",
                "the body is larger than this address takes",
            ),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                "media-type",
                "The content type is not taken",
                "send the body as application/json",
            ),
            StatusCode::SERVICE_UNAVAILABLE => (
                "unavailable",
                "Not now",
                "it took too long: ask how things stand before you send it again",
            ),
            _ if status.is_server_error() => (
                "ours",
                "The server failed",
                "the server failed: this is a defect of ours",
            ),
            _ => (
                "refused",
                "The request is refused",
                "the request is refused",
            ),
        };
        let detail = detail.trim();
        Self::new(
            status,
            slug,
            title,
            if detail.is_empty() { fallback } else { detail },
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self.details).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if let Some(challenge) = self.challenge {
            let challenge = HeaderValue::from_static(challenge);
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        response
    }
}

impl Problem {
    fn no_space(detail: &str) -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "no-space",
            "The server's disk is full",
            detail,
        )
    }
}

impl From<storage::Error> for Problem {
    /// Logs what is ours to mend: this is where a database's failure ends.
    fn from(cause: storage::Error) -> Self {
        match cause {
            storage::Error::NotFound => Self::not_found("there is no such thing"),
            storage::Error::Conflict => Self::new(
                StatusCode::CONFLICT,
                "conflict",
                "Something like it is there already",
                "something with the same name or key is there already",
            ),
            storage::Error::Dangling => {
                Self::invalid("it names something that does not exist, or no longer: read it again")
            }
            storage::Error::Unavailable(_) | storage::Error::NotSaved(_) => {
                let source = std::error::Error::source(&cause).map(ToString::to_string);
                error!(error = %cause, source, "The database failed; a request was answered with 503");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "The database cannot be used",
                    "nothing was sent: the database cannot be used at the moment. Try again, with the same Idempotency-Key if there is one",
                )
            }
            storage::Error::InDoubt(_) => {
                let source = std::error::Error::source(&cause).map(ToString::to_string);
                error!(error = %cause, source, "Nobody knows whether a request was carried out; it was answered with 503");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "in-doubt",
                    "Nobody knows whether it was done",
                    "the database broke off while it was saving this: it is done, or it is not. Look how things stand before you send it again, or send it with the same Idempotency-Key",
                )
            }
            storage::Error::NoSpace(_) => Self::no_space(&cause.to_string()),
            storage::Error::Broken(_) => {
                error!(error = %cause, "A request failed by a defect of ours");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR, "")
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let refusal = match refusal {
            Refusal::Storage(error) => return error.into(),
            other => other,
        };
        let (slug, title) = kind_of(&refusal);
        let status = match refusal {
            Refusal::UnknownAlert => StatusCode::NOT_FOUND,
            Refusal::NotRunning | Refusal::Filled | Refusal::Similar => StatusCode::CONFLICT,
            Refusal::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let problem = Self::new(status, slug, title, refusal.to_string());
        let problem = match refusal.field() {
            Some(field) => problem.field(field),
            None => problem,
        };
        match refusal {
            Refusal::Variables(problems) => problem.problems(
                problems
                    .into_iter()
                    .map(|problem| problem.message)
                    .collect(),
            ),
            _ => problem,
        }
    }
}

fn kind_of(refusal: &Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::UnknownTemplate(_) => ("unknown-template", "There is no such template"),
        Refusal::BrokenTemplate { .. } => ("broken-template", "The template is broken"),
        Refusal::Unapproved(_) => ("unapproved-template", "The template is not approved"),
        Refusal::ChangedAfterApproval(_) => (
            "changed-template",
            "The template was changed after its approval",
        ),
        Refusal::WrongKind { .. } => ("wrong-kind", "The template is for something else"),
        Refusal::Variables(_) | Refusal::Unfilled(_) => {
            ("variables", "A variable is missing, unknown or malformed")
        }
        Refusal::UnknownGroups(_) => ("unknown-group", "There is no such group"),
        Refusal::UnknownContacts(_) => ("unknown-contact", "There is no such contact"),
        Refusal::NoAudience | Refusal::EmptyAudience(_) | Refusal::NobodyContacted => {
            ("empty-audience", "The audience is empty")
        }
        Refusal::OutsideExpected { .. } => (
            "unexpected-audience",
            "The audience is not what the template is meant for",
        ),
        Refusal::MissingField { .. } => ("missing-field", "Recipients lack a value"),
        Refusal::UnknownPlan(_) => ("unknown-plan", "There is no such plan"),
        Refusal::NoGateway { .. } => ("no-gateway", "No gateway can carry the alert"),
        Refusal::Expiry => ("expiry", "The expiry is out of range"),
        Refusal::NoCallOut(_) => ("no-call-out", "The template is not written for a call-out"),
        Refusal::CallOut(_) => ("call-out", "A number of the call-out is out of range"),
        Refusal::Similar => ("similar", "The same was sent in the meantime"),
        Refusal::Filled => ("filled", "Enough people have said yes"),
        Refusal::KeyReused => (
            "key-reused",
            "The idempotency key belongs to another request",
        ),
        Refusal::NotRunning => ("not-running", "The alert is over"),
        Refusal::UnknownAnswer { .. } => ("unknown-answer", "The alert has no such answer"),
        Refusal::UnknownRecipient => ("unknown-recipient", "Not a recipient of the alert"),
        Refusal::UnknownAlert => ("not-found", "There is no such alert"),
        Refusal::NoSpace => ("no-space", "The server's disk is full"),
        Refusal::Storage(_) => ("unavailable", "The database cannot be used"),
    }
}

impl From<directory::Error> for Problem {
    fn from(cause: directory::Error) -> Self {
        match cause {
            directory::Error::Refused(complaints) => {
                let problem =
                    Self::invalid(directory::Error::Refused(complaints.clone()).to_string());
                let field = complaints.first().map(|one| one.field.clone());
                let problem = match field.filter(|field| !field.is_empty()) {
                    Some(field) => problem.field(field),
                    None => problem,
                };
                problem.problems(complaints.into_iter().map(|one| one.sentence).collect())
            }
            directory::Error::NotFound(what) => Self::not_found(what),
            directory::Error::Changed => Self::new(
                StatusCode::CONFLICT,
                "conflict",
                "Someone else was faster",
                cause.to_string(),
            ),
            directory::Error::Sealed(_) => {
                error!(error = %cause, "A sealed value of the directory does not open");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR, "")
            }
            directory::Error::Storage(cause) => cause.into(),
        }
    }
}

impl From<account::Error> for Problem {
    fn from(cause: account::Error) -> Self {
        match cause {
            account::Error::Refused(sentence) => Self::invalid(sentence),
            account::Error::NotFound(what) => Self::not_found(what),
            account::Error::Storage(cause) => cause.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unapproved_template_is_named_with_the_field_that_names_it() {
        let problem = Problem::from(Refusal::Unapproved("closure".to_owned()));
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.details.field.as_deref(), Some("template"));
        assert!(problem.details.detail.contains("\"closure\""));
        assert_eq!(
            problem.details.kind,
            "urn:muster:problem:unapproved-template"
        );
    }

    #[test]
    fn an_unusable_database_asks_to_be_tried_again_and_tells_nothing_of_the_cause() {
        let cause = storage::Error::NotSaved("disk full at /secret/path".to_owned());
        let problem = Problem::from(cause);
        assert!(!problem.details.detail.contains("secret"));
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    }

    #[test]
    fn the_end_of_an_alert_is_a_conflict() {
        assert_eq!(
            Problem::from(Refusal::NotRunning).status(),
            StatusCode::CONFLICT
        );
        assert_eq!(
            Problem::from(Refusal::UnknownAlert).status(),
            StatusCode::NOT_FOUND
        );
    }
}
