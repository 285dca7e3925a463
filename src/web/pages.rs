//! The console's pages: who may see which, the frame around them, and what stands in their place
//! when something goes wrong.
//!
//! Every page is plain HTML that works by links and forms. Each handler asks for its [`Act`] before
//! it looks at anything; what no handler asks for, nobody may do.

pub mod accounts;
pub mod alerts;
pub mod asked;
pub mod board;
pub mod calls;
pub mod check;
pub mod contact;
pub mod draft_view;
pub mod follow_up;
pub mod groups;
pub mod import;
pub mod launch_board;
pub mod live;
pub mod password;
pub mod people;
pub mod person;
pub mod preview;
pub mod quiet;
pub mod reading;
pub mod report;
pub mod sandbox;
pub mod service;
pub mod set_up;
pub mod sign_in;
pub mod templates;
pub mod written;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use tower_http::csrf::CsrfLayer;
use tracing::error;

use crate::account::role::{Act, Role, may};
use crate::account::user::User;
use crate::alert::Refusal;
use crate::app::App;
use crate::web::format::sentence;
use crate::web::session::{self, SignedIn};
use crate::web::view::error::ErrorPage;
use crate::web::view::{Abilities, Frame, Link, Notice, Section, Tone};
use crate::{account, directory, operate, storage};

/// Every page of the console. Forms that another site sends are refused.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .merge(launch_board::router())
        .merge(check::router())
        .merge(alerts::router())
        .merge(board::router())
        .merge(live::router())
        .merge(follow_up::router())
        .merge(person::router())
        .merge(report::router())
        .merge(calls::router())
        .merge(people::router())
        .merge(contact::router())
        .merge(groups::router())
        .merge(import::router())
        .merge(templates::router())
        .merge(sandbox::router())
        .merge(service::router())
        .merge(accounts::router())
        .merge(sign_in::router())
        .merge(password::router())
        .merge(set_up::router())
        .layer(CsrfLayer::new().with_rejection_response(|_| PageError::foreign().into_response()))
}

/// `/`: whoever may send begins at the launch board, everybody else at the alerts.
async fn home(signed_in: SignedIn) -> Redirect {
    let start = if signed_in.user.may(Act::LaunchAlert) {
        "/live"
    } else {
        "/alerts"
    };
    Redirect::to(start)
}

/// What surrounds a page of `section` for whoever is signed in.
pub fn frame(app: &App, user: &User, title: impl Into<String>, section: Section) -> Frame {
    let abilities = Abilities {
        send: user.may(Act::LaunchAlert),
        alerts: user.may(Act::SeeBoards),
        people: user.may(Act::SeeDirectory),
        templates: user.may(Act::SeeTemplates),
        accounts: user.may(Act::ManageAccounts) || user.may(Act::ManageTokens),
        phones: app.has_sandbox() && user.may(Act::SeeBoards),
    };
    let frame = house_frame(app, title).signed_in(&user.name, abilities, section);
    if !user.may(Act::SeeSystem) {
        return frame;
    }
    operate::problems(app)
        .into_iter()
        .fold(frame, |frame, text| {
            frame.notice(Notice {
                tone: Tone::Wrong,
                text,
                link: Some(Link::new("How the service is", "/service")),
            })
        })
}

/// What surrounds a page before sign-in; and on every page, what everyone must know of this server.
pub fn house_frame(app: &App, title: impl Into<String>) -> Frame {
    let frame = Frame::new(&app.config.organisation.name, title);
    if !app.is_fenced() {
        return frame;
    }
    let words = "This server cannot send: it does not reach its database. Other servers have taken over: \
                 use one of them.";
    frame.notice(Notice::new(Tone::Wrong, words))
}

/// A page as an answer, kept in no cache. The status is 200, or 422 when a form is shown again
/// because something is wrong with it.
pub fn show(status: StatusCode, page: &impl Template) -> Result<Response, PageError> {
    Ok((status, session::no_store(), Html(page.render()?)).into_response())
}

/// What stands in the place of a page: what happened, what was not done, what to do next.
#[derive(Clone, Debug)]
pub struct PageError {
    status: StatusCode,
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

    fn page(&self, frame: Frame) -> Response {
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
    /// A page without a navigation; [`dress`] puts the organisation's own frame around it.
    fn into_response(self) -> Response {
        let mut response = self.page(Frame::new("Muster", ""));
        response.extensions_mut().insert(self);
        response
    }
}

/// Puts the organisation's name and the person's navigation around error pages, and makes a page of
/// an address that leads nowhere.
pub async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<PageError>().cloned() else {
        return response;
    };
    // Without a database nobody is known, and asking would take as long again.
    let user = match error.status {
        StatusCode::SERVICE_UNAVAILABLE => Ok(None),
        _ => session::current(&app, &headers).await,
    };
    let frame = match user {
        Ok(Some(user)) => frame(&app, &user, "", Section::Nowhere),
        _ => house_frame(&app, ""),
    };
    error.page(frame)
}

/// The answer to an address that no route has.
pub async fn nothing_here() -> PageError {
    PageError::not_found()
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
