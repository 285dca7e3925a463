//! Keeps the walls between the modules, the size of the files, and the truth of the documents: plain
//! text checks, each failure with its file and line.
#![expect(clippy::unwrap_used, reason = "in a test a missing file is a failure")]

mod commands;
mod documents;
mod source;
mod tree;
mod walls;
