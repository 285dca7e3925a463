//! Named sets of people: by list, by rule, made of other sets, or all three at once.

use futures::FutureExt;
use serde_json::json;

use super::contact::{self, Page, Wanted};
use super::import::group_name;
use super::{Error, refuse_strangers, refused, tidy};
use crate::alert::words::{Category, word_enum};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::{ContactId, GroupId};
use crate::keys::Keys;
use crate::keys::hex;
use crate::storage::contacts::set_revision;
use crate::storage::groups::{self, CountedRow, GroupRow, MemberSave};
use crate::storage::{Db, Tx};

word_enum! {
    /// What a rule looks at.
    RuleField {
        /// What the person is to the organisation.
        Category = "category",
        /// The person's work.
        Role = "role",
        /// The building or place.
        Site = "site",
        /// The department.
        Unit = "unit",
        /// One of the person's tags.
        Tag = "tag",
    }
}

/// One rule. A person belongs to a group by rule if, for every field it has rules on, one value
/// matches, in any case (of ASCII letters).
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Rule {
    /// What it looks at.
    pub field: RuleField,
    /// What that must be.
    pub value: String,
}

/// A group with what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The key.
    pub id: GroupId,
    /// The short name, as scripts write it: `all-staff`.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Short names of the groups in it, sorted.
    pub parts: Vec<String>,
    /// Sorted.
    pub rules: Vec<Rule>,
}

/// What a group is to become. What is `None` stays as it was; in a new group it is empty.
#[derive(Clone, Debug, Default)]
pub struct GroupDraft {
    /// What people read; the short name is made from it where none is given.
    pub title: String,
    /// The short name; small letters, digits and hyphens.
    pub name: Option<String>,
    /// Exactly these people are on its list.
    pub members: Option<Vec<ContactId>>,
    /// Exactly these groups, by short name, are in it.
    pub parts: Option<Vec<String>>,
    /// Exactly these rules.
    pub rules: Option<Vec<Rule>>,
}

/// Every group with how many people are in it now, by short name.
pub async fn list(db: &Db) -> Result<Vec<CountedRow>, Error> {
    Ok(groups::list(db).await?)
}

/// One group by its short name.
pub async fn find_by_name(db: &Db, name: &str) -> Result<Option<Group>, Error> {
    match groups::find_by_name(db, name).await? {
        Some(row) => Ok(Some(complete(db, row).await?)),
        None => Ok(None),
    }
}

/// One group by its key.
pub async fn find(db: &Db, id: GroupId) -> Result<Option<Group>, Error> {
    match groups::find(db, id).await? {
        Some(row) => Ok(Some(complete(db, row).await?)),
        None => Ok(None),
    }
}

async fn complete(db: &Db, row: GroupRow) -> Result<Group, Error> {
    let parts = groups::parts_of(db, row.id).await?;
    let rules = groups::rules_of(db, row.id).await?;
    Ok(Group {
        id: row.id,
        name: row.name,
        title: row.title,
        parts: parts.into_iter().map(|part| part.name).collect(),
        rules: rules
            .into_iter()
            .map(|(field, value)| Rule { field, value })
            .collect(),
    })
}

/// A page of the people in a group, each once, however they belong to it.
pub async fn members(
    db: &Db,
    keys: &Keys,
    id: GroupId,
    after: Option<ContactId>,
    limit: i64,
) -> Result<Page, Error> {
    let wanted = Wanted {
        group: Some(id),
        ..Wanted::default()
    };
    contact::list(db, keys, &wanted, after, limit).await
}

/// Makes a group. Refuses a name that is taken or no name, unknown groups and rules that can match
/// nobody.
pub async fn create(
    db: &Db,
    draft: GroupDraft,
    now: Timestamp,
    actor: &Actor,
) -> Result<Group, Error> {
    save(db, GroupId::new(), draft, "group.create", now, actor).await
}

/// Changes a group to what the draft says.
pub async fn update(
    db: &Db,
    id: GroupId,
    draft: GroupDraft,
    now: Timestamp,
    actor: &Actor,
) -> Result<Group, Error> {
    if groups::find(db, id).await?.is_none() {
        return Err(NO_GROUP);
    }
    save(db, id, draft, "group.update", now, actor).await
}

/// Deletes a group; its people stay in the directory.
pub async fn delete(db: &Db, id: GroupId, now: Timestamp, actor: &Actor) -> Result<(), Error> {
    let actor = actor.clone();
    db.write("delete a group", move |tx| {
        async move {
            let group = groups::find(&mut *tx, id).await?.ok_or(NO_GROUP)?;
            let detail = json!({"id": id});
            audit::append(tx, now, &actor, "group.delete", &group.name, &detail).await?;
            groups::delete(tx, id).await?;
            Ok(set_revision(tx, &GroupId::new().to_string()).await?)
        }
        .boxed()
    })
    .await
}

const NO_GROUP: Error = Error::NotFound("there is no such group");

async fn save(
    db: &Db,
    id: GroupId,
    draft: GroupDraft,
    action: &'static str,
    now: Timestamp,
    actor: &Actor,
) -> Result<Group, Error> {
    let (name, title) = check(&draft)?;
    let actor = actor.clone();
    db.write("save a group", move |tx| {
        async move {
            let detail = json!({
                "id": id, "members": draft.members.as_ref().map(Vec::len),
                "parts": draft.parts, "rules": draft.rules.as_ref().map(Vec::len),
            });
            audit::append(tx, now, &actor, action, &name, &detail).await?;
            let other = groups::find_by_name(&mut *tx, &name).await?;
            if other.is_some_and(|other| other.id != id) {
                let sentence = format!("there is a group \"{name}\" already");
                return Err(refused("name", sentence));
            }
            groups::save(tx, id, &name, &title, now).await?;
            replace_members(tx, id, draft.members).await?;
            replace_parts(tx, id, draft.parts).await?;
            if let Some(rules) = draft.rules {
                groups::delete_rules(tx, id).await?;
                for rule in rules {
                    groups::add_rule(tx, id, rule.field, &tidy(&rule.value)).await?;
                }
            }
            Ok(set_revision(tx, &GroupId::new().to_string()).await?)
        }
        .boxed()
    })
    .await?;
    find(db, id).await?.ok_or(NO_GROUP)
}

fn check(draft: &GroupDraft) -> Result<(String, String), Error> {
    let title = tidy(&draft.title);
    let name = match &draft.name {
        Some(name) => name.trim().to_owned(),
        None => group_name(&title),
    };
    if name.is_empty() || name.chars().count() > 100 || name != group_name(&name) {
        return Err(refused(
            "name",
            "give the group a name of small letters, digits and hyphens",
        ));
    }
    for rule in draft.rules.iter().flatten() {
        if tidy(&rule.value).is_empty() {
            let sentence = format!("the rule on \"{}\" has no value", rule.field);
            return Err(refused("rules", sentence));
        }
        if rule.field == RuleField::Category {
            let parsed = rule.value.parse::<Category>();
            parsed.map_err(|sentence| refused("rules", sentence))?;
        }
    }
    Ok((name.clone(), if title.is_empty() { name } else { title }))
}

async fn replace_members(
    tx: &mut Tx,
    id: GroupId,
    members: Option<Vec<ContactId>>,
) -> Result<(), Error> {
    let Some(mut members) = members else {
        return Ok(());
    };
    members.sort();
    members.dedup();
    refuse_strangers(tx, "members", &members).await?;
    groups::delete_members(tx, id).await?;
    for members in members.chunks(1000) {
        let rows: Vec<MemberSave> = members
            .iter()
            .map(|contact| MemberSave {
                group_id: hex(id.0.as_bytes()),
                contact_id: hex(contact.0.as_bytes()),
            })
            .collect();
        groups::add_members(tx, &rows).await?;
    }
    Ok(())
}

async fn replace_parts(tx: &mut Tx, id: GroupId, parts: Option<Vec<String>>) -> Result<(), Error> {
    let Some(parts) = parts else { return Ok(()) };
    groups::delete_parts(tx, id).await?;
    let known = groups::list_named(&mut *tx, &parts).await?;
    for name in &parts {
        let part = known.iter().find(|row| &row.name == name);
        let unknown = || refused("parts", format!("there is no group \"{name}\""));
        let part = part.ok_or_else(unknown)?;
        groups::add_part(tx, id, part.id).await?;
    }
    if groups::contains_itself(tx, id).await? {
        return Err(refused(
            "parts",
            "a group cannot be inside itself, directly or through another",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_makes_the_name_that_an_import_would() {
        let titled = |title: &str| GroupDraft {
            title: title.to_owned(),
            ..GroupDraft::default()
        };
        assert_eq!(check(&titled("  All Staff! ")).unwrap().0, "all-staff");
        assert_eq!(check(&titled("Ärzte / Nacht")).unwrap().0, "arzte-nacht");
        assert!(check(&titled("***")).is_err());
        let named = GroupDraft {
            name: Some("Night Shift".to_owned()),
            ..GroupDraft::default()
        };
        assert!(check(&named).is_err());
    }

    #[test]
    fn a_rule_that_can_match_nobody_is_refused() {
        let rule = |value: &str| GroupDraft {
            title: "Guests".to_owned(),
            rules: Some(vec![Rule {
                field: RuleField::Category,
                value: value.to_owned(),
            }]),
            ..GroupDraft::default()
        };
        assert!(check(&rule("staff")).is_ok());
        assert!(
            check(&rule("visitors"))
                .unwrap_err()
                .to_string()
                .contains("patient")
        );
    }
}
