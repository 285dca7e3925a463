//! A browser that knows links and forms and nothing else.
#![expect(
    clippy::panic,
    reason = "a page that is not as expected is a failed test"
)]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use tower::ServiceExt as _;

/// A page as it came.
#[derive(Debug)]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The HTML.
    pub html: String,
    /// The same as it came: a file need not be text.
    pub bytes: Vec<u8>,
}

impl Page {
    /// Where it sends the browser; fails if it is no redirect after a form.
    #[track_caller]
    pub fn goes_to(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.words());
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    /// The words without the markup, blanks made single.
    pub fn words(&self) -> String {
        let mut words = String::new();
        let mut inside = false;
        for letter in self.html.chars() {
            match letter {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    words.push(' ');
                }
                _ if !inside => words.push(letter),
                _ => {}
            }
        }
        unescaped(&words)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Fails unless the page says these words.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        assert!(
            self.words().contains(words),
            "“{words}” is not in: {}",
            self.words()
        );
        self
    }

    /// Fails if the page says these words.
    #[track_caller]
    pub fn says_not(&self, words: &str) -> &Self {
        assert!(
            !self.words().contains(words),
            "“{words}” is in: {}",
            self.words()
        );
        self
    }

    /// The address of the link whose words contain these.
    #[track_caller]
    pub fn link(&self, words: &str) -> String {
        let links = self.html.split("<a ").skip(1);
        let found = links
            .filter_map(|link| link.split_once("</a>"))
            .find_map(|(link, _)| {
                let (tag, text) = link.split_once('>')?;
                text.contains(words)
                    .then(|| attribute(tag, "href"))
                    .flatten()
            });
        found.unwrap_or_else(|| panic!("no link “{words}” on: {}", self.words()))
    }

    /// What the form that posts to `action` would send: hidden fields, what is typed and ticked.
    #[track_caller]
    pub fn form(&self, action: &str) -> Form {
        let forms = self
            .html
            .split("<form")
            .skip(1)
            .filter_map(|form| form.split("</form>").next());
        let form = forms
            .into_iter()
            .find(|form| {
                let tag = form.split('>').next().unwrap();
                attribute(tag, "action").as_deref() == Some(action)
            })
            .unwrap_or_else(|| panic!("no form posts to {action}: {}", self.words()));
        let mut fields = Vec::new();
        for input in form.split("<input").skip(1) {
            let tag = input.split('>').next().unwrap();
            let kind = attribute(tag, "type").unwrap_or_default();
            let is_off = matches!(kind.as_str(), "radio" | "checkbox") && !tag.contains(" checked");
            if let Some(name) = attribute(tag, "name").filter(|_| !is_off) {
                fields.push((name, attribute(tag, "value").unwrap_or_default()));
            }
        }
        Form {
            action: action.to_owned(),
            fields,
        }
    }

    /// Whether there is a button with these words.
    pub fn has_button(&self, words: &str) -> bool {
        self.html.split("<button").skip(1).any(|button| {
            let text = button.split("</button>").next().unwrap_or_default();
            unescaped(text).contains(words)
        })
    }
}

/// A form as it would be sent.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where to.
    pub action: String,
    /// What.
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// The same with one field set, picked or typed.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with one more field of this name: another tick.
    #[must_use]
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without the fields of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    /// The form as a query.
    pub fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.fields)
            .finish()
    }
}

/// A browser with one person's cookie, or a stranger's.
#[derive(Clone, Debug)]
pub struct Browser {
    router: Router,
    cookie: Option<String>,
}

impl Browser {
    /// Someone's browser, by the session's cookie; none for a stranger.
    pub fn new(router: Router, cookie: Option<String>) -> Self {
        Self { router, cookie }
    }

    /// Opens an address.
    pub async fn get(&self, path: &str) -> Page {
        self.send(Request::builder().uri(path).body(Body::empty()).unwrap())
            .await
    }

    /// Sends a form.
    pub async fn post(&self, form: &Form) -> Page {
        self.post_from(form, None).await
    }

    /// Sends a form from a page of this origin.
    pub async fn post_from(&self, form: &Form, origin: Option<&str>) -> Page {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&form.action)
            .header(header::HOST, "muster.example")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        self.send(request.body(Body::from(form.query())).unwrap())
            .await
    }

    /// The answer before its body has ended.
    pub async fn open(&self, mut request: Request<Body>) -> Response<Body> {
        if let Some(cookie) = &self.cookie {
            request
                .headers_mut()
                .insert(header::COOKIE, cookie.parse().unwrap());
        }
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn send(&self, request: Request<Body>) -> Page {
        let (parts, body) = self.open(request).await.into_parts();
        let bytes = to_bytes(body, 10_000_000).await.unwrap();
        let html = String::from_utf8_lossy(&bytes).into_owned();
        Page {
            status: parts.status,
            headers: parts.headers,
            html,
            bytes: bytes.to_vec(),
        }
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next()?))
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}
