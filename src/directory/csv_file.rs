//! Reads a table out of whatever a spreadsheet program calls CSV: any of its encodings and
//! delimiters. Knows nothing about people.

mod encoding;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

pub use encoding::Encoding;
pub(super) use encoding::decode;

use super::table::{Form, LARGEST_FILE, MOST_ROWS, NotATable, Row, Table, header_cells, row_cells};

/// In the order in which a tie between them is decided.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// Reads a whole file. Empty lines and rows of empty cells are skipped; line numbers stay those of the file.
pub fn read(bytes: &[u8]) -> Result<Table, NotATable> {
    if bytes.len() > LARGEST_FILE {
        return Err(NotATable::TooLarge);
    }
    refuse_other_kinds(bytes)?;
    let (text, encoding) = decode(bytes)?;
    // One kind of line end, so that a line number means the same everywhere.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let start = Start::find(&text).ok_or(NotATable::Empty)?;
    let (headers, rows) = split(start.body(&text), start.line, start.delimiter)?;
    Ok(Table {
        headers,
        rows,
        form: Form::Csv {
            encoding,
            delimiter: start.delimiter,
        },
    })
}

fn refuse_other_kinds(bytes: &[u8]) -> Result<(), NotATable> {
    const SAVE_AS: &str = "open it, save it as CSV (UTF-8) and try again";
    let kinds: [(&[u8], &str, &str); 7] = [
        (
            b"\xd0\xcf\x11\xe0",
            "an old or a locked Excel workbook",
            "save it as .xlsx without a password and try again",
        ),
        (
            b"%PDF",
            "a PDF document",
            "export the table it was made from as CSV",
        ),
        (b"{\\rtf", "a text document", SAVE_AS),
        (b"<!doctype", "a web page", SAVE_AS),
        (b"<html", "a web page", SAVE_AS),
        (b"<?xml", "an XML document", SAVE_AS),
        (b"\x1f\x8b", "a compressed file", "unpack it and try again"),
    ];
    let body = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    let starts_with = |mark: &[u8]| {
        body.get(..mark.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(mark))
    };
    match kinds.into_iter().find(|(mark, ..)| starts_with(mark)) {
        Some((_, what, remedy)) => Err(NotATable::OtherKind { what, remedy }),
        None => Ok(()),
    }
}

/// Where the header line starts and what separates its cells.
struct Start {
    byte: usize,
    line: usize,
    delimiter: char,
}

impl Start {
    /// `None` if there is nothing but blank lines.
    fn find(text: &str) -> Option<Self> {
        let mut byte = 0;
        let mut announced = None;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let plain = line.trim_matches(['\n', ' ', '\u{a0}', '\u{feff}']);
            let is_blank = plain.chars().all(|sign| DELIMITERS.contains(&sign));
            let names_delimiter = announced_delimiter(plain);
            if !is_blank && names_delimiter.is_none() {
                let delimiter = announced.unwrap_or_else(|| sniff(&text[byte..]));
                return Some(Self {
                    byte,
                    line: index + 1,
                    delimiter,
                });
            }
            announced = announced.or(names_delimiter);
            byte += line.len();
        }
        None
    }

    fn body<'t>(&self, text: &'t str) -> &'t str {
        &text[self.byte..]
    }
}

/// Excel's own first line: `sep=;`.
fn announced_delimiter(line: &str) -> Option<char> {
    let mut rest = line.trim_matches('"').strip_prefix("sep=")?.chars();
    let delimiter = rest.next()?;
    (rest.next().is_none() && DELIMITERS.contains(&delimiter)).then_some(delimiter)
}

/// The delimiter that the header line has most of; a comma if it has none.
fn sniff(text: &str) -> char {
    let mut counts = [0_usize; DELIMITERS.len()];
    walk_outside_quotes(text, &DELIMITERS, |sign| {
        if sign == '\n' {
            return ControlFlow::Break(());
        }
        if let Some(index) = DELIMITERS.iter().position(|delimiter| *delimiter == sign) {
            counts[index] += 1;
        }
        ControlFlow::Continue(())
    });
    let most = counts.iter().copied().max().unwrap_or(0);
    let winner = counts.iter().position(|count| *count == most).unwrap_or(0);
    DELIMITERS[winner]
}

/// Shows `visit` every character that is not inside quotation marks, until it breaks. A mark opens
/// only at the start of a cell: `5" pipe` is text. Returns whether the text ended inside a quotation.
fn walk_outside_quotes(
    text: &str,
    delimiters: &[char],
    mut visit: impl FnMut(char) -> ControlFlow<()>,
) -> bool {
    let mut quoted = false;
    let mut at_cell_start = true;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        if quoted {
            if sign == '"' && signs.next_if_eq(&'"').is_none() {
                quoted = false;
            }
            continue;
        }
        if sign == '"' && at_cell_start {
            quoted = true;
            at_cell_start = false;
            continue;
        }
        at_cell_start = sign == '\n' || delimiters.contains(&sign);
        if visit(sign).is_break() {
            return false;
        }
    }
    quoted
}

fn split(
    text: &str,
    first_line: usize,
    delimiter: char,
) -> Result<(Vec<String>, Vec<Row>), NotATable> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        .from_reader(text.as_bytes());
    let mut lines = LineCounter {
        text,
        byte: 0,
        line: first_line,
    };
    let mut headers = Vec::new();
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    // Reading from memory what is valid UTF-8, with rows of any length, leaves nothing to fail.
    while reader.read_record(&mut record).unwrap_or(false) {
        let start = record.position().map_or(0, csv::Position::byte);
        let line = lines.line_of(usize::try_from(start).unwrap_or(usize::MAX));
        if headers.is_empty() {
            headers = header_cells(texts(&record))?;
        } else if let Some(cells) = row_cells(texts(&record), headers.len()) {
            if rows.len() == MOST_ROWS {
                return Err(NotATable::TooManyRows);
            }
            rows.push(Row { line, cells });
        }
    }
    if walk_outside_quotes(&text[lines.byte..], &[delimiter], |_| {
        ControlFlow::Continue(())
    }) {
        return Err(NotATable::OpenQuote { line: lines.line });
    }
    Ok((headers, rows))
}

fn texts(record: &csv::StringRecord) -> Vec<String> {
    record.iter().map(str::to_owned).collect()
}

/// Counts lines forwards. The reader's own count is one short after `\r\n` and after empty lines.
struct LineCounter<'t> {
    text: &'t str,
    byte: usize,
    line: usize,
}

impl LineCounter<'_> {
    /// The line of the first character at or after `byte` that is no line end.
    fn line_of(&mut self, byte: usize) -> usize {
        let rest = self.text.get(byte..).unwrap_or_default();
        let start = byte + rest.len() - rest.trim_start_matches('\n').len();
        let passed = self
            .text
            .as_bytes()
            .get(self.byte..start)
            .unwrap_or_default();
        self.line += passed.split(|byte| *byte == b'\n').count() - 1;
        self.byte = start.min(self.text.len());
        self.line
    }
}
