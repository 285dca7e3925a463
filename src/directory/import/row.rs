//! Reads one row as one person, or says everything that is wrong with it at once.

use std::collections::BTreeMap;

use crate::alert::words::{Category, Language};
use crate::directory::email_address::EmailAddress;
use crate::directory::phone_number::PhoneNumber;
use crate::directory::table::Row;

use super::columns::{Column, Layout};
use super::wording::{self, clean, joined};
use super::{GroupName, ImportedPerson, Note};

/// In characters, not bytes.
const LONGEST_NAME: usize = 200;
const LONGEST_GROUP_OR_TAG: usize = 100;
const LONGEST_CELL: usize = 2_000;
/// What people and programs write where there is nothing to write.
const NOTHING: [&str; 9] = [
    "-", "--", "\u{2013}", "\u{2014}", "n/a", "#n/a", "none", "null", "?",
];

/// What the rows of one file are read by.
pub(super) struct Rules<'r> {
    pub region: &'r str,
    pub default_language: &'r Language,
    pub layout: &'r Layout,
}

/// What one row has said so far.
struct Reading<'r> {
    layout: &'r Layout,
    row: &'r Row,
    reasons: Vec<String>,
    notes: Vec<Note>,
}

impl Rules<'_> {
    /// The person of this row, or every reason against it. Notes of a refused row are dropped.
    pub(super) fn read(
        &self,
        row: &Row,
        notes: &mut Vec<Note>,
    ) -> Result<ImportedPerson, Vec<String>> {
        let mut reading = Reading {
            layout: self.layout,
            row,
            reasons: Vec::new(),
            notes: Vec::new(),
        };
        let person = self.person(&mut reading);
        if !reading.reasons.is_empty() {
            return Err(reading.reasons);
        }
        notes.append(&mut reading.notes);
        Ok(person)
    }

    fn person(&self, reading: &mut Reading<'_>) -> ImportedPerson {
        reading.check_width();
        let name = reading.name();
        let email = reading.contact(&Column::Email, EmailAddress::parse);
        let mobile = reading.contact(&Column::Mobile, |text| {
            PhoneNumber::parse(text, self.region)
        });
        let phone = reading.contact(&Column::Phone, |text| PhoneNumber::parse(text, self.region));
        let category = reading.category();
        let language = reading.language(self.default_language);
        let person = ImportedPerson {
            line: reading.row.line,
            external_id: reading.text(&Column::ExternalId).map(without_float),
            name,
            email,
            mobile,
            phone,
            language_given: language.is_some(),
            language: language.unwrap_or_else(|| self.default_language.clone()),
            category_given: category.is_some(),
            category: category.unwrap_or(Category::Staff),
            role: reading.text(&Column::Role),
            site: reading.text(&Column::Site),
            unit: reading.text(&Column::Unit),
            groups: reading.groups(),
            tags: reading.tags(),
            fields: reading.fields(),
            manager: reading.text(&Column::Manager),
        };
        if person.points().is_empty() && reading.reasons.is_empty() {
            reading
                .refuse("no e-mail address and no phone number: this person could not be reached");
        }
        person
    }
}

impl Reading<'_> {
    fn refuse(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    fn note(&mut self, message: String) {
        self.notes.push(Note {
            line: self.row.line,
            message,
        });
    }

    fn check_width(&mut self) {
        if self.row.cells.len() > self.layout.columns().len() {
            self.refuse(
                "the row has more cells than there are columns: put cells that hold the delimiter in quotation marks",
            );
        }
    }

    /// The cell as written; empty if the row ends before it. An apostrophe that keeps a spreadsheet
    /// from running the cell as a formula, as in our own exports, is not part of it.
    fn raw(&self, index: usize) -> &str {
        let cell = self.row.cells.get(index).map_or("", String::as_str);
        let guarded = cell.strip_prefix('\'');
        let guarded =
            guarded.filter(|text| text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
        guarded.unwrap_or(cell)
    }

    fn index_of(&self, column: &Column) -> Option<usize> {
        self.layout
            .columns()
            .iter()
            .position(|other| other.column == *column)
    }

    fn header(&self, index: usize) -> &str {
        self.layout
            .columns()
            .get(index)
            .map_or("", |column| column.header.as_str())
    }

    fn cleaned(&mut self, index: usize) -> Option<String> {
        let (text, changed) = clean(self.raw(index));
        if text.chars().count() > LONGEST_CELL {
            self.refuse(format!(
                "column \"{}\": longer than 2,000 characters",
                self.header(index)
            ));
        }
        if changed {
            let header = self.header(index);
            self.note(format!(
                "column \"{header}\": line breaks or invisible characters were taken out"
            ));
        }
        (!text.is_empty()).then_some(text)
    }

    fn text(&mut self, column: &Column) -> Option<String> {
        self.index_of(column).and_then(|index| self.cleaned(index))
    }

    fn name(&mut self) -> String {
        let written = self.text(&Column::Name).unwrap_or_default();
        let name = self
            .layout
            .whole_name(&written, |index| clean(self.raw(index)).0);
        if name.is_empty() {
            self.refuse("the name is empty");
        } else if name.chars().count() > LONGEST_NAME {
            self.refuse("the name is longer than 200 characters");
        }
        name
    }

    /// An address that is there but unreadable refuses the row: silence about it would be found out
    /// in the emergency.
    fn contact<T, E: std::fmt::Display>(
        &mut self,
        column: &Column,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let index = self.index_of(column)?;
        let text = self.raw(index).trim();
        if text.is_empty() || NOTHING.contains(&text.to_lowercase().as_str()) {
            return None;
        }
        match parse(text) {
            Ok(address) => Some(address),
            Err(problem) => {
                let reason = format!("column \"{}\": {problem}", self.header(index));
                self.refuse(reason);
                None
            }
        }
    }

    fn category(&mut self) -> Option<Category> {
        let text = self.text(&Column::Category)?;
        let category = wording::category(&text);
        if category.is_none() {
            self.refuse("the category is none of staff, patient, vendor, authority");
        }
        category
    }

    fn language(&mut self, default: &Language) -> Option<Language> {
        let text = self.text(&Column::Language)?;
        let language = wording::language(&text);
        if language.is_none() {
            self.note(format!(
                "the language is not readable as a code such as en or es: {default} is used"
            ));
        }
        language
    }

    fn groups(&mut self) -> Vec<GroupName> {
        let mut groups = Vec::new();
        for title in self.list(&Column::Groups) {
            let name = joined(&title, "-", char::is_alphanumeric);
            if name.is_empty() {
                self.note("a group without letters or digits in its name was left out".to_owned());
            } else {
                groups.push(GroupName { name, title });
            }
        }
        unite_groups(&mut groups, Vec::new());
        groups
    }

    fn tags(&mut self) -> Vec<String> {
        let mut tags = self.list(&Column::Tags);
        unite_tags(&mut tags, Vec::new());
        tags
    }

    /// The parts of a cell between `;` or `|`.
    fn list(&mut self, column: &Column) -> Vec<String> {
        let Some(text) = self.text(column) else {
            return Vec::new();
        };
        let parts: Vec<String> = text
            .split([';', '|'])
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        if parts
            .iter()
            .any(|part| part.chars().count() > LONGEST_GROUP_OR_TAG)
        {
            self.refuse(format!("one of the {column} is longer than 100 characters"));
        }
        parts
    }

    fn fields(&mut self) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        for index in 0..self.layout.columns().len() {
            if let Column::Field(name) = &self.layout.columns()[index].column
                && let Some(text) = self.cleaned(index)
            {
                fields.insert(name.clone(), text);
            }
        }
        fields
    }
}

/// Spreadsheets make `1001.0` of an id that looks like a number.
fn without_float(text: String) -> String {
    match text.strip_suffix(".0") {
        Some(whole) if !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit()) => {
            whole.to_owned()
        }
        _ => text,
    }
}

/// Adds groups; each name once, with the title it came with first; sorted by name.
pub(super) fn unite_groups(groups: &mut Vec<GroupName>, more: Vec<GroupName>) {
    groups.extend(more);
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    groups.dedup_by(|later, earlier| later.name == earlier.name);
}

/// Adds tags; each once whatever its case, as it was written first; sorted.
pub(super) fn unite_tags(tags: &mut Vec<String>, more: Vec<String>) {
    tags.extend(more);
    tags.sort_by_key(|tag| tag.to_lowercase());
    tags.dedup_by(|later, earlier| later.to_lowercase() == earlier.to_lowercase());
}
