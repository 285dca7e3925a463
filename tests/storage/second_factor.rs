//! The second factor: codes of an app, recovery codes, and proofs before something is sent.

use std::time::Duration;

use muster::account::password::Passwords;
use muster::account::role::Role;
use muster::account::second_factor::{self, Confirmed, Factors};
use muster::account::session::{self, Proof};
use muster::account::sign_in::{Doorkeeper, Error};
use muster::account::user::{self, NewUser, User};
use muster::account::{self, link};
use muster::clock::Timestamp;
use muster::keys::Keys;
use muster::storage::Db;

use crate::ground::{NOW, actor, entries, keys};
use crate::support::totp::totp;

const PASSWORD: &str = "four quiet grey geese";

fn seconds(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

/// Someone with an app; the app's secret, and what setting it up brought.
async fn with_app(db: &Db, keys: &Keys) -> (User, String, Confirmed) {
    let new = NewUser {
        login: "ana".to_owned(),
        name: "Ana Cruz".to_owned(),
        roles: vec![Role::Sender],
        password: Some(PASSWORD.to_owned()),
    };
    let ana = user::create(db, &Passwords::default(), new, NOW, &actor())
        .await
        .unwrap();
    let door = Doorkeeper::default();
    let token = door
        .sign_in(db, "ana", PASSWORD, "a test", NOW)
        .await
        .unwrap()
        .token;
    second_factor::begin(db, keys, &ana, NOW).await.unwrap();
    let told = second_factor::pending(db, keys, &ana, "Riverside: Clinic")
        .await
        .unwrap()
        .unwrap();
    assert!(
        told.address
            .starts_with("otpauth://totp/Riverside%20Clinic:ana?secret="),
        "{}",
        told.address
    );
    let code = totp(&told.secret, NOW.0);
    let wrong = second_factor::confirm(db, keys, &ana, &token, "000000", NOW).await;
    assert!(matches!(wrong, Err(account::Error::Refused(_))));
    let confirmed = second_factor::confirm(db, keys, &ana, &token, &code, NOW)
        .await
        .unwrap();
    assert_eq!(
        session::authenticate(db, &token, NOW).await.unwrap(),
        None,
        "it was opened without a code"
    );
    (ana, told.secret, confirmed)
}

on_both! {
    async fn the_password_alone_opens_nothing_once_there_is_an_app(db: &Db) {
        let keys = keys();
        let (ana, secret, confirmed) = with_app(db, &keys).await;
        let here = session::authenticate(db, &confirmed.token, NOW).await.unwrap().unwrap();
        assert_eq!((here.user.id, here.proof), (ana.id, Proof::Code));
        let door = Doorkeeper::default();
        let half = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap();
        assert!(half.is_waiting);
        assert_eq!(session::authenticate(db, &half.token, NOW).await.unwrap(), None);
        assert!(session::list(db, ana.id, NOW).await.unwrap().iter().all(|one| !one.is_waiting));
        let now = seconds(60);
        let code = totp(&secret, now.0);
        let opened = door.finish(db, &keys, &half.token, &code, "a test", now).await.unwrap();
        assert_eq!(session::authenticate(db, &opened.token, now).await.unwrap().unwrap().proof, Proof::Code);
        assert_ne!(opened.token, half.token);
        let again = door.finish(db, &keys, &half.token, &code, "a test", now).await;
        assert!(matches!(again, Err(Error::Account(account::Error::NotFound(_)))), "it is used up");
    }

    async fn a_code_works_once_and_only_in_its_minute(db: &Db) {
        let keys = keys();
        let (_, secret, _) = with_app(db, &keys).await;
        let door = Doorkeeper::default();
        let now = seconds(120);
        let half = async || door.sign_in(db, "ana", PASSWORD, "a test", now).await.unwrap().token;
        let (first, second, third) = (half().await, half().await, half().await);
        let code = totp(&secret, now.0);
        assert!(door.finish(db, &keys, &first, &code, "a test", now).await.is_ok());
        let again = door.finish(db, &keys, &second, &code, "a test", now).await;
        assert!(matches!(again, Err(Error::Wrong)));
        for at in [seconds(0), seconds(60), seconds(180)] {
            let other = totp(&secret, at.0);
            let refused = door.finish(db, &keys, &third, &other, "a test", now).await;
            assert!(matches!(refused, Err(Error::Wrong)), "{}", at.0);
        }
        let next = totp(&secret, seconds(150).0);
        assert!(door.finish(db, &keys, &third, &next, "a test", now).await.is_ok(), "a clock may be ahead");
    }

    async fn half_a_sign_in_runs_out(db: &Db) {
        let keys = keys();
        let (_, secret, _) = with_app(db, &keys).await;
        let door = Doorkeeper::default();
        let half = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
        let late = seconds(300);
        let refused = door.finish(db, &keys, &half, &totp(&secret, late.0), "a test", late).await;
        assert!(matches!(refused, Err(Error::Account(account::Error::NotFound(_)))));
    }

    async fn the_right_password_buys_no_more_guesses_at_the_code(db: &Db) {
        let keys = keys();
        with_app(db, &keys).await;
        let door = Doorkeeper::default();
        for _ in 0..5 {
            let half = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
            let guess = door.finish(db, &keys, &half, "123123", "a test", NOW).await;
            assert!(matches!(guess, Err(Error::Wrong)));
        }
        let locked = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await;
        assert!(matches!(locked, Err(Error::Locked(_))));
        assert_eq!(entries(db, "user.lock").await, 1);
    }

    async fn a_recovery_code_lets_in_once_as_it_is_typed_from_paper(db: &Db) {
        let keys = keys();
        let (ana, _, confirmed) = with_app(db, &keys).await;
        assert_eq!(confirmed.recovery_codes.len(), 10);
        let door = Doorkeeper::default();
        let typed = confirmed.recovery_codes[3].to_lowercase().replace('-', " ");
        let half = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
        let opened = door.finish(db, &keys, &half, &typed, "a test", NOW).await.unwrap();
        let here = session::authenticate(db, &opened.token, NOW).await.unwrap().unwrap();
        assert_eq!(here.proof, Proof::RecoveryCode);
        let half = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
        let again = door.finish(db, &keys, &half, &typed, "a test", NOW).await;
        assert!(matches!(again, Err(Error::Wrong)));
        let left = Factors { has_app: true, codes_left: 9 };
        assert_eq!(second_factor::of(db, ana.id).await.unwrap(), left);
        let new = second_factor::renew_recovery_codes(db, &ana, NOW).await.unwrap();
        assert_eq!(second_factor::of(db, ana.id).await.unwrap().codes_left, 10);
        let half = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
        let old = &confirmed.recovery_codes[4];
        assert!(door.finish(db, &keys, &half, old, "a test", NOW).await.is_err(), "replaced");
        assert!(door.finish(db, &keys, &half, &new[0], "a test", NOW).await.is_ok());
    }

    async fn a_link_does_not_get_round_the_app(db: &Db) {
        let keys = keys();
        let (ana, secret, _) = with_app(db, &keys).await;
        let valid = Duration::from_mins(10);
        let token = link::make_sign_in(db, ana.id, valid, NOW, &actor()).await.unwrap();
        let half = link::sign_in(db, &token, "a test", NOW).await.unwrap();
        assert!(half.is_waiting);
        assert_eq!(session::authenticate(db, &half.token, NOW).await.unwrap(), None);
        let now = seconds(30);
        let code = totp(&secret, now.0);
        let door = Doorkeeper::default();
        assert!(door.finish(db, &keys, &half.token, &code, "a test", now).await.is_ok());
    }

    async fn an_administrator_takes_a_lost_app_away_and_every_session_ends(db: &Db) {
        let keys = keys();
        let (ana, _, confirmed) = with_app(db, &keys).await;
        second_factor::remove(db, ana.id, NOW, &actor()).await.unwrap();
        assert_eq!(session::authenticate(db, &confirmed.token, NOW).await.unwrap(), None);
        let none = Factors { has_app: false, codes_left: 0 };
        assert_eq!(second_factor::of(db, ana.id).await.unwrap(), none);
        let door = Doorkeeper::default();
        assert!(!door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().is_waiting);
        assert_eq!(entries(db, "user.remove_app").await, 1);
    }

    async fn an_app_that_is_set_up_is_not_replaced_by_another_one(db: &Db) {
        let keys = keys();
        let (ana, secret, _) = with_app(db, &keys).await;
        let refused = second_factor::begin(db, &keys, &ana, NOW).await;
        assert!(matches!(refused, Err(account::Error::Refused(_))));
        assert!(second_factor::pending(db, &keys, &ana, "Riverside").await.unwrap().is_none());
        let door = Doorkeeper::default();
        let half = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
        let now = seconds(60);
        assert!(door.finish(db, &keys, &half, &totp(&secret, now.0), "a test", now).await.is_ok());
    }

    async fn a_fresh_proof_gives_another_token_and_the_old_one_ends_when_it_is_used(db: &Db) {
        let keys = keys();
        let (ana, secret, confirmed) = with_app(db, &keys).await;
        let door = Doorkeeper::default();
        let now = seconds(20 * 60);
        let code = totp(&secret, now.0);
        let act = b"one form";
        let new = door.prove(db, &keys, &confirmed.token, &code, act, now).await.unwrap();
        // The answer with the new cookie was lost, and the form is sent again: it is the same act.
        assert!(session::authenticate(db, &confirmed.token, now).await.unwrap().is_some());
        assert!(door.prove(db, &keys, &confirmed.token, &code, act, now).await.is_ok());
        let other = door.prove(db, &keys, &confirmed.token, &code, b"another form", now).await;
        assert!(matches!(other, Err(Error::Wrong)));
        let here = session::authenticate(db, &new, now).await.unwrap().unwrap();
        assert_eq!((here.user.id, here.proven_at), (ana.id, now));
        assert_eq!(session::authenticate(db, &confirmed.token, now).await.unwrap(), None);
        let late = NOW.after(session::LONGEST);
        assert_eq!(session::authenticate(db, &new, late).await.unwrap(), None, "a shift stays a shift");
    }

    async fn without_an_app_the_password_is_the_proof(db: &Db) {
        let keys = keys();
        let new = NewUser {
            login: "bo".to_owned(),
            name: "Bo".to_owned(),
            roles: vec![],
            password: Some(PASSWORD.to_owned()),
        };
        user::create(db, &Passwords::default(), new, NOW, &actor()).await.unwrap();
        let door = Doorkeeper::default();
        let token = door.sign_in(db, "bo", PASSWORD, "a test", NOW).await.unwrap().token;
        let wrong = door.prove(db, &keys, &token, "four quiet grey goose", b"x", NOW).await;
        assert!(matches!(wrong, Err(Error::Wrong)));
        let new = door.prove(db, &keys, &token, PASSWORD, b"x", seconds(9)).await.unwrap();
        let here = session::authenticate(db, &new, seconds(9)).await.unwrap().unwrap();
        assert_eq!((here.proof, here.proven_at), (Proof::Password, seconds(9)));
        let nobody = door.prove(db, &keys, "guess", PASSWORD, b"x", NOW).await;
        assert!(matches!(nobody, Err(Error::Account(account::Error::NotFound(_)))));
    }

    async fn a_person_sees_where_it_is_signed_in_and_ends_one_or_all_others(db: &Db) {
        let keys = keys();
        let (ana, secret, confirmed) = with_app(db, &keys).await;
        let door = Doorkeeper::default();
        let now = seconds(60);
        let half = door.sign_in(db, "ana", PASSWORD, "a test", now).await.unwrap().token;
        let code = totp(&secret, now.0);
        let phone = door.finish(db, &keys, &half, &code, "Firefox on Android", now);
        let phone = phone.await.unwrap().token;
        let open = session::list(db, ana.id, now).await.unwrap();
        let devices: Vec<&str> = open.iter().map(|one| one.device.as_str()).collect();
        assert_eq!(devices, ["Firefox on Android", "a test"]);
        let here = session::authenticate(db, &confirmed.token, now).await.unwrap().unwrap();
        session::end_all(db, ana.id, Some(here.id), now, &actor()).await.unwrap();
        assert_eq!(session::authenticate(db, &phone, now).await.unwrap(), None);
        session::end(db, &ana, here.id, now).await.unwrap();
        assert_eq!(session::authenticate(db, &confirmed.token, now).await.unwrap(), None);
    }

    async fn a_stolen_database_makes_no_codes(db: &Db) {
        let keys = keys();
        let (ana, secret, confirmed) = with_app(db, &keys).await;
        let row = muster::storage::second_factors::authenticator(db, ana.id).await.unwrap().unwrap();
        let bare = secret.replace(' ', "");
        assert!(!String::from_utf8_lossy(&row.secret).contains(&bare));
        let other = Keys::derive(&[9; 32]);
        let door = Doorkeeper::default();
        let half = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
        let code = totp(&secret, NOW.0);
        assert!(door.finish(db, &other, &half, &code, "a test", NOW).await.is_err());
        let codes: Vec<(Vec<u8>,)> = db.sql("SELECT code_hash FROM recovery_code").fetch_all().await.unwrap();
        let plain = confirmed.recovery_codes[0].as_bytes();
        assert!(codes.iter().all(|(hash,)| hash != plain && hash.len() == 32));
    }
}
