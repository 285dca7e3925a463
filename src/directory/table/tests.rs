//! Workbooks and cards, as the programs of a clinic write them.

use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;

/// What a spreadsheet program wrote: an empty first row, a number as a number, a date, two more sheets.
const STAFF: &[u8] = include_bytes!("../../../tests/support/staff.xlsx");

fn cells(table: &Table) -> Vec<Vec<&str>> {
    let rows = table.rows.iter();
    rows.map(|row| row.cells.iter().map(String::as_str).collect())
        .collect()
}

#[test]
fn a_workbook_is_the_table_that_its_first_visible_sheet_shows() {
    let table = read(STAFF).unwrap();
    let headers = [
        "Name",
        "Mobile",
        "E-mail",
        "Role",
        "Groups",
        "Appointment",
        "New time",
    ];
    assert_eq!(table.headers, headers);
    let ana = [
        "Ana Cruz",
        "41791234567",
        "ana@clinic.example",
        "nurse",
        "Night shift",
        "2026-11-23 14:30",
        "09:15",
    ];
    let ben = [
        "Ben Diaz",
        "+41 79 123 45 68",
        "",
        "porter",
        "",
        "2026-12-01",
    ];
    assert_eq!(cells(&table), [&ana[..], &ben[..], &["", "41791234569"]]);
    let lines: Vec<usize> = table.rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [3, 4, 6]);
    assert_eq!(
        table.form.to_string(),
        "an Excel workbook, sheet “Staff” alone: its other sheets (1) were not read"
    );
}

/// A workbook of one sheet with this XML between its rows.
fn workbook(rows: &str) -> Vec<u8> {
    const PARTS: [(&str, &str); 4] = [
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
        ),
        (
            "_rels/.rels",
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
        ),
        (
            "xl/workbook.xml",
            "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"One\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
        ),
    ];
    let sheet = format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    );
    let mut file = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let parts = PARTS
        .into_iter()
        .map(|(name, text)| (name, text.to_owned()));
    for (name, text) in parts.chain([("xl/worksheets/sheet1.xml", sheet)]) {
        file.start_file(name, SimpleFileOptions::default()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    file.finish().unwrap().into_inner()
}

fn cell(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

#[test]
fn a_sheet_that_is_far_wider_or_longer_than_a_directory_is_refused_before_it_fills_the_memory() {
    let head = format!("<row r=\"1\">{}</row>", cell("A1", "name"));
    let wide = format!("{head}<row r=\"2\">{}</row>", cell("XFD2", "x"));
    assert_eq!(read(&workbook(&wide)), Err(NotATable::TooManyColumns));
    let far = format!("{head}<row r=\"1048576\">{}</row>", cell("A1048576", "Ana"));
    assert_eq!(read(&workbook(&far)).unwrap().rows[0].line, 1_048_576);
    assert_eq!(read(&workbook("")), Err(NotATable::Empty));
}

#[test]
fn a_small_file_that_unpacks_to_a_huge_one_is_refused() {
    let mut file = zip::ZipWriter::new(Cursor::new(Vec::new()));
    file.start_file("xl/sharedStrings.xml", SimpleFileOptions::default())
        .unwrap();
    let megabyte = vec![b' '; 1_000_000];
    for _ in 0..401 {
        file.write_all(&megabyte).unwrap();
    }
    let bytes = file.finish().unwrap().into_inner();
    assert!(bytes.len() < LARGEST_FILE);
    assert_eq!(read(&bytes), Err(NotATable::TooLarge));
}

#[test]
fn a_packed_file_that_is_no_workbook_is_refused() {
    assert_eq!(read(b"PK\x03\x04\x14\0"), Err(NotATable::NoWorkbook));
    assert_eq!(read(&STAFF[..STAFF.len() / 2]), Err(NotATable::NoWorkbook));
}

const CARDS: &str = "\u{feff}BEGIN:VCARD\r
VERSION:3.0\r
N:Cruz;Ana;;Dr.;\r
FN:Dr. Ana Cruz\r
item1.EMAIL;TYPE=INTERNET,HOME:ana@home.example\r
EMAIL;TYPE=INTERNET,WORK,pref:ana@clinic.example\r
TEL;TYPE=CELL,VOICE:+1 202 555 0101\r
TEL;TYPE=FAX:+1 202 555 0199\r
ORG:Riverside Clinic;Intensive\r
  care\r
TITLE:Nurse\\, senior\r
CATEGORIES:keys,first aid\r
PHOTO;ENCODING=b:AAAA\r
END:VCARD\r
\r
BEGIN:VCARD\r
VERSION:2.1\r
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;Zo=\r
=C3=AB\r
TEL;WORK:044 668 18 00\r
END:VCARD\r
begin:vcard\r
VERSION:4.0\r
FN:Bo Li\r
TEL;VALUE=uri;TYPE=\"cell,text\";PREF=1:tel:+1-202-555-0103\r
LANG:de\r
END:VCARD\r
";

#[test]
fn cards_of_all_versions_become_rows() {
    let table = read(CARDS.as_bytes()).unwrap();
    let rows = cells(&table);
    let named = |row: usize, column: &str| {
        let column = table.headers.iter().position(|header| header == column);
        rows[row][column.unwrap()]
    };
    assert_eq!(table.form, Form::Cards);
    assert_eq!(named(0, "name"), "Dr. Ana Cruz");
    assert_eq!(named(0, "email"), "ana@clinic.example");
    assert_eq!(named(0, "further addresses"), "ana@home.example");
    assert_eq!(named(0, "mobile"), "+1 202 555 0101");
    assert_eq!((named(0, "phone"), named(0, "further phones")), ("", ""));
    assert_eq!(named(0, "unit"), "Intensive care");
    assert_eq!(named(0, "role"), "Nurse, senior");
    assert_eq!(named(0, "tags"), "keys;first aid");
    assert_eq!(
        (named(1, "name"), named(1, "phone")),
        ("Zoë Müller", "044 668 18 00")
    );
    assert_eq!(
        (named(2, "name"), named(2, "mobile")),
        ("Bo Li", "+1-202-555-0103")
    );
    assert_eq!(named(2, "language"), "de");
    let lines: Vec<usize> = table.rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [1, 16, 22]);
}

#[test]
fn a_card_that_never_ends_is_refused_with_its_line() {
    let open = format!("{CARDS}BEGIN:VCARD\nFN:Ana\n");
    assert_eq!(read(open.as_bytes()), Err(NotATable::OpenCard { line: 28 }));
}

#[test]
fn a_card_within_a_card_is_not_a_person_of_its_own() {
    let nested = "BEGIN:VCARD\nFN:Ana\nAGENT:\nBEGIN:VCARD\nFN:Bo\nEND:VCARD\nEND:VCARD\n";
    let table = read(nested.as_bytes()).unwrap();
    assert_eq!((table.rows.len(), &*table.rows[0].cells[0]), (1, "Ana"));
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        start in prop_oneof![Just(&b"PK\x03\x04"[..]), Just(&b"BEGIN:VCARD\n"[..])],
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert!(read(&[start, &bytes].concat()).is_err());
    }

    #[test]
    fn no_line_of_a_card_makes_the_reader_panic(text in "[TELN;:=,\\\\\"é \n]{0,60}") {
        let table = read(format!("BEGIN:VCARD\n{text}\nEND:VCARD\n").as_bytes());
        prop_assert_eq!(table.unwrap().rows.len(), 1);
    }
}
