//! Every SQL statement of the program is prepared on both databases: what one of them does not
//! understand fails here, with its file and line, before anyone meets it.
#![expect(clippy::unwrap_used, reason = "in a test a broken step is a failure")]

#[path = "../support/environment.rs"]
pub mod environment;
#[path = "../support/postgres.rs"]
pub mod postgres;

mod expand;
mod statements;
mod tokens;

use std::path::Path;

use futures::future::BoxFuture;
use muster::storage::{Access, Db};
use sqlx::postgres::PgTypeInfo;
use sqlx::postgres::types::Oid;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr, SqliteConnection};

use statements::Statement;

/// Both databases, migrated and empty.
struct Databases {
    sqlite: SqliteConnection,
    postgres: PgConnection,
    _folder: tempfile::TempDir,
    _fresh: postgres::FreshDatabase,
}

impl Databases {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("sqlite:{}", folder.path().join("muster.db").display());
        let fresh = postgres::fresh_database().await;
        for url in [file.as_str(), fresh.url()] {
            Db::open(&url.parse().unwrap(), Access::Migrate)
                .await
                .unwrap()
                .close()
                .await;
        }
        Self {
            sqlite: SqliteConnection::connect(&file).await.unwrap(),
            postgres: PgConnection::connect(fresh.url()).await.unwrap(),
            _folder: folder,
            _fresh: fresh,
        }
    }

    /// What each database has to say against the statement.
    async fn complaints(&mut self, statement: &Statement) -> Vec<String> {
        let at = format!("{}:{}", statement.file, statement.line);
        let mut complaints = Vec::new();
        let sqlite = AssertSqlSafe(statement.sqlite.clone()).into_sql_str();
        if let Err(error) = (&mut self.sqlite).prepare(sqlite).await {
            complaints.push(format!("{at}: SQLite does not take it: {error}"));
        }
        if statement.sqlite.contains("::") {
            complaints.push(format!(
                "{at}: SQLite does not take `::`, but for part of a name"
            ));
        }
        let count = statements::arguments_of(&statement.postgres);
        if let Err(error) = self
            .prepare_typed(&statement.postgres, vec![UNSAID; count])
            .await
        {
            complaints.push(format!("{at}: PostgreSQL does not take it: {error}"));
        }
        for (engine, sql) in [
            ("SQLite", &statement.sqlite),
            ("PostgreSQL", &statement.postgres),
        ] {
            let wanted = statements::arguments_of(sql);
            if statement.bound.is_some_and(|bound| bound != wanted) {
                let bound = statement.bound.unwrap_or_default();
                complaints.push(format!(
                    "{at}: {bound} values are bound, {engine}'s text has {wanted}"
                ));
            }
        }
        complaints
    }

    /// The driver tells PostgreSQL the type of each value that it binds. Where the server cannot
    /// work one out from the text alone, one of the types that Muster binds must do.
    fn prepare_typed<'a>(
        &'a mut self,
        sql: &'a str,
        types: Vec<u32>,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let told: Vec<_> = types
                .iter()
                .map(|oid| PgTypeInfo::with_oid(Oid(*oid)))
                .collect();
            let text = AssertSqlSafe(sql.to_owned()).into_sql_str();
            let Err(error) = (&mut self.postgres).prepare_with(text, &told).await else {
                return Ok(());
            };
            let unsaid = untyped(&error).filter(|at| types.get(*at) == Some(&UNSAID));
            for oid in unsaid.map_or(&[][..], |_| &BOUND[..]) {
                let mut types = types.clone();
                types[unsaid.unwrap_or_default()] = *oid;
                if self.prepare_typed(sql, types).await.is_ok() {
                    return Ok(());
                }
            }
            Err(error)
        })
    }
}

/// To the server: work the type out yourself.
const UNSAID: u32 = 0;
/// The server's numbers for the types that Muster binds: bigint, text, boolean, uuid, bytea.
const BOUND: [u32; 5] = [20, 25, 16, 2950, 17];

/// Which argument, from 0, the server could not find a type for, if that was its complaint.
fn untyped(error: &sqlx::Error) -> Option<usize> {
    let message = error.as_database_error()?.message();
    let (_, number) = message.split_once("parameter $")?;
    let digits = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    number[..digits].parse::<usize>().ok()?.checked_sub(1)
}

#[tokio::test]
async fn every_statement_is_understood_by_both_databases() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage");
    let found = statements::in_folder(&source);
    let mut complaints = found.unreadable;
    assert!(
        found.statements.len() > 150,
        "the scanner lost its way: {}",
        found.statements.len()
    );
    let mut databases = Databases::open().await;
    for statement in &found.statements {
        complaints.extend(databases.complaints(statement).await);
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[tokio::test]
async fn a_statement_that_one_database_does_not_know_is_caught() {
    let text = r#"
        macro_rules! newest { ($rest:literal) => { concat!("SELECT ", $rest, " FROM alert") }; }
        fn a(db: &Db) { db.sql(newest!("number")).fetch_all() }
        fn b(db: &Db) { db.sql(newest!("numbre")).fetch_all() }
        fn c(db: &Db) { db.sql("SELECT number FROM alert WHERE id = $1::uuid").bind(id).fetch_all() }
        fn d(db: &Db) { db.sql("SELECT unhex('00') FROM alert").fetch_all() }
        fn e(db: &Db) { db.sql("SELECT number FROM alert WHERE id = $1").fetch_all() }
    "#;
    let found = statements::in_text("made_up.rs", text);
    assert_eq!(found.unreadable, Vec::<String>::new());
    let mut databases = Databases::open().await;
    let mut complaints = Vec::new();
    for statement in &found.statements {
        complaints.extend(databases.complaints(statement).await);
    }
    let places: Vec<_> = complaints
        .iter()
        .map(|line| line.split(" does not").next().unwrap())
        .map(|line| line.split(", ").next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "made_up.rs:4: SQLite",
            "made_up.rs:4: PostgreSQL",
            "made_up.rs:5: SQLite",
            "made_up.rs:6: PostgreSQL",
            "made_up.rs:7: 0 values are bound",
            "made_up.rs:7: 0 values are bound",
        ],
        "{complaints:#?}"
    );
}
