//! A table of people as a file brings it: CSV of any kind, an Excel workbook, or vCards. Knows nothing
//! about people but the names of a card's columns.

mod cards;
#[cfg(test)]
mod tests;
mod workbook;

use std::fmt;

use super::csv_file::{self, Encoding};

/// The largest file, in bytes: far above any directory's size, far below the memory.
pub const LARGEST_FILE: usize = 20_000_000;
/// The most rows below the header.
pub const MOST_ROWS: usize = 200_000;
/// The most columns. Without a limit a file of delimiters alone would fill the memory.
pub const MOST_COLUMNS: usize = 256;

/// A header line and the rows below it. Its `Debug` form shows counts, never cells.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    /// The first line that is not empty, trimmed.
    pub headers: Vec<String>,
    /// Every later line that holds something. None is fine: a directory can be empty.
    pub rows: Vec<Row>,
    /// What the file was read as.
    pub form: Form,
}

/// What kind of file a table comes from. Shown, it ends the sentence "Read as …".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines of text.
    Csv {
        /// What the bytes were read as.
        encoding: Encoding,
        /// What stood between the cells of the header line.
        delimiter: char,
    },
    /// One sheet of an Excel workbook: the first visible one that holds something.
    Workbook {
        /// Its name.
        sheet: String,
        /// How many other visible sheets there are, none of which was read.
        others: usize,
    },
    /// vCards, one person each.
    Cards,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Csv {
                encoding,
                delimiter,
            } => {
                let between = match delimiter {
                    ',' => "a comma",
                    ';' => "a semicolon",
                    '\t' => "a tab",
                    _ => "a bar",
                };
                write!(f, "{encoding} with {between} between columns")
            }
            Self::Workbook { sheet, others: 0 } => {
                write!(f, "an Excel workbook, sheet “{sheet}”")
            }
            Self::Workbook { sheet, others } => write!(
                f,
                "an Excel workbook, sheet “{sheet}” alone: its other sheets ({others}) were not read"
            ),
            Self::Cards => f.write_str("vCards"),
        }
    }
}

/// One row. May have fewer cells than there are headers (the rest is empty) or **one** more: then
/// the file had more, and somebody's cells have slipped to the side.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file on which the row starts, counted from 1 as editors and spreadsheets do.
    pub line: usize,
    /// The cells as written, not trimmed.
    pub cells: Vec<String>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("headers", &self.headers.len())
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row(line {}, {} cells)", self.line, self.cells.len())
    }
}

/// Why a file is refused as a whole: a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATable {
    /// No bytes, or blank lines only.
    #[error("the file is empty: it needs a line of column names, such as name,email,mobile")]
    Empty,
    /// Over [`LARGEST_FILE`], or a workbook that would be far over it once unpacked.
    #[error("the file is larger than 20 MB: split it into several files")]
    TooLarge,
    /// Over [`MOST_ROWS`].
    #[error("the file has more than 200,000 rows: split it into several files")]
    TooManyRows,
    /// Over [`MOST_COLUMNS`].
    #[error("the file has more than 256 columns: delete the ones that are not about people")]
    TooManyColumns,
    /// A file of another kind, recognised.
    #[error("this is {what}, not a list of people: {remedy}")]
    OtherKind {
        /// The kind, with its article.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A packed file that is no workbook, or a damaged one.
    #[error(
        "this is not an Excel workbook that can be read: open it, save it as .xlsx or as CSV (UTF-8) and try again"
    )]
    NoWorkbook,
    /// Not text at all.
    #[error("this is not a text file: save the table as CSV (UTF-8) and try again")]
    Binary,
    /// The byte order mark promises an encoding that the rest breaks.
    #[error("the file says that it is {0} but is damaged: save it again as CSV (UTF-8)")]
    Damaged(Encoding),
    /// A quotation mark that swallows the rest of the file.
    #[error(
        "the quotation mark that opens on or after line {line} is never closed: close it or delete it"
    )]
    OpenQuote {
        /// Where the row starts, counted from 1.
        line: usize,
    },
    /// A card that begins and does not end.
    #[error("the card that begins on line {line} never ends: export the contacts again")]
    OpenCard {
        /// Where it begins, counted from 1.
        line: usize,
    },
}

/// Reads a whole file of any of the kinds; which one it is, its first bytes say. Empty lines and rows
/// of empty cells are skipped; line numbers stay those of the file.
pub fn read(bytes: &[u8]) -> Result<Table, NotATable> {
    if bytes.len() > LARGEST_FILE {
        return Err(NotATable::TooLarge);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        workbook::read(bytes)
    } else if cards::begin(bytes) {
        cards::read(bytes)
    } else {
        csv_file::read(bytes)
    }
}

/// The cells of a header line: trimmed, without empty ones at the end.
pub(super) fn header_cells(mut cells: Vec<String>) -> Result<Vec<String>, NotATable> {
    for cell in &mut cells {
        *cell = cell.trim().to_owned();
    }
    let named = cells.iter().rposition(|cell| !cell.is_empty());
    cells.truncate(named.map_or(1, |last| last + 1));
    if cells.len() > MOST_COLUMNS {
        return Err(NotATable::TooManyColumns);
    }
    Ok(cells)
}

/// `None` for a row without content. Empty cells to the right of the headers are a spreadsheet's
/// habit and go; of filled ones the first stays, as evidence.
pub(super) fn row_cells(mut cells: Vec<String>, columns: usize) -> Option<Vec<String>> {
    let filled = cells.iter().rposition(|cell| !cell.trim().is_empty())? + 1;
    cells.truncate(if filled > columns {
        columns + 1
    } else {
        columns
    });
    if let Some(evidence) = cells.get_mut(columns).filter(|cell| cell.trim().is_empty()) {
        "…".clone_into(evidence);
    }
    Some(cells)
}
