//! Who is looking at a page: the session's cookie, and the way to the sign-in page without one.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use crate::account;
use crate::account::role::Act;
use crate::account::session::{self, Session, SignedIn as Opened};
use crate::account::user::User;
use crate::app::App;
use crate::audit::Actor;
use crate::config::SecondFactor;
use crate::web::pages::PageError;

/// The cookie's name where it can be bound to this host by https.
const SECURE_NAME: &str = "__Host-muster";
/// The cookie's name on plain http, where browsers refuse the `__Host-` prefix.
const PLAIN_NAME: &str = "muster";
/// Longest address to go back to after sign-in.
const LONGEST_NEXT: usize = 512;

/// The person who is signed in. As an argument of a handler it turns everybody else away: a page
/// goes to `/sign-in` and remembers where the person wanted to go, a script's request gets a 401.
/// `Option<SignedIn>` turns nobody away.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who it is, with the roles of this moment.
    pub user: User,
    /// The session: how, and when, the person last showed who it is.
    pub session: Session,
    /// The house asks for a second factor, and the person gave none.
    lacks_second_factor: bool,
}

impl SignedIn {
    fn new(app: &App, session: Session) -> Self {
        let is_required = app.config.accounts.second_factor == SecondFactor::Required;
        Self {
            user: session.user.clone(),
            lacks_second_factor: is_required && !session.proof.is_strong(),
            session,
        }
    }

    /// Lets the person through who may do it; everybody else gets a page that says so.
    pub fn require(&self, act: Act) -> Result<(), PageError> {
        if !self.user.may(act) {
            return Err(PageError::forbidden(act));
        }
        if self.lacks_second_factor && act.needs_second_factor() {
            return Err(PageError::without_second_factor());
        }
        Ok(())
    }

    /// Whether the last proof is so old that sending asks for another one.
    pub fn is_stale(&self, app: &App) -> bool {
        let minutes = app.config.accounts.prove_again_minutes;
        let longest = std::time::Duration::from_secs(u64::from(minutes) * 60);
        minutes > 0 && app.clock.now().since(self.session.proven_at) >= longest
    }

    /// How the audit chain names the person.
    pub fn actor(&self) -> Actor {
        self.user.actor()
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match current(app, &parts.headers).await {
            Ok(Some(session)) => Ok(Self::new(app, session)),
            Ok(None) => Err(to_sign_in(parts)),
            Err(error) => Err(PageError::from(error).into_response()),
        }
    }
}

impl OptionalFromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Response> {
        match current(app, &parts.headers).await {
            Ok(session) => Ok(session.map(|session| Self::new(app, session))),
            Err(error) => Err(PageError::from(error).into_response()),
        }
    }
}

/// Who shows these headers; nobody without a session that still lasts.
pub async fn current(app: &App, headers: &HeaderMap) -> Result<Option<Session>, account::Error> {
    match token(app, headers) {
        Some(token) => session::authenticate(&app.db, &token, app.clock.now()).await,
        None => Ok(None),
    }
}

/// The session's token in the cookie, valid or not.
pub(crate) fn token(app: &App, headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    jar.get(cookie_name(app))
        .map(|cookie| cookie.value().to_owned())
        .filter(|text| !text.is_empty())
}

fn cookie_name(app: &App) -> &'static str {
    if is_https(app) {
        SECURE_NAME
    } else {
        PLAIN_NAME
    }
}

fn is_https(app: &App) -> bool {
    app.public_url.starts_with("https://")
}

fn cookie(app: &App, value: String) -> Cookie<'static> {
    Cookie::build((cookie_name(app), value))
        .path("/")
        .http_only(true)
        .secure(is_https(app))
        .same_site(SameSite::Lax)
        .build()
}

/// What a person's own list of sessions calls the browser: "Firefox on Android".
pub(crate) fn device(headers: &HeaderMap) -> String {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let first = |words: &[(&str, &'static str)]| {
        let found = words.iter().find(|(part, _)| agent.contains(part));
        found.map(|(_, name)| *name)
    };
    // Each of them also says that it is those that stand below it.
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox", "Firefox"),
        ("FxiOS", "Firefox"),
        ("Chrome", "Chrome"),
        ("CriOS", "Chrome"),
        ("Safari", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("CrOS", "ChromeOS"),
        ("Mac OS X", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "An unknown browser".to_owned(),
    }
}

/// The cookie of a session that was given another token.
pub(crate) fn renewed(app: &App, token: String) -> CookieJar {
    CookieJar::new().add(cookie(app, token))
}

/// Answers a sign-in: hands the new session's cookie over and goes to `next`, past the question for the
/// second factor where there is one. The session that the browser had before ends: whoever planted its
/// cookie gains nothing.
pub(crate) async fn enter(
    app: &App,
    headers: &HeaderMap,
    opened: Opened,
    next: &str,
) -> Result<Response, PageError> {
    end(app, headers).await?;
    let jar = renewed(app, opened.token);
    let next = safe_next(next).unwrap_or("/");
    let next = if opened.is_waiting {
        door("/sign-in/code", next)
    } else {
        next.to_owned()
    };
    Ok((jar, no_store(), Redirect::to(&next)).into_response())
}

/// Ends the session and takes the cookie back. Without a session it only goes to the sign-in page.
pub(crate) async fn leave(app: &App, headers: &HeaderMap) -> Result<Response, PageError> {
    end(app, headers).await?;
    let mut removal = cookie(app, String::new());
    removal.make_removal();
    let jar = CookieJar::new().add(removal);
    Ok((jar, no_store(), Redirect::to("/sign-in")).into_response())
}

async fn end(app: &App, headers: &HeaderMap) -> Result<(), PageError> {
    if let Some(token) = token(app, headers) {
        session::sign_out(&app.db, &token).await?;
    }
    Ok(())
}

/// Keeps what only one person may see out of every cache.
pub(crate) fn no_store() -> [(HeaderName, HeaderValue); 1] {
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]
}

/// The address if it surely is a path on this service, to go to after sign-in. Browsers read
/// `//host`, `/\host` and `/<tab>/host` as another host; the doors themselves lead nowhere.
pub fn safe_next(text: &str) -> Option<&str> {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let is_ours = text.len() <= LONGEST_NEXT
        && text.starts_with('/')
        && !text.starts_with("//")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_door = ["/sign-in", "/sign-out", "/set-up"]
        .iter()
        .any(|door| path.starts_with(door));
    (is_ours && !is_door).then_some(text)
}

/// Turns a stranger away. A page that was asked for is remembered; a form is not sent again after
/// the sign-in, so its own page is. A part of a page cannot show the sign-in form: the whole page
/// goes there.
fn to_sign_in(parts: &Parts) -> Response {
    let is_part = is_part(&parts.headers);
    let is_read = parts.method == Method::GET || parts.method == Method::HEAD;
    let wanted = if is_read && !is_part {
        parts
            .uri
            .path_and_query()
            .map(|path| path.as_str().to_owned())
    } else {
        referring_page(&parts.headers)
    };
    let next = wanted.as_deref().and_then(safe_next).unwrap_or("/");
    let door = door("/sign-in", next);
    if is_part {
        let headers = [("hx-redirect", door)];
        return (
            StatusCode::UNAUTHORIZED,
            headers,
            no_store(),
            "Sign in again.",
        )
            .into_response();
    }
    (no_store(), Redirect::to(&door)).into_response()
}

/// A door's address, with where to go behind it.
fn door(path: &str, next: &str) -> String {
    if next == "/" {
        return path.to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", next)
        .finish();
    format!("{path}?{query}")
}

/// Whether a script of ours asks for a part of a page, or listens for news.
fn is_part(headers: &HeaderMap) -> bool {
    let listens = headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"));
    listens || headers.contains_key("hx-request")
}

/// The path of the page that the request came from, when that page is ours.
fn referring_page(headers: &HeaderMap) -> Option<String> {
    let referer = headers.get(header::REFERER)?.to_str().ok()?;
    let uri: axum::http::Uri = referer.parse().ok()?;
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let is_ours = uri
        .authority()
        .is_some_and(|authority| authority.as_str() == host);
    is_ours
        .then(|| uri.path_and_query().map(|path| path.as_str().to_owned()))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_on_this_service_is_gone_to_after_sign_in() {
        for good in [
            "/",
            "/live",
            "/alerts/17?page=2",
            "/people?q=a%20b#top",
            "/live/closure?a=//x",
        ] {
            assert_eq!(safe_next(good), Some(good));
        }
        for bad in [
            "",
            "live",
            "//evil.example",
            "/\\evil.example",
            "/%5c\\evil",
            "https://evil.example",
            "https:evil.example",
            "/\t/evil.example",
            "/ /evil",
            "\\\\evil",
            "javascript:alert(1)",
            "/a\r\nset-cookie:x=1",
            "/sign-in",
            "/sign-in?next=/live",
            "/sign-out",
            "/set-up/x",
        ] {
            assert_eq!(safe_next(bad), None, "{bad:?}");
        }
        assert_eq!(safe_next(&format!("/{}", "a".repeat(600))), None);
    }

    #[test]
    fn a_device_is_named_as_its_owner_would() {
        let named = |agent: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
            device(&headers)
        };
        let pixel = "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/150.0.0.0 Mobile Safari/537.36";
        assert_eq!(named(pixel), "Chrome on Android");
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 \
                      (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1";
        assert_eq!(named(iphone), "Safari on iPhone");
        assert_eq!(
            named("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Firefox/150.0"),
            "Firefox on Linux"
        );
        assert_eq!(named("curl/8"), "An unknown browser");
        assert_eq!(device(&HeaderMap::new()), "An unknown browser");
    }

    fn parts(method: Method, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = axum::http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn location(parts: &Parts) -> String {
        let response = to_sign_in(parts);
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        response.headers()[header::LOCATION]
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn a_page_that_was_asked_for_is_remembered() {
        let asked = parts(Method::GET, "/alerts/17?page=2", &[]);
        assert_eq!(location(&asked), "/sign-in?next=%2Falerts%2F17%3Fpage%3D2");
        assert_eq!(location(&parts(Method::GET, "/", &[])), "/sign-in");
    }

    #[test]
    fn a_form_leads_back_to_its_own_page_and_to_no_other_host() {
        let ours = [
            ("host", "m.test"),
            ("referer", "http://m.test/live/closure?a=b"),
        ];
        let sent = parts(Method::POST, "/live/closure", &ours);
        assert_eq!(location(&sent), "/sign-in?next=%2Flive%2Fclosure%3Fa%3Db");
        let theirs = [("host", "m.test"), ("referer", "http://evil.test/live")];
        assert_eq!(
            location(&parts(Method::POST, "/live/closure", &theirs)),
            "/sign-in"
        );
    }

    #[test]
    fn a_part_of_a_page_sends_the_whole_page_to_the_door() {
        let asked = [
            ("hx-request", "true"),
            ("host", "m.test"),
            ("referer", "http://m.test/alerts/1"),
        ];
        let response = to_sign_in(&parts(Method::GET, "/alerts/1/live", &asked));
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(
            response.headers()["hx-redirect"],
            "/sign-in?next=%2Falerts%2F1"
        );
    }
}
