//! Shows who somebody is beyond the first door: the second factor of a sign-in, and a fresh proof before
//! something is sent from a session that has been open for a while.
//!
//! Both count as tries of the account, like passwords: whoever found an open browser may not guess.

use futures::FutureExt;
use serde_json::json;

use super::session::{self, Proof, Session, SignedIn};
use super::sign_in::{Doorkeeper, Error, count_attempt, note_lock};
use super::{Error as AccountError, refused, second_factor};
use crate::audit;
use crate::clock::Timestamp;
use crate::keys::{Keys, token_hash};
use crate::storage::{Db, accounts, sessions};

const TOO_LATE: AccountError =
    AccountError::NotFound("this sign-in has run out: begin again with the password");

impl Doorkeeper {
    /// Takes the second factor of whoever gave the first with the session `half`, and signs the person in
    /// with a new token. [`Error::Wrong`] for a code that is wrong or was used before; the person may try
    /// again until the half session has run out.
    pub async fn finish(
        &self,
        db: &Db,
        keys: &Keys,
        half: &str,
        typed: &str,
        device: &str,
        now: Timestamp,
    ) -> Result<SignedIn, Error> {
        let user = session::half(db, half, now).await?.ok_or(TOO_LATE)?;
        let (id, login) = (user.id, user.login.clone());
        let failures = count_attempt(db, id, now).await?;
        let (keys, half) = (keys.clone(), token_hash(half));
        let (typed, device) = (typed.to_owned(), device.to_owned());
        let opened = db.write("finish a sign-in", move |tx| {
            async move {
                let Some(proof) = second_factor::accept(tx, &keys, id, &typed, &half, now).await?
                else {
                    return Err(Error::Wrong);
                };
                // Ended meanwhile, or finished by another request with another code.
                if sessions::delete(tx, &half).await? == 0 {
                    return Err(TOO_LATE.into());
                }
                accounts::set_failures(tx, id, 0, None).await?;
                let detail = json!({"id": id, "by": proof});
                audit::append(tx, now, &user.actor(), "user.sign_in", &user.login, &detail).await?;
                Ok(session::open(tx, user, proof, &device, now).await?)
            }
            .boxed()
        });
        let opened: Result<SignedIn, Error> = opened.await;
        if matches!(opened, Err(Error::Wrong)) {
            note_lock(db, id, login, failures, now).await?;
        }
        opened
    }

    /// Takes a fresh proof of whoever is signed in with this token: a code where there is an authenticator
    /// app, else the password. `act` says what for: the same code is good for the same act again. Answers
    /// the token of a session that has the proof; the old one ends when that is first used.
    pub async fn prove(
        &self,
        db: &Db,
        keys: &Keys,
        token: &str,
        typed: &str,
        act: &[u8],
        now: Timestamp,
    ) -> Result<String, Error> {
        let Some(Session { user, .. }) = session::authenticate(db, token, now).await? else {
            return Err(TOO_LATE.into());
        };
        let (id, login) = (user.id, user.login.clone());
        let has_app = second_factor::of(db, id).await?.has_app;
        if !has_app && !user.has_password {
            return Err(Error::Account(refused("set a password first")));
        }
        let failures = if has_app {
            count_attempt(db, id, now).await?
        } else {
            self.compare(db, &login, typed, now).await?;
            0
        };
        let (keys, token) = (keys.clone(), token.to_owned());
        let (typed, act) = (typed.to_owned(), act.to_vec());
        let proven: Result<String, Error> = db
            .write("prove who it is", move |tx| {
                async move {
                    let proof = if has_app {
                        let taken = second_factor::accept(tx, &keys, id, &typed, &act, now).await?;
                        taken.ok_or(Error::Wrong)?
                    } else {
                        Proof::Password
                    };
                    let renewed = session::renew(tx, &token, proof, now).await?;
                    let renewed = renewed.ok_or(TOO_LATE)?;
                    accounts::set_failures(tx, id, 0, None).await?;
                    let detail = json!({"id": id, "by": proof});
                    audit::append(tx, now, &user.actor(), "user.prove", &user.login, &detail)
                        .await?;
                    Ok(renewed)
                }
                .boxed()
            })
            .await;
        if matches!(proven, Err(Error::Wrong)) {
            note_lock(db, id, login, failures, now).await?;
        }
        proven
    }
}
