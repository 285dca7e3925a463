//! The walls between the modules: who may speak to a database, to a gateway, to whom at all.

use super::tree::{self, File};

/// Something that only some files may say.
struct Wall {
    /// The words, as they stand in code.
    words: &'static [&'static str],
    /// Paths that may say them begin so.
    inside: &'static [&'static str],
    /// Paths outside that may too, and why.
    exceptions: &'static [(&'static str, &'static str)],
    /// What to do instead.
    advice: &'static str,
}

const WALLS: &[Wall] = &[
    Wall {
        words: &[".sql(", ".sql_for(", "sqlx::query"],
        inside: &["src/storage/"],
        exceptions: &[],
        advice: "only src/storage runs SQL: write a function there",
    },
    Wall {
        words: &[
            "SqlitePool",
            "PgPool",
            "sqlx::Sqlite",
            "sqlx::Postgres",
            "sqlx::sqlite",
            "sqlx::postgres",
        ],
        inside: &["src/storage/db.rs", "src/storage/db/"],
        exceptions: &[],
        advice: "only src/storage/db.rs knows which database it is",
    },
    Wall {
        words: &["reqwest::", "lettre::"],
        inside: &["src/channel.rs", "src/channel/"],
        exceptions: &[
            (
                "src/cli/client.rs",
                "the commands are a client of the API, not of a gateway",
            ),
            (
                "src/operate/heartbeat.rs",
                "tells a monitoring outside that all is well: no message to anybody",
            ),
            (
                "src/directory/email_address/tests.rs",
                "proves that lettre takes what we take",
            ),
            (
                "src/demo/people/tests.rs",
                "proves that the invented addresses are valid",
            ),
        ],
        advice: "only src/channel talks to gateways",
    },
];

#[test]
fn only_storage_runs_sql_and_only_channels_talk_to_gateways() {
    let source = tree::files("src");
    let mut complaints = Vec::new();
    for wall in WALLS {
        for file in source.iter().filter(|file| !is_inside(file, wall)) {
            for (number, line) in file.code() {
                if let Some(word) = wall.words.iter().find(|word| line.contains(**word)) {
                    complaints.push(format!(
                        "{}:{number}: says {word}; {}",
                        file.path, wall.advice
                    ));
                }
            }
        }
    }
    tree::none(&complaints);
}

fn is_inside(file: &File, wall: &Wall) -> bool {
    !file.path.ends_with(".rs")
        || wall.inside.iter().any(|path| file.path.starts_with(path))
        || wall.exceptions.iter().any(|(path, _)| file.path == *path)
}

#[test]
fn no_exception_is_kept_longer_than_it_is_needed() {
    let mut complaints = Vec::new();
    for wall in WALLS {
        for (path, reason) in wall.exceptions {
            let file = tree::file(path);
            let needed = file
                .code()
                .any(|(_, line)| wall.words.iter().any(|word| line.contains(word)));
            if !needed {
                complaints.push(format!("{path}:1: needs no exception any more ({reason})"));
            }
        }
    }
    tree::none(&complaints);
}

/// Modules that take values and give values: no database, no network.
const PURE: [&str; 19] = [
    "src/plan.rs",
    "src/receipt/",
    "src/dispatch/rate.rs",
    "src/dispatch/retry.rs",
    "src/dispatch/health.rs",
    "src/dispatch/lease.rs",
    "src/template.rs",
    "src/template/",
    "src/response/option.rs",
    "src/response/reply_words.rs",
    "src/report/figures.rs",
    "src/report/reasons.rs",
    "src/report/text.rs",
    "src/report/words",
    "src/account/role.rs",
    "src/account/token/scope.rs",
    "src/web/view/",
    "src/paper.rs",
    "src/paper/",
];

#[test]
fn the_pure_steps_know_no_database_and_no_network() {
    let mut complaints = Vec::new();
    for file in tree::files("src") {
        let pure = PURE.iter().any(|path| file.path.starts_with(path));
        if !pure || !file.path.ends_with(".rs") {
            continue;
        }
        for (number, line) in file.code() {
            for name in ["sqlx", "reqwest", "lettre", "axum"] {
                if line.contains(&format!("{name}::")) || line.contains(&format!("use {name}")) {
                    complaints.push(format!(
                        "{}:{number}: knows {name}; pass it the values instead",
                        file.path
                    ));
                }
            }
        }
    }
    tree::none(&complaints);
}

#[test]
fn deciding_what_a_receipt_means_is_pure() {
    let receipt = tree::file("src/receipt.rs");
    let from = receipt
        .text
        .find("pub fn after(")
        .expect("src/receipt.rs has `after`");
    let body = &receipt.text[from..];
    let body = &body[..body.find("\n}").expect("it ends")];
    for word in ["app", "clock", "await", "tx"] {
        assert!(!body.contains(word), "src/receipt.rs: `after` says {word}");
    }
}

/// The ways in: each calls the steps, none calls another.
const WAYS_IN: [&str; 3] = ["web", "cli", "intake"];

#[test]
fn the_ways_in_never_call_each_other() {
    let mut complaints = Vec::new();
    for file in tree::files("src") {
        let Some(way) = WAYS_IN.iter().find(|way| is_of(&file, way)) else {
            continue;
        };
        for (number, line) in file.code() {
            for other in WAYS_IN.iter().filter(|other| *other != way) {
                if line.contains(&format!("crate::{other}")) {
                    complaints.push(format!(
                        "{}:{number}: calls {other}; both call the steps",
                        file.path
                    ));
                }
            }
        }
    }
    tree::none(&complaints);
}

fn is_of(file: &File, module: &str) -> bool {
    file.path == format!("src/{module}.rs")
        || (file.path.starts_with(&format!("src/{module}/")) && file.path.ends_with(".rs"))
}
