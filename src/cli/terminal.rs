//! Prints: lines, tables and JSON on stdout, and ends in peace when nobody reads them any more.

use std::fmt::Display;
use std::io::{self, Write as _};

use serde::Serialize;

use super::failure::{Failure, said};

/// Prints one line, or several.
pub(super) fn say(text: impl Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| unheard(&error))
}

/// Prints a value as JSON, on lines of its own.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| said(format!("the result is no JSON: {error}")))?;
    say(text)
}

/// Prints bytes as they are.
pub(super) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| unheard(&error))
}

/// A remark for the person, which no script reads: on stderr.
pub(super) fn remark(text: impl Display) {
    if writeln!(io::stderr().lock(), "{text}").is_err() {
        // Nobody is listening; the command goes on.
    }
}

/// Prints rows with their columns one below the other; the last column may be of any width.
pub(super) fn table(rows: &[Vec<String>]) -> Result<(), Failure> {
    rows.iter()
        .try_for_each(|row| say(aligned(row, &widths(rows))))
}

fn unheard(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Failure::NobodyListens
    } else {
        said(format!("the output could not be written: {error}"))
    }
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    (0..columns)
        .map(|column| width(column).unwrap_or_default())
        .collect()
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let cells = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_one_another() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let rows = [row(["closure", "approved"]), row(["all-clear", ""])];
        let widths = widths(&rows);
        assert_eq!(aligned(&rows[0], &widths), "closure    approved");
        assert_eq!(aligned(&rows[1], &widths), "all-clear");
    }
}
