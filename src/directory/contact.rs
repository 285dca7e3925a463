//! One person of the directory: found, listed, made, replaced, archived.

mod change;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::Error;
use super::health::Concern;
use super::import::Point as ImportedPoint;
use crate::alert::words::{Category, Language};
use crate::channel::Address;
use crate::clock::Timestamp;
use crate::ids::{ContactId, ContactPointId, GroupId};
use crate::keys::Keys;
use crate::storage::contacts::{self, ContactRow, Filter, PointRow};
use crate::storage::{self, Db};

pub use super::import::PointKind;
pub use change::{archive, create, update};

/// People loaded with one statement per table.
const CHUNK: i64 = 1000;

pub(super) const NOBODY: Error = Error::NotFound("there is no such person in the directory");

/// A person with everything that hangs on the person. Debug shows the id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    /// The key.
    pub id: ContactId,
    /// The organisation's own number for the person.
    pub external_id: Option<String>,
    /// As written in the directory.
    pub name: String,
    /// The language messages are sent in.
    pub language: Language,
    /// What the person is to the organisation.
    pub category: Category,
    /// The person's work; empty if unknown.
    pub role: String,
    /// The building or place; empty if unknown.
    pub site: String,
    /// The department; empty if unknown.
    pub unit: String,
    /// Sorted.
    pub tags: Vec<String>,
    /// Extra columns: an appointment, a room.
    pub fields: BTreeMap<String, String>,
    /// Short names of the groups that list the person, sorted; groups by rule are not among them.
    pub groups: Vec<String>,
    /// By kind and rank.
    pub points: Vec<Point>,
    /// Whom the person reports to.
    pub manager_id: Option<ContactId>,
    /// Since when the person is out of use.
    pub archived_at: Option<Timestamp>,
    /// The entry that this one turned out to be, once two were merged.
    pub merged_into: Option<ContactId>,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// One address of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The key.
    pub id: ContactPointId,
    /// What kind of address.
    pub kind: PointKind,
    /// 1 is tried first among the person's points of one kind.
    pub rank: i32,
    /// E.164 or `local@domain`, in clear; shows itself masked.
    pub address: Address,
    /// Digits to dial after the call is answered; empty for a direct line.
    pub extension: String,
    /// Since when nothing routine may be sent there.
    pub opted_out_at: Option<Timestamp>,
    /// When someone last proved that it reaches the person.
    pub verified_at: Option<Timestamp>,
    /// When a message there last failed for good, and why; none once one has arrived since.
    pub unreachable: Option<(Timestamp, String)>,
}

/// What a person is to become: the whole of it, also on a change.
#[derive(Clone)]
pub struct ContactDraft {
    /// The organisation's own number; nobody else may have it.
    pub external_id: Option<String>,
    /// 1 to 200 characters.
    pub name: String,
    /// The language messages are sent in.
    pub language: Language,
    /// What the person is to the organisation.
    pub category: Category,
    /// Empty if unknown.
    pub role: String,
    /// Empty if unknown.
    pub site: String,
    /// Empty if unknown.
    pub unit: String,
    /// Any order.
    pub tags: Vec<String>,
    /// Extra columns.
    pub fields: BTreeMap<String, String>,
    /// Short names of groups that exist.
    pub groups: Vec<String>,
    /// In the order in which they are tried, kind by kind.
    pub points: Vec<PointDraft>,
    /// Whom the person reports to.
    pub manager_id: Option<ContactId>,
}

/// An address that a person is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointDraft {
    /// What kind of address.
    pub kind: PointKind,
    /// E.164 or `local@domain`.
    pub address: Address,
    /// Empty for a direct line.
    pub extension: String,
}

impl From<ImportedPoint> for PointDraft {
    fn from(point: ImportedPoint) -> Self {
        let extension = point.extension.unwrap_or_default();
        Self {
            kind: point.kind,
            address: point.address,
            extension,
        }
    }
}

/// What an address is looked up by: one key for all spellings of it.
pub fn lookup_text(address: &Address) -> String {
    address.reveal().to_lowercase()
}

/// A page of people and where the next one starts.
#[derive(Clone, Debug)]
pub struct Page {
    /// In the order of their names.
    pub items: Vec<Contact>,
    /// Hand it to [`list`] for the next page; `None` at the end.
    pub next: Option<ContactId>,
}

/// Which people to list; the default is everyone in use.
#[derive(Clone, Default)]
pub struct Wanted {
    /// Part of the name, role, site or unit, in any case (of ASCII letters).
    pub text: Option<String>,
    /// Only this category.
    pub category: Option<Category>,
    /// Only who is in this group: by its list, its rules or the groups inside it.
    pub group: Option<GroupId>,
    /// Only who has this tag.
    pub tag: Option<String>,
    /// Also who is archived.
    pub with_archived: bool,
    /// Only those of whom there is this to mend; a proof before the moment is long ago.
    pub concern: Option<(Concern, Timestamp)>,
}

impl Wanted {
    fn filter(&self) -> Filter {
        let text = self
            .text
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty());
        Filter {
            pattern: text.map(pattern),
            category: self.category,
            group: self.group,
            tag: self.tag.clone(),
            with_archived: self.with_archived,
            concern: self.concern,
        }
    }
}

/// Text anywhere, its own `%` and `_` meant as they are.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// One person, archived or not.
pub async fn find(db: &Db, keys: &Keys, id: ContactId) -> Result<Option<Contact>, Error> {
    let row = contacts::find(db, id).await?;
    Ok(complete(db, keys, row.into_iter().collect()).await?.pop())
}

/// The people of this number or address; several may share one, archived ones are left out.
pub async fn find_by_address(
    db: &Db,
    keys: &Keys,
    address: &Address,
) -> Result<Vec<Contact>, Error> {
    let points = contacts::points_with(db, &keys.lookup(&lookup_text(address))).await?;
    let mut people = Vec::new();
    for point in points {
        if let Some(contact) = find(db, keys, point.contact_id).await?
            && contact.archived_at.is_none()
            && !people.contains(&contact)
        {
            people.push(contact);
        }
    }
    Ok(people)
}

/// Up to `limit` (1 to 1000) people behind the cursor, in the order of their names. Fails with
/// [`Error::NotFound`] if the cursor is nobody.
pub async fn list(
    db: &Db,
    keys: &Keys,
    wanted: &Wanted,
    after: Option<ContactId>,
    limit: i64,
) -> Result<Page, Error> {
    let limit = limit.clamp(1, CHUNK);
    let after = match after {
        None => (String::new(), ContactId(uuid::Uuid::nil())),
        Some(id) => {
            let row = contacts::find(db, id).await?.ok_or(NOBODY)?;
            (row.name, id)
        }
    };
    let mut rows = contacts::page(db, &wanted.filter(), (&after.0, after.1), limit + 1).await?;
    let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if more {
        rows.pop();
    }
    let next = rows.last().filter(|_| more).map(|row| row.id);
    Ok(Page {
        items: complete(db, keys, rows).await?,
        next,
    })
}

/// Everyone, archived people included, in the order of their names: for comparing and exporting.
pub async fn everyone(db: &Db, keys: &Keys) -> Result<Vec<Contact>, Error> {
    let wanted = Wanted {
        with_archived: true,
        ..Wanted::default()
    };
    let mut everyone = Vec::new();
    let mut after = None;
    loop {
        let page = list(db, keys, &wanted, after, CHUNK).await?;
        everyone.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(everyone);
        }
    }
}

/// How many people are in use, by category.
pub async fn counts(db: &Db) -> Result<Vec<(Category, i64)>, Error> {
    Ok(contacts::counts(db).await?)
}

/// Adds tags, groups and points to rows, and opens what is sealed.
async fn complete(db: &Db, keys: &Keys, rows: Vec<ContactRow>) -> Result<Vec<Contact>, Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = contacts::ids_json(rows.iter().map(|row| row.id));
    let mut tags = by_contact(contacts::tags_of(db, &ids).await?);
    let mut groups = by_contact(contacts::groups_of(db, &ids).await?);
    let points = contacts::points_of(db, &ids).await?;
    let mut points = by_contact(points.into_iter().map(|point| (point.contact_id, point)));
    let complete = |row: ContactRow| {
        let points = points.remove(&row.id).unwrap_or_default();
        Ok(Contact {
            id: row.id,
            external_id: row.external_id,
            name: row.name,
            language: row.language,
            category: row.category,
            role: row.role,
            site: row.site,
            unit: row.unit,
            tags: tags.remove(&row.id).unwrap_or_default(),
            fields: open_fields(keys, row.id, row.fields.as_deref())?,
            groups: groups.remove(&row.id).unwrap_or_default(),
            points: points
                .into_iter()
                .map(|p| open_point(keys, p))
                .collect::<Result<_, Error>>()?,
            manager_id: row.manager_id,
            archived_at: row.archived_at,
            merged_into: row.merged_into,
        })
    };
    rows.into_iter().map(complete).collect()
}

fn by_contact<T>(pairs: impl IntoIterator<Item = (ContactId, T)>) -> HashMap<ContactId, Vec<T>> {
    let mut sorted: HashMap<ContactId, Vec<T>> = HashMap::new();
    for (id, value) in pairs {
        sorted.entry(id).or_default().push(value);
    }
    sorted
}

fn open_point(keys: &Keys, row: PointRow) -> Result<Point, Error> {
    Ok(Point {
        id: row.id,
        kind: row.kind,
        rank: row.rank,
        address: Address::new(keys.open_text(row.id.0.as_bytes(), &row.address)?),
        extension: row.extension,
        opted_out_at: row.opted_out_at,
        verified_at: row.verified_at,
        unreachable: row
            .unreachable_at
            .map(|at| (at, row.unreachable_reason.unwrap_or_default())),
    })
}

/// The extra columns of a person, or of a recipient, whose sealed copy is bound to the contact too.
pub fn open_fields(
    keys: &Keys,
    id: ContactId,
    sealed: Option<&[u8]>,
) -> Result<BTreeMap<String, String>, Error> {
    let Some(sealed) = sealed else {
        return Ok(BTreeMap::new());
    };
    let text = keys.open(id.0.as_bytes(), sealed)?;
    Ok(serde_json::from_slice(&text)
        .map_err(|_cause| storage::Error::Broken("sealed fields are no JSON object"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_means_its_own_signs() {
        assert_eq!(pattern("50%_!"), "%50!%!_!!%");
    }

    #[test]
    fn two_spellings_of_one_address_are_looked_up_by_one_key() {
        assert_eq!(
            lookup_text(&Address::new("Ana@Clinic.example")),
            "ana@clinic.example"
        );
        assert_eq!(lookup_text(&Address::new("+41791234567")), "+41791234567");
    }
}
