//! What every source file looks like.

use super::tree;

/// A file longer than this is read by nobody from top to bottom.
const LONGEST: usize = 400;

#[test]
fn every_rust_file_begins_with_what_it_is_for() {
    let complaints: Vec<_> = tree::rust()
        .iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| {
            format!(
                "{}:1: begin with `//!` and one sentence on what it is for",
                file.path
            )
        })
        .collect();
    tree::none(&complaints);
}

/// Files that are longer still, and how each could be split. Whoever splits one takes it out.
const TOO_LONG: [(&str, &str); 5] = [
    (
        "src/channel/email/smtp/tests.rs",
        "what a server refuses, apart from what breaks",
    ),
    (
        "src/storage/standing.rs",
        "messages with their attempts, apart from people",
    ),
    (
        "src/web/api/contacts.rs",
        "what comes in, apart from what goes out",
    ),
    (
        "src/web/pages/draft_view.rs",
        "who cannot get it, apart from what is said",
    ),
    (
        "src/web/pages/live.rs",
        "the stream of events, apart from the fragment",
    ),
];

#[test]
fn no_source_file_is_too_long_to_be_read() {
    let mut complaints = Vec::new();
    for file in tree::files("src")
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
    {
        let lines = program_lines(&file.text);
        match TOO_LONG.iter().find(|(path, _)| file.path == *path) {
            None if lines > LONGEST => complaints.push(format!(
                "{}:{LONGEST}: {lines} lines; split it by meaning",
                file.path
            )),
            Some(_) if lines <= LONGEST => complaints.push(format!(
                "{}:1: is short enough: take it out of TOO_LONG",
                file.path
            )),
            _ => {}
        }
    }
    tree::none(&complaints);
}

/// The lines before the tests that stand in the same file.
fn program_lines(text: &str) -> usize {
    text.lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .count()
}

#[test]
fn nothing_names_a_machine_or_where_packages_come_from() {
    // Put together here, so that this file does not hold them itself.
    let folders = ["work", "root", "home"].map(|name| format!("/{name}/"));
    let hosts = [
        ["crates", "io"],
        ["npmjs", "org"],
        ["pypi", "org"],
        ["pythonhosted", "org"],
    ]
    .map(|parts| parts.join("."));
    let mut complaints = Vec::new();
    for file in tree::files(".") {
        // Cargo writes where a package comes from itself.
        if file.path.ends_with("Cargo.lock") {
            continue;
        }
        for (number, line) in file.lines() {
            for word in folders
                .iter()
                .chain(&hosts)
                .filter(|word| line.contains(word.as_str()))
            {
                complaints.push(format!("{}:{number}: names {word}", file.path));
            }
        }
    }
    tree::none(&complaints);
}
