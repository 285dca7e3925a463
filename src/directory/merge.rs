//! Makes one person of two entries that are the same person, and keeps apart those who are not. What one
//! entry knows and the other does not is kept; where both say something, the one that stays is right.
//! Past alerts stay as they were.

mod tree;

use futures::FutureExt;
use serde_json::json;

use super::contact::{self, Contact, ContactDraft, PointDraft, lookup_text};
use super::saving::{Batch, Existing, Memberships};
use super::{Error, refused};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::ContactId;
use crate::keys::{Keys, hex};
use crate::storage::call_trees::{self, BranchSave};
use crate::storage::contacts::{self, revision};
use crate::storage::duplicates::{self, PairRow};
use crate::storage::{Db, Tx, groups};

/// Pairs that are shown at once.
const PAIRS: i64 = 200;
/// Branches of one statement.
const CHUNK: usize = 1000;

/// People who may be in the directory twice, by name.
pub async fn likely(db: &Db) -> Result<Vec<PairRow>, Error> {
    Ok(duplicates::list(db, PAIRS).await?)
}

/// Makes one person of two: `keep` stays and gets everything of `gone`, which is taken out of use and
/// says whom it has become. Refused for one and the same, for somebody out of use, while a running alert
/// tells `gone`, and if both have an external id: then the personnel system says that they are two. It cannot be undone.
pub async fn merge(
    db: &Db,
    keys: &Keys,
    keep: ContactId,
    gone: ContactId,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), Error> {
    let seen = revision(db).await?;
    let find = async |id| contact::find(db, keys, id).await?.ok_or(contact::NOBODY);
    let (kept, other) = (find(keep).await?, find(gone).await?);
    let draft = united(&kept, &other)?;
    let (keys, actor) = (keys.clone(), actor.clone());
    db.write("merge two contacts", move |tx| {
        async move {
            let detail =
                json!({"gone": gone, "points": draft.points.len(), "groups": draft.groups.len()});
            audit::append(tx, now, &actor, "contact.merge", &keep.to_string(), &detail).await?;
            if revision(&mut *tx).await? != seen {
                return Err(Error::Changed);
            }
            // The steps to come take the numbers from the entry that the alert was launched to.
            if duplicates::is_being_told(tx, gone).await? {
                return Err(refused("gone", TOLD));
            }
            let gone_alone = contacts::ids_json([gone]);
            contacts::clear_external_ids(tx, &gone_alone).await?;
            contacts::delete_tags(tx, &gone_alone).await?;
            groups::delete_memberships(tx, &gone_alone).await?;
            duplicates::move_points(tx, gone, keep).await?;
            duplicates::move_reports(tx, gone, keep).await?;
            move_branches(tx, keep, gone).await?;
            let mut points = contacts::points_of(&mut *tx, &contacts::ids_json([keep])).await?;
            // Of two rows with one number, the one that was verified stays.
            points.sort_by_key(|point| point.verified_at.is_none());
            let points: Vec<Existing> = points.into_iter().map(Existing::from).collect();
            let mut batch = Batch::default();
            batch.add(&keys, keep, &draft, &points, now);
            batch.manager(keep, draft.manager_id);
            batch.write(tx, Memberships::Add).await?;
            duplicates::retire(tx, gone, keep, now).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

const TOLD: &str = "a running alert tells the entry that would go: keep that one instead, or wait until the \
                    alert is over";

/// Keeps that two people are two: they are not offered again.
pub async fn keep_apart(
    db: &Db,
    one: ContactId,
    other: ContactId,
    now: Timestamp,
    actor: &Actor,
) -> Result<(), Error> {
    let actor = actor.clone();
    db.write("keep two contacts apart", move |tx| {
        async move {
            let detail = json!({"other": other});
            audit::append(
                tx,
                now,
                &actor,
                "contact.keep_apart",
                &one.to_string(),
                &detail,
            )
            .await?;
            duplicates::keep_apart(tx, one, other, now).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

async fn move_branches(tx: &mut Tx, keep: ContactId, gone: ContactId) -> Result<(), Error> {
    for (id,) in duplicates::trees_with(tx, keep, gone).await? {
        let branches = duplicates::branches(tx, id).await?;
        let save = |branch: crate::storage::call_trees::BranchRow| BranchSave {
            caller_id: hex(branch.caller_id.0.as_bytes()),
            contact_id: hex(branch.contact_id.0.as_bytes()),
            position: branch.position,
        };
        let rows: Vec<BranchSave> = tree::united(branches, keep, gone)
            .into_iter()
            .map(save)
            .collect();
        call_trees::delete_branches(tx, id).await?;
        for rows in rows.chunks(CHUNK) {
            call_trees::add_branches(tx, id, rows).await?;
        }
    }
    Ok(())
}

/// What the one who stays becomes.
fn united(keep: &Contact, gone: &Contact) -> Result<ContactDraft, Error> {
    if keep.id == gone.id {
        return Err(refused("gone", "these are one entry already"));
    }
    if keep.archived_at.is_some() || gone.archived_at.is_some() {
        return Err(refused(
            "gone",
            "one of the two is out of use: bring them back first, or leave them as they are",
        ));
    }
    if keep.external_id.is_some() && gone.external_id.is_some() {
        return Err(refused(
            "external_id",
            "both have a personnel number of their own, and an import would make two of them again: \
             take the wrong number away first, or say that they are two people",
        ));
    }
    let or = |one: &str, other: &str| if one.is_empty() { other } else { one }.to_owned();
    let both = |one: &[String], other: &[String]| {
        let mut all = one.to_vec();
        all.extend(other.iter().filter(|text| !one.contains(text)).cloned());
        all
    };
    let mut fields = gone.fields.clone();
    fields.extend(keep.fields.clone());
    let managers = [keep.manager_id, gone.manager_id].into_iter().flatten();
    Ok(ContactDraft {
        external_id: keep
            .external_id
            .clone()
            .or_else(|| gone.external_id.clone()),
        name: keep.name.clone(),
        language: keep.language.clone(),
        category: keep.category,
        role: or(&keep.role, &gone.role),
        site: or(&keep.site, &gone.site),
        unit: or(&keep.unit, &gone.unit),
        tags: both(&keep.tags, &gone.tags),
        fields,
        groups: both(&keep.groups, &gone.groups),
        points: united_points(keep, gone),
        manager_id: managers
            .into_iter()
            .find(|id| ![keep.id, gone.id].contains(id)),
    })
}

/// The numbers of both, those of the one who stays first; each once.
fn united_points(keep: &Contact, gone: &Contact) -> Vec<PointDraft> {
    let mut points: Vec<PointDraft> = Vec::new();
    for point in keep.points.iter().chain(&gone.points) {
        let same = |known: &&mut PointDraft| {
            known.kind == point.kind && lookup_text(&known.address) == lookup_text(&point.address)
        };
        match points.iter_mut().find(same) {
            Some(known) if known.extension.is_empty() => {
                known.extension.clone_from(&point.extension);
            }
            Some(_) => {}
            None => points.push(PointDraft {
                kind: point.kind,
                address: point.address.clone(),
                extension: point.extension.clone(),
            }),
        }
    }
    points
}
