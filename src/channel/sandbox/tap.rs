//! Presses a button of an answer page for a simulated person, over HTTP as a phone's browser would.

mod form;

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tokio::sync::Semaphore;

use crate::channel::sandbox::offers::pick;
use crate::channel::sandbox::reaction::Wish;
use form::{Button, Form};

/// How many people tap at the same moment; the others wait.
const TAPS_AT_ONCE: usize = 16;

/// How often a tap is tried when the server cannot be connected to, as just after its start.
const TRIES: u32 = 5;

/// The wait after the first such try; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The most that is read of a page. Ours has a kilobyte.
const PAGE_BYTES: usize = 256 * 1024;

/// Why a tap recorded nothing. Shows neither the link nor the person.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// The link does not lead to an answer page of this service: it was not opened.
    #[error("the link is not one of this service's answer links, so it was not opened")]
    NotOurs,
    /// No connection, or it broke off.
    #[error("the answer page could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The page or the answer was refused.
    #[error("the answer page said {0}")]
    Refused(StatusCode),
    /// The page offers no such button: it has expired, or the alert asks for no answer.
    #[error("the answer page offers no such button")]
    NothingToPress,
}

/// Opens answer links of this service, and no others.
#[derive(Debug)]
pub struct TapRunner {
    client: Client,
    /// The public address, without a slash at its end.
    public: String,
    /// What is really connected to, without a slash at its end.
    server: String,
    first_wait: Duration,
    at_once: Semaphore,
}

impl TapRunner {
    /// For links that begin with `public_url`. `server`, if given, is connected to instead
    /// (`http://127.0.0.1:8080`): the public address may not lead back here from inside.
    ///
    /// Needs the process's TLS provider to be installed.
    pub fn new(public_url: &str, server: Option<&str>) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(10))
            .user_agent("Muster sandbox phone")
            .build()?;
        let public = public_url.trim_end_matches('/').to_owned();
        let server = server.map_or_else(
            || public.clone(),
            |url| url.trim_end_matches('/').to_owned(),
        );
        Ok(Self {
            client,
            public,
            server,
            first_wait: FIRST_WAIT,
            at_once: Semaphore::new(TAPS_AT_ONCE),
        })
    }

    /// Opens the page at `link` and presses the button that `wish` means. `Ok` only when the
    /// server took the answer. A wish that names a button which is not there presses none.
    pub async fn tap(&self, link: &str, wish: Wish) -> Result<(), TapError> {
        let path = self.path_of(link).ok_or(TapError::NotOurs)?;
        let Ok(_turn) = self.at_once.acquire().await else {
            return Ok(());
        };
        let page = self
            .try_to_reach(|| self.client.get(format!("{}{path}", self.server)))
            .await?;
        let form = Form::find(&text_of(page).await?).ok_or(TapError::NothingToPress)?;
        let button = choose(&form.buttons, wish).ok_or(TapError::NothingToPress)?;
        let path = match form.action.as_deref() {
            None | Some("") => path,
            Some(action) => self.path_of_action(action).ok_or(TapError::NotOurs)?,
        };
        let mut fields = form.fields.clone();
        fields.push((button.name.clone(), button.value.clone()));
        let url = format!("{}{path}", self.server);
        self.try_to_reach(|| self.client.post(&url).form(&fields))
            .await?;
        Ok(())
    }

    async fn try_to_reach(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, TapError> {
        let mut wait = self.first_wait;
        for _ in 1..TRIES {
            match request().send().await {
                Err(error) if error.is_connect() => tokio::time::sleep(wait).await,
                result => return checked(result),
            }
            wait *= 2;
        }
        checked(request().send().await)
    }

    /// The path of one of our answer pages, or none.
    fn path_of(&self, link: &str) -> Option<String> {
        answer_path(link.strip_prefix(&self.public)?)
    }

    /// The same for where a form is posted to, which may leave out the host.
    fn path_of_action(&self, action: &str) -> Option<String> {
        if let Some(path) = self.path_of(action) {
            return Some(path);
        }
        let after_scheme = self.public.split_once("://").map_or("", |(_, after)| after);
        let folder = after_scheme.find('/').map_or("", |at| &after_scheme[at..]);
        answer_path(action.strip_prefix(folder)?)
    }
}

/// `path` if it is `/a/TOKEN`, with or without a query: nothing else is ever requested.
fn answer_path(path: &str) -> Option<String> {
    let (bare, query) = path.split_once('?').unwrap_or((path, ""));
    let token = bare.strip_prefix("/a/")?;
    let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_query = |c: char| is_token(c) || "=&.%+".contains(c);
    let fits = !token.is_empty() && token.chars().all(is_token) && query.chars().all(is_query);
    fits.then(|| path.to_owned())
}

fn choose(buttons: &[Button], wish: Wish) -> Option<&Button> {
    let words: Vec<&str> = buttons.iter().map(|button| button.words.as_str()).collect();
    let place = match wish {
        Wish::Nth(place) => place,
        Wish::Saying(choice) => pick(&words, choice)?,
    };
    buttons.get(place)
}

fn checked(result: reqwest::Result<Response>) -> Result<Response, TapError> {
    let response = result.map_err(unreachable)?;
    let status = response.status();
    if status.is_success() || status.is_redirection() {
        Ok(response)
    } else {
        Err(TapError::Refused(status))
    }
}

async fn text_of(mut page: Response) -> Result<String, TapError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = page.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > PAGE_BYTES {
            bytes.truncate(PAGE_BYTES);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The link holds a recipient's token, so that it must not be in an error either.
fn unreachable(error: reqwest::Error) -> TapError {
    TapError::Unreachable(error.without_url())
}

#[cfg(test)]
mod tests;
