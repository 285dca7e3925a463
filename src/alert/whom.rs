//! Whom an alert goes to: chosen by name, frozen at the launch, and refused where somebody would get
//! half a message.

use std::collections::{BTreeMap, BTreeSet};

use super::Refusal;
use super::launch::{LaunchRequest, New};
use crate::app::App;
use crate::call_out;
use crate::ids::{AlertNumber, ContactId};
use crate::keys::Keys;
use crate::storage::alerts::Alert;
use crate::storage::audience::{self, Selection};
use crate::storage::{Error, Tx};
use crate::template::{Template, VariableKind};

/// Whose recipients it will have.
pub(super) enum Whom {
    /// The people of groups, and picked ones.
    Selected(Selection),
    /// Everyone whom the thread has contacted; with those it is about to, if told so.
    Contacted { and_waiting: bool },
}

/// Turns names into ids; fails closed on anything that does not exist.
pub(super) async fn select(app: &App, request: &LaunchRequest) -> Result<Selection, Refusal> {
    if request.groups.is_empty() && request.contacts.is_empty() {
        return Err(Refusal::NoAudience);
    }
    selection(app, &request.groups, &request.contacts).await
}

/// Turns names into ids; fails closed on anything that does not exist. Empty lists are fine here.
pub async fn selection(
    app: &App,
    groups: &[String],
    contacts: &[ContactId],
) -> Result<Selection, Refusal> {
    let found = audience::group_ids(&app.db, groups).await?;
    let names: BTreeSet<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let unknown: Vec<String> = groups
        .iter()
        .filter(|name| !names.contains(name.as_str()))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(Refusal::UnknownGroups(unknown));
    }
    let picked: BTreeSet<ContactId> = contacts.iter().copied().collect();
    if !picked.is_empty() {
        let known = audience::known_contacts(&app.db, contacts).await?;
        let known: BTreeSet<ContactId> = known.into_iter().map(|(id,)| id).collect();
        let unknown: Vec<ContactId> = picked.difference(&known).copied().collect();
        if !unknown.is_empty() {
            return Err(Refusal::UnknownContacts(unknown));
        }
    }
    Ok(Selection {
        groups: found.into_iter().map(|(_, id)| id).collect(),
        contacts: picked.into_iter().collect(),
    })
}

/// Freezes the audience, and answers how many people it has. Refuses one that is empty, out of range,
/// or lacks a value that the text needs for each person.
pub(super) async fn freeze(
    tx: &mut Tx,
    new: &New,
    alert: &Alert,
    whom: &Whom,
    keys: &Keys,
) -> Result<u64, Refusal> {
    let people = match whom {
        Whom::Selected(selection) if new.call_out.is_some() => {
            freeze_in_turn(tx, alert, selection).await?
        }
        Whom::Selected(selection) => audience::freeze(tx, alert.number, selection).await?,
        Whom::Contacted { and_waiting } => {
            audience::freeze_contacted(tx, alert.number, alert.thread, *and_waiting).await?
        }
    };
    check_audience(new, whom, people)?;
    if let Whom::Selected(selection) = whom {
        audience::freeze_groups(tx, alert.number, selection).await?;
    }
    check_own_fields(tx, &new.template, alert.number, keys).await?;
    Ok(people)
}

/// Freezes the selection in the order in which a call-out asks.
async fn freeze_in_turn(tx: &mut Tx, alert: &Alert, whom: &Selection) -> Result<u64, Error> {
    let since = alert.launched_at.before(call_out::REMEMBERED);
    let candidates = audience::candidates(&mut *tx, whom, alert.mode, since).await?;
    let people = call_out::fair_order(candidates, alert.id);
    audience::freeze_ordered(tx, alert.number, &people).await
}

fn check_audience(new: &New, whom: &Whom, people: u64) -> Result<(), Refusal> {
    match whom {
        _ if people > 0 => {}
        Whom::Selected(_) => return Err(Refusal::EmptyAudience(new.asked.groups.clone())),
        Whom::Contacted { .. } => return Err(Refusal::NobodyContacted),
    }
    match new.template.expected {
        Some(expected) if !(expected.min..=expected.max).contains(&people) => {
            Err(Refusal::OutsideExpected {
                template: new.template.name.clone(),
                people,
                min: expected.min,
                max: expected.max,
            })
        }
        _ => Ok(()),
    }
}

/// A text that says "your appointment at  moves" is worse than a refusal.
async fn check_own_fields(
    tx: &mut Tx,
    template: &Template,
    alert: AlertNumber,
    keys: &Keys,
) -> Result<(), Refusal> {
    let required: Vec<&str> = template
        .variables
        .iter()
        .filter(|variable| variable.kind == VariableKind::Person && variable.required)
        .map(|variable| variable.name.as_str())
        .collect();
    if required.is_empty() {
        return Ok(());
    }
    let people = audience::own_fields(tx, alert).await?;
    for field in required {
        let lacking: Vec<_> = people
            .iter()
            .filter(|person| {
                let own = own_fields(keys, person.contact_id, person.fields.as_deref());
                own.get(field).is_none_or(|value| value.trim().is_empty())
            })
            .collect();
        if let Some(first) = lacking.first() {
            return Err(Refusal::MissingField {
                field: field.to_owned(),
                people: lacking.len(),
                example: first.name.clone(),
            });
        }
    }
    Ok(())
}

/// A person's own fields in clear; none if they have none or the seal is broken.
pub fn own_fields(
    keys: &Keys,
    contact: ContactId,
    sealed: Option<&[u8]>,
) -> BTreeMap<String, String> {
    sealed
        .and_then(|sealed| keys.open(contact.0.as_bytes(), sealed).ok())
        .and_then(|clear| serde_json::from_slice(&clear).ok())
        .unwrap_or_default()
}
