//! Keeps the walls between the modules, the size of the files, and the truth of the documents: plain
//! text checks, each failure with its file and line.
#![expect(clippy::unwrap_used, reason = "in a test a missing file is a failure")]
#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the repository's own files end in small letters"
)]

mod commands;
mod documents;
mod reliability;
mod source;
mod tree;
mod walls;
