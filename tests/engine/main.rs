//! What the engine promises, from launch to report, on both databases, with a clock that stands
//! still until it is moved and gateways that do what the test tells them.
#![expect(clippy::unwrap_used, reason = "in a test a missing value is a failure")]

#[path = "../support/both.rs"]
mod both;
#[path = "../support/environment.rs"]
pub mod environment;
#[path = "../support/postgres.rs"]
pub mod postgres;

mod audience;
mod call_out;
mod crash;
mod follow_ups;
mod gateways;
pub mod house;
mod launch;
mod limits;
mod plans;
mod priorities;
mod races;
mod receipts;
mod reports;
mod responses;
mod rows_read;

pub(crate) use both::on_both;
