//! A PostgreSQL database of its own for each test, on the server that `scripts/test` started.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::environment::variable;

/// An empty database with a unique name, dropped together with this value.
#[derive(Debug)]
pub struct FreshDatabase {
    name: String,
    url: String,
}

impl FreshDatabase {
    /// The database's address, for a pool or for Muster's own `database` setting.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Creates an empty database. Fails the test when there is no server to create it on.
pub async fn fresh_database() -> FreshDatabase {
    let server = variable("MUSTER_TEST_POSTGRES");
    let name = format!("test_{}", uuid::Uuid::from_u128(rand::random()).simple());
    // From template0, because nobody else can be connected to it and hinder the copy.
    execute(
        &server,
        format!("CREATE DATABASE {name} TEMPLATE template0"),
    )
    .await;
    let (address, _) = server
        .rsplit_once('/')
        .expect("scripts/test names a database");
    FreshDatabase {
        url: format!("{address}/{name}"),
        name,
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // On a thread of its own: the test's runtime may be the very one that is ending.
        let dropping = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for one statement")
                .block_on(execute(&variable("MUSTER_TEST_POSTGRES"), statement));
        });
        let dropped = dropping.join().is_ok();
        // Two panics at once would hide the first, which is the test's own.
        assert!(
            dropped || std::thread::panicking(),
            "could not drop database {}",
            self.name
        );
    }
}

async fn execute(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server)
        .await
        .expect("cannot reach the test PostgreSQL: run scripts/test");
    sqlx::query(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .expect("the statement holds nothing but a name made here");
    connection
        .close()
        .await
        .expect("a connection without work closes");
}
