//! Keeps who has said STOP, and who has taken it back: per number or address, not per person, in a ledger
//! from which nothing is removed.

use futures::FutureExt;
use serde_json::json;

use super::Error as DirectoryError;
use super::health::NO_POINT;
use crate::alert::words::word_enum;
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::{ContactId, ContactPointId};
use crate::storage::opt_outs::{self, LedgerRow};
use crate::storage::{Db, Error, Tx, call_off, contacts};

word_enum! {
    /// How somebody asked to get nothing more, or to get messages again.
    How {
        /// One of the words that carriers and laws reserve for it, from the number itself.
        Sms = "sms",
        /// In a letter or a mail, which somebody wrote down here.
        Written = "written",
        /// On the phone.
        Phone = "phone",
        /// Face to face.
        InPerson = "in_person",
        /// Nobody asked: it was entered wrongly.
        Mistake = "mistake",
    }
}

/// Entries of the ledger that are shown.
const SHOWN: i64 = 500;

/// Marks a number or address as opted out, for everyone who shares it, and answers whose it is.
/// What waits for it in alerts that are no emergency is called off with it.
///
/// `lookup` is its blind index. Nobody's number: an empty answer, no error. Twice: the first time stands.
pub async fn opt_out(
    tx: &mut Tx,
    lookup: &[u8],
    how: How,
    now: Timestamp,
    actor: &Actor,
) -> Result<Vec<ContactId>, Error> {
    let points = contacts::points_with(&mut *tx, lookup).await?;
    if points.iter().any(|point| point.opted_out_at.is_none()) {
        let ids = distinct(points.iter().map(|point| point.contact_id));
        let detail = json!({"contacts": ids, "how": how.word()});
        audit::append(tx, now, actor, "contact.opt_out", "", &detail).await?;
        contacts::opt_out(tx, lookup, how.word(), now).await?;
        opt_outs::insert(tx, lookup, how, now, actor.as_str()).await?;
        call_off::opted_out(tx, lookup, now).await?;
    }
    Ok(distinct(points.into_iter().map(|point| point.contact_id)))
}

/// Takes the mark away, for everyone who shares the number, and answers whose it is.
pub async fn opt_in(
    tx: &mut Tx,
    lookup: &[u8],
    how: How,
    now: Timestamp,
    actor: &Actor,
) -> Result<Vec<ContactId>, Error> {
    let points = contacts::points_with(&mut *tx, lookup).await?;
    if points.iter().any(|point| point.opted_out_at.is_some()) {
        let ids = distinct(points.iter().map(|point| point.contact_id));
        let detail = json!({"contacts": ids, "how": how.word()});
        audit::append(tx, now, actor, "contact.opt_in", "", &detail).await?;
        contacts::opt_in(tx, lookup).await?;
        opt_outs::lift(tx, lookup, how, now, actor.as_str()).await?;
    }
    Ok(distinct(points.into_iter().map(|point| point.contact_id)))
}

/// Whether a number is to be left alone from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing more but emergencies.
    Out,
    /// Messages again.
    In,
}

/// Writes down what a person asked for by other ways than a text: for one of their points, and for
/// everyone who shares its number.
pub async fn enter(
    db: &Db,
    (contact, point): (ContactId, ContactPointId),
    wish: Wish,
    how: How,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), DirectoryError> {
    let actor = actor.clone();
    db.write("enter an opt-out", move |tx| {
        async move {
            let points = contacts::points_of(&mut *tx, &contacts::ids_json([contact])).await?;
            let found = points.into_iter().find(|row| row.id == point);
            let lookup = found.ok_or(NO_POINT)?.lookup;
            match wish {
                Wish::Out => opt_out(tx, &lookup, how, now, &actor).await?,
                Wish::In => opt_in(tx, &lookup, how, now, &actor).await?,
            };
            Ok(())
        }
        .boxed()
    })
    .await
}

/// The ledger: opt-outs that hold first, then the newest of those that ended.
pub async fn ledger(db: &Db) -> Result<Vec<LedgerRow>, Error> {
    opt_outs::list(db, SHOWN).await
}

fn distinct(ids: impl Iterator<Item = ContactId>) -> Vec<ContactId> {
    let mut ids: Vec<ContactId> = ids.collect();
    ids.sort();
    ids.dedup();
    ids
}
