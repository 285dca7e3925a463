//! Reads the templates' folders. A broken template is named, and never hides the others.

mod hash;
mod manifest;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::{Part, PartKey, Template};
use crate::call_out::Says;
use source::Files;

/// The folder that is read when it exists in the working directory.
pub const DEFAULT_DIR: &str = "message-templates";
/// The file that says what a template is.
const MANIFEST: &str = "template.toml";

/// What a folder of templates held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The templates that could be read, by name. Readable is not yet good: see
    /// [`check()`](super::check()).
    pub templates: Vec<Template>,
    /// What is wrong with the others. A template is in one list only.
    pub problems: Vec<Problem>,
}

impl Loaded {
    /// The template called `name`.
    pub fn find(&self, name: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.name == name)
    }
}

/// Why a template could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The template's folder; empty when the whole collection cannot be read.
    pub template: String,
    /// The file, relative to that folder.
    pub file: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.template.is_empty() {
            write!(f, "{}/", self.template)?;
        }
        write!(f, "{}: {}", self.file, self.message)
    }
}

/// The templates to use: those of `dir`, else those of `./message-templates` if there is such a
/// folder, else those that the program brings along.
pub fn shelf(dir: Option<&Path>) -> Loaded {
    let default = Path::new(DEFAULT_DIR);
    match dir {
        Some(dir) => load_dir(dir),
        None if default.is_dir() => load_dir(default),
        None => embedded(),
    }
}

/// The templates of a folder: one per subfolder. Hidden files and editors' backups are ignored.
pub fn load_dir(dir: &Path) -> Loaded {
    match source::read_dir(dir) {
        Ok(folders) => read_all(folders),
        Err(error) => Loaded {
            templates: Vec::new(),
            problems: vec![Problem {
                template: String::new(),
                file: dir.display().to_string(),
                message: format!("the folder of templates cannot be read ({error})"),
            }],
        },
    }
}

/// The templates that the program brings along.
pub fn embedded() -> Loaded {
    read_all(source::embedded())
}

fn read_all(folders: BTreeMap<String, Files>) -> Loaded {
    let mut loaded = Loaded::default();
    for (name, files) in folders {
        match read_template(&name, &files) {
            Ok(template) => loaded.templates.push(template),
            Err(problems) => loaded.problems.extend(problems),
        }
    }
    loaded
}

/// One template of its files, by path. Says everything that is wrong at once, except that nothing
/// more can be said once `template.toml` cannot be read.
fn read_template(name: &str, files: &Files) -> Result<Template, Vec<Problem>> {
    let problem = |file: &str, message: String| Problem {
        template: name.to_owned(),
        file: file.to_owned(),
        message,
    };
    if !is_name(name) {
        let message = "the folder's name is the template's: use small letters, digits and - only, \
                       50 at most"
            .to_owned();
        return Err(vec![problem(MANIFEST, message)]);
    }
    let manifest = text_of(files, MANIFEST).map_err(|message| vec![problem(MANIFEST, message)])?;
    let mut template = manifest::read(name, &manifest).map_err(|messages| {
        messages
            .into_iter()
            .map(|message| problem(MANIFEST, message))
            .collect::<Vec<_>>()
    })?;

    let mut problems = Vec::new();
    let mut used = vec![MANIFEST.to_owned()];
    for key in expected_parts(&template) {
        let path = key.path();
        match text_of(files, &path) {
            Ok(text) => {
                template.parts.insert(key, text.trim_end().to_owned());
                used.push(path);
            }
            Err(message) => problems.push(problem(&path, message)),
        }
    }
    let says = match template.call_out {
        Some(_) => &Says::LATER[..],
        None => &[],
    };
    for says in says {
        let mut later = Template {
            options: Vec::new(),
            call_out: None,
            parts: BTreeMap::new(),
            ..template.clone()
        };
        for key in expected_parts(&later) {
            let path = later_path(*says, &key.path());
            match text_of(files, &path) {
                Ok(text) => {
                    later.parts.insert(key, text.trim_end().to_owned());
                    used.push(path);
                }
                Err(message) => problems.push(problem(&path, message)),
            }
        }
        later.later.clear();
        template.later.insert(*says, later);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    template.unused_files = files
        .keys()
        .filter(|path| !used.contains(path))
        .cloned()
        .collect();
    template.hash = hash::of(files.iter().filter(|(path, _)| used.contains(path)));
    Ok(template)
}

/// Where a text is that a call-out says later: `es/filled.sms.hbs` for `es/sms.hbs`.
pub(super) fn later_path(says: Says, path: &str) -> String {
    path.replacen('/', &format!("/{says}."), 1)
}

/// Every text that the template says it has.
fn expected_parts(template: &Template) -> Vec<PartKey> {
    let mut keys = Vec::new();
    for language in &template.languages {
        for channel in &template.channels {
            keys.extend(Part::of(*channel).iter().map(|part| PartKey {
                channel: *channel,
                language: language.clone(),
                part: *part,
            }));
        }
    }
    keys
}

fn text_of(files: &Files, path: &str) -> Result<String, String> {
    let Some(bytes) = files.get(path) else {
        return Err(
            "is missing: write it, or take its channel or language out of template.toml".to_owned(),
        );
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err("is not UTF-8 text: save it as UTF-8".to_owned()),
    }
}

/// The name is part of addresses, scopes and commands.
fn is_name(name: &str) -> bool {
    (1..=50).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.starts_with('-')
}

/// A template of texts that a test made up.
#[cfg(test)]
pub(super) fn from_texts(name: &str, texts: &[(&str, &str)]) -> Result<Template, Vec<Problem>> {
    let files = texts
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect();
    read_template(name, &files)
}

#[cfg(test)]
mod tests;
