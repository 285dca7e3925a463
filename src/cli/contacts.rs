//! `muster contacts`: brings people into the directory, and takes them out as a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::failure::{Failure, said};
use super::{Shared, progress, terminal};
use crate::audit::Actor;
use crate::directory::apply::{self, Absent, ImportPreview};
use crate::directory::import::{self, ChangeKind};
use crate::directory::{export, table, undo};
use crate::keys::hex;

#[derive(Subcommand)]
pub(super) enum Contacts {
    /// Bring the people of a file (CSV, Excel, vCard) into the directory; rows that cannot be used are told and left out
    Import {
        /// Columns name,email,mobile,phone,language,category,role,site,unit,groups,tags in any order;
        /// others are kept as each person's own fields. "-" reads stdin
        file: PathBuf,
        /// Say what would change, row by row, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// The file is the whole list of its categories: take out of use who is not in it. Refused if rows
        /// cannot be read, or if that would be many
        #[arg(long)]
        whole: bool,
    },
    /// Take the newest import back, if nobody whom it changed was changed since
    UndoImport,
    /// Write the whole directory as CSV, in the columns that an import reads
    Export {
        /// The file, readable by its owner only; without it stdout
        file: Option<PathBuf>,
    },
}

impl Contacts {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        match self {
            Self::Import {
                file,
                dry_run,
                whole,
            } => {
                let absent = if *whole {
                    Absent::TakeOut
                } else {
                    Absent::Stay
                };
                import(shared, file, *dry_run, absent).await
            }
            Self::UndoImport => undo_import(shared).await,
            Self::Export { file } => export(shared, file.as_deref()).await,
        }
    }
}

async fn undo_import(shared: &Shared) -> Result<(), Failure> {
    let app = shared.open().await?;
    let (now, by) = (app.clock.now(), Actor::command_line());
    let undone = undo::undo_import(&app.db, &app.keys, None, now, &by).await?;
    app.db.close().await;
    if shared.json {
        return terminal::json(&json!(undone));
    }
    terminal::say(format!(
        "{} as before, {} taken out of use",
        undone.restored, undone.taken_out
    ))
}

async fn import(
    shared: &Shared,
    file: &Path,
    dry_run: bool,
    absent: Absent,
) -> Result<(), Failure> {
    let name = file.display();
    let bytes = read(file).map_err(|error| said(format!("{name} cannot be read: {error}")))?;
    let table = table::read(&bytes).map_err(|error| refused(file, &error))?;
    let app = shared.open_or_make().await?;
    let house = &app.config.organisation;
    let rows = table.rows.len();
    let spinner = (rows > 1000).then(|| progress::spinner(format!("Comparing {rows} rows…")));
    let parsed = import::parse(&table, &house.region, &house.language());
    let parsed = parsed.map_err(|error| refused(file, &error))?;
    let preview = if dry_run {
        apply::plan_import(&app.db, &app.keys, parsed).await?
    } else if parsed.people.is_empty() && !parsed.rejected.is_empty() {
        show(
            shared,
            &apply::plan_import(&app.db, &app.keys, parsed).await?,
            dry_run,
        )?;
        return Err(said(format!(
            "{name}: no row can be used, so nothing was changed"
        )));
    } else {
        let hash = hex(&Sha256::digest(&bytes));
        let (now, by) = (app.clock.now(), Actor::command_line());
        apply::apply_import(&app.db, &app.keys, parsed, absent, &hash, now, &by).await?
    };
    if let Some(spinner) = spinner {
        spinner.finish_and_clear();
    }
    app.db.close().await;
    show(shared, &preview, dry_run)
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes)?;
    Ok(bytes)
}

fn refused(file: &Path, error: &dyn std::error::Error) -> Failure {
    said(format!("{}: {error}. Nothing was changed", file.display()))
}

fn show(shared: &Shared, preview: &ImportPreview, dry_run: bool) -> Result<(), Failure> {
    if shared.json {
        return terminal::json(&as_json(preview, dry_run));
    }
    let would = if dry_run {
        " (dry run: nothing was changed)"
    } else {
        ""
    };
    terminal::say(format!(
        "{} new, {} changed, {} unchanged, {} rejected{would}",
        preview.new,
        preview.changed,
        preview.unchanged,
        preview.rejected.len()
    ))?;
    let absent = preview.absent.len();
    if preview.takes_out && absent > 0 {
        terminal::say(format!("  {absent} not in the file: taken out of use"))?;
    } else if absent > 0 {
        terminal::say(format!(
            "  {absent} not in the file: they stay (--whole takes them out of use)"
        ))?;
    }
    for group in &preview.new_groups {
        terminal::say(format!("  new group {} (\"{}\")", group.name, group.title))?;
    }
    for note in &preview.file_notes {
        terminal::say(format!("  note: {note}"))?;
    }
    for (_, line) in lines(preview, dry_run) {
        terminal::say(line)?;
    }
    Ok(())
}

/// What there is to say of single lines, in the order of the file.
fn lines(preview: &ImportPreview, dry_run: bool) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    for row in preview.people.iter().filter(|_| dry_run) {
        let what = match &row.kind {
            ChangeKind::New => "new".to_owned(),
            ChangeKind::Unchanged => "unchanged".to_owned(),
            ChangeKind::Changed(fields) => format!("changed: {}", fields.join(", ")),
        };
        lines.push((
            row.line,
            format!("  line {}: {}: {what}", row.line, row.name),
        ));
    }
    for rejected in &preview.rejected {
        let reasons = rejected.reasons.join("; ");
        lines.push((
            rejected.line,
            format!("  line {}: rejected: {reasons}", rejected.line),
        ));
    }
    for note in &preview.notes {
        lines.push((
            note.line,
            format!("  line {}: note: {}", note.line, note.message),
        ));
    }
    lines.sort_by_key(|(line, _)| *line);
    lines
}

fn as_json(preview: &ImportPreview, dry_run: bool) -> serde_json::Value {
    let rejected = preview.rejected.iter();
    let people = preview.people.iter().filter(|_| dry_run);
    json!({
        "dry_run": dry_run,
        "new": preview.new,
        "changed": preview.changed,
        "unchanged": preview.unchanged,
        "rejected": rejected.map(|row| json!({ "line": row.line, "reasons": row.reasons })).collect::<Vec<_>>(),
        "notes": preview.notes.iter()
            .map(|note| json!({ "line": note.line, "message": note.message })).collect::<Vec<_>>(),
        "file_notes": preview.file_notes,
        "absent": preview.absent.len(),
        "takes_out": preview.takes_out,
        "new_groups": preview.new_groups.iter()
            .map(|group| json!({ "name": group.name, "title": group.title })).collect::<Vec<_>>(),
        "rows": people.map(|row| match &row.kind {
            ChangeKind::New => json!({ "line": row.line, "name": row.name, "is": "new" }),
            ChangeKind::Unchanged => json!({ "line": row.line, "name": row.name, "is": "unchanged" }),
            ChangeKind::Changed(fields) => {
                json!({ "line": row.line, "name": row.name, "is": "changed", "fields": fields })
            }
        }).collect::<Vec<_>>(),
    })
}

async fn export(shared: &Shared, file: Option<&Path>) -> Result<(), Failure> {
    let app = shared.open().await?;
    let csv =
        export::export_csv(&app.db, &app.keys, app.clock.now(), &Actor::command_line()).await?;
    app.db.close().await;
    let Some(file) = file else {
        return terminal::bytes(&csv);
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // The whole directory in clear is nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut open| {
        open.write_all(&csv)?;
        open.sync_all()
    });
    written.map_err(|error| said(format!("{} cannot be written: {error}", file.display())))
}
