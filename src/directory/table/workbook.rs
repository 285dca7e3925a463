//! Reads the first filled sheet of an Excel workbook, cell by cell, so that a small file which unpacks to
//! a huge one is refused before it fills the memory.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx};
use zip::ZipArchive;

use super::{Form, MOST_COLUMNS, MOST_ROWS, NotATable, Row, Table, header_cells, row_cells};

/// What all parts of a workbook may take once unpacked: a directory of the most rows needs a fifth.
const LARGEST_UNPACKED: u64 = 400_000_000;
/// Cells of a sheet, empty ones between filled ones among them.
const MOST_CELLS: usize = 10_000_000;

type Book<'b> = Xlsx<Cursor<&'b [u8]>>;

pub(super) fn read(bytes: &[u8]) -> Result<Table, NotATable> {
    refuse_bombs(bytes)?;
    let mut book: Book<'_> =
        Xlsx::new(Cursor::new(bytes)).map_err(|_cause| NotATable::NoWorkbook)?;
    let is_read = |sheet: &&calamine::Sheet| {
        sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet
    };
    let sheets = book.sheets_metadata().iter().filter(is_read);
    let sheets: Vec<String> = sheets.map(|sheet| sheet.name.clone()).collect();
    let others = sheets.len().saturating_sub(1);
    for sheet in sheets {
        let mut lines = lines(&mut book, &sheet)?.into_iter();
        let is_filled =
            |(_, cells): &(u32, Vec<String>)| row_cells(cells.clone(), MOST_COLUMNS).is_some();
        let Some((_, headers)) = lines.by_ref().find(is_filled) else {
            continue;
        };
        let headers = header_cells(headers)?;
        let row = |(line, cells): (u32, Vec<String>)| {
            let cells = row_cells(cells, headers.len())?;
            Some(Row {
                line: line as usize + 1,
                cells,
            })
        };
        let rows: Vec<Row> = lines.filter_map(row).collect();
        if rows.len() > MOST_ROWS {
            return Err(NotATable::TooManyRows);
        }
        return Ok(Table {
            headers,
            rows,
            form: Form::Workbook { sheet, others },
        });
    }
    Err(NotATable::Empty)
}

/// Adds up what the parts say they unpack to.
fn refuse_bombs(bytes: &[u8]) -> Result<(), NotATable> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|_cause| NotATable::NoWorkbook)?;
    let mut unpacked: u64 = 0;
    for index in 0..archive.len() {
        let part = archive.by_index_raw(index);
        let size = part.map_err(|_cause| NotATable::NoWorkbook)?.size();
        unpacked = unpacked.saturating_add(size);
    }
    if unpacked > LARGEST_UNPACKED {
        return Err(NotATable::TooLarge);
    }
    Ok(())
}

/// The rows of a sheet that hold a cell, by their number from 0.
fn lines(book: &mut Book<'_>, sheet: &str) -> Result<BTreeMap<u32, Vec<String>>, NotATable> {
    let broken = |_cause| NotATable::NoWorkbook;
    let mut cells = book.worksheet_cells_reader(sheet).map_err(broken)?;
    let mut lines: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut room = MOST_CELLS;
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        let text = text(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        let (row, column) = cell.get_position();
        let column = column as usize;
        if column >= MOST_COLUMNS {
            return Err(NotATable::TooManyColumns);
        }
        let line = lines.entry(row).or_default();
        if line.len() <= column {
            let more = column + 1 - line.len();
            room = room.checked_sub(more).ok_or(NotATable::TooLarge)?;
            line.resize(column + 1, String::new());
        }
        line[column] = text;
        if lines.len() > MOST_ROWS + 1 {
            return Err(NotATable::TooManyRows);
        }
    }
    Ok(lines)
}

/// A cell as its reader sees it. A number without a fraction has no `.0`: it may be a phone's.
fn text(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(is_true) => is_true.to_string(),
        DataRef::DateTime(when) => date(when),
        DataRef::Error(error) => error.to_string(),
    }
}

/// `2026-11-22`, `2026-11-22 14:30`, or `14:30` where a cell holds a time alone.
fn date(when: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = when.to_ymd_hms_milli();
    // A clock time is a fraction of a day: 14:30 may be kept as 14:29:59.999.
    let up = u16::from(milli >= 500);
    let total = u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second) + u32::from(up);
    let time = format!("{:02}:{:02}", total / 3600, total / 60 % 60);
    if when.is_duration() || when.as_f64() < 1.0 {
        time
    } else if total == 0 {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02} {time}")
    }
}
