//! The directory as a file: taken in with a report of every row, and given out.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::input::{self, Query, flag};
use crate::account::token::Need;
use crate::app::App;
use crate::directory::apply::{self, Absent, ImportPreview};
use crate::directory::import::{self, ChangeKind, Parsed};
use crate::directory::undo::{self, Undone};
use crate::directory::{export, table};
use crate::ids::ContactId;
use crate::keys::hex;
use crate::web::problem::Problem;
use crate::web::token::Bearer;

/// What a file may be announced as. Which of them it is, its first bytes say.
const TYPES: [&str; 3] = [
    "text/csv",
    "text/vcard",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
];

/// Whether the file is only looked at.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct ImportQuery {
    /// `true`: says what would change and changes nothing.
    #[serde(deserialize_with = "flag")]
    pub dry_run: Option<bool>,
    /// `true`: the file is the whole list of its categories, and who is not in it is taken out of use.
    /// Refused if rows are rejected, or if that would be more than one in five (and more than five).
    #[serde(deserialize_with = "flag")]
    pub whole: Option<bool>,
}

/// What a file did, or with `dry_run` would do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImportBody {
    /// Nothing was changed.
    pub dry_run: bool,
    /// People who were not in the directory.
    pub new: usize,
    /// People who get another value.
    pub changed: usize,
    /// People of whom the directory says the same already.
    pub unchanged: usize,
    /// Rows that are left out; the others are kept.
    pub rejected: Vec<RejectedBody>,
    /// What was decided for rows that are taken.
    pub notes: Vec<NoteBody>,
    /// What was decided for the file as a whole.
    pub file_notes: Vec<String>,
    /// Groups that the file names and that did not exist.
    pub new_groups: Vec<String>,
    /// Everyone who is new or changed, in the file's order.
    pub people: Vec<ImportedBody>,
    /// People in use of the file's categories who are not in it.
    pub absent: Vec<AbsentBody>,
    /// Why the file may not take them out of use, if it may not; else null.
    pub absent_stay: Option<String>,
    /// Whether the file takes, or took, them out of use.
    pub takes_out: bool,
}

/// Someone who is not in the file.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AbsentBody {
    /// Who it is.
    pub contact: ContactId,
    /// The name in the directory.
    pub name: String,
}

/// A row that is left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RejectedBody {
    /// The line of the file, from 1.
    pub line: usize,
    /// Why: each reason names the column.
    pub reasons: Vec<String>,
}

/// Something that was decided for a row.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoteBody {
    /// The line of the file, from 1.
    pub line: usize,
    /// A sentence.
    pub message: String,
}

/// What happens to one person of the file.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImportedBody {
    /// The line of the file, from 1.
    pub line: usize,
    /// Who it is in the directory; null for the new.
    pub contact: Option<ContactId>,
    /// The name as the file writes it.
    pub name: String,
    /// `new` or `changed`.
    pub change: &'static str,
    /// The columns that change.
    pub columns: Vec<String>,
}

/// Takes in a file of people, as CSV, vCards or an Excel workbook (its first filled sheet): `name,email,mobile,phone,language,category,role,site,unit,groups,
/// tags` in any order; other columns are kept as each person's own fields. Good rows are applied in
/// one transaction, rejected rows are listed. Nobody is removed. A file without any good row is refused.
#[utoipa::path(
    post, path = "/api/v1/contacts/import", tag = "directory", operation_id = "import_contacts",
    params(ImportQuery),
    request_body(content = String, content_type = "text/csv", description = "The file, at most 20 MB: text/csv, text/vcard or application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    responses(
        (status = 200, description = "What the file did, or would do", body = ImportBody),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 413, description = "The file is larger than 20 MB"),
        (status = 415, description = "The body is announced as none of the three"),
        (status = 422, description = "The file is not a list of people, or none of its rows can be used: nothing was changed. In the second case the problem has the members of the report too"),
    )
)]
pub async fn import(
    State(app): State<App>,
    bearer: Bearer,
    query: Result<Query<ImportQuery>, Problem>,
    request: Request,
) -> Result<Json<ImportBody>, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let query = query?.0;
    let is_dry_run = query.dry_run.unwrap_or(false);
    let absent = if query.whole.unwrap_or(false) {
        Absent::TakeOut
    } else {
        Absent::Stay
    };
    let given = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    if !TYPES.iter().any(|kind| essence.eq_ignore_ascii_case(kind)) {
        let sentence = format!("send the file as one of {}", TYPES.join(", "));
        return Err(Problem::of_status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            &sentence,
        ));
    }
    let bytes = input::bytes(request, &app).await?;
    let sha256 = hex(&Sha256::digest(&bytes));
    let house = app.config.organisation.clone();
    let parsed = tokio::task::spawn_blocking(move || {
        let table = table::read(&bytes).map_err(|cause| cause.to_string())?;
        import::parse(&table, &house.region, &house.language()).map_err(|cause| cause.to_string())
    });
    let parsed: Parsed = parsed
        .await
        .map_err(|_cause| crate::storage::Error::Broken("reading a file panicked"))?
        .map_err(|sentence| Problem::invalid(sentence).field("file"))?;
    let is_useless = parsed.people.is_empty() && !parsed.rejected.is_empty();
    let preview = if is_dry_run {
        apply::plan_import(&app.db, &app.keys, parsed).await?
    } else if is_useless {
        let preview = apply::plan_import(&app.db, &app.keys, parsed).await?;
        let sentence =
            "no row of the file can be used, so nothing was changed: \"rejected\" says why";
        return Err(Problem::invalid(sentence)
            .field("file")
            .report(&body(preview, false)));
    } else {
        let (now, actor) = (app.clock.now(), bearer.actor());
        apply::apply_import(&app.db, &app.keys, parsed, absent, &sha256, now, &actor).await?
    };
    Ok(Json(body(preview, is_dry_run)))
}

fn body(preview: ImportPreview, dry_run: bool) -> ImportBody {
    let people = preview.people.into_iter().filter_map(|row| {
        let (change, columns) = match row.kind {
            ChangeKind::New => ("new", Vec::new()),
            ChangeKind::Changed(columns) => ("changed", columns),
            ChangeKind::Unchanged => return None,
        };
        let (line, contact, name) = (row.line, row.contact, row.name);
        Some(ImportedBody {
            line,
            contact,
            name,
            change,
            columns,
        })
    });
    ImportBody {
        dry_run,
        new: preview.new,
        changed: preview.changed,
        unchanged: preview.unchanged,
        rejected: preview
            .rejected
            .into_iter()
            .map(|row| RejectedBody {
                line: row.line,
                reasons: row.reasons,
            })
            .collect(),
        notes: preview
            .notes
            .into_iter()
            .map(|note| NoteBody {
                line: note.line,
                message: note.message,
            })
            .collect(),
        file_notes: preview.file_notes,
        new_groups: preview
            .new_groups
            .into_iter()
            .map(|group| group.name)
            .collect(),
        people: people.collect(),
        absent: preview
            .absent
            .into_iter()
            .map(|person| AbsentBody {
                contact: person.contact,
                name: person.name,
            })
            .collect(),
        absent_stay: preview.absent_stay,
        takes_out: preview.takes_out,
    }
}

/// Takes the newest import back: everyone becomes what they were before, and who was new is taken out of
/// use. Groups that the file made stay. Refused if anybody was changed since, and the second time.
#[utoipa::path(
    post, path = "/api/v1/contacts/import/undo", tag = "directory", operation_id = "undo_import",
    responses(
        (status = 200, description = "Everyone is as before", body = Undone),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 422, description = "There is no import to undo, or people were changed since: nothing was changed"),
    )
)]
pub async fn undo_import(State(app): State<App>, bearer: Bearer) -> Result<Json<Undone>, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let (now, by) = (app.clock.now(), bearer.actor());
    let undone = undo::undo_import(&app.db, &app.keys, None, now, &by).await?;
    Ok(Json(undone))
}

/// The whole directory as CSV, in the columns that an import reads back. Cells that a spreadsheet
/// would run as a formula begin with an apostrophe; an import takes it away again.
#[utoipa::path(
    get, path = "/api/v1/contacts/export", tag = "directory", operation_id = "export_contacts",
    responses(
        (status = 200, description = "The file", body = String, content_type = "text/csv"),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
    )
)]
pub async fn export(State(app): State<App>, bearer: Bearer) -> Result<Response, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let now = app.clock.now();
    let file = export::export_csv(&app.db, &app.keys, now, &bearer.actor()).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"contacts.csv\"",
        ),
    ];
    Ok((headers, file).into_response())
}
