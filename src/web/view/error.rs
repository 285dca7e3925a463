//! Pages for when something went wrong: what happened, what was not done, what to do next.

use askama::Template;

use super::{Frame, Link};

/// Any refusal or failure that gets a page of its own.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// What surrounds the page.
    pub page: Frame,
    /// What happened, as a heading: "There is no such page".
    pub heading: String,
    /// What happened, in a sentence or two.
    pub happened: String,
    /// What was not done: "Nothing was sent."; empty when nothing was tried.
    pub not_done: String,
    /// What to do next.
    pub next: Vec<Link>,
    /// What to tell whoever runs the service: the request's identifier; empty for none.
    pub reference: String,
}

impl ErrorPage {
    /// 404.
    pub fn not_found(page: Frame) -> Self {
        Self {
            page,
            heading: "There is no such page".to_owned(),
            happened: "The address may be mistyped, or what it showed has been removed.".to_owned(),
            not_done: String::new(),
            next: vec![Link::new("Go to the start", "/")],
            reference: String::new(),
        }
    }

    /// 403: signed in, but without the role. `role` is the one that may, as in "directory admin".
    pub fn forbidden(page: Frame, role: &str) -> Self {
        Self {
            page,
            heading: "Your account may not do this".to_owned(),
            happened: format!("It needs the role “{role}”. An administrator can add it."),
            not_done: "Nothing was changed or sent.".to_owned(),
            next: vec![Link::new("Go to the start", "/")],
            reference: String::new(),
        }
    }

    /// 500. What exactly was done is not known here, so the page says where to look.
    pub fn failed(page: Frame, reference: impl Into<String>) -> Self {
        Self {
            page,
            heading: "That did not work".to_owned(),
            happened: "Something failed inside the service. It has been written down.".to_owned(),
            not_done: "Look under Alerts whether anything was sent before you try again."
                .to_owned(),
            next: vec![
                Link::new("Look under Alerts", "/alerts"),
                Link::new("Start", "/"),
            ],
            reference: reference.into(),
        }
    }
}
