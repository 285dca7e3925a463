//! What stands in the place of a page when something goes wrong: what happened, what was not done, what to
//! do next.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use tracing::error;

use crate::account::role::{Act, Role, may};
use crate::alert::Refusal;
use crate::web::format::sentence;
use crate::web::session;
use crate::web::view::error::ErrorPage;
use crate::web::view::{Frame, Link};
use crate::{account, directory, storage};

/// What stands in the place of a page: what happened, what was not done, what to do next.
#[derive(Clone, Debug)]
pub struct PageError {
    pub(super) status: StatusCode,
    heading: String,
    happened: String,
    not_done: String,
    next: Vec<Link>,
}

impl PageError {
    fn new(status: StatusCode, heading: &str, happened: impl Into<String>, not_done: &str) -> Self {
        Self {
            status,
            heading: heading.to_owned(),
            happened: happened.into(),
            not_done: not_done.to_owned(),
            next: vec![Link::new("Go to the start", "/")],
        }
    }

    /// 404: nothing is at this address.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "There is no such page",
            "The address may be mistyped, or what it showed has been removed.",
            "",
        )
    }

    /// 403: signed in, but with none of the roles that may do it.
    pub fn forbidden(act: Act) -> Self {
        let roles: Vec<String> = Role::ALL
            .iter()
            .filter(|role| may(&[**role], act))
            .map(|role| format!("“{}”", role.word().replace('_', " ")))
            .collect();
        let happened = format!(
            "It needs the role {}. An administrator can add it.",
            roles.join(" or ")
        );
        Self::new(
            StatusCode::FORBIDDEN,
            "Your account may not do this",
            happened,
            "Nothing was changed or sent.",
        )
    }

    /// 403: the house asks for a second factor here, and the account has none yet.
    pub fn without_second_factor() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "First add a second proof that it is you",
            "A password can be overheard. Whoever may send, change or approve here also needs an \
             authenticator app on the phone. Setting it up takes two minutes, once.",
            "Nothing was changed or sent.",
        )
        .next(Link::new("Set it up now", "/account"))
    }

    /// 403: the form came from another site.
    pub fn foreign() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This form came from somewhere else",
            "Only Muster's own pages may send forms here. Open the page again and use its button.",
            "Nothing was changed or sent.",
        )
    }

    /// 422: what was asked for is refused, with the reason as a sentence.
    pub fn refused(reason: &str) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "That cannot be done",
            sentence(reason),
            "Nothing was changed or sent.",
        )
    }

    /// 503: the database did not take it.
    fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "That did not work",
            "The database did not answer, so this server cannot send. Try again in a moment; if there are \
             several servers, use another.",
            "Nothing of it was saved, and nothing was sent.",
        )
    }

    /// 507: the disk is full.
    fn no_space() -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "That did not work",
            "The server’s disk is full. Someone who looks after the server must free some room.",
            "Nothing of it was saved, and nothing was sent.",
        )
    }

    /// 503: the database broke off while it was saving it.
    fn in_doubt() -> Self {
        let mut page = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Nobody knows whether that worked",
            "The database broke off while it was saving it. It is done, or it is not.",
            "Look under Alerts whether anything was sent before you try again.",
        );
        page.next
            .insert(0, Link::new("Look under Alerts", "/alerts"));
        page
    }

    /// 500: a defect of ours.
    fn failed() -> Self {
        let mut page = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "That did not work",
            "Something failed inside the service. It has been written down.",
            "Look under Alerts whether anything was sent before you try again.",
        );
        page.next
            .insert(0, Link::new("Look under Alerts", "/alerts"));
        page
    }

    /// The same with another way on, before the others.
    #[must_use]
    pub fn next(mut self, link: Link) -> Self {
        self.next.insert(0, link);
        self
    }

    pub(super) fn page(&self, frame: Frame) -> Response {
        let page = ErrorPage {
            page: Frame {
                title: self.heading.clone(),
                ..frame
            },
            heading: self.heading.clone(),
            happened: self.happened.clone(),
            not_done: self.not_done.clone(),
            next: self.next.clone(),
            reference: String::new(),
        };
        let body = page
            .render()
            .unwrap_or_else(|_| format!("{} {}", self.heading, self.happened));
        let mut response = (self.status, session::no_store(), Html(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
        }
        response
    }
}

impl IntoResponse for PageError {
    /// A page without a navigation; [`super::dress`] puts the organisation's own frame around it.
    fn into_response(self) -> Response {
        let mut response = self.page(Frame::new("Muster", ""));
        response.extensions_mut().insert(self);
        response
    }
}

impl From<storage::Error> for PageError {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::NotFound => Self::not_found(),
            storage::Error::Dangling => Self::refused(
                "it names something that does not exist, or no longer: open the page again",
            ),
            storage::Error::NoSpace(_) => Self::no_space(),
            storage::Error::Unavailable(_) | storage::Error::NotSaved(_) => {
                error!(%error, cause = ?std::error::Error::source(&error), "A page had no database");
                Self::unavailable()
            }
            storage::Error::InDoubt(_) => {
                error!(%error, cause = ?std::error::Error::source(&error), "Nobody knows whether a page's act was done");
                Self::in_doubt()
            }
            storage::Error::Conflict | storage::Error::Broken(_) => {
                error!(%error, "A page failed");
                Self::failed()
            }
        }
    }
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Storage(error) => error.into(),
            Refusal::UnknownAlert | Refusal::UnknownRecipient | Refusal::UnknownTemplate(_) => {
                Self {
                    happened: sentence(&refusal.to_string()),
                    ..Self::not_found()
                }
            }
            other => Self::refused(&other.to_string()),
        }
    }
}

impl From<account::Error> for PageError {
    fn from(error: account::Error) -> Self {
        match error {
            account::Error::Storage(error) => error.into(),
            account::Error::NotFound(what) => Self {
                happened: sentence(what),
                ..Self::not_found()
            },
            account::Error::Refused(reason) => Self::refused(&reason),
        }
    }
}

impl From<directory::Error> for PageError {
    fn from(error: directory::Error) -> Self {
        match error {
            directory::Error::Storage(error) => error.into(),
            directory::Error::NotFound(what) => Self {
                happened: sentence(what),
                ..Self::not_found()
            },
            directory::Error::Refused(_) | directory::Error::Changed => {
                Self::refused(&error.to_string())
            }
            directory::Error::Sealed(_) => {
                error!(%error, "The directory could not be read");
                Self::failed()
            }
        }
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        error!(%error, "A page could not be written");
        Self::failed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_act_names_the_roles_that_may() {
        let page = PageError::forbidden(Act::ManageAccounts);
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert_eq!(
            page.happened,
            "It needs the role “system admin”. An administrator can add it."
        );
        assert!(
            PageError::forbidden(Act::LaunchAlert)
                .happened
                .contains("“sender” or “approver”")
        );
    }

    #[test]
    fn a_database_that_is_away_is_no_defect_and_says_that_nothing_was_saved() {
        let page = PageError::from(storage::Error::NotSaved("disk full".to_owned()));
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.not_done.contains("Nothing of it was saved"));
        let response = page.into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
    }
}
