//! What the outside gets by HTTP, from the real router on a real port, on both databases: the API,
//! the answer page, callbacks and probes.
#![expect(clippy::unwrap_used, reason = "in a test a missing value is a failure")]

#[path = "../support/environment.rs"]
pub mod environment;
#[path = "../support/inbox.rs"]
pub mod inbox;
#[path = "../support/ports.rs"]
pub mod ports;
#[path = "../support/postgres.rs"]
pub mod postgres;
#[path = "../support/receiver.rs"]
pub mod receiver;

pub mod served;

mod alerts;
mod answer_page;
mod bad_input;
mod callbacks;
mod description;
mod directory;
mod metrics;
mod probes;
mod request_keys;
mod self_watch;
mod templates;
mod tokens;

/// Declares each test once for SQLite and once for PostgreSQL.
macro_rules! on_both {
    ($(async fn $name:ident($served:ident: Served) $body:block)*) => {
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let $served = crate::served::Served::on_sqlite().await;
                let kept = $served.clone();
                $body
                kept.close().await;
            })*
        }
        mod postgres {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let $served = crate::served::Served::on_postgres().await;
                let kept = $served.clone();
                $body
                kept.close().await;
            })*
        }
    };
}
pub(crate) use on_both;
