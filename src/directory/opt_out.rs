//! Keeps who has said STOP, and who has taken it back: per number or address, not per person.

use serde_json::json;

use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::ContactId;
use crate::storage::{Error, Tx, call_off, contacts};

/// Marks a number or address as opted out, for everyone who shares it, and answers whose it is.
/// What waits for it in alerts that are no emergency is called off with it.
///
/// `lookup` is its blind index, `how` says where it came from (`sms`) and must hold nothing personal.
/// Nobody's number: an empty answer, no error. Twice: the first time stands.
pub async fn opt_out(
    tx: &mut Tx,
    lookup: &[u8],
    how: &str,
    now: Timestamp,
    actor: &Actor,
) -> Result<Vec<ContactId>, Error> {
    let points = contacts::points_with(&mut *tx, lookup).await?;
    if points.iter().any(|point| point.opted_out_at.is_none()) {
        let ids = distinct(points.iter().map(|point| point.contact_id));
        let detail = json!({"contacts": ids, "how": how});
        audit::append(tx, now, actor, "contact.opt_out", "", &detail).await?;
        contacts::opt_out(tx, lookup, how, now).await?;
        call_off::opted_out(tx, lookup, now).await?;
    }
    Ok(distinct(points.into_iter().map(|point| point.contact_id)))
}

/// Takes the mark away, for everyone who shares the number, and answers whose it is.
pub async fn opt_in(
    tx: &mut Tx,
    lookup: &[u8],
    how: &str,
    now: Timestamp,
    actor: &Actor,
) -> Result<Vec<ContactId>, Error> {
    let points = contacts::points_with(&mut *tx, lookup).await?;
    if points.iter().any(|point| point.opted_out_at.is_some()) {
        let ids = distinct(points.iter().map(|point| point.contact_id));
        let detail = json!({"contacts": ids, "how": how});
        audit::append(tx, now, actor, "contact.opt_in", "", &detail).await?;
        contacts::opt_in(tx, lookup).await?;
    }
    Ok(distinct(points.into_iter().map(|point| point.contact_id)))
}

fn distinct(ids: impl Iterator<Item = ContactId>) -> Vec<ContactId> {
    let mut ids: Vec<ContactId> = ids.collect();
    ids.sort();
    ids.dedup();
    ids
}
