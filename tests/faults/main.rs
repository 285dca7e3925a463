//! The fault matrix: what must hold when something breaks, each row of it by a test whose name begins
//! with the row's number (`c04_…`, `f12_…`). docs/reliability.md lists the rows.
#![expect(clippy::unwrap_used, reason = "in a test a missing value is a failure")]

#[path = "../crash/book.rs"]
pub mod book;
#[path = "../support/both.rs"]
mod both;
#[path = "../crash/gateway.rs"]
pub mod gateway;
#[path = "../engine/house.rs"]
pub mod house;
#[path = "../crash/mail.rs"]
pub mod mail;
#[path = "../support/muster.rs"]
pub mod muster;
#[path = "../support/rig.rs"]
pub mod support;

mod crash_points;
mod nodes;
mod people;
mod rude_gateways;
mod surroundings;

pub(crate) use both::on_both;
pub use support::{environment, postgres};
