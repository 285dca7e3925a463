//! Finds the files of every template: in a folder, or inside the program.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use rust_embed::RustEmbed;

/// A template's files by their path inside its folder, with `/`; line ends normalised.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Nothing that belongs to a template is longer; the rest of a longer file is not read.
const MAX_FILE_BYTES: u64 = 64 * 1024;

#[derive(RustEmbed)]
#[folder = "message-templates/"]
struct Embedded;

pub(super) fn embedded() -> BTreeMap<String, Files> {
    let mut folders: BTreeMap<String, Files> = BTreeMap::new();
    for path in Embedded::iter() {
        if let (Some((name, inside)), Some(file)) = (path.split_once('/'), Embedded::get(&path))
            && !path.split('/').any(is_ignored)
        {
            let files = folders.entry(name.to_owned()).or_default();
            files.insert(inside.to_owned(), normalised(&file.data));
        }
    }
    folders
}

/// Every subfolder of `dir`, with its files and those one folder deeper.
pub(super) fn read_dir(dir: &Path) -> io::Result<BTreeMap<String, Files>> {
    let mut folders = BTreeMap::new();
    for (name, path) in entries(dir)? {
        if path.is_dir() {
            folders.insert(name, read_files(&path));
        }
    }
    Ok(folders)
}

/// What cannot be read is left out, and so is reported as missing by name.
fn read_files(folder: &Path) -> Files {
    let mut files = Files::new();
    for (name, path) in entries(folder).unwrap_or_default() {
        if path.is_dir() {
            for (inner, path) in entries(&path).unwrap_or_default() {
                add(&mut files, format!("{name}/{inner}"), &path);
            }
        } else {
            add(&mut files, name, &path);
        }
    }
    files
}

fn add(files: &mut Files, name: String, path: &Path) {
    if let Ok(bytes) = read_at_most(path) {
        files.insert(name, normalised(&bytes));
    }
}

fn read_at_most(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;

    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    // One byte more than allowed, so that the text is too long for the checks that follow too.
    fs::File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn entries(dir: &Path) -> io::Result<Vec<(String, std::path::PathBuf)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_ignored(&name) {
            entries.push((name, entry.path()));
        }
    }
    Ok(entries)
}

/// Hidden files and editors' backups.
fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || name.starts_with('#')
}

/// The bytes without byte order mark and with `\n` at line ends, so that a checkout on Windows is
/// the same template.
fn normalised(bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut normal = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte == b'\r' {
            rest.next_if_eq(&b'\n');
            normal.push(b'\n');
        } else {
            normal.push(byte);
        }
    }
    normal
}
