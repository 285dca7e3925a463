//! People who sign in: passwords, locks, sessions, links.

use std::time::Duration;

use muster::account::link::{self, Link};
use muster::account::password::Passwords;
use muster::account::role::{Act, Role};
use muster::account::sign_in::{Doorkeeper, Error};
use muster::account::user::{self, NewUser, User};
use muster::account::{self, session};
use muster::clock::Timestamp;
use muster::storage::Db;

use crate::ground::{NOW, actor, entries};

const PASSWORD: &str = "four quiet grey geese";

fn minutes(minutes: u64) -> Timestamp {
    NOW.after(Duration::from_mins(minutes))
}

fn new_user(login: &str, roles: &[Role]) -> NewUser {
    NewUser {
        login: login.to_owned(),
        name: "Ana Cruz".to_owned(),
        roles: roles.to_vec(),
        password: Some(PASSWORD.to_owned()),
    }
}

async fn make(db: &Db, login: &str, roles: &[Role]) -> User {
    let passwords = Passwords::default();
    user::create(db, &passwords, new_user(login, roles), NOW, &actor())
        .await
        .unwrap()
}

on_both! {
    async fn the_right_password_opens_a_session_and_a_wrong_one_does_not(db: &Db) {
        make(db, "Ana", &[Role::Sender]).await;
        let door = Doorkeeper::default();
        let wrong = door.sign_in(db, "ana", "four quiet grey goose", "a test", NOW).await;
        assert!(matches!(wrong, Err(Error::Wrong)));
        assert!(matches!(door.sign_in(db, "bob", PASSWORD, "a test", NOW).await, Err(Error::Wrong)));
        let first = door.sign_in(db, " ANA ", PASSWORD, "a test", NOW).await.unwrap();
        let second = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap();
        assert_ne!(first.token, second.token);
        let ana = session::authenticate(db, &first.token, NOW).await.unwrap().unwrap().user;
        assert!(ana.may(Act::LaunchAlert) && !ana.may(Act::ManageAccounts));
        assert_eq!(session::authenticate(db, "guess", NOW).await.unwrap(), None);
        session::sign_out(db, &first.token).await.unwrap();
        assert_eq!(session::authenticate(db, &first.token, NOW).await.unwrap(), None);
        assert_eq!(entries(db, "user.sign_in").await, 2);
    }

    async fn a_session_ends_when_idle_and_after_a_shift(db: &Db) {
        make(db, "ana", &[Role::Sender]).await;
        let door = Doorkeeper::default();
        let token = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
        let mut at = 0;
        while at + 59 < 12 * 60 {
            at += 59;
            assert!(session::authenticate(db, &token, minutes(at)).await.unwrap().is_some(), "{at}");
        }
        assert!(session::authenticate(db, &token, minutes(12 * 60)).await.unwrap().is_none());
        let token = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
        assert!(session::authenticate(db, &token, minutes(60)).await.unwrap().is_none());
    }

    async fn guessing_is_slowed_down_and_the_right_password_waits_too(db: &Db) {
        make(db, "ana", &[]).await;
        let door = Doorkeeper::default();
        for _ in 0..10 {
            let wrong = door.sign_in(db, "ana", "a wrong password", "a test", NOW).await;
            assert!(matches!(wrong, Err(Error::Wrong)));
        }
        let locked = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await;
        assert!(matches!(locked, Err(Error::Locked(_))));
        assert_eq!(entries(db, "user.lock").await, 1);
        assert!(door.sign_in(db, "ana", PASSWORD, "a test", minutes(1)).await.is_ok());
        assert!(matches!(
            door.sign_in(db, "ana", "a wrong password", "a test", minutes(1)).await,
            Err(Error::Wrong)
        ));
    }

    async fn guesses_at_once_are_counted_one_by_one(db: &Db) {
        make(db, "ana", &[]).await;
        let door = Doorkeeper::default();
        let guesses = (0..16).map(|_| door.sign_in(db, "ana", "a wrong password", "a test", NOW));
        let answers = futures::future::join_all(guesses).await;
        let looked_at = answers.iter().filter(|a| matches!(a, Err(Error::Wrong))).count();
        let locked = answers.iter().filter(|a| matches!(a, Err(Error::Locked(_)))).count();
        assert_eq!((looked_at, locked), (10, 6));
    }

    async fn a_disabled_persons_next_request_is_refused(db: &Db) {
        make(db, "chief", &[Role::SystemAdmin]).await;
        let ana = make(db, "ana", &[Role::Sender]).await;
        let door = Doorkeeper::default();
        let token = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
        let valid = Duration::from_mins(5);
        let link = link::make_sign_in(db, ana.id, valid, NOW, &actor()).await.unwrap();
        user::disable(db, ana.id, NOW, &actor()).await.unwrap();
        assert_eq!(session::authenticate(db, &token, NOW).await.unwrap(), None);
        assert!(matches!(door.sign_in(db, "ana", PASSWORD, "a test", NOW).await, Err(Error::Wrong)));
        assert!(link::sign_in(db, &link, "a test", NOW).await.is_err());
        user::enable(db, ana.id, NOW, &actor()).await.unwrap();
        assert!(door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.is_ok());
    }

    async fn roles_and_passwords_change_at_once(db: &Db) {
        let passwords = Passwords::default();
        make(db, "chief", &[Role::SystemAdmin]).await;
        let ana = make(db, "ana", &[Role::Sender]).await;
        let door = Doorkeeper::new(passwords.clone());
        let token = door.sign_in(db, "ana", PASSWORD, "a test", NOW).await.unwrap().token;
        user::set_roles(db, ana.id, vec![Role::Auditor], NOW, &actor()).await.unwrap();
        let now = session::authenticate(db, &token, NOW).await.unwrap().unwrap().user;
        assert!(now.may(Act::ReadAudit) && !now.may(Act::LaunchAlert));
        let new = "six loud brown ducks";
        user::set_password(db, &passwords, ana.id, new, None, NOW, &actor()).await.unwrap();
        assert_eq!(session::authenticate(db, &token, NOW).await.unwrap(), None);
        assert!(matches!(door.sign_in(db, "ana", PASSWORD, "a test", NOW).await, Err(Error::Wrong)));
        assert!(door.sign_in(db, "ana", new, "a test", NOW).await.is_ok());
        let bad = user::set_password(db, &passwords, ana.id, "password1234", None, NOW, &actor()).await;
        assert!(matches!(bad, Err(account::Error::Refused(_))));
    }

    async fn the_last_administrator_stays_and_a_login_is_given_once(db: &Db) {
        let chief = make(db, "chief", &[Role::SystemAdmin]).await;
        make(db, "ana", &[Role::Sender]).await;
        let last = user::disable(db, chief.id, NOW, &actor()).await.unwrap_err();
        assert!(last.to_string().contains("last system administrator"), "{last}");
        assert!(user::set_roles(db, chief.id, vec![], NOW, &actor()).await.is_err());
        let taken = new_user("ANA", &[]);
        let taken = user::create(db, &Passwords::default(), taken, NOW, &actor()).await.unwrap_err();
        assert!(taken.to_string().contains("\"ana\" is taken"), "{taken}");
        assert_eq!(user::list(db).await.unwrap().len(), 2);
        assert_eq!(entries(db, "user.create").await, 2);
    }

    async fn the_set_up_link_makes_one_administrator(db: &Db) {
        let passwords = Passwords::default();
        let old = link::make_set_up(db, NOW).await.unwrap().unwrap();
        let token = link::make_set_up(db, NOW).await.unwrap().unwrap();
        assert_eq!(link::find(db, &old, NOW).await.unwrap(), None);
        assert_eq!(link::find(db, &token, NOW).await.unwrap(), Some(Link::SetUp));
        assert_eq!(link::find(db, &token, minutes(30)).await.unwrap(), None);
        let bad = NewUser { password: Some("short".to_owned()), ..new_user("ana", &[]) };
        assert!(link::set_up(db, &passwords, &token, bad, "a test", NOW).await.is_err());
        let ana = link::set_up(db, &passwords, &token, new_user("ana", &[]), "a test", NOW).await.unwrap();
        assert!(ana.user.may(Act::ManageAccounts) && ana.user.may(Act::LaunchAlert));
        assert!(session::authenticate(db, &ana.token, NOW).await.unwrap().is_some());
        let again = link::set_up(db, &passwords, &token, new_user("bob", &[]), "a test", NOW).await;
        assert!(matches!(again, Err(account::Error::NotFound(_))));
        assert_eq!(link::make_set_up(db, NOW).await.unwrap(), None);
        assert_eq!(user::list(db).await.unwrap().len(), 1);
    }

    async fn a_sign_in_link_works_once_and_in_time(db: &Db) {
        let ana = make(db, "ana", &[Role::Sender]).await;
        let valid = Duration::from_mins(10);
        let token = link::make_sign_in(db, ana.id, valid, NOW, &actor()).await.unwrap();
        assert_eq!(link::find(db, &token, NOW).await.unwrap(), Some(Link::SignIn(ana.id)));
        assert!(link::sign_in(db, &token, "a test", minutes(10)).await.is_err());
        let signed_in = link::sign_in(db, &token, "a test", NOW).await.unwrap();
        assert_eq!(signed_in.user, ana);
        assert!(link::sign_in(db, &token, "a test", NOW).await.is_err());
        assert!(link::sign_in(db, "guess", "a test", NOW).await.is_err());
    }
}
