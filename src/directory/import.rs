//! Decides what a table of people means for the directory: who is in it, which rows are refused
//! and why, and what would change. Pure: no database, no clock.

mod columns;
mod difference;
mod duplicates;
mod row;
#[cfg(test)]
mod tests;
mod wording;

use std::collections::BTreeMap;
use std::fmt;

use crate::alert::words::{Category, Language, word_enum};
use crate::channel::address::Address;

use super::email_address::EmailAddress;
use super::phone_number::{Line, PhoneNumber};
use super::table::Table;

pub use columns::{Column, FileColumn, Meaning, WrongColumns, wrong_field};
pub use difference::{Change, ChangeKind, ExistingPerson, diff, merge};

word_enum! {
    /// What a contact point is good for.
    PointKind {
        /// A phone that takes texts and calls.
        Mobile = "mobile",
        /// A phone that takes calls.
        Landline = "landline",
        /// A mailbox.
        Email = "email",
    }
}

/// One contact point of a person, in clear. Shows itself masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What it is good for.
    pub kind: PointKind,
    /// E.164 without the extension, or an e-mail address.
    pub address: Address,
    /// Digits to dial after the call is answered.
    pub extension: Option<String>,
}

/// A group as a file names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName {
    /// What commands and rules use: `all-staff`.
    pub name: String,
    /// What people wrote first: `All Staff`.
    pub title: String,
}

/// What commands and rules call a group of this title: `Ärzte / Nacht` is `arzte-nacht`. Empty if the
/// title has neither letter nor digit.
pub fn group_name(title: &str) -> String {
    wording::joined(title, "-", char::is_alphanumeric)
}

/// One person of the file, possibly from several lines. Its `Debug` form shows the line alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedPerson {
    /// The first line of the file that speaks of this person.
    pub line: usize,
    /// What the personnel system calls this person.
    pub external_id: Option<String>,
    /// 1 to 200 characters, without control characters.
    pub name: String,
    /// The column `email`.
    pub email: Option<EmailAddress>,
    /// The column `mobile`, or a mobile number that stood in the column `phone`.
    pub mobile: Option<PhoneNumber>,
    /// The column `phone`, unless its number moved to `mobile`.
    pub phone: Option<PhoneNumber>,
    /// The default if the cell was empty or unreadable; see `language_given`.
    pub language: Language,
    /// Whether the file itself gave the language. Otherwise a known person keeps theirs.
    pub language_given: bool,
    /// Staff if the cell was empty; see `category_given`.
    pub category: Category,
    /// Whether the file itself gave the category. Otherwise a known person keeps theirs.
    pub category_given: bool,
    /// `None` for an empty cell, here and below.
    pub role: Option<String>,
    /// The building or branch.
    pub site: Option<String>,
    /// The ward or department.
    pub unit: Option<String>,
    /// Sorted by name, each once.
    pub groups: Vec<GroupName>,
    /// Sorted, each once whatever its case.
    pub tags: Vec<String>,
    /// Every other column by its normalised name; empty cells are left out.
    pub fields: BTreeMap<String, String>,
    /// The manager's name or external id, as written.
    pub manager: Option<String>,
}

impl ImportedPerson {
    /// The person's contact points: e-mail, mobile, landline. At least one.
    pub fn points(&self) -> Vec<Point> {
        let phone = |kind, number: &PhoneNumber| Point {
            kind,
            address: number.address().clone(),
            extension: number.extension().map(str::to_owned),
        };
        let email = self.email.iter().map(|email| Point {
            kind: PointKind::Email,
            address: email.address().clone(),
            extension: None,
        });
        let mobile = self
            .mobile
            .iter()
            .map(|number| phone(PointKind::Mobile, number));
        let landline = self
            .phone
            .iter()
            .map(|number| phone(PointKind::Landline, number));
        email.chain(mobile).chain(landline).collect()
    }

    fn numbers(&self) -> impl Iterator<Item = &PhoneNumber> {
        self.mobile.iter().chain(&self.phone)
    }
}

impl fmt::Debug for ImportedPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportedPerson(line {})", self.line)
    }
}

/// A row that is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The line of the file, counted from 1.
    pub line: usize,
    /// At least one. Each names the column, never the cell's text.
    pub reasons: Vec<String>,
}

/// Something that was decided for a row that is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The line of the file, counted from 1.
    pub line: usize,
    /// A sentence without the person's name or address.
    pub message: String,
}

/// What a table means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// In the order of the file. Empty if the file has no row, or none that can be used.
    pub people: Vec<ImportedPerson>,
    /// In the order of the file.
    pub rejected: Vec<Rejected>,
    /// In the order of the file.
    pub notes: Vec<Note>,
    /// What each column was read as.
    pub file_columns: Vec<FileColumn>,
    /// What was decided for the file as a whole.
    pub file_notes: Vec<String>,
}

/// Reads people out of a table. `region` (`CH`) is at home for numbers without a country code;
/// `default_language` goes to people whose row names none. Refused as a whole if the columns
/// cannot be a directory's, or the region is no country.
pub fn parse(
    table: &Table,
    region: &str,
    default_language: &Language,
) -> Result<Parsed, WrongColumns> {
    parse_as(table, &[], region, default_language)
}

/// The same, with what a person said of each column, in their order; of the others their names say it.
pub fn parse_as(
    table: &Table,
    said: &[Meaning],
    region: &str,
    default_language: &Language,
) -> Result<Parsed, WrongColumns> {
    if !PhoneNumber::is_region(region) {
        return Err(WrongColumns::Region(region.to_owned()));
    }
    let layout = columns::Layout::find(&table.headers, said)?;
    let rules = row::Rules {
        region,
        default_language,
        layout: &layout,
    };
    let mut people = Vec::with_capacity(table.rows.len());
    let mut rejected = Vec::new();
    let mut notes = Vec::new();
    for row in &table.rows {
        match rules.read(row, &mut notes) {
            Ok(person) => people.push(person),
            Err(reasons) => rejected.push(Rejected {
                line: row.line,
                reasons,
            }),
        }
    }
    let mut people = duplicates::merge(people, &mut notes);
    let mut file_notes = Vec::new();
    let moved = settle_lines(&mut people, layout.has(&Column::Mobile), &mut notes);
    if moved > 0 {
        file_notes.push(format!(
            "the file has no mobile column: {moved} numbers of the column \"phone\" that may be mobile are used for texts too"
        ));
    }
    duplicates::note_shared_points(&people, &mut notes);
    notes.sort_by_key(|note| note.line);
    Ok(Parsed {
        people,
        rejected,
        notes,
        file_columns: layout.into_file_columns(),
        file_notes,
    })
}

/// Puts numbers where their line is useful. Returns how many moved on the strength of the file having
/// no mobile column: in North America no plan tells mobile from landline.
fn settle_lines(
    people: &mut [ImportedPerson],
    has_mobile_column: bool,
    notes: &mut Vec<Note>,
) -> usize {
    let mut moved = 0;
    for person in people {
        if person
            .mobile
            .as_ref()
            .is_some_and(|number| number.line() == Line::Landline)
        {
            let message =
                "the mobile number looks like a landline: texts may not arrive".to_owned();
            notes.push(Note {
                line: person.line,
                message,
            });
        }
        let same = person.mobile.is_some() && person.mobile == person.phone;
        let line = person.phone.as_ref().map(PhoneNumber::line);
        let may_be_mobile = line == Some(Line::Unknown) && !has_mobile_column;
        if same {
            person.phone = None;
        } else if person.mobile.is_none() && (line == Some(Line::Mobile) || may_be_mobile) {
            person.mobile = person.phone.take();
            moved += usize::from(may_be_mobile);
        }
    }
    moved
}
