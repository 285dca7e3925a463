//! One-time links: the first administrator's set-up, and a way in for someone without a password.
//!
//! Opening a link's page changes nothing (mail scanners open links); the button on it uses it up.

use std::time::Duration;

use futures::FutureExt;
use serde_json::json;

use super::password::Passwords;
use super::role::Role;
use super::session::{self, Proof, SignedIn};
use super::user::{self, NewUser, User};
use super::{Error, refused};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::UserId;
use crate::keys::{random_token, token_hash};
use crate::storage::Db;
use crate::storage::accounts;

/// How long the set-up link can be used.
pub const SETUP_VALID: Duration = Duration::from_mins(30);

/// What the first administrator is trusted with: in a small house one person does it all.
const FIRST_ROLES: [Role; 4] = [
    Role::Sender,
    Role::Approver,
    Role::DirectoryAdmin,
    Role::SystemAdmin,
];

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Makes the first administrator.
    SetUp,
    /// Signs this person in.
    SignIn(UserId),
}

const USED_UP: Error =
    Error::NotFound("this link has been used, has run out, or is not complete: ask for a new one");

/// Makes the set-up link's token and ends earlier ones. `None` as soon as there is any account.
pub async fn make_set_up(db: &Db, now: Timestamp) -> Result<Option<String>, Error> {
    db.write("make a set-up link", move |tx| {
        async move {
            if accounts::count(&mut *tx).await? > 0 {
                return Ok(None);
            }
            let token = random_token();
            audit::append(tx, now, &Actor::system(), "set_up.link", "", &json!({})).await?;
            accounts::delete_setup_links(tx).await?;
            accounts::insert_link(tx, &token_hash(&token), None, now.after(SETUP_VALID)).await?;
            Ok(Some(token))
        }
        .boxed()
    })
    .await
}

/// Makes a link that signs one person in once, within `valid`.
pub async fn make_sign_in(
    db: &Db,
    id: UserId,
    valid: Duration,
    now: Timestamp,
    actor: &Actor,
) -> Result<String, Error> {
    let actor = actor.clone();
    db.write("make a sign-in link", move |tx| {
        async move {
            let user = accounts::find(&mut *tx, id).await?;
            let user = user.filter(|user| user.disabled_at.is_none());
            let user = user.ok_or(Error::NotFound("there is no such user, or it is disabled"))?;
            let token = random_token();
            audit::append(
                tx,
                now,
                &actor,
                "user.link",
                &user.login,
                &json!({"id": id}),
            )
            .await?;
            accounts::insert_link(tx, &token_hash(&token), Some(id), now.after(valid)).await?;
            Ok(token)
        }
        .boxed()
    })
    .await
}

/// What a link is for, without using it up; `None` if it can no longer be used.
pub async fn find(db: &Db, token: &str, now: Timestamp) -> Result<Option<Link>, Error> {
    let Some((user,)) = accounts::find_link(db, &token_hash(token), now).await? else {
        return Ok(None);
    };
    match user {
        Some(id) => Ok(Some(Link::SignIn(id))),
        None if accounts::count(db).await? == 0 => Ok(Some(Link::SetUp)),
        None => Ok(None),
    }
}

/// Uses the set-up link up: makes the first administrator and signs the person in. The roles in
/// `user` are not looked at. A refused name or password leaves the link as it was.
pub async fn set_up(
    db: &Db,
    passwords: &Passwords,
    token: &str,
    user: NewUser,
    device: &str,
    now: Timestamp,
) -> Result<SignedIn, Error> {
    let device = device.to_owned();
    let hash = token_hash(token);
    if find(db, token, now).await? != Some(Link::SetUp) {
        return Err(USED_UP);
    }
    if user.password.is_none() {
        return Err(refused("choose a password"));
    }
    let user = NewUser {
        roles: FIRST_ROLES.to_vec(),
        ..user
    };
    let row = user.into_row(passwords, now).await?;
    db.write("set up the first administrator", move |tx| {
        async move {
            // The entry first: it queues two set-ups at once up behind each other.
            user::insert(tx, &row, now, &Actor::user(&row.login)).await?;
            if accounts::count(&mut *tx).await? > 1
                || accounts::use_link(tx, &hash, now).await? != Some((None,))
            {
                return Err(USED_UP);
            }
            accounts::delete_setup_links(tx).await?;
            session::open(tx, User::from(row), Proof::Link, &device, now).await
        }
        .boxed()
    })
    .await
}

/// Uses a sign-in link up and signs its person in; half, where there is a second factor.
pub async fn sign_in(
    db: &Db,
    token: &str,
    device: &str,
    now: Timestamp,
) -> Result<SignedIn, Error> {
    let device = device.to_owned();
    let hash = token_hash(token);
    db.write("sign in by a link", move |tx| {
        async move {
            let Some((Some(id),)) = accounts::use_link(tx, &hash, now).await? else {
                return Err(USED_UP);
            };
            let user = accounts::find(&mut *tx, id).await?;
            let user = user
                .filter(|user| user.disabled_at.is_none())
                .ok_or(USED_UP)?;
            let actor = Actor::user(&user.login);
            let detail = json!({"id": id, "by": Proof::Link});
            let login = user.login.clone();
            let opened = session::open(tx, User::from(user), Proof::Link, &device, now).await?;
            if !opened.is_waiting {
                audit::append(tx, now, &actor, "user.sign_in", &login, &detail).await?;
            }
            Ok(opened)
        }
        .boxed()
    })
    .await
}
