//! Sessions: who is signed in, by a cookie of which only the hash is kept.

use std::time::Duration;

use futures::FutureExt;
use serde_json::json;
use tracing::warn;

use super::user::User;
use super::{Error, second_factor};
use crate::alert::words::word_enum;
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::{SessionId, UserId};
use crate::keys::{random_token, token_hash};
use crate::storage::sessions::{self, SessionRow};
use crate::storage::{self, Db, Tx, accounts};

/// After this a session ends whatever happens: a shift.
pub const LONGEST: Duration = Duration::from_hours(12);

/// After this without any request a session ends.
pub const IDLE: Duration = Duration::from_hours(1);

/// So long the second factor may be given after the first.
pub const WAITING: Duration = Duration::from_mins(5);

/// How exactly the last request is kept: a board that reloads must not cost a write each time.
const TOUCH: Duration = Duration::from_mins(1);

/// Longest name of a device that is kept.
const LONGEST_DEVICE: usize = 60;

word_enum! {
    /// How a person showed who it is.
    Proof {
        /// With the password.
        Password = "password",
        /// By a one-time link.
        Link = "link",
        /// With the code of an authenticator app, after one of the above.
        Code = "code",
        /// With a recovery code, after one of the above.
        RecoveryCode = "recovery_code",
    }
}

impl Proof {
    /// Whether it took more than what one person can overhear or find in one place.
    pub fn is_strong(self) -> bool {
        matches!(self, Self::Code | Self::RecoveryCode)
    }
}

/// A session that was just opened: the only moment its token exists.
#[derive(Clone)]
pub struct SignedIn {
    /// The cookie's value: always a new one, so that nobody can plant one beforehand.
    pub token: String,
    /// Who signed in.
    pub user: User,
    /// When the session ends whatever happens.
    pub expires_at: Timestamp,
    /// The second factor is still to be given: until then the token opens nothing else.
    pub is_waiting: bool,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn")
            .field("user", &self.user.id)
            .finish_non_exhaustive()
    }
}

/// Who is signed in, and since when that is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What lists of sessions call it.
    pub id: SessionId,
    /// Who it is, with the roles of this moment.
    pub user: User,
    /// How the person last showed who it is.
    pub proof: Proof,
    /// When.
    pub proven_at: Timestamp,
}

/// Opens a session inside the transaction of a sign-in, and throws ended ones away. Whoever has a second
/// factor and did not give it is only half signed in.
pub(super) async fn open(
    tx: &mut Tx,
    user: User,
    proof: Proof,
    device: &str,
    now: Timestamp,
) -> Result<SignedIn, Error> {
    let token = random_token();
    let is_waiting = !proof.is_strong() && second_factor::is_set_up(&mut *tx, user.id).await?;
    let expires_at = now.after(if is_waiting { WAITING } else { LONGEST });
    let session = SessionRow {
        id: SessionId::new(),
        user_id: user.id,
        proof,
        proven_at: now,
        is_waiting,
        replaces: None,
        device: device.chars().take(LONGEST_DEVICE).collect(),
        created_at: now,
        last_seen_at: now,
        expires_at,
    };
    sessions::delete_ended(tx, now, idle_before(now)).await?;
    sessions::insert(tx, &token_hash(&token), &session).await?;
    Ok(SignedIn {
        token,
        user,
        expires_at,
        is_waiting,
    })
}

/// Who shows this cookie; nobody if the session has ended, was idle for too long, waits for its second
/// factor, or its person was disabled. Roles are those of this moment. Notes the use, once a minute.
pub async fn authenticate(db: &Db, token: &str, now: Timestamp) -> Result<Option<Session>, Error> {
    let hash = token_hash(token);
    let session = sessions::find(db, &hash, now, idle_before(now)).await?;
    let Some(session) = session.filter(|session| !session.is_waiting) else {
        return Ok(None);
    };
    if now.since(session.last_seen_at) >= TOUCH || session.replaces.is_some() {
        note_use(db, hash, session.clone(), now).await;
    }
    let user = accounts::find(db, session.user_id).await?;
    Ok(user.map(|user| Session {
        id: session.id,
        user: User::from(user),
        proof: session.proof,
        proven_at: session.proven_at,
    }))
}

/// Notes that a session was used. Nothing that the person wants to do may fail because of that.
async fn note_use(db: &Db, hash: Vec<u8>, session: SessionRow, now: Timestamp) {
    let noted: Result<_, storage::Error> = db
        .write("note a session's use", move |tx| {
            async move {
                if session.replaces.is_some() {
                    sessions::end_replaced(tx, &session).await?;
                }
                sessions::touch(tx, &hash, now).await
            }
            .boxed()
        })
        .await;
    if let Err(error) = noted {
        warn!(%error, "A session's use could not be noted");
    }
}

/// Opens a session with a fresh proof beside the one with this cookie, for the rest of its time. The old
/// one ends when the new one is first used. `None` if the old one has ended.
pub(super) async fn renew(
    tx: &mut Tx,
    token: &str,
    proof: Proof,
    now: Timestamp,
) -> Result<Option<String>, storage::Error> {
    let old = sessions::find(&mut *tx, &token_hash(token), now, idle_before(now)).await?;
    let Some(old) = old.filter(|old| !old.is_waiting) else {
        return Ok(None);
    };
    let token = random_token();
    let session = SessionRow {
        id: SessionId::new(),
        proof,
        proven_at: now,
        replaces: Some(old.id),
        last_seen_at: now,
        ..old
    };
    sessions::insert(tx, &token_hash(&token), &session).await?;
    Ok(Some(token))
}

/// Who has given the first factor with this cookie and not yet the second; nobody else.
pub async fn half(db: &Db, token: &str, now: Timestamp) -> Result<Option<User>, Error> {
    let session = sessions::find(db, &token_hash(token), now, idle_before(now)).await?;
    let Some(session) = session.filter(|session| session.is_waiting) else {
        return Ok(None);
    };
    let user = accounts::find(db, session.user_id).await?;
    Ok(user.map(User::from))
}

/// The sessions in which a person is signed in, the last used first.
pub async fn list(db: &Db, id: UserId, now: Timestamp) -> Result<Vec<SessionRow>, Error> {
    Ok(sessions::of_user(db, id, now, idle_before(now)).await?)
}

/// Ends one session of a person; one that has ended is no error.
pub async fn end(db: &Db, user: &User, id: SessionId, now: Timestamp) -> Result<(), Error> {
    let (owner, actor, login) = (user.id, user.actor(), user.login.clone());
    db.write("end a session", move |tx| {
        async move {
            let detail = json!({"id": owner, "session": id});
            audit::append(tx, now, &actor, "user.end_session", &login, &detail).await?;
            sessions::delete_one(tx, owner, id).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

/// Ends the session of this cookie; none is no error.
pub async fn sign_out(db: &Db, token: &str) -> Result<(), Error> {
    let hash = token_hash(token);
    db.write("sign out", move |tx| {
        async move { sessions::delete(tx, &hash).await }.boxed()
    })
    .await?;
    Ok(())
}

/// Ends every session of a person, or every one but `but`.
pub async fn end_all(
    db: &Db,
    id: UserId,
    but: Option<SessionId>,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), Error> {
    let user = accounts::find(db, id).await?;
    let user = user.ok_or(Error::NotFound("there is no such user"))?;
    let actor = actor.clone();
    db.write("end a user's sessions", move |tx| {
        async move {
            audit::append(
                tx,
                now,
                &actor,
                "user.end_sessions",
                &user.login,
                &json!({"id": id}),
            )
            .await?;
            sessions::delete_of(tx, id, but).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

/// A session last used at this moment has just run out.
fn idle_before(now: Timestamp) -> Timestamp {
    let idle = i64::try_from(IDLE.as_millis()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_sub(idle))
}
