//! The second factor in a browser: set up, asked for at the door and again before something is sent.

use std::time::Duration;

use axum::http::StatusCode;
use muster::account::role::Role;

use crate::browser::{Browser, House, PASSWORD};
use crate::on_both;
use crate::totp::totp;

/// Signs in with the password alone.
async fn at_the_door(house: &House) -> Browser {
    let mut browser = house.browser();
    browser
        .post("/sign-in", &[("login", "rosa"), ("password", PASSWORD)])
        .await;
    browser
}

/// Sets an app up in the browser and answers its secret.
async fn set_up(house: &House, browser: &mut Browser) -> String {
    browser
        .post("/account/app", &[("password", PASSWORD)])
        .await
        .leads_to("/account");
    let page = browser.get("/account").await;
    page.says("data:image/svg+xml;base64,");
    let (_, rest) = page.text.split_once("class=\"secret\">").unwrap();
    let secret = rest.split('<').next().unwrap().to_owned();
    let code = totp(&secret, house.now().0);
    let done = browser
        .post("/account/app/confirm", &[("code", &code)])
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    done.says("they are shown once");
    assert_eq!(done.text.matches("<li><code>").count(), 10);
    secret
}

on_both! {
    async fn an_app_is_set_up_and_then_asked_for_at_the_door(house: House) {
        house.user("rosa", &[Role::Sender]).await;
        let mut browser = at_the_door(&house).await;
        let wrong = browser.post("/account/app", &[("password", "guess")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "an open browser is no licence");
        let secret = set_up(&house, &mut browser).await;
        browser.get("/account").await.says("Set up.").does_not_say(&secret);

        let mut other = house.browser();
        let fields = [("login", "rosa"), ("password", PASSWORD), ("next", "/people")];
        other.post("/sign-in", &fields).await.leads_to("/sign-in/code?next=%2Fpeople");
        other.get("/people").await.leads_to("/sign-in?next=%2Fpeople");
        other.get("/sign-in/code?next=%2Fpeople").await.says("Your code");
        let wrong = other.post("/sign-in/code", &[("code", "000000"), ("next", "/people")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.says("Nobody has been signed in").says("value=\"/people\"");
        house.app.clock.advance(Duration::from_mins(1));
        let half = other.cookies.clone();
        let code = totp(&secret, house.now().0);
        other.post("/sign-in/code", &[("code", &code), ("next", "/people")]).await.leads_to("/people");
        assert_ne!(other.cookies, half, "a new cookie: a planted one is worth nothing");
        other.get("/people").await.says("rosa Ortiz");
        other.get("/account").await.says("Sign out everywhere else");
    }

    async fn the_code_page_leads_to_the_password_without_one(house: House) {
        house.browser().get("/sign-in/code").await.leads_to("/sign-in");
        let answer = house.browser().post("/sign-in/code", &[("code", "123456")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        answer.says("Begin again with the password");
    }

    async fn where_it_is_required_a_password_only_looks_on(house: House) {
        house.user("rosa", &[Role::Sender, Role::DirectoryAdmin]).await;
        let house = house.strict();
        let mut browser = at_the_door(&house).await;
        for path in ["/live", "/drill", "/live/closure", "/people/new", "/people/import"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            page.says("First add a second proof").says("href=\"/account\"");
        }
        for path in ["/alerts", "/people", "/templates"] {
            assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
        }
        set_up(&house, &mut browser).await;
        assert_eq!(browser.get("/live").await.status, StatusCode::OK);
        assert_eq!(browser.get("/people/new").await.status, StatusCode::OK);
    }

    async fn an_administrator_takes_a_lost_app_away(house: House) {
        let rosa = house.user("rosa", &[Role::Sender]).await;
        let mut browser = at_the_door(&house).await;
        set_up(&house, &mut browser).await;
        let path = format!("/accounts/users/{}/remove-app", rosa.id);
        let mut sender = house.signed_in(&[Role::Approver]).await;
        assert_eq!(sender.post(&path, &[]).await.status, StatusCode::FORBIDDEN);
        let mut admin = house.signed_in(&[Role::SystemAdmin]).await;
        admin.post(&path, &[]).await.leads_to("/accounts");
        browser.get("/people").await.leads_to("/sign-in?next=%2Fpeople");
        let fields = [("login", "rosa"), ("password", PASSWORD)];
        house.browser().post("/sign-in", &fields).await.leads_to("/");
    }

    async fn taking_ones_own_app_away_needs_a_code(house: House) {
        house.user("rosa", &[Role::Sender]).await;
        let mut browser = at_the_door(&house).await;
        let secret = set_up(&house, &mut browser).await;
        for path in ["/account/app/remove", "/account/codes"] {
            let refused = browser.post(path, &[("proof", "111111")]).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        }
        house.app.clock.advance(Duration::from_mins(1));
        let code = totp(&secret, house.now().0);
        let codes = browser.post("/account/codes", &[("proof", &code)]).await;
        assert_eq!(codes.text.matches("<li><code>").count(), 10);
        house.app.clock.advance(Duration::from_mins(1));
        let code = totp(&secret, house.now().0);
        browser.post("/account/app/remove", &[("proof", &code)]).await.leads_to("/sign-in");
        at_the_door(&house).await.get("/account").await.says("Set up an app");
    }

    async fn an_ended_session_is_out_at_once(house: House) {
        house.user("rosa", &[Role::Sender]).await;
        let (mut here, mut there) = (at_the_door(&house).await, at_the_door(&house).await);
        let page = here.get("/account").await;
        page.says("This browser").says("An unknown browser");
        let (_, rest) = page.text.split_once("action=\"/account/sessions/").unwrap();
        let end = format!("/account/sessions/{}", rest.split('"').next().unwrap());
        let mut stranger = house.signed_in(&[Role::SystemAdmin]).await;
        stranger.post(&end, &[]).await.leads_to("/account");
        assert_eq!(there.get("/account").await.status, StatusCode::OK, "it is not theirs to end");
        here.post(&end, &[]).await.leads_to("/account");
        there.get("/account").await.leads_to("/sign-in?next=%2Faccount");
    }
}
