//! Every row of the fault matrix has its tests, and docs/reliability.md names only tests that exist.

use std::collections::BTreeSet;

use super::documents::quoted;
use super::tree;

/// One row of `tests/faults/rows.txt`.
struct Row {
    line: usize,
    number: String,
    /// Tests that go by other names.
    also: Vec<String>,
    /// Why there is none.
    none: String,
}

fn rows() -> Vec<Row> {
    let file = tree::file("tests/faults/rows.txt");
    let mut rows: Vec<Row> = Vec::new();
    for (line, text) in file.lines() {
        if text.is_empty() || text.starts_with('#') || text.starts_with("== ") {
            continue;
        }
        if let Some(names) = text.strip_prefix("    also: ") {
            rows.last_mut().unwrap().also = names.split(", ").map(str::to_owned).collect();
        } else if let Some(reason) = text.strip_prefix("    none: ") {
            reason.clone_into(&mut rows.last_mut().unwrap().none);
        } else {
            let (number, _) = text.split_once("  ").unwrap();
            rows.push(Row {
                line,
                number: number.to_owned(),
                also: Vec::new(),
                none: String::new(),
            });
        }
    }
    rows
}

/// The names of all tests, and of everything else that is a function.
fn functions() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in tree::rust() {
        for (_, line) in file.code() {
            for part in line.split("fn ").skip(1) {
                let name: String = part
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let bare = name
                    .trim_end_matches("_on_sqlite")
                    .trim_end_matches("_on_postgres");
                names.insert(bare.to_owned());
                names.insert(name);
            }
            // Trials are named by strings.
            if file.path.starts_with("tests/crash/") {
                let strings = line.split('"').skip(1).step_by(2);
                names.extend(strings.map(|text| text.trim_end_matches("_on_{name}").to_owned()));
            }
        }
    }
    names
}

/// `C4` → `c04_`; none for a row without a number.
fn prefix(row: &str) -> Option<String> {
    let (letter, digits) = row.split_at(1);
    let number: u8 = digits.parse().ok()?;
    Some(format!("{}{number:02}_", letter.to_ascii_lowercase()))
}

#[test]
fn every_row_of_the_fault_matrix_has_a_test_or_a_reason() {
    let functions = functions();
    let mut complaints = Vec::new();
    for row in rows() {
        let begins =
            |name: &&String| prefix(&row.number).is_some_and(|with| name.starts_with(&with));
        let is_its_own = |name: &String| row.also.contains(name) || begins(&name);
        let has_test = functions.iter().any(is_its_own);
        let excused = !row.none.is_empty();
        let place = format!("tests/faults/rows.txt:{}: {}", row.line, row.number);
        if !has_test && !excused {
            complaints.push(format!("{place} has neither a test nor a reason"));
        }
        if has_test && excused {
            complaints.push(format!(
                "{place} has a test: take away the reason why it has none"
            ));
        }
        for name in row.also.iter().filter(|name| !functions.contains(*name)) {
            complaints.push(format!("{place}: there is no test {name}"));
        }
    }
    tree::none(&complaints);
}

#[test]
fn every_test_of_a_row_has_its_row() {
    let known: BTreeSet<String> = rows()
        .iter()
        .filter_map(|row| prefix(&row.number))
        .collect();
    let complaints: Vec<String> = functions()
        .into_iter()
        .filter(|name| {
            let mut letters = name.chars();
            matches!(letters.next(), Some('c' | 'f'))
                && letters.by_ref().take(2).all(|c| c.is_ascii_digit())
                && letters.next() == Some('_')
        })
        .filter(|name| !known.contains(&name[..4]))
        .map(|name| format!("tests/faults/rows.txt:1: has no row for {name}"))
        .collect();
    tree::none(&complaints);
}

/// Whether a name looks like one of a row and is not: `f9_…` instead of `f09_…`.
fn lacks_a_digit(name: &str) -> bool {
    let mut letters = name.chars();
    matches!(letters.next(), Some('c' | 'f'))
        && letters.next().is_some_and(|c| c.is_ascii_digit())
        && letters.next() == Some('_')
}

#[test]
fn every_test_of_a_row_begins_with_two_digits() {
    assert!(lacks_a_digit("c4_a_kill") && !lacks_a_digit("c04_a_kill"));
    let complaints: Vec<String> = functions()
        .into_iter()
        .filter(|name| lacks_a_digit(name))
        .map(|name| format!("tests/faults/rows.txt:1: {name} begins with one digit instead of two, so that the page does not find it"))
        .collect();
    tree::none(&complaints);
}

#[test]
fn the_page_of_reliability_has_no_test_that_did_not_pass() {
    let page = tree::file("docs/reliability.md");
    let mut complaints = Vec::new();
    for (number, line) in page.lines() {
        for words in ["did not pass", "did not run"] {
            if line.contains(words) {
                complaints.push(format!("docs/reliability.md:{number}: a test {words}"));
            }
        }
    }
    tree::none(&complaints);
}

#[test]
fn the_page_of_reliability_names_names_every_row_and_only_tests_that_exist() {
    let page = tree::file("docs/reliability.md");
    let functions = functions();
    let mut complaints = Vec::new();
    for row in rows() {
        if !page.text.contains(&format!("| {} |", row.number)) {
            complaints.push(format!(
                "docs/reliability.md:1: lacks the row {}",
                row.number
            ));
        }
    }
    for (number, name) in quoted(&page) {
        let is_test = name.contains('_') && !name.contains('/');
        if is_test && !functions.contains(&name) {
            complaints.push(format!(
                "docs/reliability.md:{number}: there is no test {name}"
            ));
        }
    }
    tree::none(&complaints);
}

#[test]
fn fail_points_are_no_part_of_a_release_build() {
    let file = tree::file("src/fail_point.rs");
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let mut complaints = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let begins = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
        let made = begins(&["pub(crate) fn ", "struct ", "impl ", "if $when"]);
        // The condition stands right above, or above the attribute in between.
        let above = lines[..index].iter().rev().take(5);
        if made
            && !above
                .copied()
                .any(|line| line == "#[cfg(debug_assertions)]")
        {
            complaints.push(format!(
                "src/fail_point.rs:{}: is in release builds too",
                index + 1
            ));
        }
    }
    let manifest = tree::file("Cargo.toml").text;
    let release = manifest.split("[profile.release]").nth(1).unwrap();
    if release
        .split("\n[")
        .next()
        .unwrap()
        .contains("debug-assertions")
    {
        complaints.push(
            "Cargo.toml: a release build has debug assertions, and so fail points".to_owned(),
        );
    }
    tree::none(&complaints);
}
