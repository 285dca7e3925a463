//! Computes what is approved: one hash over every file that a template is made of.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal, of the files' paths and contents in order of their paths. Each is
/// preceded by its length, so that moving bytes from one file to the next makes another hash.
pub(super) fn of<'a>(files: impl Iterator<Item = (&'a String, &'a Vec<u8>)>) -> String {
    let mut files: Vec<_> = files.collect();
    files.sort();
    let mut digest = Sha256::new();
    digest.update(b"muster template 1\n");
    for (path, content) in files {
        for bytes in [path.as_bytes(), content] {
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        }
    }
    digest
        .finalize()
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string takes every write");
            hex
        })
}
