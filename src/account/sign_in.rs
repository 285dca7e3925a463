//! Signs people in by login and password, and slows down who guesses.
//!
//! An attempt is counted before the password is looked at, so that a hundred guesses at once are a
//! hundred guesses. An unknown login is answered, timed and locked like a known one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use serde_json::json;

use super::Error as AccountError;
use super::password::Passwords;
use super::session::{self, Proof, SignedIn};
use super::user::normalise_login;
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::UserId;
use crate::storage::accounts::{self, UserRow};
use crate::storage::{self, Db};

/// Wrong passwords in a row before the first wait.
const FREE_TRIES: i32 = 10;

/// The first wait; every further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_mins(1);

/// The longest wait: a forgetful manager must get in during the same emergency.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// Unknown logins remembered at most; beyond that the memory starts anew.
const STRANGERS: usize = 10_000;

/// Why someone was not let in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown login, wrong password or code, no password set or account disabled: nobody is told which.
    #[error("the login or the password is wrong")]
    Wrong,
    /// Too many wrong passwords; the right one would not help now.
    #[error("too many wrong passwords: try again in {} minutes", .0.as_secs().div_ceil(60))]
    Locked(Duration),
    /// The database failed.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        Self::Account(error.into())
    }
}

/// Lets people in. Clones share what they remember.
#[derive(Clone, Debug, Default)]
pub struct Doorkeeper {
    passwords: Passwords,
    strangers: Arc<Mutex<HashMap<String, (i32, Timestamp)>>>,
}

impl Doorkeeper {
    /// A doorkeeper that compares with `passwords`.
    pub fn new(passwords: Passwords) -> Self {
        Self {
            passwords,
            strangers: Arc::default(),
        }
    }

    /// What it compares with: for setting a password within the same limit.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Opens a session for the right password, always with a new token. Whoever has a second factor is
    /// half signed in: [`Doorkeeper::finish`] is next.
    pub async fn sign_in(
        &self,
        db: &Db,
        login: &str,
        password: &str,
        device: &str,
        now: Timestamp,
    ) -> Result<SignedIn, Error> {
        let user = self.compare(db, login, password, now).await?;
        open_session(db, user, device, now).await
    }

    /// Who has this password. Counts as a try and opens nothing.
    pub async fn compare(
        &self,
        db: &Db,
        login: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<UserRow, Error> {
        let known = match normalise_login(login) {
            Ok(login) => accounts::find_by_login(db, &login).await?,
            Err(_) => None,
        };
        let Some(user) = known else {
            self.count_stranger(login, now)?;
            self.passwords.matches(password, None).await?;
            return Err(Error::Wrong);
        };
        let failures = count_attempt(db, user.id, now).await?;
        let hash = user
            .password_hash
            .as_deref()
            .filter(|_| user.disabled_at.is_none());
        if !self.passwords.matches(password, hash).await? {
            note_lock(db, user.id, user.login, failures, now).await?;
            return Err(Error::Wrong);
        }
        Ok(user)
    }

    fn count_stranger(&self, login: &str, now: Timestamp) -> Result<(), Error> {
        let key = login
            .trim()
            .to_lowercase()
            .chars()
            .take(64)
            .collect::<String>();
        let mut strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if strangers.len() >= STRANGERS && !strangers.contains_key(&key) {
            strangers.clear();
        }
        let (failures, failed_at) = strangers.entry(key).or_insert((0, now));
        if let Some(wait) = wait_left(*failures, Some(*failed_at), now) {
            return Err(Error::Locked(wait));
        }
        *failures = failures.saturating_add(1);
        *failed_at = now;
        Ok(())
    }
}

/// How long a person must still wait after so many failures; pure.
fn wait_left(failures: i32, failed_at: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    let beyond = u32::try_from(failures.checked_sub(FREE_TRIES)?).ok()?;
    let wait = FIRST_WAIT
        .saturating_mul(2u32.saturating_pow(beyond))
        .min(LONGEST_WAIT);
    let over = failed_at?.after(wait);
    (over > now).then(|| over.since(now))
}

/// Counts an attempt as failed until it has succeeded; refuses it while the person must wait.
pub(super) async fn count_attempt(db: &Db, id: UserId, now: Timestamp) -> Result<i32, Error> {
    db.write("count a sign-in", move |tx| {
        async move {
            let user = accounts::lock(tx, id).await?.ok_or(Error::Wrong)?;
            if let Some(wait) = wait_left(user.failures, user.failed_at, now) {
                return Err(Error::Locked(wait));
            }
            let failures = user.failures.saturating_add(1);
            accounts::set_failures(tx, id, failures, Some(now)).await?;
            Ok(failures)
        }
        .boxed()
    })
    .await
}

/// Writes down that someone must wait from now on. Fewer failures are nobody's business.
pub(super) async fn note_lock(
    db: &Db,
    id: UserId,
    login: String,
    failures: i32,
    now: Timestamp,
) -> Result<(), Error> {
    if failures < FREE_TRIES {
        return Ok(());
    }
    db.write("note a lock", move |tx| {
        async move {
            let detail = json!({"id": id, "failures": failures});
            audit::append(tx, now, &Actor::system(), "user.lock", &login, &detail).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

async fn open_session(
    db: &Db,
    compared: UserRow,
    device: &str,
    now: Timestamp,
) -> Result<SignedIn, Error> {
    let device = device.to_owned();
    db.write("sign in", move |tx| {
        async move {
            let user: Option<UserRow> = accounts::find(&mut *tx, compared.id).await?;
            // Disabled, or given another password, while this one was compared.
            let user = user.filter(|user| {
                user.disabled_at.is_none() && user.password_hash == compared.password_hash
            });
            let user = user.ok_or(Error::Wrong)?;
            let (id, actor, login) = (user.id, Actor::user(&user.login), user.login.clone());
            let opened = session::open(tx, user.into(), Proof::Password, &device, now).await?;
            // Half signed in is no success: else the password would buy ten guesses at the code each time.
            if !opened.is_waiting {
                accounts::set_failures(tx, id, 0, None).await?;
                let detail = json!({"id": id, "by": Proof::Password});
                audit::append(tx, now, &actor, "user.sign_in", &login, &detail).await?;
            }
            Ok(opened)
        }
        .boxed()
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_passwords_are_free_and_then_the_waits_double() {
        let then = Timestamp(0);
        let wait = |failures| wait_left(failures, Some(then), then);
        assert_eq!(wait(9), None);
        assert_eq!(wait(10), Some(Duration::from_mins(1)));
        assert_eq!(wait(12), Some(Duration::from_mins(4)));
        assert_eq!(wait(14), Some(LONGEST_WAIT));
        assert_eq!(wait(i32::MAX), Some(LONGEST_WAIT));
    }

    #[test]
    fn a_wait_ends() {
        let then = Timestamp(0);
        assert!(wait_left(10, Some(then), Timestamp(59_999)).is_some());
        assert_eq!(wait_left(10, Some(then), Timestamp(60_000)), None);
    }

    #[test]
    fn an_unknown_login_is_locked_like_a_known_one() {
        let doorkeeper = Doorkeeper::default();
        let now = Timestamp(0);
        for _ in 0..10 {
            assert!(doorkeeper.count_stranger("nobody", now).is_ok());
        }
        assert!(matches!(
            doorkeeper.count_stranger(" Nobody ", now),
            Err(Error::Locked(_))
        ));
        assert!(doorkeeper.count_stranger("somebody", now).is_ok());
    }
}
