//! Encodings, delimiters and quotes, as spreadsheet programs write them.

use proptest::prelude::*;

use super::*;
use crate::directory::table::MOST_COLUMNS;

const PLAIN: &str = "name,mobile\nAna Pérez,+41791234567\n";

fn cells(table: &Table) -> Vec<Vec<&str>> {
    table
        .rows
        .iter()
        .map(|row| row.cells.iter().map(String::as_str).collect())
        .collect()
}

fn utf16(text: &str, bytes_of: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes_of).collect()
}

#[test]
fn every_encoding_gives_the_same_table() {
    let with_mark = ["\u{feff}", PLAIN].concat();
    let latin: Vec<u8> = PLAIN
        .chars()
        .map(|sign| u8::try_from(u32::from(sign)).unwrap())
        .collect();
    let files = [
        (PLAIN.as_bytes().to_vec(), Encoding::Utf8),
        (with_mark.as_bytes().to_vec(), Encoding::Utf8),
        (utf16(&with_mark, u16::to_le_bytes), Encoding::Utf16Le),
        (utf16(&with_mark, u16::to_be_bytes), Encoding::Utf16Be),
        (latin, Encoding::Windows1252),
    ];
    for (bytes, encoding) in files {
        let table = read(&bytes).unwrap();
        let delimiter = ',';
        assert_eq!(
            table.form,
            Form::Csv {
                encoding,
                delimiter
            }
        );
        assert_eq!(table.headers, ["name", "mobile"], "{encoding}");
        assert_eq!(cells(&table), [["Ana Pérez", "+41791234567"]], "{encoding}");
    }
}

#[test]
fn windows_1252_has_the_signs_that_latin_1_lacks() {
    let table = read(b"name\nO\x92Hara \x80\xe9\n").unwrap();
    assert_eq!(cells(&table), [["O\u{2019}Hara €é"]]);
}

#[test]
fn the_delimiter_is_found_in_the_header_line_outside_quotes() {
    let delimiter = |text: &str| match read(text.as_bytes()).unwrap().form {
        Form::Csv { delimiter, .. } => delimiter,
        other => panic!("{other}"),
    };
    assert_eq!(delimiter("name,email\n"), ',');
    assert_eq!(delimiter("name;email\na,b,c;d,e,f\n"), ';');
    assert_eq!(delimiter("name\temail\n"), '\t');
    assert_eq!(delimiter("name|email|groups\n"), '|');
    assert_eq!(delimiter("\"name, first, second, third\";email\n"), ';');
    assert_eq!(delimiter("name\n"), ',');
    assert_eq!(delimiter("sep=;\nname,x;y\n"), ';');
}

#[test]
fn quoted_cells_keep_delimiters_quotes_and_line_breaks() {
    let table = read(b"name,role\r\n\"P\xc3\xa9rez, \"\"Ana\"\"\",\"nurse\r\nnight\"\r\n").unwrap();
    assert_eq!(cells(&table), [["Pérez, \"Ana\"", "nurse\nnight"]]);
}

#[test]
fn line_numbers_are_those_an_editor_shows() {
    let text = "\r\n\r\nname,role\r\n\r\nAna,\"a\r\nb\"\r\n,\r\nLuis,c\r\n";
    let lines = |text: &str| {
        read(text.as_bytes())
            .unwrap()
            .rows
            .iter()
            .map(|row| row.line)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(text), [5, 8]);
    assert_eq!(lines(&text.replace("\r\n", "\n")), [5, 8]);
    assert_eq!(lines(&text.replace("\r\n", "\r")), [5, 8]);
    assert_eq!(lines("sep=,\nname,role\nAna,a"), [3]);
}

#[test]
fn a_ragged_row_is_the_rows_problem_not_the_files() {
    let table = read(b"name,role\nAna\nLuis,b,c,d\nEva,b,,,\nIda,a,,x\n").unwrap();
    assert_eq!(table.rows[0].cells, ["Ana"]);
    assert_eq!(table.rows[1].cells, ["Luis", "b", "c"]);
    assert_eq!(table.rows[2].cells, ["Eva", "b"]);
    assert_eq!(table.rows[3].cells, ["Ida", "a", "…"]);
}

#[test]
fn a_header_alone_is_a_table_without_rows() {
    let table = read(b"name,email,,\n").unwrap();
    assert_eq!(table.headers, ["name", "email"]);
    assert!(table.rows.is_empty());
}

#[test]
fn an_empty_file_is_refused() {
    for empty in ["", "\u{feff}", "\n\n  \n", ",,,\n"] {
        assert_eq!(read(empty.as_bytes()), Err(NotATable::Empty), "{empty:?}");
    }
}

#[test]
fn files_of_other_kinds_are_named() {
    let said = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert_eq!(
        said(b"\xd0\xcf\x11\xe0\xa1\xb1"),
        "this is an old or a locked Excel workbook, not a list of people: save it as .xlsx without a password and try again"
    );
    assert!(said(b"%PDF-1.7\n").contains("PDF"));
    assert!(said(b"\n<HTML><table>").contains("web page"));
    assert_eq!(read(b"name\0email\n"), Err(NotATable::Binary));
    assert_eq!(
        read(b"\x89\x01\x02\x03\x04\x05\x06\xff"),
        Err(NotATable::Binary)
    );
}

#[test]
fn a_damaged_file_is_refused_rather_than_guessed_at() {
    assert_eq!(
        read(b"\xef\xbb\xbfname\n\xff\n"),
        Err(NotATable::Damaged(Encoding::Utf8))
    );
    assert_eq!(
        read(b"\xff\xfen\0a"),
        Err(NotATable::Damaged(Encoding::Utf16Le))
    );
}

#[test]
fn an_open_quotation_mark_is_refused_with_its_line() {
    let error = read(b"name,role\nAna,a\nLuis,\"b\nEva,c\nIda,d\n").unwrap_err();
    assert_eq!(error, NotATable::OpenQuote { line: 3 });
    assert_eq!(
        read(b"\"name,role\nAna,a\n"),
        Err(NotATable::OpenQuote { line: 1 })
    );
    assert!(read(b"name,role\nAna,5\" pipe\n").is_ok());
}

#[test]
fn a_file_beyond_the_limits_is_refused() {
    assert_eq!(
        read(&vec![b'a'; LARGEST_FILE + 1]),
        Err(NotATable::TooLarge)
    );
    let most = ["name\n", &"a\n".repeat(MOST_ROWS)].concat();
    assert_eq!(read(most.as_bytes()).unwrap().rows.len(), MOST_ROWS);
    let more = [&most, "a\n"].concat();
    assert_eq!(read(more.as_bytes()), Err(NotATable::TooManyRows));
    let wide = "a,".repeat(MOST_COLUMNS) + "a\n";
    assert_eq!(read(wide.as_bytes()), Err(NotATable::TooManyColumns));
}

#[test]
fn a_table_shows_no_cell_in_its_debug_form() {
    let table = read(PLAIN.as_bytes()).unwrap();
    let shown = format!("{table:?} {:?}", table.rows);
    assert!(!shown.contains("Ana") && !shown.contains("4179"), "{shown}");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let table = read(&bytes);
        prop_assert!(table.is_err() || table.is_ok_and(|table| !table.headers.is_empty()));
    }

    #[test]
    fn no_text_breaks_the_promise_about_cells(text in "[a,;\"\n\r é|\t]{0,60}") {
        if let Ok(table) = read(text.as_bytes()) {
            for row in &table.rows {
                prop_assert!(row.cells.len() <= table.headers.len() + 1);
                prop_assert!(row.line >= 2);
            }
        }
    }
}
