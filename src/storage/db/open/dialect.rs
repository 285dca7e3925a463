//! Says a migration the way SQLite keeps its tables best. The migrations themselves are portable.

use sqlx::migrate::{Migration, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

/// The same migrations for SQLite.
///
/// A table of SQLite is a tree by its row number, which a key is only if its type is written
/// `INTEGER`: with any other name, `BIGINT` too, the key is a second tree beside it, to be kept up to
/// date and to be gone through at every look-up. What stands in a comment that begins with `SQLite:`
/// is for SQLite alone.
pub(super) fn for_sqlite(migrator: &Migrator) -> Migrator {
    let migrations = migrator.iter().map(|migration| Migration {
        sql: AssertSqlSafe(translate(migration.sql.as_str())).into_sql_str(),
        ..migration.clone()
    });
    Migrator::with_migrations(migrations.collect())
}

fn translate(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    for line in sql.lines() {
        if line.contains("PRIMARY KEY") {
            text.push_str(&line.replacen("BIGINT", "INTEGER", 1));
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text.replace("/* SQLite: WITHOUT ROWID */", "WITHOUT ROWID")
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn a_number_as_a_key_is_the_row_number_and_nothing_else_changes() {
        let portable = "CREATE TABLE a (\n  id BIGINT PRIMARY KEY,\n  at BIGINT NOT NULL\n);\n";
        let own = "CREATE TABLE a (\n  id INTEGER PRIMARY KEY,\n  at BIGINT NOT NULL\n);\n";
        assert_eq!(translate(portable), own);
    }

    #[test]
    fn a_table_that_is_found_by_its_key_alone_is_kept_by_it() {
        let portable = "CREATE TABLE a (k BYTEA PRIMARY KEY) /* SQLite: WITHOUT ROWID */;\n";
        let own = "CREATE TABLE a (k BYTEA PRIMARY KEY) WITHOUT ROWID;\n";
        assert_eq!(translate(portable), own);
    }
}
