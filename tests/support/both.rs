//! Declares each engine test once for SQLite and once for PostgreSQL.

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
