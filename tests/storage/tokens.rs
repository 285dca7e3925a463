//! API tokens.

use std::time::Duration;

use muster::account::token::{self, Need, Scopes};
use muster::storage::Db;

use crate::ground::{NOW, actor, entries};

on_both! {
    async fn a_token_opens_what_its_scopes_say_until_it_is_revoked(db: &Db) {
        let scopes = Scopes::parse(&["alerts:send:closure"]).unwrap();
        let made = token::create(db, " monitoring ", &scopes, NOW, &actor()).await.unwrap();
        assert!(made.token.starts_with(&made.prefix) && made.prefix.len() == 12);
        let later = NOW.after(Duration::from_mins(5));
        let owner = token::authenticate(db, &made.token, later).await.unwrap().unwrap();
        assert_eq!(owner.name, "monitoring");
        assert!(owner.scopes.allows(&Need::Send("closure")));
        let listed = token::list(db).await.unwrap();
        assert_eq!(listed[0].last_used_at, Some(later));
        token::revoke(db, made.id, later, &actor()).await.unwrap();
        assert_eq!(token::authenticate(db, &made.token, later).await.unwrap(), None);
        assert!(token::revoke(db, made.id, later, &actor()).await.is_err());
        assert_eq!((entries(db, "token.create").await, entries(db, "token.revoke").await), (1, 1));
    }

    async fn a_guessed_token_is_nobodys_and_a_nameless_one_is_not_made(db: &Db) {
        let scopes = Scopes::parse(&["read"]).unwrap();
        token::create(db, "reader", &scopes, NOW, &actor()).await.unwrap();
        assert_eq!(token::authenticate(db, "muster_guess", NOW).await.unwrap(), None);
        assert_eq!(token::authenticate(db, "", NOW).await.unwrap(), None);
        assert!(token::create(db, " ", &scopes, NOW, &actor()).await.is_err());
        let none = Scopes::parse::<&str>(&[]).unwrap();
        assert!(token::create(db, "x", &none, NOW, &actor()).await.is_err());
    }
}
