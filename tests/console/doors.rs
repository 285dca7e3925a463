//! Who gets in, how, and who does not.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use muster::account::link;
use muster::account::role::Role;
use muster::audit::Actor;

use crate::browser::{House, PASSWORD};
use crate::on_both;

on_both! {
    async fn the_right_password_lets_in_and_the_cookie_is_guarded(house: House) {
        house.user("rosa", &[Role::Sender]).await;
        let mut browser = house.browser();

        let answer = browser.post("/sign-in", &[("login", " Rosa"), ("password", PASSWORD)]).await;

        answer.leads_to("/");
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with("muster="), "{cookie}");
        for flag in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(flag), "{cookie}");
        }
        browser.get("/people").await.says("rosa Ortiz");
    }

    async fn a_wrong_password_and_an_unknown_name_get_the_same_answer(house: House) {
        house.user("rosa", &[Role::Sender]).await;
        let wrong = [("login", "rosa"), ("password", "not the password at all")];
        let unknown = [("login", "ivan"), ("password", "not the password at all")];

        let one = house.browser().post("/sign-in", &wrong).await;
        let other = house.browser().post("/sign-in", &unknown).await;

        assert_eq!(one.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(other.status, one.status);
        assert_eq!(one.text.replace("rosa", "ivan"), other.text);
        assert_eq!(one.header("set-cookie"), "");
    }

    async fn guessing_is_slowed_down_with_words_and_the_right_password_must_wait_too(house: House) {
        house.user("rosa", &[Role::Sender]).await;
        for _ in 0..10 {
            house.browser().post("/sign-in", &[("login", "rosa"), ("password", "guess")]).await;
        }
        let right = [("login", "rosa"), ("password", PASSWORD)];

        let locked = house.browser().post("/sign-in", &right).await;

        assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
        locked.says("Too many wrong passwords. Wait 1 minute");
        assert_eq!(locked.header("retry-after"), "60");
        house.app.clock.advance(Duration::from_mins(1));
        house.browser().post("/sign-in", &right).await.leads_to("/");
    }

    async fn a_cookie_that_was_planted_before_the_sign_in_opens_nothing_after_it(house: House) {
        house.user("rosa", &[Role::Sender]).await;
        let mut thief = house.signed_in(&[Role::Auditor]).await;
        let planted = thief.cookies["muster"].clone();
        let mut victim = house.browser();
        victim.cookies.insert("muster".to_owned(), planted.clone());

        victim.post("/sign-in", &[("login", "rosa"), ("password", PASSWORD)]).await.leads_to("/");

        assert_ne!(victim.cookies["muster"], planted);
        assert_eq!(thief.get("/people").await.status, StatusCode::SEE_OTHER);
    }

    async fn a_link_signs_in_once_and_looking_at_it_uses_nothing_up(house: House) {
        let user = house.user("rosa", &[Role::Sender]).await;
        let day = Duration::from_hours(24);
        let actor = Actor::command_line();
        let token =
            link::make_sign_in(&house.app.db, user.id, day, house.now(), &actor).await.unwrap();
        let path = format!("/sign-in/{token}");

        for _ in 0..3 {
            house.browser().get(&path).await.says("Sign in as rosa Ortiz");
        }
        house.browser().post(&path, &[]).await.leads_to("/");
        let again = house.browser().post(&path, &[]).await;

        assert_eq!(again.status, StatusCode::GONE);
        again.says("This link cannot be used").says("+1 202 555 0100");
        assert_eq!(again.header("set-cookie"), "");
        assert_eq!(house.browser().get(&path).await.status, StatusCode::GONE);
    }

    async fn the_first_administrator_is_made_once_and_is_signed_in_with_all_roles(house: House) {
        let token = link::make_set_up(&house.app.db, house.now()).await.unwrap().unwrap();
        let path = format!("/set-up/{token}");
        let mut browser = house.browser();
        browser.get(&path).await.says("Riverside Clinic");

        let weak = browser.post(&path, &[("name", "Rosa"), ("login", "rosa"), ("password", "short")]);
        assert_eq!(weak.await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let good = [("name", "Rosa Ortiz"), ("login", "rosa"), ("password", PASSWORD)];
        browser.post(&path, &good).await.leads_to("/");

        browser.get("/accounts").await.says("sender, approver, directory admin, system admin");
        let second = house.browser().post(&path, &good).await;
        assert_eq!(second.status, StatusCode::GONE);
    }

    async fn a_stranger_is_led_to_the_door_and_back_to_what_was_asked_for(house: House) {
        house.user("rosa", &[Role::Sender]).await;
        let mut browser = house.browser();

        let turned_away = browser.get("/people?q=ana").await;

        turned_away.leads_to("/sign-in?next=%2Fpeople%3Fq%3Dana");
        let door = browser.get("/sign-in?next=%2Fpeople%3Fq%3Dana").await;
        assert_eq!(door.hidden("next"), "/people?q=ana");
        let fields = [("login", "rosa"), ("password", PASSWORD), ("next", "/people?q=ana")];
        browser.post("/sign-in", &fields).await.leads_to("/people?q=ana");
    }

    async fn nobody_is_sent_to_another_site_after_sign_in(house: House) {
        house.user("rosa", &[Role::Sender]).await;
        for evil in ["//evil.example", "/\\evil.example", "https://evil.example", "https:evil"] {
            let fields = [("login", "rosa"), ("password", PASSWORD), ("next", evil)];
            house.browser().post("/sign-in", &fields).await.leads_to("/");
            let shown = house.browser().get(&format!("/sign-in?next={evil}")).await;
            shown.does_not_say("evil");
        }
    }

    async fn signing_out_ends_the_session_for_good(house: House) {
        let mut browser = house.signed_in(&[Role::Sender]).await;
        let cookie = browser.cookies["muster"].clone();

        browser.post("/sign-out", &[]).await.leads_to("/sign-in");

        assert!(browser.cookies.is_empty());
        browser.cookies.insert("muster".to_owned(), cookie);
        assert_eq!(browser.get("/people").await.status, StatusCode::SEE_OTHER);
    }

    async fn a_form_from_another_site_is_refused(house: House) {
        let mut browser = house.signed_in(&[Role::SystemAdmin]).await;
        let request = browser
            .request(Method::POST, "/accounts/tokens")
            .header("sec-fetch-site", "cross-site")
            .header("origin", "https://evil.example")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("token_name=x&scope=admin"))
            .unwrap();

        let answer = browser.send(request).await;

        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        browser.get("/accounts").await.says("No script may send yet");
    }
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_the_host() {
    let house = House::behind_https().await;
    house.user("rosa", &[Role::Sender]).await;

    let answer = house
        .browser()
        .post("/sign-in", &[("login", "rosa"), ("password", PASSWORD)])
        .await;

    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-muster=") && cookie.contains("Secure"),
        "{cookie}"
    );
    house.close().await;
}
