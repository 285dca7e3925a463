//! The console around an alert, as a browser without JavaScript sees it, on both databases: the doors,
//! people and imports, templates, call lists, accounts, simulated phones.
#![expect(clippy::unwrap_used, reason = "in a test a missing value is a failure")]

#[path = "../support/environment.rs"]
pub mod environment;
#[path = "../support/postgres.rs"]
pub mod postgres;
#[path = "../support/totp.rs"]
pub mod totp;

mod accounts;
pub mod browser;
mod calls;
mod directory;
mod doors;
mod imports;
mod log;
mod phones;
mod second_factor;
mod templates;

/// Declares each test once for SQLite and once for PostgreSQL. Afterwards the audit chain is whole.
macro_rules! on_both {
    ($(async fn $name:ident($house:ident: House) $body:block)*) => {
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let $house = crate::browser::House::on_sqlite().await;
                let kept = $house.clone();
                $body
                kept.close().await;
            })*
        }
        mod postgres {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let $house = crate::browser::House::on_postgres().await;
                let kept = $house.clone();
                $body
                kept.close().await;
            })*
        }
    };
}
pub(crate) use on_both;
