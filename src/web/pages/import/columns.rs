//! The step between a file and its preview: what each column means, said by a person where its name
//! does not, and looked at by whoever wants to know.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::kept::{Kept, Uploads};
use super::{gone, read_as};
use crate::account::role::Act;
use crate::app::App;
use crate::directory::import::{Column, Meaning};
use crate::directory::table::Table;
use crate::web::form::Fields;
use crate::web::format::sentence;
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::import::{ColumnRow, ImportColumns};
use crate::web::view::{Choice, Notice, Section, Tone};

/// Cells shown of a column.
const SAMPLES: usize = 3;
/// Characters shown of a cell.
const LONGEST_SAMPLE: usize = 30;

pub(super) async fn look(
    State(app): State<App>,
    signed_in: SignedIn,
    Extension(uploads): Extension<Arc<Uploads>>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let found = uploads.find(signed_in.user.id, &id, app.clock.elapsed());
    let Some(kept) = found.filter(|kept| kept.result.is_none()) else {
        return gone(&app, &signed_in).await;
    };
    let view = ImportColumns {
        page: frame(
            &app,
            &signed_in.user,
            "What each column means",
            Section::People,
        ),
        file: kept.called(),
        refused: kept
            .wrong
            .as_deref()
            .map(|why| Notice::new(Tone::Wrong, sentence(why))),
        action: format!("/people/import/{id}/columns"),
        rows: rows(&kept),
    };
    let status = if kept.wrong.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    show(status, &view)
}

pub(super) async fn choose(
    State(app): State<App>,
    signed_in: SignedIn,
    Extension(uploads): Extension<Arc<Uploads>>,
    Path(id): Path<String>,
    typed: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let owner = signed_in.user.id;
    let Some(kept) = uploads.find(owner, &id, app.clock.elapsed()) else {
        return gone(&app, &signed_in).await;
    };
    let said = kept.said.iter().enumerate();
    let said: Vec<Meaning> = said
        .map(|(index, before)| {
            let word = typed.get(&field(index));
            Meaning::from_word(word).unwrap_or_else(|| before.clone())
        })
        .collect();
    let read = read_as(&app, kept.table.clone(), said.clone()).await?;
    uploads.set_columns(owner, &id, said, read);
    Ok(Redirect::to(&format!("/people/import/{id}")).into_response())
}

fn field(index: usize) -> String {
    format!("column-{index}")
}

fn rows(kept: &Kept) -> Vec<ColumnRow> {
    let columns = kept.table.headers.iter().zip(&kept.said).enumerate();
    columns
        .map(|(index, (header, said))| ColumnRow {
            name: field(index),
            header: if header.is_empty() {
                format!("column {}", index + 1)
            } else {
                header.clone()
            },
            samples: samples(&kept.table, index),
            choices: Meaning::all()
                .iter()
                .map(|meaning| Choice {
                    value: meaning.word(),
                    label: in_words(meaning).to_owned(),
                    hint: String::new(),
                    chosen: meaning == said,
                })
                .collect(),
        })
        .collect()
}

/// The first cells that say something, each once.
fn samples(table: &Table, column: usize) -> String {
    let mut samples: Vec<String> = Vec::new();
    for row in &table.rows {
        let cell = row.cells.get(column).map_or("", |cell| cell.trim());
        let sample: String = cell.chars().take(LONGEST_SAMPLE).collect();
        if !sample.is_empty() && !samples.contains(&sample) {
            samples.push(sample);
        }
        if samples.len() == SAMPLES {
            break;
        }
    }
    samples.join(" · ")
}

fn in_words(meaning: &Meaning) -> &str {
    match meaning {
        Meaning::GivenName => "Given name",
        Meaning::FamilyName => "Family name",
        Meaning::Field | Meaning::Known(Column::Field(_)) => "Kept with the person, as it is",
        Meaning::LeftOut | Meaning::Known(Column::LeftOut) => "Left out",
        Meaning::Known(column) => match column {
            Column::ExternalId => "Personnel number",
            Column::Name => "Name",
            Column::Email => "E-mail",
            Column::Mobile => "Mobile number",
            Column::Phone => "Phone number",
            Column::Language => "Language",
            Column::Category => "Category: staff, patient, vendor, authority",
            Column::Role => "Role",
            Column::Site => "Site",
            Column::Unit => "Unit",
            Column::Groups => "Groups",
            Column::Tags => "Tags",
            _ => "Manager",
        },
    }
}
