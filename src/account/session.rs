//! Sessions: who is signed in, by a cookie of which only the hash is kept.

use std::time::Duration;

use futures::FutureExt;
use serde_json::json;
use tracing::warn;

use super::Error;
use super::user::User;
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::UserId;
use crate::keys::{random_token, token_hash};
use crate::storage::accounts::{self, SessionRow};
use crate::storage::{self, Db, Tx};

/// After this a session ends whatever happens: a shift.
pub const LONGEST: Duration = Duration::from_hours(12);

/// After this without any request a session ends.
pub const IDLE: Duration = Duration::from_hours(1);

/// How exactly the last request is kept: a board that reloads must not cost a write each time.
const TOUCH: Duration = Duration::from_mins(1);

/// A session that was just opened: the only moment its token exists.
#[derive(Clone)]
pub struct SignedIn {
    /// The cookie's value: always a new one, so that nobody can plant one beforehand.
    pub token: String,
    /// Who signed in.
    pub user: User,
    /// When the session ends whatever happens.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn")
            .field("user", &self.user.id)
            .finish_non_exhaustive()
    }
}

/// Opens a session inside the transaction of a sign-in, and throws ended ones away.
pub(super) async fn open(tx: &mut Tx, user: User, now: Timestamp) -> Result<SignedIn, Error> {
    let token = random_token();
    let expires_at = now.after(LONGEST);
    let session = SessionRow {
        user_id: user.id,
        created_at: now,
        last_seen_at: now,
        expires_at,
    };
    accounts::delete_ended_sessions(tx, now, idle_before(now)).await?;
    accounts::insert_session(tx, &token_hash(&token), &session).await?;
    Ok(SignedIn {
        token,
        user,
        expires_at,
    })
}

/// Who shows this cookie; nobody if the session has ended, was idle for too long, or its person was
/// disabled. Roles are those of this moment. Notes the use, once a minute.
pub async fn authenticate(db: &Db, token: &str, now: Timestamp) -> Result<Option<User>, Error> {
    let hash = token_hash(token);
    let Some(session) = accounts::find_session(db, &hash, now, idle_before(now)).await? else {
        return Ok(None);
    };
    if now.since(session.last_seen_at) >= TOUCH {
        let noted: Result<_, storage::Error> = db
            .write("note a session's use", move |tx| {
                async move { accounts::touch_session(tx, &hash, now).await }.boxed()
            })
            .await;
        // Nothing that the person wants to do may fail because of that.
        if let Err(error) = noted {
            warn!(%error, "A session's use could not be noted");
        }
    }
    Ok(accounts::find(db, session.user_id).await?.map(User::from))
}

/// Ends the session of this cookie; none is no error.
pub async fn sign_out(db: &Db, token: &str) -> Result<(), Error> {
    let hash = token_hash(token);
    db.write("sign out", move |tx| {
        async move { accounts::delete_session(tx, &hash).await }.boxed()
    })
    .await?;
    Ok(())
}

/// Ends every session of a person.
pub async fn end_all(db: &Db, id: UserId, now: Timestamp, actor: &Actor) -> Result<(), Error> {
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
            accounts::delete_sessions_of(tx, id).await?;
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
