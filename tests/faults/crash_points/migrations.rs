//! C12: the program is killed while it makes or changes the schema.

use std::time::Duration;

use sqlx::{Connection as _, Executor as _};

use super::on_stores;
use crate::muster::{Muster, Store};

/// What a new database needs.
async fn migrations(muster: &Muster, store: Store) -> Vec<i64> {
    let sql = "SELECT version FROM _sqlx_migrations ORDER BY version";
    let url = muster.database();
    if store == Store::Postgres {
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        return sqlx::query_scalar(sql)
            .fetch_all(&mut connection)
            .await
            .unwrap_or_default();
    }
    let Ok(mut connection) = sqlx::SqliteConnection::connect(&url).await else {
        return Vec::new();
    };
    sqlx::query_scalar(sql)
        .fetch_all(&mut connection)
        .await
        .unwrap_or_default()
}

async fn execute(muster: &Muster, store: Store, sql: &'static str) {
    let url = muster.database();
    if store == Store::Postgres {
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        connection.execute(sql).await.unwrap();
    } else {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        connection.execute(sql).await.unwrap();
    }
}

/// Takes everything out of the database.
async fn empty(muster: &Muster, store: Store) {
    if store == Store::Postgres {
        execute(
            muster,
            store,
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
        )
        .await;
        return;
    }
    for entry in std::fs::read_dir(muster.folder().join("data")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // The mark too that says that there was one: else its loss would be refused.
        if name.starts_with("muster.db") || name.starts_with("made-") {
            match std::fs::remove_file(path) {
                // A connection that was just given up takes its own files away.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                other => other.unwrap(),
            }
        }
    }
}

on_stores! {
    async fn c12_a_program_killed_while_it_makes_the_schema_finishes_it_the_next_time(store: Store) {
        let muster = Muster::install(store, "").await;
        let all = migrations(&muster, store).await;
        assert!(all.len() > 1);
        empty(&muster, store).await;
        let in_the_middle = |seen: &[usize]| seen.iter().any(|n| (1..all.len()).contains(n));
        let mut seen = Vec::new();
        // Finer each time, until a kill came in the middle.
        for step in [3_000, 1_000, 300, 100] {
            // A little later each time, until it is done before it is killed.
            for pause in (0..).step_by(step).map(Duration::from_micros) {
                if muster.run_until_killed(&["migrate"], pause).await {
                    break;
                }
                seen.push(migrations(&muster, store).await.len());
            }
            assert_eq!(migrations(&muster, store).await, all, "{seen:?}");
            if in_the_middle(&seen) {
                break;
            }
            empty(&muster, store).await;
        }
        assert!(seen.contains(&0), "it was killed before it began: {seen:?}");
        assert!(in_the_middle(&seen), "it was never killed in the middle: {seen:?}");
        let (code, printed, errors) = muster.run(&["audit", "check"]).await;
        assert_eq!(code, 0, "{printed}{errors}");
    }

    async fn c12_a_program_that_is_older_than_its_schema_refuses_and_says_what_to_do(store: Store) {
        let muster = Muster::install(store, "").await;
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                     VALUES (9999, 'of a later version', TRUE, ''::bytea, 0)";
        let newer_sqlite = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                            VALUES (9999, 'of a later version', TRUE, x'', 0)";
        let sql = if store == Store::Postgres { newer } else { newer_sqlite };
        execute(&muster, store, sql).await;
        for command in [&["serve"][..], &["migrate"], &["audit", "check"]] {
            let (code, printed, errors) = muster.run(command).await;
            assert_eq!(code, 1, "{command:?}: {printed}");
            assert!(errors.contains("a newer version of Muster"), "{command:?}: {errors}");
        }
    }
}
