//! A browser that was left open sends nothing before it is shown that it is still the same person.

use axum::http::{StatusCode, header};
use muster::account::password::Passwords;
use muster::account::{second_factor, user};
use muster::audit::Actor;
use muster::web;

use crate::browser::{Browser, Page};
use crate::desk::Desk;
use crate::on_both;
use crate::totp::totp;

const PASSWORD: &str = "the cat sleeps on the roof";
const CHECK: &str = "/live/closure?reason=burst+pipe";

/// The browser of a sender with a password, who has just signed in.
async fn sender(desk: &Desk) -> Browser {
    desk.sender().await;
    let (db, now) = (&desk.app.db, desk.app.clock.now());
    let mara = user::find_by_login(db, "mara").await.unwrap().unwrap();
    let (passwords, by) = (Passwords::default(), Actor::system());
    let set = user::set_password(db, &passwords, mara.id, PASSWORD, None, now, &by);
    set.await.unwrap();
    let door = &desk.app.doorkeeper;
    let opened = door
        .sign_in(db, "mara", PASSWORD, "a test", now)
        .await
        .unwrap();
    browser(desk, &opened.token)
}

fn browser(desk: &Desk, token: &str) -> Browser {
    Browser::new(
        web::router(desk.app.clone()),
        Some(format!("muster={token}")),
    )
}

/// The browser with the cookie that an answer has set.
fn with_cookie_of(desk: &Desk, page: &Page) -> Browser {
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
    let (_, rest) = cookie.split_once('=').unwrap();
    browser(desk, rest.split(';').next().unwrap())
}

on_both! {
    async fn after_a_quarter_of_an_hour_sending_asks_for_the_password(desk: Desk) {
        let left_open = sender(&desk).await;
        left_open.get(CHECK).await.says_not("still you");
        desk.pass(15 * 60);
        let check = left_open.get(CHECK).await;
        check.says("show that it is still you");
        let form = check.form("/live/closure").with("has-read", "yes");
        for typed in ["", "a guess at the password"] {
            let refused = left_open.post(&form.clone().with("your-proof", typed)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            refused.says("Nothing was sent: type it again");
        }
        assert!(desk.alerts().await.is_empty());

        let right = form.with("your-proof", PASSWORD);
        let sent = left_open.post(&right).await;

        let board = sent.goes_to();
        // Pressed twice: the second press still has the old cookie, and leads to the same alert.
        assert_eq!(left_open.post(&right).await.goes_to(), board);
        assert_eq!(desk.alerts().await.len(), 1);
        let fresh = with_cookie_of(&desk, &sent);
        fresh.get(CHECK).await.says_not("still you");
        assert!(left_open.get("/people").await.goes_to().starts_with("/sign-in"), "the old cookie is out");
        // To take back and to call off never wait for a password; what is newly said does.
        desk.pass(20 * 60);
        for act in ["correct", "all-clear", "remind", "stop"] {
            fresh.get(&format!("{board}/{act}")).await.says_not("still you");
        }
        fresh.get(&format!("{board}/update?news=We+open+at+08:00.")).await.says("still you");
    }

    async fn with_an_app_it_asks_for_a_code_and_pressing_twice_is_one_act(desk: Desk) {
        let first = sender(&desk).await;
        first.get(CHECK).await.says("Send LIVE");
        let (db, keys, now) = (&desk.app.db, &desk.app.keys, desk.app.clock.now());
        let mara = user::find_by_login(db, "mara").await.unwrap().unwrap();
        let door = &desk.app.doorkeeper;
        let token = door.sign_in(db, "mara", PASSWORD, "a test", now).await.unwrap().token;
        second_factor::begin(db, keys, &mara, now).await.unwrap();
        let secret = second_factor::pending(db, keys, &mara, "x").await.unwrap().unwrap().secret;
        let code = totp(&secret, now.0);
        let confirmed = second_factor::confirm(db, keys, &mara, &token, &code, now).await.unwrap();
        let left_open = browser(&desk, &confirmed.token);
        desk.pass(15 * 60);
        let check = left_open.get(CHECK).await;
        check.says("The code that your authenticator app shows");
        let form = check.form("/live/closure").with("has-read", "yes");
        left_open.post(&form.clone().with("your-proof", PASSWORD)).await.says("Nothing was sent");
        let code = totp(&secret, desk.app.clock.now().0);
        let form = form.with("your-proof", &code);
        let (one, two) = tokio::join!(left_open.post(&form), left_open.post(&form));
        assert_eq!(one.goes_to(), two.goes_to());
        assert_eq!(desk.alerts().await.len(), 1);
    }
}
