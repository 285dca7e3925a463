//! Runs the real program as a person at a terminal would, and reads what it prints and how it ends.
#![expect(clippy::unwrap_used, reason = "in a test a broken step is a failure")]

#[path = "../support/rig.rs"]
pub mod support;

#[macro_use]
mod house;

mod accounts;
mod answers;
mod configuration;
mod contacts;
mod demo;
mod opening;
mod sending;
mod serving;
mod templates;
