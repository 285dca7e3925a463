//! The log as files: a table for spreadsheets, and lines with which anyone can check the chain without
//! Muster.

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use serde_json::json;

use crate::account::role::Act;
use crate::app::App;
use crate::audit::Entry;
use crate::directory::export::safe_cell;
use crate::keys::hex;
use crate::storage::{self, Error};
use crate::web::pages::PageError;
use crate::web::session::{self, SignedIn};

/// Entries that are read at once.
const CHUNK: i64 = 1000;

/// A table for a spreadsheet: no cell of it runs as a formula.
pub(super) async fn table(State(app): State<App>, by: SignedIn) -> Result<Response, PageError> {
    by.require(Act::ReadAudit)?;
    let heading = row([
        "number", "time", "who", "action", "subject", "detail", "sha256",
    ]);
    let line = |entry: &Entry| {
        row([
            &entry.number.to_string(),
            &entry.at.to_jiff().to_string(),
            &entry.actor,
            &entry.action,
            &entry.subject,
            &entry.detail,
            &hex(&entry.hash),
        ])
    };
    Ok(file(&app, "csv", "text/csv; charset=utf-8", heading, line))
}

/// One JSON object a line, with everything that the hashes cover.
pub(super) async fn lines(State(app): State<App>, by: SignedIn) -> Result<Response, PageError> {
    by.require(Act::ReadAudit)?;
    let line = |entry: &Entry| {
        let line = json!({
            "number": entry.number, "at_ms": entry.at.0, "actor": entry.actor,
            "action": entry.action, "subject": entry.subject, "detail": entry.detail,
            "sha256": hex(&entry.hash),
        });
        format!("{line}\n")
    };
    Ok(file(
        &app,
        "jsonl",
        "application/jsonl",
        String::new(),
        line,
    ))
}

/// One line of a table (RFC 4180).
fn row(cells: [&str; 7]) -> String {
    let cells = cells.map(|cell| format!("\"{}\"", safe_cell(cell).replace('"', "\"\"")));
    format!("{}\r\n", cells.join(","))
}

/// Writes the chain out as it is read, a chunk at a time: a long one needs no more memory than a short one.
fn file(
    app: &App,
    ending: &str,
    media_type: &'static str,
    beginning: String,
    line: fn(&Entry) -> String,
) -> Response {
    let rest = futures::stream::try_unfold((app.db.clone(), 0), move |(db, after)| async move {
        let entries = storage::audit::list_after(&db, after, CHUNK).await?;
        let Some(last) = entries.last().map(|entry| entry.number) else {
            return Ok(None);
        };
        let text: String = entries.iter().map(line).collect();
        Ok::<_, Error>(Some((text, (db, last))))
    });
    let whole = futures::stream::once(async { Ok(beginning) }).chain(rest);
    let name = format!("attachment; filename=\"muster-log.{ending}\"");
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    (session::no_store(), headers, Body::from_stream(whole)).into_response()
}
