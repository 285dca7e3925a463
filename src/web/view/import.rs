//! Importing people: pick a file, read what would change, apply.

use askama::Template;

use super::{Act, Choice, Frame, Link, Notice, Tone};

/// `/people/import`: pick a file.
#[derive(Clone, Debug, Template)]
#[template(path = "import.html")]
pub struct ImportStart {
    /// What surrounds the page.
    pub page: Frame,
    /// Where the file is posted to; the field is `file`.
    pub action: String,
    /// Why the last file was refused; none at first.
    pub refused: Option<Notice>,
    /// The columns that are understood.
    pub columns: Vec<String>,
    /// The import before, while it can be undone.
    pub newest: Option<Newest>,
}

/// The newest import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// "22 November 2026, 14:02:07 EST by rosa: 12 people added, ...".
    pub said: String,
    /// To take it back.
    pub undo: Act,
}

/// What undoing an import did.
#[derive(Clone, Debug, Template)]
#[template(path = "import_undone.html")]
pub struct ImportUndone {
    /// What surrounds the page.
    pub page: Frame,
    /// "3 people as before the import. 12 people ...".
    pub said: String,
    /// Where to go on.
    pub next: Vec<Link>,
}

/// What would happen if the file were applied. Nothing has changed yet.
#[derive(Clone, Debug, Template)]
#[template(path = "import_preview.html")]
pub struct ImportPreview {
    /// What surrounds the page.
    pub page: Frame,
    /// "staff.csv".
    pub file: String,
    /// "Read as UTF-8 with a semicolon between columns. 172 rows."
    pub reading: String,
    /// Where to say what the columns mean.
    pub columns: String,
    /// People who are not in the directory yet.
    pub new: u64,
    /// People whose entry changes.
    pub changed: u64,
    /// People whose entry stays as it is.
    pub unchanged: u64,
    /// Rows that cannot be used.
    pub rejected: u64,
    /// Things to know about the file as a whole.
    pub remarks: Vec<Notice>,
    /// The rows: rejected first, then changed, then new; unchanged ones are left out.
    pub rows: Vec<ImportRow>,
    /// How many rows are not shown; zero for none.
    pub hidden_rows: u64,
    /// Whether nobody is new and nothing changed.
    pub is_same: bool,
    /// Where "Apply" posts to.
    pub action: String,
    /// People of the file's categories who are not in it; the first of them.
    pub absent: Vec<Link>,
    /// How many more there are.
    pub hidden_absent: u64,
    /// Why they cannot be taken out of use by this file, as a sentence; none if they can.
    pub absent_stay: Option<String>,
}

impl ImportPreview {
    /// The button: "Apply: add 12 people, change 3".
    pub fn button(&self) -> String {
        match (self.new, self.changed) {
            (new, 0) => format!("Apply: add {}", super::people(new)),
            (0, changed) => format!("Apply: change {}", super::people(changed)),
            (new, changed) => format!("Apply: add {}, change {changed}", super::people(new)),
        }
    }

    /// How many people are not in the file.
    pub fn missing(&self) -> u64 {
        self.absent.len() as u64 + self.hidden_absent
    }

    /// The other button: "Apply, and take 3 people out of use".
    pub fn button_out(&self) -> String {
        let people = super::people(self.missing());
        if self.is_same {
            format!("Take {people} out of use")
        } else {
            format!("Apply, and take {people} out of use")
        }
    }
}

/// `/people/import/ID/columns`: what each column of the file means.
#[derive(Clone, Debug, Template)]
#[template(path = "import_columns.html")]
pub struct ImportColumns {
    /// What surrounds the page.
    pub page: Frame,
    /// "staff.csv".
    pub file: String,
    /// Why the columns cannot be used as they are; none if they can.
    pub refused: Option<Notice>,
    /// Where the choices are posted to.
    pub action: String,
    /// The columns in the file's order.
    pub rows: Vec<ColumnRow>,
}

/// One column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnRow {
    /// The form's name of the choice.
    pub name: String,
    /// What the file calls it; "column 3" if it has no name.
    pub header: String,
    /// Its first cells: "Ana Cruz · Ben Diaz".
    pub samples: String,
    /// What it can mean.
    pub choices: Vec<Choice>,
}

/// What applying a file did.
#[derive(Clone, Debug, Template)]
#[template(path = "import_done.html")]
pub struct ImportDone {
    /// What surrounds the page.
    pub page: Frame,
    /// "staff.csv".
    pub file: String,
    /// "12 people added, 3 people changed, 25 people as before."
    pub said: String,
    /// The rows that were left out, with how to mend them.
    pub rejected: Vec<ImportRow>,
    /// Where to go on.
    pub next: Vec<Link>,
    /// To take it back, while that can be done.
    pub undo: Option<Act>,
}

/// One row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// Its line in the file, the heading being line 1.
    pub line: u64,
    /// The name in it; empty when there is none.
    pub name: String,
    /// "new", "changed", "rejected".
    pub what: &'static str,
    /// How that is meant.
    pub tone: Tone,
    /// What changes, or why it is rejected and how to mend it.
    pub detail: String,
}
