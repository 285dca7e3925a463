//! Folders become templates; what is wrong is named, and nothing else suffers for it.

use std::fs;

use super::super::sample::{CLOSURE_FILES, changed_closure};
use super::*;

/// A folder with the closure template in it.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "closure",
        CLOSURE_FILES.iter().map(|(path, text)| (*path, *text)),
    );
    dir
}

fn write<'a>(dir: &Path, name: &str, files: impl Iterator<Item = (&'a str, &'a str)>) {
    for (path, text) in files {
        let path = dir.join(name).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn problems(file: &str, from: &str, to: &str) -> String {
    let changed = changed_closure(file, from, to);
    let files: Vec<(&str, &str)> = changed.iter().map(|(p, t)| (*p, t.as_str())).collect();
    let problems = from_texts("closure", &files).unwrap_err();
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn hash(dir: &Path) -> String {
    load_dir(dir).find("closure").unwrap().hash.clone()
}

#[test]
fn a_folder_becomes_a_template_with_its_texts() {
    let loaded = load_dir(folder().path());
    assert_eq!(loaded.problems, []);
    let template = loaded.find("closure").unwrap();
    assert_eq!(template.expires_in.as_secs(), 12 * 3600);
    assert_eq!(template.parts.len(), 10);
    assert_eq!(template.plan.steps.len(), 2);
    let es = crate::alert::words::Language("es".to_owned());
    let voice = template
        .part(crate::channel::Channel::Voice, &es, Part::Text)
        .unwrap();
    assert!(
        voice.ends_with("ayuda."),
        "no line break at the end: {voice:?}"
    );
}

#[test]
fn a_broken_template_does_not_hide_the_others() {
    let dir = folder();
    fs::create_dir(dir.path().join("empty")).unwrap();
    fs::create_dir(dir.path().join("Not A Name")).unwrap();
    let loaded = load_dir(dir.path());
    assert_eq!(loaded.templates.len(), 1);
    let named: Vec<&str> = loaded
        .problems
        .iter()
        .map(|p| p.template.as_str())
        .collect();
    assert_eq!(named, ["Not A Name", "empty"]);
    assert!(
        loaded.problems[1]
            .to_string()
            .starts_with("empty/template.toml: is missing")
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let problems = problems(
        "template.toml",
        "severity = ",
        "colour = \"red\"\nseverity = ",
    );
    assert!(
        problems.starts_with("closure/template.toml: line 2: "),
        "{problems}"
    );
    assert!(problems.contains("unknown field `colour`"), "{problems}");
}

#[test]
fn an_unknown_key_deep_inside_is_named_too() {
    let plan = problems("template.toml", "after_seconds = 300", "after_minutes = 5");
    assert!(plan.contains("unknown field `after_minutes`"), "{plan}");
    let choice = problems(
        "template.toml",
        "text = { es = \"nuevo",
        "label = { es = \"nuevo",
    );
    assert!(choice.contains("unknown field `label`"), "{choice}");
}

#[test]
fn every_missing_text_is_named_at_once() {
    let files: Vec<_> = CLOSURE_FILES
        .iter()
        .filter(|(path, _)| !path.contains("voice"))
        .copied()
        .collect();
    let problems = from_texts("closure", &files).unwrap_err();
    let files: Vec<&str> = problems
        .iter()
        .map(|problem| problem.file.as_str())
        .collect();
    assert_eq!(files, ["en/voice.hbs", "es/voice.hbs"]);
    assert!(problems[0].message.starts_with("is missing"));
}

#[test]
fn everything_wrong_in_the_settings_is_said_at_once() {
    let problems = problems(
        "template.toml",
        "expires_in = \"12h\"\nreview_by = \"2027-11-01\"",
        "expires_in = \"12 hours\"\nreview_by = \"soon\"",
    );
    assert!(
        problems.contains("expires_in: write hours or minutes"),
        "{problems}"
    );
    assert!(problems.contains("review_by: write a day"), "{problems}");
}

#[test]
fn a_variable_cannot_take_the_name_of_something_else() {
    for (name, expected) in [
        ("time", "always there"),
        ("until", "two called"),
        ("burst.pipe", "cannot name a field"),
    ] {
        let to = format!("name = \"{name}\"");
        let problems = problems("template.toml", "name = \"reason\"", &to);
        assert!(problems.contains(expected), "{problems}");
    }
}

#[test]
fn a_language_that_is_no_tag_is_named() {
    let problems = problems("template.toml", "title = { en =", "title = { English =");
    assert!(
        problems.contains("\"English\" is not a language's tag"),
        "{problems}"
    );
}

#[test]
fn the_hash_changes_with_every_file_and_only_with_files_that_matter() {
    let dir = folder();
    let before = hash(dir.path());
    assert_eq!(before.len(), 64);
    fs::write(dir.path().join("closure/.DS_Store"), "x").unwrap();
    fs::write(dir.path().join("closure/en/sms.hbs~"), "x").unwrap();
    fs::write(dir.path().join("closure/notes.txt"), "x").unwrap();
    assert_eq!(hash(dir.path()), before);
    for (path, text) in CLOSURE_FILES {
        let path = dir.path().join("closure").join(path);
        fs::write(&path, format!("{text}\n")).unwrap();
        assert_ne!(hash(dir.path()), before, "{}", path.display());
        fs::write(&path, text).unwrap();
    }
    assert_eq!(hash(dir.path()), before);
}

#[test]
fn a_checkout_on_windows_is_the_same_template() {
    let dir = folder();
    let before = load_dir(dir.path());
    for (path, text) in CLOSURE_FILES {
        let path = dir.path().join("closure").join(path);
        fs::write(path, format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap();
    }
    assert_eq!(load_dir(dir.path()), before);
}

// The value is approvals' memory: if it changes, every clinic must approve every template again.
#[test]
fn the_hash_of_the_same_files_stays_the_same_in_every_version() {
    let files = [
        ("b".to_owned(), b"2".to_vec()),
        ("a".to_owned(), b"1".to_vec()),
    ];
    let hash = hash::of(files.iter().map(|(path, bytes)| (path, bytes)));
    assert_eq!(
        hash,
        "b869087ef61da29c0c41ed458b62b1bae8f76bf6a715645ec4dc7add44bbd348"
    );
}

#[test]
fn moving_words_from_one_file_to_the_next_makes_another_hash() {
    let one = [
        ("a".to_owned(), b"12".to_vec()),
        ("b".to_owned(), b"3".to_vec()),
    ];
    let two = [
        ("a".to_owned(), b"1".to_vec()),
        ("b".to_owned(), b"23".to_vec()),
    ];
    let of = |files: &[(String, Vec<u8>)]| hash::of(files.iter().map(|(path, b)| (path, b)));
    assert_ne!(of(&one), of(&two));
}

#[test]
fn a_text_that_is_not_utf_8_is_named() {
    let dir = folder();
    fs::write(dir.path().join("closure/es/sms.hbs"), b"cl\xednica").unwrap();
    let problems = load_dir(dir.path()).problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].file, "es/sms.hbs");
    assert!(problems[0].message.contains("UTF-8"));
}

#[test]
fn a_file_that_nothing_names_is_remembered() {
    let dir = folder();
    write(dir.path(), "closure", [("fr/sms.hbs", "fermé")].into_iter());
    let loaded = load_dir(dir.path());
    assert_eq!(loaded.find("closure").unwrap().unused_files, ["fr/sms.hbs"]);
}

#[test]
fn a_folder_that_is_not_there_is_one_problem() {
    let loaded = load_dir(Path::new("/nowhere/at/all"));
    assert_eq!(loaded.templates, []);
    assert!(
        loaded.problems[0]
            .to_string()
            .starts_with("/nowhere/at/all: ")
    );
}

#[test]
fn the_templates_that_come_along_all_load() {
    let loaded = embedded();
    assert_eq!(loaded.problems, []);
    let needed = [
        "all-clear",
        "closure",
        "correction",
        "data-breach",
        "drill-announcement",
        "evacuation",
        "it-outage",
        "rescheduling",
        "severe-weather",
        "staff-call-out",
        "update",
    ];
    let missing: Vec<_> = needed
        .iter()
        .filter(|name| loaded.find(name).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
