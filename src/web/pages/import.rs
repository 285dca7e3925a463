//! Import of people: a file is read, what would change is shown, and a button applies it.
//!
//! The address of a kept file shows the preview before and the result after, so that going back,
//! reloading and pressing twice are all harmless.

mod columns;
mod kept;
mod undo;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use sha2::{Digest, Sha256};

use crate::account::role::Act;
use crate::app::App;
use crate::directory::apply::{self, Absent, ImportPreview as Compared, ImportedRow};
use crate::directory::import::{self, ChangeKind, Meaning, Parsed, WrongColumns};
use crate::directory::table::{self, LARGEST_FILE, Table};
use crate::keys::hex;
use crate::web::form::Fields;
use crate::web::format::sentence;
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::import::{ImportDone, ImportPreview, ImportRow, ImportStart};
use crate::web::view::{Link, Notice, Section, Tone, counted, people};
use kept::{Kept, Uploads};

/// Rows shown of a preview: the rest is counted.
const ROWS: usize = 300;

/// The columns as the contract names them.
const COLUMNS: [&str; 13] = [
    "name", "email", "mobile", "phone", "language", "category", "role", "site", "unit", "groups",
    "tags", "manager", "id",
];

/// `/people/import`, `/people/import/{id}` and `/people/import/{id}/columns`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/people/import", get(start).post(upload))
        .route("/people/import/undo/{import}", post(undo::take_back))
        .route("/people/import/{id}", get(look).post(apply_kept))
        .route(
            "/people/import/{id}/columns",
            get(columns::look).post(columns::choose),
        )
        // Somewhat more than a file, for what a browser puts around it.
        .layer(DefaultBodyLimit::max(LARGEST_FILE + 64 * 1024))
        .layer(Extension(Arc::new(Uploads::default())))
}

async fn start(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    show(StatusCode::OK, &start_page(&app, &signed_in, None).await?)
}

async fn start_page(
    app: &App,
    signed_in: &SignedIn,
    refused: Option<&str>,
) -> Result<ImportStart, PageError> {
    let page = frame(app, &signed_in.user, "Import people", Section::People);
    Ok(ImportStart {
        page,
        newest: undo::newest(app).await?,
        action: "/people/import".to_owned(),
        refused: refused.map(|why| {
            Notice::new(
                Tone::Wrong,
                format!("Nothing was read in. {}", sentence(why)),
            )
        }),
        columns: COLUMNS.map(str::to_owned).to_vec(),
    })
}

async fn upload(
    State(app): State<App>,
    signed_in: SignedIn,
    Extension(uploads): Extension<Arc<Uploads>>,
    form: Multipart,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let refuse = async |status: StatusCode, why: &str| {
        show(status, &start_page(&app, &signed_in, Some(why)).await?)
    };
    let (name, bytes) = match file_of(form).await {
        Ok(file) => file,
        Err((status, why)) => return refuse(status, &why).await,
    };
    let read = tokio::task::spawn_blocking(move || {
        let sha256 = hex(&Sha256::digest(&bytes));
        table::read(&bytes).map(|table| (sha256, Arc::new(table)))
    });
    let (sha256, table) = match read.await.map_err(|_cause| UNREADABLE)? {
        Ok(read) => read,
        Err(why) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, &why.to_string()).await,
    };
    let meanings = table.headers.iter();
    let said: Vec<Meaning> = meanings.map(|header| Meaning::of_header(header)).collect();
    let read = read_as(&app, table.clone(), said.clone()).await?;
    // A file whose columns have names can be explained by a person; one without names cannot.
    if let Err(why @ (WrongColumns::NoHeaderLine | WrongColumns::Region(_))) = &read {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, &why.to_string()).await;
    }
    let id = uploads.keep(
        signed_in.user.id,
        Kept::new(name, sha256, table, said, read),
        app.clock.elapsed(),
    );
    Ok(Redirect::to(&format!("/people/import/{id}")).into_response())
}

const UNREADABLE: crate::storage::Error =
    crate::storage::Error::Broken("a file could not be read in");

/// Reads people out of a table where seconds of work hold up nobody else.
async fn read_as(
    app: &App,
    table: Arc<Table>,
    said: Vec<Meaning>,
) -> Result<Result<Parsed, WrongColumns>, PageError> {
    let house = app.config.organisation.clone();
    let read = tokio::task::spawn_blocking(move || {
        import::parse_as(&table, &said, &house.region, &house.language())
    });
    Ok(read.await.map_err(|_cause| UNREADABLE)?)
}

/// The form's file and its name; or the status and the reason why there is none.
async fn file_of(mut form: Multipart) -> Result<(String, Vec<u8>), (StatusCode, String)> {
    let broken = |error: axum::extract::multipart::MultipartError| {
        let status = error.status();
        let why = if status == StatusCode::PAYLOAD_TOO_LARGE {
            "the file is larger than 20 MB: split it into several files"
        } else {
            "the file did not arrive completely: choose it again"
        };
        (status, why.to_owned())
    };
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default();
        let name: String = name.chars().filter(|c| !c.is_control()).take(120).collect();
        let bytes = field.bytes().await.map_err(broken)?;
        if bytes.is_empty() && name.is_empty() {
            break;
        }
        return Ok((name, bytes.to_vec()));
    }
    Err((
        StatusCode::UNPROCESSABLE_ENTITY,
        "choose a file first".to_owned(),
    ))
}

async fn look(
    State(app): State<App>,
    signed_in: SignedIn,
    Extension(uploads): Extension<Arc<Uploads>>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let Some(kept) = uploads.find(signed_in.user.id, &id, app.clock.elapsed()) else {
        return gone(&app, &signed_in).await;
    };
    if let Some(result) = &kept.result {
        return show(
            StatusCode::OK,
            &done_page(&app, &signed_in, &kept, result).await?,
        );
    }
    if kept.wrong.is_some() {
        return Ok(Redirect::to(&format!("/people/import/{id}/columns")).into_response());
    }
    let Some(parsed) = kept.parsed.clone() else {
        return gone(&app, &signed_in).await;
    };
    let compared = apply::plan_import(&app.db, &app.keys, (*parsed).clone()).await?;
    show(
        StatusCode::OK,
        &preview_page(&app, &signed_in, &kept, &id, &compared),
    )
}

async fn gone(app: &App, signed_in: &SignedIn) -> Result<Response, PageError> {
    let why = "this file is no longer kept, because it was applied or waited for too long: choose \
               it again";
    show(
        StatusCode::GONE,
        &start_page(app, signed_in, Some(why)).await?,
    )
}

fn preview_page(
    app: &App,
    signed_in: &SignedIn,
    kept: &Kept,
    id: &str,
    compared: &Compared,
) -> ImportPreview {
    let mut rows = rows(compared);
    let hidden_rows = rows.len().saturating_sub(ROWS) as u64;
    rows.truncate(ROWS);
    let action = format!("/people/import/{id}");
    let (absent, hidden_absent) = names(compared);
    ImportPreview {
        page: frame(app, &signed_in.user, "Check the import", Section::People),
        file: kept.called(),
        reading: kept.reading(),
        columns: format!("/people/import/{id}/columns"),
        new: compared.new as u64,
        changed: compared.changed as u64,
        unchanged: compared.unchanged as u64,
        rejected: compared.rejected.len() as u64,
        remarks: remarks(compared),
        rows,
        hidden_rows,
        is_same: !compared.changes(),
        action,
        absent,
        hidden_absent,
        absent_stay: compared.absent_stay.as_deref().map(sentence),
    }
}

/// The names of those who are not in the file, and how many more there are.
fn names(compared: &Compared) -> (Vec<Link>, u64) {
    let all = compared.absent.iter();
    let links = all
        .take(ROWS)
        .map(|one| Link::new(&one.name, format!("/people/{}", one.contact)))
        .collect();
    (links, compared.absent.len().saturating_sub(ROWS) as u64)
}

fn remarks(compared: &Compared) -> Vec<Notice> {
    let mut remarks: Vec<Notice> = compared
        .file_notes
        .iter()
        .map(|note| Notice::new(Tone::Careful, sentence(note)))
        .collect();
    if !compared.new_groups.is_empty() {
        let titles: Vec<String> = compared
            .new_groups
            .iter()
            .map(|group| format!("“{}”", group.title))
            .collect();
        let text = format!(
            "{} will be made: {}.",
            counted(titles.len() as u64, "new group", "new groups"),
            titles.join(", ")
        );
        remarks.push(Notice::new(Tone::Plain, text));
    }
    remarks
}

/// Rejected rows first, then rows with a note, then changed, then new ones.
fn rows(compared: &Compared) -> Vec<ImportRow> {
    let rejected = compared.rejected.iter().map(|row| ImportRow {
        line: row.line as u64,
        name: String::new(),
        what: "rejected",
        tone: Tone::Wrong,
        detail: sentence(&row.reasons.join("; ")),
    });
    let note = |line: usize| {
        let notes = compared.notes.iter().filter(|note| note.line == line);
        notes
            .map(|note| sentence(&note.message))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let row = |row: &ImportedRow, what: &'static str, detail: String| {
        let note = note(row.line);
        let tone = if note.is_empty() {
            Tone::Good
        } else {
            Tone::Careful
        };
        let detail = [detail, note].into_iter().filter(|text| !text.is_empty());
        ImportRow {
            line: row.line as u64,
            name: row.name.clone(),
            what,
            tone,
            detail: detail.collect::<Vec<_>>().join(" "),
        }
    };
    let people = || compared.people.iter();
    let changed = people().filter_map(|person| match &person.kind {
        ChangeKind::Changed(fields) => Some(row(
            person,
            "changed",
            format!("Other: {}.", fields.join(", ")),
        )),
        _ => None,
    });
    let new = people()
        .filter(|person| person.kind == ChangeKind::New)
        .map(|person| row(person, "new", String::new()));
    rejected.chain(changed).chain(new).collect()
}

async fn apply_kept(
    State(app): State<App>,
    signed_in: SignedIn,
    Extension(uploads): Extension<Arc<Uploads>>,
    Path(id): Path<String>,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let absent = if typed.get("absent") == "out" {
        Absent::TakeOut
    } else {
        Absent::Stay
    };
    let owner = signed_in.user.id;
    // Taken out while it is applied: a second press finds nothing to apply.
    let Some((kept, parsed)) = uploads.take_parsed(owner, &id, app.clock.elapsed()) else {
        return Ok(Redirect::to(&format!("/people/import/{id}")).into_response());
    };
    let now = app.clock.now();
    let applied = apply::apply_import(
        &app.db,
        &app.keys,
        (*parsed).clone(),
        absent,
        &kept.sha256,
        now,
        &signed_in.actor(),
    )
    .await;
    match applied {
        Ok(result) => {
            uploads.set_result(owner, &id, result);
            Ok(Redirect::to(&format!("/people/import/{id}")).into_response())
        }
        Err(error) => {
            uploads.put_back(owner, &id, parsed);
            Err(error.into())
        }
    }
}

async fn done_page(
    app: &App,
    signed_in: &SignedIn,
    kept: &Kept,
    result: &Compared,
) -> Result<ImportDone, PageError> {
    let taken_out = if result.takes_out {
        format!(" {} taken out of use.", people(result.absent.len() as u64))
    } else {
        String::new()
    };
    let said = format!(
        "{} added, {} changed, {} as before.{taken_out}",
        people(result.new as u64),
        people(result.changed as u64),
        people(result.unchanged as u64)
    );
    let rejected = rows(result)
        .into_iter()
        .filter(|row| row.what == "rejected");
    Ok(ImportDone {
        page: frame(app, &signed_in.user, "Imported", Section::People),
        undo: undo::button(app).await?,
        file: kept.called(),
        said,
        rejected: rejected.take(ROWS).collect(),
        next: vec![
            Link::new("To the people", "/people"),
            Link::new("Another file", "/people/import"),
        ],
    })
}
