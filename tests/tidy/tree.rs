//! The repository's files, as a clone has them.

use std::path::{Path, PathBuf};

/// One text file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path from the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// Its lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    /// The lines that are not comments.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// What is not in a clone.
const MADE: [&str; 5] = [
    "target",
    ".git",
    "node_modules",
    "muster-data",
    "muster-demo-data",
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Whether the repository has a file or a folder at this path.
pub(crate) fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// Every text file below `folder`, by path.
pub(crate) fn files(folder: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // In a second work tree .git is a file.
            if MADE.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let path = path.strip_prefix(root()).unwrap().display().to_string();
                found.push(File {
                    path: path.replace('\\', "/"),
                    text,
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "{folder} is empty");
    found
}

/// One file that must be there.
pub(crate) fn file(path: &str) -> File {
    let text = std::fs::read_to_string(root().join(path));
    assert!(text.is_ok(), "{path} is missing");
    File {
        path: path.to_owned(),
        text: text.unwrap(),
    }
}

/// Every Rust file below `src` and `tests`.
pub(crate) fn rust() -> Vec<File> {
    let mut found = files("src");
    found.extend(files("tests"));
    found.retain(|file| file.path.ends_with(".rs"));
    found
}

/// Fails with all complaints at once.
pub(crate) fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
