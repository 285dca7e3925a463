//! What the engine promises, from launch to report, on both databases, with a clock that stands
//! still until it is moved and gateways that do what the test tells them.
#![expect(clippy::unwrap_used, reason = "in a test a missing value is a failure")]

#[path = "../support/environment.rs"]
pub mod environment;
#[path = "../support/postgres.rs"]
pub mod postgres;

mod audience;
mod crash;
mod follow_ups;
mod gateways;
pub mod house;
mod launch;
mod plans;
mod races;
mod receipts;
mod reports;
mod responses;
mod rows_read;

/// Declares each test once for SQLite and once for PostgreSQL.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($house:ident: House) $body:block)*) => {
        mod sqlite {
            use super::*;
            $($(#[$doc])* #[tokio::test] async fn $name() {
                let $house = crate::house::House::on_sqlite().await;
                let kept = $house.clone();
                $body
                kept.close().await;
            })*
        }
        mod postgres {
            use super::*;
            $($(#[$doc])* #[tokio::test] async fn $name() {
                let $house = crate::house::House::on_postgres().await;
                let kept = $house.clone();
                $body
                kept.close().await;
            })*
        }
    };
}
pub(crate) use on_both;
