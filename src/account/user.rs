//! People who sign in: made, listed, given roles and passwords, disabled; never deleted, because the
//! audit chain names them.

use futures::FutureExt;
use serde_json::json;

use super::password::Passwords;
use super::role::{Act, Role, may};
use super::{Error, refused};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::{SessionId, UserId};
use crate::storage::accounts::{self, UserRow};
use crate::storage::{Db, Tx, sessions};

/// Someone who signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The key.
    pub id: UserId,
    /// What the person types, in lower case.
    pub login: String,
    /// What others read.
    pub name: String,
    /// What the person is trusted with.
    pub roles: Vec<Role>,
    /// Since when the person may not sign in.
    pub disabled_at: Option<Timestamp>,
    /// Whether a password is set; without one only a link lets the person in.
    pub has_password: bool,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl User {
    /// Whether the person may do it.
    pub fn may(&self, act: Act) -> bool {
        self.disabled_at.is_none() && may(&self.roles, act)
    }

    /// How the audit chain names the person.
    pub fn actor(&self) -> Actor {
        Actor::user(&self.login)
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            login: row.login,
            name: row.name,
            roles: row.roles.0,
            disabled_at: row.disabled_at,
            has_password: row.password_hash.is_some(),
            created_at: row.created_at,
        }
    }
}

/// An account to be made.
#[derive(Clone)]
pub struct NewUser {
    /// 2 to 64 of a–z, 0–9 and `. _ - @`; upper case becomes lower case.
    pub login: String,
    /// 1 to 100 characters.
    pub name: String,
    /// What the person is trusted with.
    pub roles: Vec<Role>,
    /// None: the person comes in by a link and sets one.
    pub password: Option<String>,
}

impl NewUser {
    /// The row, its password hashed; refuses what is not a login, a name or a good password.
    pub(super) async fn into_row(
        self,
        passwords: &Passwords,
        now: Timestamp,
    ) -> Result<UserRow, Error> {
        let login = normalise_login(&self.login).map_err(refused)?;
        let name = self.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(refused("give the person's name in 1 to 100 characters"));
        }
        let password_hash = match self.password {
            Some(password) => Some(passwords.hash(&password, &login).await?),
            None => None,
        };
        Ok(UserRow {
            id: UserId::new(),
            login,
            name,
            password_hash,
            roles: tidy(self.roles).into(),
            disabled_at: None,
            failures: 0,
            failed_at: None,
            created_at: now,
        })
    }
}

fn tidy(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort();
    roles.dedup();
    roles
}

/// A login as it is kept, or why it cannot be one.
pub fn normalise_login(text: &str) -> Result<String, &'static str> {
    let login = text.trim().to_lowercase();
    let fits = (2..=64).contains(&login.len())
        && login
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-@".contains(&b));
    if fits {
        Ok(login)
    } else {
        Err("a login has 2 to 64 of the letters a to z, digits and . _ - @")
    }
}

/// Makes an account. Refuses a login that is taken.
pub async fn create(
    db: &Db,
    passwords: &Passwords,
    user: NewUser,
    now: Timestamp,
    actor: &Actor,
) -> Result<User, Error> {
    let row = user.into_row(passwords, now).await?;
    let user = User::from(row.clone());
    let actor = actor.clone();
    db.write("create a user", move |tx| {
        async move { insert(tx, &row, now, &actor).await }.boxed()
    })
    .await?;
    Ok(user)
}

/// The same inside a transaction.
pub(super) async fn insert(
    tx: &mut Tx,
    row: &UserRow,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), Error> {
    let detail = json!({"id": row.id, "roles": row.roles.0});
    audit::append(tx, now, actor, "user.create", &row.login, &detail).await?;
    if accounts::find_by_login(&mut *tx, &row.login)
        .await?
        .is_some()
    {
        return Err(refused(format!("the login \"{}\" is taken", row.login)));
    }
    Ok(accounts::insert(tx, row).await?)
}

/// Every account, by login, disabled ones included.
pub async fn list(db: &Db) -> Result<Vec<User>, Error> {
    Ok(accounts::list(db)
        .await?
        .into_iter()
        .map(User::from)
        .collect())
}

/// One account.
pub async fn find(db: &Db, id: UserId) -> Result<Option<User>, Error> {
    Ok(accounts::find(db, id).await?.map(User::from))
}

/// One account by its login, in any case.
pub async fn find_by_login(db: &Db, login: &str) -> Result<Option<User>, Error> {
    let Ok(login) = normalise_login(login) else {
        return Ok(None);
    };
    Ok(accounts::find_by_login(db, &login).await?.map(User::from))
}

/// Sets a password without asking for the old one, ends the person's sessions, but for `but`, and opens
/// the lock.
pub async fn set_password(
    db: &Db,
    passwords: &Passwords,
    id: UserId,
    password: &str,
    but: Option<SessionId>,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), Error> {
    let user = accounts::find(db, id).await?.ok_or(NO_USER)?;
    let hash = passwords.hash(password, &user.login).await?;
    let actor = actor.clone();
    db.write("set a password", move |tx| {
        async move {
            audit::append(
                tx,
                now,
                &actor,
                "user.set_password",
                &user.login,
                &json!({"id": id}),
            )
            .await?;
            sessions::delete_of(tx, id, but).await?;
            accounts::set_password(tx, id, &hash).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

/// Gives a person other roles, from the next request on.
pub async fn set_roles(
    db: &Db,
    id: UserId,
    roles: Vec<Role>,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), Error> {
    let roles = tidy(roles);
    let actor = actor.clone();
    db.write("set a user's roles", move |tx| {
        async move {
            let user = find_in(tx, id).await?;
            let detail = json!({"id": id, "before": user.roles.0, "after": roles});
            audit::append(tx, now, &actor, "user.set_roles", &user.login, &detail).await?;
            accounts::set_roles(tx, id, &roles.into()).await?;
            keep_an_administrator(tx).await
        }
        .boxed()
    })
    .await
}

/// Keeps a person out at once: sessions and links end. Doing it twice changes nothing.
pub async fn disable(db: &Db, id: UserId, now: Timestamp, actor: &Actor) -> Result<(), Error> {
    let actor = actor.clone();
    db.write("disable a user", move |tx| {
        async move {
            let user = find_in(tx, id).await?;
            if user.disabled_at.is_some() {
                return Ok(());
            }
            audit::append(
                tx,
                now,
                &actor,
                "user.disable",
                &user.login,
                &json!({"id": id}),
            )
            .await?;
            accounts::set_disabled(tx, id, Some(now)).await?;
            sessions::delete_of(tx, id, None).await?;
            accounts::delete_links_of(tx, id).await?;
            keep_an_administrator(tx).await
        }
        .boxed()
    })
    .await
}

/// Lets a disabled person in again, with the roles and the password of before.
pub async fn enable(db: &Db, id: UserId, now: Timestamp, actor: &Actor) -> Result<(), Error> {
    let actor = actor.clone();
    db.write("enable a user", move |tx| {
        async move {
            let user = find_in(tx, id).await?;
            audit::append(
                tx,
                now,
                &actor,
                "user.enable",
                &user.login,
                &json!({"id": id}),
            )
            .await?;
            accounts::set_failures(tx, id, 0, None).await?;
            accounts::set_disabled(tx, id, None).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

const NO_USER: Error = Error::NotFound("there is no such user");

async fn find_in(tx: &mut Tx, id: UserId) -> Result<UserRow, Error> {
    accounts::find(tx, id).await?.ok_or(NO_USER)
}

/// Nobody could give anybody a role any more: the change is taken back. Behind the lock on the end
/// of the audit chain, so that two administrators cannot disable each other at once.
async fn keep_an_administrator(tx: &mut Tx) -> Result<(), Error> {
    let users = accounts::list(tx).await?;
    let somebody = users
        .iter()
        .any(|user| user.disabled_at.is_none() && may(&user.roles.0, Act::ManageAccounts));
    if somebody {
        return Ok(());
    }
    Err(refused(
        "this is the last system administrator: give another person that role first",
    ))
}
