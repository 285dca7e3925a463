//! Reads vCards (2.1, 3.0 and 4.0) as a table with one row for each card. What a directory has no use
//! for, such as photographs and birthdays, is left out.

mod line;

use super::{Form, MOST_ROWS, NotATable, Row, Table};
use crate::directory::csv_file;
use line::Property;

/// The columns that a card can fill, by the names that an import understands. The last ones are kept
/// with the person: a card may hold more numbers than are used.
const COLUMNS: [&str; 11] = [
    "name",
    "email",
    "mobile",
    "phone",
    "language",
    "role",
    "unit",
    "tags",
    "organisation",
    "further phones",
    "further addresses",
];

/// Whether a file begins with a card.
pub(super) fn begin(bytes: &[u8]) -> bool {
    let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = body.trim_ascii_start().get(..11);
    start.is_some_and(|start| start.eq_ignore_ascii_case(b"BEGIN:VCARD"))
}

pub(super) fn read(bytes: &[u8]) -> Result<Table, NotATable> {
    let (text, _encoding) = csv_file::decode(bytes)?;
    let mut rows = Vec::new();
    let mut open: Option<(usize, Card)> = None;
    for (number, written) in line::unfold(&text) {
        let Some(property) = Property::read(&written) else {
            continue;
        };
        match (property.name.as_str(), &mut open) {
            ("BEGIN", None) => open = Some((number, Card::default())),
            // A card within a card, such as an assistant's, is not a person of its own.
            ("BEGIN", Some((_, card))) => card.inside += 1,
            ("END", Some((_, card))) if card.inside > 0 => card.inside -= 1,
            ("END", Some(_)) => {
                if rows.len() == MOST_ROWS {
                    return Err(NotATable::TooManyRows);
                }
                rows.extend(open.take().map(|(line, card)| Row {
                    line,
                    cells: card.cells(),
                }));
            }
            (_, Some((_, card))) if card.inside == 0 => card.add(&property),
            _ => {}
        }
    }
    match open {
        Some((line, _)) => Err(NotATable::OpenCard { line }),
        None => Ok(Table {
            headers: COLUMNS.map(str::to_owned).to_vec(),
            rows,
            form: Form::Cards,
        }),
    }
}

/// What one card has said so far.
#[derive(Default)]
struct Card {
    full_name: String,
    /// Given and family name, for a card without a full name.
    name: String,
    emails: Vec<String>,
    mobiles: Vec<String>,
    phones: Vec<String>,
    language: String,
    role: String,
    organisation: String,
    unit: String,
    tags: Vec<String>,
    /// Cards that are open inside it.
    inside: usize,
}

impl Card {
    fn add(&mut self, property: &Property) {
        let text = property.text();
        match property.name.as_str() {
            "FN" => self.full_name = text,
            "N" => {
                let parts = property.parts(';');
                let part = |index: usize| parts.get(index).map_or("", |part| part.trim());
                self.name = format!("{} {}", part(1), part(0));
            }
            "EMAIL" => keep(&mut self.emails, text, property),
            "TEL" => {
                // Version 4 writes numbers as addresses: tel:+41-44-668-18-00.
                let number = text.strip_prefix("tel:").unwrap_or(&text).to_owned();
                if property.is_a("cell") {
                    keep(&mut self.mobiles, number, property);
                } else if !property.is_a("fax") && !property.is_a("pager") {
                    keep(&mut self.phones, number, property);
                }
            }
            "LANG" => self.language = text,
            "TITLE" => self.role = text,
            "ROLE" if self.role.is_empty() => self.role = text,
            "ORG" => {
                let mut parts = property.parts(';').into_iter();
                self.organisation = parts.next().unwrap_or_default();
                self.unit = parts.next().unwrap_or_default();
            }
            "CATEGORIES" => self.tags.extend(property.parts(',')),
            _ => {}
        }
    }

    fn cells(self) -> Vec<String> {
        let (email, emails) = first_and_rest(self.emails);
        let (mobile, mobiles) = first_and_rest(self.mobiles);
        let (phone, phones) = first_and_rest(self.phones);
        let name = if self.full_name.trim().is_empty() {
            self.name
        } else {
            self.full_name
        };
        let further = mobiles.into_iter().chain(phones);
        vec![
            name,
            email,
            mobile,
            phone,
            self.language,
            self.role,
            self.unit,
            self.tags.join(";"),
            self.organisation,
            further.collect::<Vec<_>>().join(", "),
            emails.join(", "),
        ]
    }
}

/// Keeps an address; the one that the person prefers comes first.
fn keep(list: &mut Vec<String>, text: String, property: &Property) {
    if text.trim().is_empty() {
    } else if property.is_preferred() {
        list.insert(0, text);
    } else {
        list.push(text);
    }
}

fn first_and_rest(list: Vec<String>) -> (String, Vec<String>) {
    let mut list = list.into_iter();
    (list.next().unwrap_or_default(), list.collect())
}
