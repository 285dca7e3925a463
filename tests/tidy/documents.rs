//! What the documents say of the files is true.

use std::collections::BTreeSet;

use super::tree::{self, File};

/// The longest that a code map is read to its end.
const LONGEST_MAP: usize = 150;

/// Every document written for people.
pub(crate) fn documents() -> Vec<File> {
    let mut found: Vec<_> = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ]
    .into_iter()
    .map(tree::file)
    .collect();
    found.extend(
        tree::files("docs")
            .into_iter()
            .filter(|file| file.path.ends_with(".md")),
    );
    found
}

#[test]
fn the_code_map_names_every_module() {
    let map = tree::file("ARCHITECTURE.md");
    let lines = map.text.lines().count();
    assert!(
        lines <= LONGEST_MAP,
        "ARCHITECTURE.md has {lines} lines, at most {LONGEST_MAP}"
    );
    let named: BTreeSet<String> = quoted(&map).into_iter().map(|(_, text)| text).collect();
    let modules: BTreeSet<String> = std::fs::read_dir(tree::root().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".rs"))
        .collect();
    let complaints: Vec<_> = modules
        .iter()
        .filter(|name| {
            let folder = format!("src/{}/", name.trim_end_matches(".rs"));
            !named.contains(&format!("src/{name}")) && !named.contains(&folder)
        })
        .map(|name| format!("ARCHITECTURE.md:1: the code map lacks src/{name}"))
        .collect();
    tree::none(&complaints);
}

#[test]
fn no_document_names_a_file_that_is_not_there() {
    let mut complaints = Vec::new();
    for document in documents() {
        for (number, text) in quoted(&document)
            .into_iter()
            .filter(|(_, text)| is_path(text))
        {
            if !tree::exists(&text) {
                complaints.push(format!("{}:{number}: there is no {text}", document.path));
            }
        }
        let folder = document
            .path
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        for (number, target) in links(&document) {
            if !tree::exists(format!("{folder}/{target}").trim_start_matches('/')) {
                complaints.push(format!(
                    "{}:{number}: the link to {target} is dead",
                    document.path
                ));
            }
        }
    }
    tree::none(&complaints);
}

#[test]
fn the_change_log_has_a_place_for_what_is_new() {
    let log = tree::file("CHANGELOG.md");
    assert!(
        log.text.contains("\n## [Unreleased]\n"),
        "CHANGELOG.md: there is no [Unreleased]"
    );
}

#[test]
fn the_api_is_described() {
    let api = tree::file("docs/openapi.json");
    let document: serde_json::Value = serde_json::from_str(&api.text).unwrap();
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "docs/openapi.json"
    );
}

#[test]
fn every_decision_is_listed_and_has_its_parts() {
    let contents = tree::file("docs/adr/README.md");
    let mut complaints = Vec::new();
    for decision in tree::files("docs/adr") {
        let name = decision.path.rsplit('/').next().unwrap();
        if name == "README.md" {
            continue;
        }
        if !contents.text.contains(name) {
            complaints.push(format!("docs/adr/README.md:1: does not list {name}"));
        }
        for part in ["Status: ", "## Why", "## Decision", "## What follows"] {
            if !decision.text.contains(part) {
                complaints.push(format!("{}:1: lacks \"{part}\"", decision.path));
            }
        }
    }
    tree::none(&complaints);
}

/// What stands between backticks, with its line.
pub(crate) fn quoted(document: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in document.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let parts = line.split('`').skip(1).step_by(2);
            found.extend(parts.map(|text| (number, text.to_owned())));
        }
    }
    found
}

/// Whether a quoted word is a path of the repository, and not an address or a placeholder.
fn is_path(text: &str) -> bool {
    const BEGINNINGS: [&str; 8] = [
        "src/",
        "tests/",
        "docs/",
        "scripts/",
        "migrations/",
        "message-templates/",
        "benches/",
        ".ci/",
    ];
    let plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    plain
        && BEGINNINGS
            .iter()
            .any(|beginning| text.starts_with(beginning))
}

/// The targets of links to other files, without what stands behind `#`.
fn links(document: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in document.lines() {
        for part in line.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                found.push((number, target.to_owned()));
            }
        }
    }
    found
}
