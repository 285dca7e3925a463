//! The alert's pages as a browser without JavaScript meets them, from the real router, on both
//! databases: launch, board, follow-ups, people, reports.
#![expect(clippy::unwrap_used, reason = "in a test a missing value is a failure")]

#[path = "../support/environment.rs"]
pub mod environment;
#[path = "../support/postgres.rs"]
pub mod postgres;
#[path = "../support/totp.rs"]
pub mod totp;

pub mod browser;
pub mod desk;

mod board;
mod doors;
mod follow_ups;
mod launch;
mod people;
mod proof;
mod reports;
mod service;
mod written;

/// Declares each test once for SQLite and once for PostgreSQL.
macro_rules! on_both {
    ($(async fn $name:ident($desk:ident: Desk) $body:block)*) => {
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let $desk = crate::desk::Desk::on_sqlite().await;
                let kept = $desk.clone();
                $body
                kept.close().await;
            })*
        }
        mod postgres {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let $desk = crate::desk::Desk::on_postgres().await;
                let kept = $desk.clone();
                $body
                kept.close().await;
            })*
        }
    };
}
pub(crate) use on_both;
