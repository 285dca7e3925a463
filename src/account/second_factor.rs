//! What a person has besides the password: an authenticator app, and recovery codes for the day on which
//! the phone is gone.
//!
//! Codes are those of RFC 6238 with its usual numbers (SHA-1, six digits, 30 seconds, one step of delay),
//! because every app knows them; each is taken once. The secret is sealed with the key outside the
//! database, so that a stolen backup makes no codes.

use futures::FutureExt;
use serde_json::json;
use totp_rs::{Builder, Totp};

use super::session::{self, Proof};
use super::user::User;
use super::{Error, refused};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::UserId;
use crate::keys::{Keys, token_hash};
use crate::storage::second_factors as rows;
use crate::storage::{self, Conn, Db, Tx, accounts, sessions};

/// Recovery codes that are handed out together.
pub const RECOVERY_CODES: usize = 10;

/// Bytes of an authenticator's secret: as long as SHA-1's result (RFC 4226, section 4).
const SECRET: usize = 20;

/// What a person has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factors {
    /// An authenticator app that has shown a code.
    pub has_app: bool,
    /// Recovery codes that can still be used.
    pub codes_left: i64,
}

/// What an app must be told; shown until a first code confirms it.
#[derive(Clone)]
pub struct Enrolment {
    /// In base32, in groups of four: for typing.
    pub secret: String,
    /// The `otpauth://` address: for a picture.
    pub address: String,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment").finish_non_exhaustive()
    }
}

const NONE_BEGUN: &str =
    "begin anew: this authenticator app was not announced, or is set up already";

/// Whether a sign-in must ask for more than the first factor.
pub(super) async fn is_set_up(on: impl Conn<'_>, user: UserId) -> Result<bool, storage::Error> {
    let app = rows::authenticator(on, user).await?;
    Ok(app.is_some_and(|app| app.confirmed_at.is_some()))
}

/// What a person has.
pub async fn of(db: &Db, user: UserId) -> Result<Factors, Error> {
    Ok(Factors {
        has_app: is_set_up(db, user).await?,
        codes_left: rows::recovery_codes_left(db, user).await?,
    })
}

/// Makes a secret for a person's app, in place of one that was never confirmed. Refused where an app is
/// set up: it is taken away first.
pub async fn begin(db: &Db, keys: &Keys, user: &User, now: Timestamp) -> Result<(), Error> {
    let (id, actor, login) = (user.id, user.actor(), user.login.clone());
    let secret: [u8; SECRET] = rand::random();
    let sealed = keys.seal(&bound_to(id), &secret);
    db.write("begin to set up an authenticator", move |tx| {
        async move {
            audit::append(
                tx,
                now,
                &actor,
                "user.begin_app",
                &login,
                &json!({"id": id}),
            )
            .await?;
            if rows::begin(tx, id, &sealed).await? == 0 {
                return Err(refused(
                    "take the authenticator app away first, then add another one",
                ));
            }
            Ok(())
        }
        .boxed()
    })
    .await
}

/// What the app must be told, between [`begin`] and [`confirm`]; else none.
pub async fn pending(
    db: &Db,
    keys: &Keys,
    user: &User,
    organisation: &str,
) -> Result<Option<Enrolment>, Error> {
    let app = rows::authenticator(db, user.id).await?;
    let Some(app) = app.filter(|app| app.confirmed_at.is_none()) else {
        return Ok(None);
    };
    let issuer: String = organisation.chars().filter(|c| *c != ':').collect();
    let codes = codes(keys, user.id, &app.secret, |builder| {
        builder
            .with_account_name(user.login.as_str())
            .with_issuer(Some(issuer))
    })?;
    let secret = codes.secret().to_base32();
    let groups: Vec<&str> = (0..secret.len())
        .step_by(4)
        .filter_map(|from| secret.get(from..(from + 4).min(secret.len())))
        .collect();
    let address = codes
        .to_url()
        .map_err(|_cause| storage::Error::Broken("an authenticator's address cannot be written"))?;
    Ok(Some(Enrolment {
        secret: groups.join(" "),
        address,
    }))
}

/// What a confirmed app brings; both are shown or handed over once.
#[derive(Clone)]
pub struct Confirmed {
    /// For paper.
    pub recovery_codes: Vec<String>,
    /// The token of a session that has the second factor.
    pub token: String,
}

impl std::fmt::Debug for Confirmed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Confirmed").finish_non_exhaustive()
    }
}

/// The app's first code, typed in the session of this token: from now on a code is asked for. Every other
/// session ends: whoever was in without one is out.
pub async fn confirm(
    db: &Db,
    keys: &Keys,
    user: &User,
    token: &str,
    typed: &str,
    now: Timestamp,
) -> Result<Confirmed, Error> {
    let (id, actor, login) = (user.id, user.actor(), user.login.clone());
    let app = rows::authenticator(db, id).await?;
    let app = app.filter(|app| app.confirmed_at.is_none());
    let app = app.ok_or_else(|| refused(NONE_BEGUN))?;
    let step = step(keys, id, &app.secret, typed, now)?;
    let step = step.ok_or_else(|| {
        refused(
            "that is not the code that the app shows now: wait for the next one, and look whether the \
             phone\u{2019}s clock is right",
        )
    })?;
    let (recovery_codes, hashes) = new_recovery_codes();
    let token = token.to_owned();
    db.write("set an authenticator up", move |tx| {
        async move {
            audit::append(tx, now, &actor, "user.add_app", &login, &json!({"id": id})).await?;
            if rows::confirm(tx, id, step, now).await? == 0 {
                return Err(refused(NONE_BEGUN));
            }
            rows::set_recovery_codes(tx, id, &hashes).await?;
            let token = session::renew(tx, &token, Proof::Code, now).await?;
            let token = token.ok_or(Error::NotFound("this session has ended: sign in again"))?;
            // The one in which it was typed too: the new cookie is on its way in the same answer.
            sessions::delete_unproven(tx, id).await?;
            Ok(Confirmed {
                recovery_codes,
                token,
            })
        }
        .boxed()
    })
    .await
}

/// New recovery codes in place of the old ones; shown once. Refused without an app.
pub async fn renew_recovery_codes(
    db: &Db,
    user: &User,
    now: Timestamp,
) -> Result<Vec<String>, Error> {
    let (id, actor, login) = (user.id, user.actor(), user.login.clone());
    let (codes, hashes) = new_recovery_codes();
    db.write("make recovery codes", move |tx| {
        async move {
            audit::append(
                tx,
                now,
                &actor,
                "user.renew_codes",
                &login,
                &json!({"id": id}),
            )
            .await?;
            if !is_set_up(&mut *tx, id).await? {
                return Err(refused("add an authenticator app first"));
            }
            rows::set_recovery_codes(tx, id, &hashes).await?;
            Ok(())
        }
        .boxed()
    })
    .await?;
    Ok(codes)
}

/// Takes a person's second factor away, by the person or by an administrator whom the person has
/// convinced. Every session of the person ends. Without one nothing else changes.
pub async fn remove(db: &Db, id: UserId, now: Timestamp, actor: &Actor) -> Result<(), Error> {
    let user = accounts::find(db, id).await?;
    let user = user.ok_or(Error::NotFound("there is no such user"))?;
    let actor = actor.clone();
    db.write("take a second factor away", move |tx| {
        async move {
            let detail = json!({"id": id});
            audit::append(tx, now, &actor, "user.remove_app", &user.login, &detail).await?;
            rows::delete_authenticator(tx, id).await?;
            rows::set_recovery_codes(tx, id, &[]).await?;
            sessions::delete_of(tx, id, None).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

/// Takes what was typed as a code of the app or as a recovery code, and uses it up for one act; none if it
/// is neither, or was used for another act before. A form that is sent twice is one act: whoever presses
/// twice must not read that the code was wrong while the alert goes out.
pub(super) async fn accept(
    tx: &mut Tx,
    keys: &Keys,
    user: UserId,
    typed: &str,
    act: &[u8],
    now: Timestamp,
) -> Result<Option<Proof>, Error> {
    let app = rows::authenticator(&mut *tx, user).await?;
    let Some(app) = app.filter(|app| app.confirmed_at.is_some()) else {
        return Ok(None);
    };
    if let Some(step) = step(keys, user, &app.secret, typed, now)? {
        let taken = rows::take_step(tx, user, step, act).await? > 0;
        return Ok(taken.then_some(Proof::Code));
    }
    let hash = token_hash(&tidy(typed));
    let taken = rows::use_recovery_code(tx, user, &hash, act, now).await? > 0;
    Ok(taken.then_some(Proof::RecoveryCode))
}

/// The step of time whose code was typed, with or without blanks; none if it is no code of now.
fn step(
    keys: &Keys,
    user: UserId,
    sealed: &[u8],
    typed: &str,
    now: Timestamp,
) -> Result<Option<i64>, Error> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let seconds = u64::try_from(now.0 / 1000).unwrap_or_default();
    let codes = codes(keys, user, sealed, |builder| builder)?;
    Ok(codes
        .check(&digits, seconds)
        .and_then(|step| i64::try_from(step).ok()))
}

fn codes(
    keys: &Keys,
    user: UserId,
    sealed: &[u8],
    name: impl FnOnce(Builder) -> Builder,
) -> Result<Totp, Error> {
    let broken = storage::Error::Broken("an authenticator's secret cannot be read with this key");
    let Ok(secret) = keys.open(&bound_to(user), sealed) else {
        return Err(broken.into());
    };
    name(Builder::new().with_secret(secret))
        .build()
        .map_err(|_cause| broken.into())
}

fn bound_to(user: UserId) -> Vec<u8> {
    format!("authenticator|{user}").into_bytes()
}

/// Codes for paper, and what is kept of them.
fn new_recovery_codes() -> (Vec<String>, Vec<Vec<u8>>) {
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
    let hashes = codes.iter().map(|code| token_hash(&tidy(code))).collect();
    (codes, hashes)
}

/// Five groups of five: 25 of base32, 125 random bits.
fn recovery_code() -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let random: [u8; 25] = rand::random();
    let letters: Vec<char> = random
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect();
    let groups: Vec<String> = letters
        .chunks(5)
        .map(|group| group.iter().collect())
        .collect();
    groups.join("-")
}

/// A recovery code as people type it from paper.
fn tidy(typed: &str) -> String {
    typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_125_bits_and_is_read_as_people_type_it() {
        let code = recovery_code();
        assert_eq!(code.len(), 29, "{code}");
        assert_eq!(tidy(&code).len(), 25);
        assert_eq!(tidy(&code.to_lowercase().replace('-', " ")), tidy(&code));
        assert_ne!(recovery_code(), code);
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B with SHA-1, the last six of its eight digits.
        let keys = Keys::derive(&[7; 32]);
        let user = UserId::new();
        let sealed = keys.seal(&bound_to(user), b"12345678901234567890");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp(seconds * 1000);
            assert_eq!(
                step(&keys, user, &sealed, code, now).unwrap(),
                Some(seconds / 30)
            );
            let spaced = format!(" {} {}", &code[..3], &code[3..]);
            assert!(step(&keys, user, &sealed, &spaced, now).unwrap().is_some());
            let late = Timestamp((seconds + 60) * 1000);
            assert_eq!(step(&keys, user, &sealed, code, late).unwrap(), None);
        }
        let other = UserId::new();
        assert!(step(&keys, other, &sealed, "287082", Timestamp(59_000)).is_err());
    }
}
