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
pub mod duplicates;
pub mod follow_up;
pub mod groups;
pub mod import;
pub mod launch_board;
pub mod live;
pub mod log;
pub mod opt_outs;
pub mod own_account;
pub mod page_error;
pub mod password;
pub mod people;
pub mod person;
pub mod preview;
pub mod proof;
pub mod quiet;
pub mod reading;
pub mod report;
pub mod sandbox;
pub mod service;
pub mod set_up;
pub mod sign_in;
pub mod templates;
pub mod written;

pub use self::page_error::PageError;
use crate::account::role::Act;
use crate::account::user::User;
use crate::app::App;
use crate::operate;
use crate::web::session::{self, SignedIn};
use crate::web::view::{Abilities, Frame, Link, Notice, Section, Tone};
use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use tower_http::csrf::CsrfLayer;

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
        .merge(duplicates::router())
        .merge(opt_outs::router())
        .merge(contact::router())
        .merge(groups::router())
        .merge(import::router())
        .merge(templates::router())
        .merge(sandbox::router())
        .merge(service::router())
        .merge(accounts::router())
        .merge(log::router())
        .merge(own_account::router())
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
        log: user.may(Act::ReadAudit),
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

/// Puts the organisation's name and the person's navigation around error pages, and makes a page of
/// an address that leads nowhere.
pub async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<PageError>().cloned() else {
        return response;
    };
    // Without a database nobody is known, and asking would take as long again.
    let session = match error.status {
        StatusCode::SERVICE_UNAVAILABLE => Ok(None),
        _ => session::current(&app, &headers).await,
    };
    let frame = match session {
        Ok(Some(session)) => frame(&app, &session.user, "", Section::Nowhere),
        _ => house_frame(&app, ""),
    };
    error.page(frame)
}

/// The answer to an address that no route has.
pub async fn nothing_here() -> PageError {
    PageError::not_found()
}
