//! Says how well a person can be reached by what the directory knows, and keeps the proofs of it.

use std::time::Duration;

use futures::FutureExt;
use serde_json::json;

use super::Error;
use super::contact::{Contact, PointKind};
use crate::alert::words::word_enum;
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::{ContactId, ContactPointId};
use crate::storage::health::{self, Counts};
use crate::storage::{Db, contacts};

/// A proof older than this is long ago: a fifth of all numbers change within two years.
const LONG: Duration = Duration::from_hours(365 * 24);

word_enum! {
    /// Something about a person's numbers that somebody should mend, the worst first.
    Concern {
        /// No number and no address: nothing reaches this person.
        NoWay = "no_way",
        /// The last message to one of the points failed for good.
        Failed = "failed",
        /// No mobile number: no text reaches this person.
        NoMobile = "no_mobile",
        /// Nobody has ever proved that a number or address reaches this person.
        NeverVerified = "never_verified",
        /// The last proof is older than a year.
        VerifiedLongAgo = "verified_long_ago",
    }
}

/// The moment before which a proof is long ago.
pub fn long_ago(now: Timestamp) -> Timestamp {
    let long = i64::try_from(LONG.as_millis()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_sub(long))
}

/// All concerns of a person, the worst first; none if all is well. Pure.
pub fn concerns(contact: &Contact, now: Timestamp) -> Vec<Concern> {
    if contact.points.is_empty() {
        return vec![Concern::NoWay];
    }
    let mut concerns = Vec::new();
    if contact
        .points
        .iter()
        .any(|point| point.unreachable.is_some())
    {
        concerns.push(Concern::Failed);
    }
    if !contact
        .points
        .iter()
        .any(|point| point.kind == PointKind::Mobile)
    {
        concerns.push(Concern::NoMobile);
    }
    match contact
        .points
        .iter()
        .filter_map(|point| point.verified_at)
        .max()
    {
        None => concerns.push(Concern::NeverVerified),
        Some(at) if at < long_ago(now) => concerns.push(Concern::VerifiedLongAgo),
        Some(_) => {}
    }
    concerns
}

/// How many people there is something to mend of, by concern.
pub async fn counts(db: &Db, now: Timestamp) -> Result<Counts, Error> {
    Ok(health::counts(db, long_ago(now)).await?)
}

/// Keeps that somebody has checked with the person that a number or address is theirs. A failure of
/// before is forgotten with it.
pub async fn verify(
    db: &Db,
    contact: ContactId,
    point: ContactPointId,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), Error> {
    let actor = actor.clone();
    db.write("verify a contact point", move |tx| {
        async move {
            let detail = json!({"point": point});
            audit::append(
                tx,
                now,
                &actor,
                "contact.verify",
                &contact.to_string(),
                &detail,
            )
            .await?;
            let points = contacts::points_of(&mut *tx, &contacts::ids_json([contact])).await?;
            if !points.iter().any(|row| row.id == point) {
                return Err(NO_POINT);
            }
            health::mark_verified(tx, point, now).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

pub(super) const NO_POINT: Error = Error::NotFound("this person has no such number or address");
