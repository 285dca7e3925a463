//! Makes, replaces and archives one person, each with its entry in the audit chain.

use futures::FutureExt;
use serde_json::json;

use super::{Contact, ContactDraft, NOBODY, find};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::directory::saving::{Batch, Existing, Memberships};
use crate::directory::{Complaint, Error, import, nobody_has, refused, tidy};
use crate::ids::ContactId;
use crate::keys::Keys;
use crate::storage::{self, Db, Tx, contacts};

/// Characters of a name, a role, a site, a unit or a tag at most.
const LONGEST: usize = 200;

/// Makes a person. Refuses a name, number or group that cannot be.
pub async fn create(
    db: &Db,
    keys: &Keys,
    draft: ContactDraft,
    now: Timestamp,
    actor: &Actor,
) -> Result<Contact, Error> {
    let id = ContactId::new();
    save(db, keys, id, draft, "contact.create", now, actor).await
}

/// Replaces a person by the draft. Points whose address stays keep their opt-out and their verified
/// date. An archived person is in use again.
pub async fn update(
    db: &Db,
    keys: &Keys,
    id: ContactId,
    draft: ContactDraft,
    now: Timestamp,
    actor: &Actor,
) -> Result<Contact, Error> {
    save(db, keys, id, draft, "contact.update", now, actor).await
}

/// Takes a person out of use: no list, group or alert shows the person from now on, old reports
/// still do. Doing it twice changes nothing.
pub async fn archive(db: &Db, id: ContactId, now: Timestamp, actor: &Actor) -> Result<(), Error> {
    let actor = actor.clone();
    db.write("archive a contact", move |tx| {
        async move {
            let row = contacts::find(&mut *tx, id).await?.ok_or(NOBODY)?;
            if row.archived_at.is_some() {
                return Ok(());
            }
            audit::append(
                tx,
                now,
                &actor,
                "contact.archive",
                &id.to_string(),
                &json!({}),
            )
            .await?;
            contacts::archive(tx, id, now).await?;
            contacts::set_revision(tx, &ContactId::new().to_string()).await?;
            Ok(())
        }
        .boxed()
    })
    .await
}

async fn save(
    db: &Db,
    keys: &Keys,
    id: ContactId,
    draft: ContactDraft,
    action: &'static str,
    now: Timestamp,
    actor: &Actor,
) -> Result<Contact, Error> {
    let draft = check(draft)?;
    let (sealer, actor) = (keys.clone(), actor.clone());
    db.write("save a contact", move |tx| {
        async move {
            let detail = json!({
                "points": draft.points.len(), "groups": draft.groups.len(), "tags": draft.tags.len()
            });
            audit::append(tx, now, &actor, action, &id.to_string(), &detail).await?;
            if action == "contact.update" {
                let row = contacts::find(&mut *tx, id).await?.ok_or(NOBODY)?;
                if row.merged_into.is_some() {
                    let sentence =
                        "this entry was merged into another: change the other one, which has all of it";
                    return Err(refused("id", sentence));
                }
            }
            refuse_unknown(tx, id, &draft).await?;
            let points = contacts::points_of(&mut *tx, &contacts::ids_json([id])).await?;
            let existing: Vec<Existing> = points.into_iter().map(Existing::from).collect();
            let mut batch = Batch::default();
            batch.add(&sealer, id, &draft, &existing, now);
            batch.manager(id, draft.manager_id);
            batch.write(tx, Memberships::Replace).await
        }
        .boxed()
    })
    .await?;
    find(db, keys, id).await?.ok_or(NOBODY)
}

/// What can be known without the database.
fn check(draft: ContactDraft) -> Result<ContactDraft, Error> {
    let clean_list = |list: Vec<String>| {
        let mut list: Vec<String> = list
            .iter()
            .map(|text| tidy(text))
            .filter(|text| !text.is_empty())
            .collect();
        list.sort();
        list.dedup();
        list
    };
    let draft = ContactDraft {
        external_id: draft
            .external_id
            .map(|id| tidy(&id))
            .filter(|id| !id.is_empty()),
        name: tidy(&draft.name),
        role: tidy(&draft.role),
        site: tidy(&draft.site),
        unit: tidy(&draft.unit),
        tags: clean_list(draft.tags),
        groups: clean_list(draft.groups),
        ..draft
    };
    if draft.name.is_empty() {
        return Err(refused("name", "the person has no name: give one"));
    }
    if let Some(field) = too_long(&draft) {
        let sentence =
            "name, external_id, role, site, unit and tags have at most 200 characters each";
        return Err(refused(field, sentence));
    }
    let mut fields = draft.fields.keys();
    if let Some((name, why)) = fields.find_map(|name| Some((name, import::wrong_field(name)?))) {
        return Err(refused(&format!("fields.{name}"), why));
    }
    Ok(draft)
}

/// The first text that is longer than it may be.
fn too_long(draft: &ContactDraft) -> Option<&'static str> {
    let texts = [
        ("name", &draft.name),
        ("role", &draft.role),
        ("site", &draft.site),
        ("unit", &draft.unit),
    ];
    let ids = draft.external_id.iter().map(|id| ("external_id", id));
    let tags = draft.tags.iter().map(|tag| ("tags", tag));
    let mut texts = texts.into_iter().chain(ids).chain(tags);
    let long = texts.find(|(_, text)| text.chars().count() > LONGEST);
    long.map(|(field, _)| field)
}

/// What only the database knows.
async fn refuse_unknown(tx: &mut Tx, id: ContactId, draft: &ContactDraft) -> Result<(), Error> {
    let mut complaints = Vec::new();
    let mut refuse = |field, sentence: String| complaints.push(Complaint::new(field, sentence));
    let known = storage::groups::list_named(&mut *tx, &draft.groups).await?;
    for group in &draft.groups {
        if !known.iter().any(|row| &row.name == group) {
            let sentence = format!("there is no group \"{group}\": make it first");
            refuse("groups", sentence);
        }
    }
    if let Some(external_id) = &draft.external_id {
        let other = contacts::find_by_external_id(&mut *tx, external_id).await?;
        if other.is_some_and(|other| other.id != id) {
            refuse(
                "external_id",
                "another person has the same external_id".to_owned(),
            );
        }
    }
    if let Some(manager) = draft.manager_id {
        if manager == id {
            refuse("manager", "nobody can be their own manager".to_owned());
        } else if contacts::find(&mut *tx, manager).await?.is_none() {
            refuse("manager", nobody_has(&[manager]));
        }
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(Error::Refused(complaints))
    }
}
