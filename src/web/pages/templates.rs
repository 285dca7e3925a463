//! The shelf of messages: what each says, what the check found, and the button that approves it.

mod texts;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::account::role::Act;
use crate::app::App;
use crate::audit::Actor;
use crate::storage::approvals::{self, Approval};
use crate::template::{self, Level, Template};
use crate::template_approval::{self, Refused};
use crate::web::form::Fields;
use crate::web::format::{self, Times, sentence};
use crate::web::pages::{PageError, frame, html, html_with};
use crate::web::session::SignedIn;
use crate::web::view::templates::{Finding, TemplateList, TemplatePage, TemplateRow};
use crate::web::view::{
    Act as Button, Fact, Notice, Section, Severity, Tone, Weight, counted,
};

/// `/templates`, `/templates/{name}` and `/templates/{name}/approve`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/templates", get(list))
        .route("/templates/{name}", get(show))
        .route("/templates/{name}/approve", post(approve))
}

/// How a template stands, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State_ {
    Broken,
    Changed,
    Unapproved,
    Approved(i32),
}
