//! What a file of people means for the directory, from awkward cells to repeated persons.

mod difference;
mod duplicates;
mod reading;
mod refusals;

use super::*;
use crate::directory::table;

/// Reads a file as the Swiss clinic of these tests would, in which English is the default.
fn parsed(text: &str) -> Parsed {
    try_parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn try_parse(text: &str) -> Result<Parsed, WrongColumns> {
    let table = table::read(text.as_bytes()).unwrap();
    parse(&table, "CH", &Language("en".to_owned()))
}

/// The reasons against the only row below this header.
fn reasons(header: &str, row: &str) -> Vec<String> {
    let mut parsed = parsed(&format!("{header}\n{row}\n"));
    assert!(parsed.people.is_empty(), "the row was accepted");
    parsed.rejected.remove(0).reasons
}

/// The only person below this header.
fn person(header: &str, row: &str) -> ImportedPerson {
    let mut parsed = parsed(&format!("{header}\n{row}\n"));
    assert_eq!(parsed.rejected, []);
    parsed.people.remove(0)
}

fn messages(parsed: &Parsed) -> Vec<(usize, &str)> {
    parsed
        .notes
        .iter()
        .map(|note| (note.line, note.message.as_str()))
        .collect()
}

fn e164(number: Option<&PhoneNumber>) -> &str {
    number.map_or("", PhoneNumber::as_e164)
}
