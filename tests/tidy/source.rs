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

#[test]
fn no_source_file_is_too_long_to_be_read() {
    let complaints: Vec<_> = tree::files("src")
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .map(|file| (&file.path, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{path}:{LONGEST}: {lines} lines; split it by meaning"))
        .collect();
    tree::none(&complaints);
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
