//! Writes the whole directory as CSV, in the columns that an import reads back.
//!
//! A cell that a spreadsheet would run as a formula begins with an apostrophe, phone numbers
//! included (OWASP ASVS 1.2.10); an import takes the apostrophe away again.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use futures::FutureExt;
use serde_json::json;

use super::Error;
use super::contact::{self, Contact, PointKind};
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::ContactId;
use crate::keys::Keys;
use crate::storage::{self, Db};

/// The columns that every export has, in the order of the contract, and two more.
const COLUMNS: [&str; 13] = [
    "name",
    "email",
    "mobile",
    "phone",
    "language",
    "category",
    "role",
    "site",
    "unit",
    "groups",
    "tags",
    "external_id",
    "manager",
];

/// Everyone in use, one line each, as UTF-8 without a byte-order mark; the first point of each kind.
/// Leaves an entry in the audit chain: this is the whole directory in clear.
pub async fn export_csv(
    db: &Db,
    keys: &Keys,
    now: Timestamp,
    actor: &Actor,
) -> Result<Vec<u8>, Error> {
    let mut people = contact::everyone(db, keys).await?;
    people.retain(|contact| contact.archived_at.is_none());
    let detail = json!({"contacts": people.len()});
    let actor = actor.clone();
    db.write("export contacts", move |tx| {
        async move { audit::append(tx, now, &actor, "contact.export", "directory", &detail).await }
            .boxed()
    })
    .await?;
    Ok(csv_of(&people)?)
}

/// The same from people in hand. Pure.
pub fn csv_of(people: &[Contact]) -> Result<Vec<u8>, storage::Error> {
    let broken = storage::Error::Broken("a table in memory could not be written");
    let extra: BTreeSet<&str> = people
        .iter()
        .flat_map(|contact| contact.fields.keys().map(String::as_str))
        .collect();
    let names: HashMap<ContactId, &Contact> =
        people.iter().map(|contact| (contact.id, contact)).collect();
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(vec![]);
    let header = COLUMNS.iter().copied().chain(extra.iter().copied());
    let header = header.map(|name| safe_cell(name).into_owned());
    if writer.write_record(header).is_err() {
        return Err(broken);
    }
    for contact in people {
        let manager = contact.manager_id.and_then(|id| names.get(&id));
        let cells = cells(contact, manager.copied());
        let own = extra
            .iter()
            .map(|field| contact.fields.get(*field).map_or("", String::as_str));
        let record = cells.iter().map(AsRef::as_ref).chain(own).map(safe_cell);
        if writer.write_record(record.map(Cow::into_owned)).is_err() {
            return Err(broken);
        }
    }
    writer.into_inner().map_err(|_cause| broken)
}

fn cells<'a>(contact: &'a Contact, manager: Option<&'a Contact>) -> [Cow<'a, str>; 13] {
    let first = |kind: PointKind| {
        let point = contact.points.iter().find(|point| point.kind == kind);
        point.map_or(Cow::Borrowed(""), |point| match point.extension.as_str() {
            "" => Cow::Owned(point.address.reveal().to_owned()),
            extension => Cow::Owned(format!("{} ext {extension}", point.address.reveal())),
        })
    };
    let manager = manager.map_or("", |m| m.external_id.as_deref().unwrap_or(&m.name));
    [
        Cow::Borrowed(contact.name.as_str()),
        first(PointKind::Email),
        first(PointKind::Mobile),
        first(PointKind::Landline),
        Cow::Borrowed(contact.language.as_str()),
        Cow::Borrowed(contact.category.word()),
        Cow::Borrowed(&contact.role),
        Cow::Borrowed(&contact.site),
        Cow::Borrowed(&contact.unit),
        Cow::Owned(contact.groups.join(";")),
        Cow::Owned(contact.tags.join(";")),
        Cow::Borrowed(contact.external_id.as_deref().unwrap_or_default()),
        Cow::Owned(manager.to_owned()),
    ]
}

/// The cell as text for every spreadsheet: one that would be run as a formula begins with an
/// apostrophe. Every table that leaves the house is written with it.
pub fn safe_cell(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_an_export_runs_as_a_formula() {
        assert_eq!(
            safe_cell("=HYPERLINK(\"http://evil\")"),
            "'=HYPERLINK(\"http://evil\")"
        );
        assert_eq!(safe_cell("+41791234567"), "'+41791234567");
        assert_eq!(safe_cell("@SUM(A1)"), "'@SUM(A1)");
        for beginning in ['-', '\t', '\r', '\n', '\0'] {
            let cell = format!("{beginning}x");
            assert_eq!(safe_cell(&cell), format!("'{beginning}x"));
        }
        assert_eq!(safe_cell("Ana Cruz"), "Ana Cruz");
    }

    #[test]
    fn an_empty_directory_is_a_header() {
        let text = String::from_utf8(csv_of(&[]).unwrap()).unwrap();
        assert_eq!(
            text,
            "name,email,mobile,phone,language,category,role,site,unit,groups,tags,external_id,manager\r\n"
        );
    }
}
