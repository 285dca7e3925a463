//! Runs every storage test on both databases: what is promised holds on each, or the test fails.
#![expect(clippy::unwrap_used, reason = "in a test a broken step is a failure")]

#[path = "../support/rig.rs"]
pub mod support;

#[macro_use]
mod ground;

mod accounts;
mod call_trees;
mod contacts;
mod groups;
mod health;
mod imports;
mod merging;
mod second_factor;
mod tokens;
mod writing;
