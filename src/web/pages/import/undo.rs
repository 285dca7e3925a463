//! The newest import: said on the pages of imports, and taken back by a button.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::account::role::Act;
use crate::app::App;
use crate::directory::undo::{self, Undone};
use crate::ids::ImportId;
use crate::web::format::{self, Times};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::import::{ImportUndone, Newest};
use crate::web::view::{Act as Button, Link, Section, people};

/// What the newest import did, with its button; none if it was undone, and before the first.
pub(super) async fn newest(app: &App) -> Result<Option<Newest>, PageError> {
    let Some(import) = undo::undoable(&app.db).await? else {
        return Ok(None);
    };
    let times = Times::new(&app.config, app.clock.now());
    let count = |count: i64| people(u64::try_from(count).unwrap_or_default());
    let said = format!(
        "{} by {}: {} added, {} changed, {} taken out of use.",
        times.moment(import.at),
        format::actor(&import.actor),
        count(import.added),
        count(import.changed),
        count(import.taken_out),
    );
    let undo = Button::post(
        "Undo this import",
        format!("/people/import/undo/{}", import.id),
    );
    Ok(Some(Newest { said, undo }))
}

/// The button alone.
pub(super) async fn button(app: &App) -> Result<Option<Button>, PageError> {
    Ok(newest(app).await?.map(|newest| newest.undo))
}

pub(super) async fn take_back(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(import): Path<ImportId>,
) -> Result<Response, PageError> {
    signed_in.require(Act::EditDirectory)?;
    let (now, by) = (app.clock.now(), signed_in.actor());
    let undone = undo::undo_import(&app.db, &app.keys, Some(import), now, &by).await?;
    let Undone {
        restored,
        taken_out,
    } = undone;
    let view = ImportUndone {
        page: frame(&app, &signed_in.user, "Import undone", Section::People),
        said: format!(
            "{} as before the import. {} who came with it taken out of use again.",
            people(restored as u64),
            people(taken_out as u64),
        ),
        next: vec![
            Link::new("To the people", "/people"),
            Link::new("Import another file", "/people/import"),
        ],
    };
    show(StatusCode::OK, &view)
}
