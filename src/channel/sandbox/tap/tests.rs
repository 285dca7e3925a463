//! What a tap does to a real server on loopback, and that it goes nowhere else.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, RawForm, State};
use axum::http::Method;
use axum::response::Html;
use axum::routing::any;

use super::*;
use crate::channel::sandbox::persona::Choice;
use crate::response::option::AnswerClass;

const PUBLIC: &str = "https://alert.clinic.example";

type Seen = Arc<Mutex<Vec<String>>>;

/// An answer page that remembers what was asked of it.
async fn server(page: &'static str) -> (TapRunner, Seen) {
    let seen: Seen = Arc::default();
    let state = (Arc::clone(&seen), page);
    let router = Router::new()
        .route("/a/{token}", any(answer))
        .with_state(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (runner(PUBLIC, Some(&format!("http://{address}"))), seen)
}

async fn answer(
    State((seen, page)): State<(Seen, &'static str)>,
    Path(token): Path<String>,
    method: Method,
    RawForm(form): RawForm,
) -> Html<&'static str> {
    let line = format!("{method} {token} {}", String::from_utf8_lossy(&form));
    seen.lock().unwrap().push(line.trim().to_owned());
    Html(page)
}

fn runner(public: &str, server: Option<&str>) -> TapRunner {
    // Another test may have installed it already.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    TapRunner::new(public, server).unwrap()
}

fn saying(class: AnswerClass) -> Wish {
    Wish::Saying(Choice { class, draw: 0 })
}

const PAGE: &str = "<form method=post action='https://alert.clinic.example/a/T1'>\
    <input type=hidden name=seen value='a b'><button name=answer value=safe>I am safe</button>\
    <button name=answer value=late>I cannot come</button>\
    <button name=answer value=sos>I need help</button></form>";

#[tokio::test]
async fn a_tap_opens_the_page_and_then_posts_the_button() {
    let (runner, seen) = server(PAGE).await;
    runner
        .tap(
            "https://alert.clinic.example/a/T1",
            saying(AnswerClass::Help),
        )
        .await
        .unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        ["GET T1", "POST T1 seen=a+b&answer=sos"]
    );
}

#[tokio::test]
async fn each_wish_presses_its_button() {
    let (runner, seen) = server(PAGE).await;
    let link = "https://alert.clinic.example/a/T1";
    runner
        .tap(link, saying(AnswerClass::Positive))
        .await
        .unwrap();
    runner
        .tap(link, saying(AnswerClass::Negative))
        .await
        .unwrap();
    runner.tap(link, Wish::Nth(2)).await.unwrap();
    let none = runner.tap(link, Wish::Nth(3)).await;
    assert!(matches!(none, Err(TapError::NothingToPress)));
    let seen = seen.lock().unwrap();
    let posted: Vec<&str> = seen
        .iter()
        .filter_map(|line| line.split_once("answer=").map(|(_, key)| key))
        .collect();
    assert_eq!(posted, ["safe", "late", "sos"]);
}

#[tokio::test]
async fn a_page_without_a_form_is_only_looked_at() {
    let (runner, seen) = server("<p>This link has expired.</p>").await;
    let link = "https://alert.clinic.example/a/T1";
    let result = runner.tap(link, saying(AnswerClass::Positive)).await;
    assert!(matches!(result, Err(TapError::NothingToPress)));
    assert_eq!(*seen.lock().unwrap(), ["GET T1"]);
}

#[tokio::test]
async fn a_form_that_posts_elsewhere_is_not_followed() {
    let page = "<form method=post action='https://evil.example/a/T1'><button name=a value=b>x";
    let (runner, seen) = server(page).await;
    let result = runner
        .tap("https://alert.clinic.example/a/T1", Wish::Nth(0))
        .await;
    assert!(matches!(result, Err(TapError::NotOurs)));
    assert_eq!(*seen.lock().unwrap(), ["GET T1"]);
}

#[tokio::test]
async fn a_refused_page_is_an_error_with_its_status() {
    let router: Router = Router::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let runner = runner(&format!("http://{address}/"), None);
    let result = runner
        .tap(&format!("http://{address}/a/T1"), Wish::Nth(0))
        .await;
    assert!(matches!(
        result,
        Err(TapError::Refused(StatusCode::NOT_FOUND))
    ));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_without_the_link() {
    // Bound and closed again: nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut runner = runner(PUBLIC, Some(&format!("http://{address}")));
    runner.first_wait = Duration::ZERO;
    let error = runner
        .tap("https://alert.clinic.example/a/SECRET", Wish::Nth(0))
        .await
        .unwrap_err();
    assert!(matches!(error, TapError::Unreachable(_)));
    assert!(!format!("{error} {error:?}").contains("SECRET"));
}

#[test]
fn only_our_own_answer_pages_are_ever_opened() {
    let runner = runner("https://alert.clinic.example/", None);
    assert_eq!(
        runner
            .path_of("https://alert.clinic.example/a/T-_1")
            .as_deref(),
        Some("/a/T-_1")
    );
    assert_eq!(
        runner
            .path_of("https://alert.clinic.example/a/T?lang=es")
            .as_deref(),
        Some("/a/T?lang=es")
    );
    for link in [
        "",
        "https://evil.example/a/T",
        "https://alert.clinic.example.evil.example/a/T",
        "https://alert.clinic.example@evil.example/a/T",
        "https://alert.clinic.example/a/",
        "https://alert.clinic.example/a/../alerts",
        "https://alert.clinic.example/a/T/../../alerts",
        "https://alert.clinic.example/sign-in",
        "http://alert.clinic.example/a/T",
    ] {
        assert_eq!(runner.path_of(link), None, "{link}");
    }
}

#[test]
fn a_form_may_leave_out_the_host_also_below_a_folder() {
    let runner = runner("https://clinic.example/muster", None);
    assert_eq!(
        runner.path_of_action("/muster/a/T").as_deref(),
        Some("/a/T")
    );
    assert_eq!(
        runner
            .path_of_action("https://clinic.example/muster/a/T")
            .as_deref(),
        Some("/a/T")
    );
    assert_eq!(runner.path_of_action("/a/T"), None);
    assert_eq!(runner.path_of_action("//evil.example/a/T"), None);
}
