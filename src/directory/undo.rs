//! Takes the newest import back: everyone becomes again what they were, in one transaction, unless
//! somebody was changed since. Who was new is taken out of use; groups that the file made stay.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::contact::{Contact, ContactDraft, PointDraft, PointKind};
use super::saving::{Batch, Existing, Memberships};
use super::{Error, NAMED, refused};
use crate::alert::words::{Category, Language};
use crate::audit::{self, Actor};
use crate::channel::Address;
use crate::clock::Timestamp;
use crate::ids::{ContactId, ImportId};
use crate::keys::{Keys, hex};
use crate::storage::imports::{self, BeforeSave, ImportRow};
use crate::storage::{self, Db, Tx, contacts};

/// Rows of one statement.
const CHUNK: usize = 1000;

/// How many people an undoing brought back to what they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Undone {
    /// Those who were changed, or taken out of use.
    pub restored: usize,
    /// Those who were new: taken out of use.
    pub taken_out: usize,
}

/// A person as an import found them, sealed while it can be undone.
#[derive(Serialize, Deserialize)]
struct Before {
    external_id: Option<String>,
    name: String,
    language: String,
    category: String,
    role: String,
    site: String,
    unit: String,
    tags: Vec<String>,
    fields: BTreeMap<String, String>,
    /// Kind, address, extension.
    points: Vec<(String, String, String)>,
    manager: Option<ContactId>,
    is_archived: bool,
    /// The groups that the import added; others that came later stay.
    joined: Vec<String>,
}

/// What is kept of one person whom an import writes. `before` is nobody for the new; `joined` are the
/// groups after it.
pub(super) fn keep(
    keys: &Keys,
    id: ContactId,
    before: Option<&Contact>,
    groups_after: &[String],
) -> BeforeSave {
    let before = before.map(|contact| {
        let known: BTreeSet<&String> = contact.groups.iter().collect();
        let joined = groups_after.iter().filter(|group| !known.contains(group));
        let point = |point: &super::contact::Point| {
            let address = point.address.reveal().to_owned();
            (
                point.kind.word().to_owned(),
                address,
                point.extension.clone(),
            )
        };
        let before = Before {
            external_id: contact.external_id.clone(),
            name: contact.name.clone(),
            language: contact.language.as_str().to_owned(),
            category: contact.category.word().to_owned(),
            role: contact.role.clone(),
            site: contact.site.clone(),
            unit: contact.unit.clone(),
            tags: contact.tags.clone(),
            fields: contact.fields.clone(),
            points: contact.points.iter().map(point).collect(),
            manager: contact.manager_id,
            is_archived: contact.archived_at.is_some(),
            joined: joined.cloned().collect(),
        };
        let text = serde_json::to_vec(&before).expect("texts and lists are JSON");
        hex(&keys.seal(id.0.as_bytes(), &text))
    });
    BeforeSave {
        contact_id: hex(id.0.as_bytes()),
        before,
    }
}

/// Writes down an import with everyone whom it wrote, in its own transaction.
pub(super) async fn remember(
    tx: &mut Tx,
    import: &ImportRow,
    people: &[BeforeSave],
) -> Result<(), Error> {
    imports::insert(tx, import).await?;
    for people in people.chunks(CHUNK) {
        imports::insert_people(tx, import.id, people).await?;
    }
    Ok(())
}

/// The newest import, if it has not been undone.
pub async fn undoable(db: &Db) -> Result<Option<ImportRow>, Error> {
    Ok(imports::find_undoable(db).await?)
}

/// Undoes the newest import. Refused if there is none, if it is not the one meant, or if anybody whom it
/// wrote was changed since: nothing is undone then. A number that the import replaced comes back
/// with its opt-out, and as not verified.
pub async fn undo_import(
    db: &Db,
    keys: &Keys,
    id: Option<ImportId>,
    now: Timestamp,
    actor: &Actor,
) -> Result<Undone, Error> {
    let (keys, actor) = (keys.clone(), actor.clone());
    db.write("undo an import", move |tx| {
        async move {
            let newest = imports::find_newest(&mut *tx).await?;
            let meant = |import: &ImportRow| id.is_none_or(|id| id == import.id);
            let import = newest
                .filter(|import| import.undone_at.is_none() && meant(import))
                .ok_or_else(|| refused("", NOTHING))?;
            let people = imports::list_people(&mut *tx, import.id).await?;
            let new = people.iter().filter(|row| row.before.is_none());
            let new: Vec<ContactId> = new.map(|row| row.contact_id).collect();
            let undone = Undone {
                restored: people.len() - new.len(),
                taken_out: new.len(),
            };
            let subject = import.id.to_string();
            audit::append(
                tx,
                now,
                &actor,
                "contact.import_undo",
                &subject,
                &json!(undone),
            )
            .await?;
            refuse_changed(&imports::list_changed_since(&mut *tx, &import).await?)?;
            let mut known = Vec::new();
            for row in &people {
                let Some(sealed) = &row.before else { continue };
                let text = keys.open(row.contact_id.0.as_bytes(), sealed)?;
                let before: Before = serde_json::from_slice(&text).map_err(|_cause| BROKEN)?;
                known.push((row.contact_id, before));
            }
            restore(tx, &keys, known, new, now).await?;
            imports::mark_undone(tx, import.id, now).await?;
            Ok(undone)
        }
        .boxed()
    })
    .await
}

const NOTHING: &str = "there is no import that can be undone: only the newest one can, once";
const BROKEN: storage::Error = storage::Error::Broken("a kept person is no JSON object");

fn refuse_changed(changed: &[(String,)]) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = changed.iter().take(NAMED).map(|(name,)| &**name).collect();
    let more = match changed.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(refused(
        "",
        format!(
            "{}{more} were changed after this import, and undoing it would lose that: change people one by one",
            names.join(", ")
        ),
    ))
}

async fn restore(
    tx: &mut Tx,
    keys: &Keys,
    people: Vec<(ContactId, Before)>,
    new: Vec<ContactId>,
    now: Timestamp,
) -> Result<(), Error> {
    let mut points: HashMap<ContactId, Vec<Existing>> = HashMap::new();
    let mut groups: HashMap<ContactId, Vec<String>> = HashMap::new();
    for people in people.chunks(CHUNK) {
        let ids = contacts::ids_json(people.iter().map(|(id, _)| *id));
        contacts::clear_external_ids(tx, &ids).await?;
        for row in contacts::points_of(&mut *tx, &ids).await? {
            points.entry(row.contact_id).or_default().push(row.into());
        }
        for (id, group) in contacts::groups_of(&mut *tx, &ids).await? {
            groups.entry(id).or_default().push(group);
        }
    }
    let mut batch = Batch::default();
    let mut out_of_use = new;
    for (id, before) in people {
        if before.is_archived {
            out_of_use.push(id);
        }
        let mut groups = groups.remove(&id).unwrap_or_default();
        groups.retain(|group| !before.joined.contains(group));
        let existing = points.remove(&id).unwrap_or_default();
        let draft = draft(before, groups)?;
        batch.add(keys, id, &draft, &existing, now);
        batch.manager(id, draft.manager_id);
    }
    batch.write(tx, Memberships::Replace).await?;
    for ids in out_of_use.chunks(CHUNK) {
        contacts::archive_all(tx, &contacts::ids_json(ids.iter().copied()), now).await?;
    }
    Ok(())
}

fn draft(before: Before, groups: Vec<String>) -> Result<ContactDraft, Error> {
    let point = |(kind, address, extension): (String, String, String)| {
        let kind = kind.parse::<PointKind>().map_err(|_cause| BROKEN)?;
        let address = Address::new(address);
        Ok::<_, Error>(PointDraft {
            kind,
            address,
            extension,
        })
    };
    Ok(ContactDraft {
        external_id: before.external_id,
        name: before.name,
        language: Language::parse(&before.language).ok_or(BROKEN)?,
        category: before
            .category
            .parse::<Category>()
            .map_err(|_cause| BROKEN)?,
        role: before.role,
        site: before.site,
        unit: before.unit,
        tags: before.tags,
        fields: before.fields,
        groups,
        points: before
            .points
            .into_iter()
            .map(point)
            .collect::<Result<_, _>>()?,
        manager_id: before.manager,
    })
}
