//! C0 to C12: the real program dies at one exact point (`src/fail_point.rs`), is started again, and
//! finishes. C13, a death during a backup, waits for a command that makes backups.

mod acts;
mod migrations;
mod scene;
mod sending;

/// Declares each test once for SQLite and once for PostgreSQL.
macro_rules! on_stores {
    ($(async fn $name:ident($store:ident: Store) $body:block)*) => {
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let $store = crate::muster::Store::Sqlite;
                $body
            })*
        }
        mod postgres {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let $store = crate::muster::Store::Postgres;
                $body
            })*
        }
    };
}
use on_stores;
