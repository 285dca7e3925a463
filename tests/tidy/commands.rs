//! The commands and settings in the documents are ones that the program takes.

use std::path::Path;
use std::process::Command;

use super::documents::{documents, quoted};
use super::tree::{self, File};

/// Runs the program; answers whether it was content, and all it said.
fn muster(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn every_command_in_the_documents_exists_with_its_options() {
    let mut complaints = Vec::new();
    let mut seen = 0;
    for document in documents() {
        for (number, words) in commands(&document) {
            seen += 1;
            if let Some(complaint) = complaint(&words) {
                complaints.push(format!("{}:{number}: {complaint}", document.path));
            }
        }
    }
    assert!(
        seen > 20,
        "only {seen} commands were found in the documents"
    );
    tree::none(&complaints);
}

/// What is wrong with `muster WORDS…`, if anything.
fn complaint(words: &[String]) -> Option<String> {
    let (options, names): (Vec<&str>, Vec<&str>) = words
        .iter()
        .map(String::as_str)
        .partition(|word| word.starts_with("--"));
    // `contacts import staff.csv`: the first words are the command, as far as there is help for it.
    let mut help = None;
    for length in 0..=names.len().min(2) {
        let mut arguments = names[..length].to_vec();
        arguments.push("--help");
        let (understood, said) = muster(&arguments);
        let usage = format!("Usage: muster {}", names[..length].join(" "));
        if understood && said.contains(usage.trim_end()) {
            help = Some((length, said));
        }
    }
    let (length, said) = help?;
    let is_group = said.contains("\nCommands:");
    if is_group && length < names.len() {
        return Some(format!("there is no command `muster {}`", names.join(" ")));
    }
    let missing = options
        .iter()
        .map(|option| option.split('=').next().unwrap_or(option));
    let missing: Vec<_> = missing.filter(|option| !said.contains(*option)).collect();
    (!missing.is_empty()).then(|| {
        format!(
            "`muster {}` takes no {}",
            names[..length].join(" "),
            missing.join(", ")
        )
    })
}

/// The words behind `muster` wherever a document shows a command, cut where a shell would cut.
fn commands(document: &File) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (number, text) in shown(document) {
        for part in text.split("&&").flat_map(|part| part.split(['|', ';'])) {
            let part = part
                .trim()
                .replacen("cargo run --release -- ", "muster ", 1);
            if let Some(rest) = part.strip_prefix("muster ") {
                let words = rest
                    .split_whitespace()
                    .take_while(|word| !word.starts_with('#'));
                found.push((number, words.map(str::to_owned).collect()));
            }
        }
    }
    found
}

/// What a document shows as something to type: lines of code blocks, and words between backticks.
fn shown(document: &File) -> Vec<(usize, String)> {
    let mut found = quoted(document);
    let mut fenced = false;
    for (number, line) in document.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push((number, line.to_owned()));
        }
    }
    found
}

#[test]
fn the_first_commands_of_the_readme_are_there() {
    let readme = tree::file("README.md");
    for command in ["cargo run --release -- demo", "scripts/test"] {
        let fenced = shown(&readme)
            .into_iter()
            .any(|(_, line)| line.trim() == command);
        assert!(
            fenced,
            "README.md does not show `{command}` on a line of its own"
        );
    }
    assert!(tree::exists("scripts/test"));
}

#[test]
fn every_setting_in_the_documents_is_one() {
    let mut complaints = Vec::new();
    let mut seen = 0;
    for document in documents() {
        for (number, block) in settings(&document) {
            seen += 1;
            let folder = tempfile::tempdir().unwrap();
            let text = with_own_secrets(&block, folder.path());
            let file = folder.path().join("muster.toml");
            std::fs::write(&file, text).unwrap();
            let (is_right, said) = muster(&["config", "check", "--config", file.to_str().unwrap()]);
            if !is_right {
                complaints.push(format!("{}:{number}: {}", document.path, said.trim()));
            }
        }
    }
    assert!(
        seen >= 5,
        "only {seen} blocks of settings were found in the documents"
    );
    tree::none(&complaints);
}

/// The `toml` blocks of a document, each with the line it begins on.
fn settings(document: &File) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in document.lines() {
        match line {
            "```toml" => {
                inside = true;
                found.push((number, String::new()));
            }
            "```" => inside = false,
            _ if inside => {
                let (_, block) = found.last_mut().unwrap();
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    found
}

/// Lets the files of secrets that a block names be there, in `folder`.
fn with_own_secrets(block: &str, folder: &Path) -> String {
    const PLACE: &str = "/etc/muster/";
    for rest in block.split(PLACE).skip(1) {
        let name = rest.split('"').next().unwrap();
        let secret = if name.ends_with(".url") {
            "postgres://localhost/muster"
        } else {
            "a secret"
        };
        std::fs::write(folder.join(name), secret).unwrap();
    }
    block.replace(PLACE, &format!("{}/", folder.display()))
}
