//! Finds every SQL statement that storage hands to a database, whatever macro made it.

use std::path::Path;

use super::expand::{Definitions, arguments, closing};
use super::tokens::{Placed, read};

/// One statement, as each database gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
    /// How many values are bound to it; none if that happens elsewhere.
    pub(crate) bound: Option<usize>,
}

/// What a search found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) statements: Vec<Statement>,
    /// Statements whose text the search could not work out, by file and line.
    pub(crate) unreadable: Vec<String>,
}

/// Searches every file below `folder` but those that implement `sql` itself.
pub(crate) fn in_folder(folder: &Path) -> Found {
    let files = texts(folder);
    let mut shared = Definitions::default();
    for (_, text) in &files {
        shared.share(&read(text));
    }
    let mut found = Found::default();
    for (name, text) in &files {
        let more = in_text_with(name, text, &shared);
        found.statements.extend(more.statements);
        found.unreadable.extend(more.unreadable);
    }
    found
        .statements
        .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    found
}

/// The files to search, each with its name and its text.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("storage/db") {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs")
                && !path.ends_with("storage/db.rs")
            {
                let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                texts.push((name.display().to_string(), text));
            }
        }
    }
    texts
}

/// Searches one file's text.
#[cfg(test)]
pub(crate) fn in_text(file: &str, text: &str) -> Found {
    in_text_with(file, text, &Definitions::default())
}

/// Searches one file's text, which may use what other files share.
fn in_text_with(file: &str, text: &str, shared: &Definitions) -> Found {
    let (mut definitions, code) = Definitions::split_off(&read(text));
    definitions.add(shared);
    let mut found = Found::default();
    search(file, &definitions, &code, None, &mut found);
    found
}

/// Where an expanded macro was used: its line, and what is bound behind it.
type Use = (usize, Option<usize>);

fn search(
    file: &str,
    definitions: &Definitions,
    code: &[Placed],
    used: Option<Use>,
    found: &mut Found,
) {
    for at in 0..code.len() {
        let behind = &code[at..];
        match behind {
            [dot, name, open, ..]
                if dot.is_mark('.')
                    && matches!(name.word(), Some("sql" | "sql_for"))
                    && open.is_mark('(') =>
            {
                let end = closing(behind, 2);
                let (line, bound) = used.unwrap_or_else(|| (name.line, bound(&behind[end + 1..])));
                let texts: Option<Vec<String>> = arguments(&behind[3..end])
                    .iter()
                    .map(|text| definitions.text(text))
                    .collect();
                match texts.as_deref() {
                    Some([both]) => found.add(file, line, both, both, bound),
                    Some([sqlite, postgres]) => found.add(file, line, sqlite, postgres, bound),
                    _ => found.unreadable.push(format!(
                        "{file}:{line}: the text of this statement cannot be worked out; write it as \
                         a literal, or teach tests/sql_is_portable/expand.rs"
                    )),
                }
            }
            [name, bang, open, ..] if bang.is_mark('!') && open.is_mark('(') => {
                let end = closing(behind, 2);
                let expanded = name
                    .word()
                    .and_then(|name| definitions.expand(name, &arguments(&behind[3..end])));
                if let Some(expanded) = expanded {
                    let here = used.unwrap_or_else(|| (name.line, bound(&behind[end + 1..])));
                    search(file, definitions, &expanded, Some(here), found);
                }
            }
            _ => {}
        }
    }
}

impl Found {
    fn add(&mut self, file: &str, line: usize, sqlite: &str, postgres: &str, bound: Option<usize>) {
        self.statements.push(Statement {
            file: file.to_owned(),
            line,
            sqlite: sqlite.to_owned(),
            postgres: postgres.to_owned(),
            bound,
        });
    }
}

/// How many `.bind(…)` follow before the statement is run; none if it is not run right here.
fn bound(mut behind: &[Placed]) -> Option<usize> {
    let mut count = 0;
    loop {
        let [dot, name, open, ..] = behind else {
            return None;
        };
        if !dot.is_mark('.') || !open.is_mark('(') {
            return None;
        }
        match name.word()? {
            "bind" => count += 1,
            "execute" | "fetch_all" | "fetch_one" | "fetch_optional" => return Some(count),
            _ => return None,
        }
        behind = &behind[closing(behind, 2) + 1..];
    }
}

/// How many arguments a text takes: the highest number behind a `$`.
pub(crate) fn arguments_of(sql: &str) -> usize {
    sql.split('$')
        .skip(1)
        .filter_map(|rest| {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest[..digits].parse().ok()
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn macros_that_run_statements_are_followed_to_where_they_are_used() {
    let text = r#"
        const NEWEST: &str = "ORDER BY at DESC";
        macro_rules! of { ($from:literal, $rest:expr) => { concat!("SELECT * FROM ", $from, " ", $rest) }; }
        macro_rules! run { ($on:expr, $rest:literal) => { $on.sql_for(of!("a", $rest), of!("b", $rest)) }; }
        fn f(db: &Db) {
            run!(db, "WHERE id = $1")
                .bind(id)
                .fetch_all();
            db.sql(of!("c", NEWEST)).fetch_one();
            db.sql(&made_at_run_time).execute();
        }
    "#;
    let found = in_text("x.rs", text);
    let statement = |line, sqlite: &str, postgres: &str, bound| Statement {
        file: "x.rs".to_owned(),
        line,
        sqlite: sqlite.to_owned(),
        postgres: postgres.to_owned(),
        bound: Some(bound),
    };
    assert_eq!(
        found.statements,
        [
            statement(
                6,
                "SELECT * FROM a WHERE id = $1",
                "SELECT * FROM b WHERE id = $1",
                1
            ),
            statement(
                9,
                "SELECT * FROM c ORDER BY at DESC",
                "SELECT * FROM c ORDER BY at DESC",
                0
            ),
        ]
    );
    assert!(
        found.unreadable[0].starts_with("x.rs:10: "),
        "{:?}",
        found.unreadable
    );
}

#[test]
fn a_texts_arguments_are_counted_by_their_highest_number() {
    assert_eq!(arguments_of("SELECT 1"), 0);
    assert_eq!(
        arguments_of("SELECT '$' WHERE a = $2 OR b = $11 AND c = $1"),
        11
    );
}

#[test]
fn a_macro_that_another_file_shares_is_known() {
    let one = r#"macro_rules! living { () => { "contact.archived_at IS NULL" }; } pub(super) use living;
        macro_rules! own { () => { "1" }; }"#;
    let mut shared = Definitions::default();
    shared.share(&read(one));
    let other =
        r#"fn f() { db.sql(concat!("SELECT * FROM contact WHERE ", living!())).fetch_all() }"#;
    let found = in_text_with("b.rs", other, &shared);
    assert_eq!(
        found.statements[0].sqlite,
        "SELECT * FROM contact WHERE contact.archived_at IS NULL"
    );
    let hidden = r#"fn f() { db.sql(concat!("SELECT ", own!())).fetch_all() }"#;
    assert_eq!(in_text_with("b.rs", hidden, &shared).unreadable.len(), 1);
}
