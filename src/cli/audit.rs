//! `muster audit`: checks the promises against the database, and the log of acts against itself.

use clap::Subcommand;
use serde_json::json;

use super::failure::Failure;
use super::{Shared, terminal};
use crate::app::App;
use crate::audit::{self, Verdict, check::Checked};
use crate::storage;

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Check every promise about messages and answers against the database
    Check,
    /// Check that nobody changed the log of acts afterwards
    Verify,
}

impl Audit {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let app = shared.open().await?;
        let is_clean = match self {
            Self::Check => {
                let checked = checked(&app).await?;
                if shared.json {
                    terminal::json(&json!({ "clean": is_clean(&checked), "invariants": checked }))?;
                } else {
                    show(&checked)?;
                }
                is_clean(&checked)
            }
            Self::Verify => {
                let verdict = audit::verify(&app.db).await?;
                if shared.json {
                    terminal::json(&verdict)?;
                } else {
                    show_chain(&verdict)?;
                }
                verdict.problems.is_empty()
            }
        };
        app.db.close().await;
        if is_clean {
            Ok(())
        } else {
            Err(Failure::Shown)
        }
    }
}

/// Every promise, looked at now.
pub(super) async fn checked(app: &App) -> Result<Vec<Checked>, storage::Error> {
    audit::check::run(&app.db, app.clock.now()).await
}

/// Whether every promise was kept.
pub(super) fn is_clean(checked: &[Checked]) -> bool {
    checked.iter().all(Checked::holds)
}

/// Each promise with how many rows were looked at.
pub(super) fn show(checked: &[Checked]) -> Result<(), Failure> {
    let row = |one: &Checked| {
        let verdict = if one.holds() {
            "kept".to_owned()
        } else {
            format!("BROKEN {}×", one.violations)
        };
        vec![
            verdict,
            format!("{:>6} rows", one.rows),
            one.name.to_owned(),
            one.title.to_owned(),
        ]
    };
    terminal::table(&checked.iter().map(row).collect::<Vec<_>>())?;
    let broken = checked.iter().filter(|one| !one.holds()).count();
    terminal::say(match broken {
        0 => format!(
            "Every promise is kept: {} of {}.",
            checked.len(),
            checked.len()
        ),
        _ => format!("{broken} of {} promises are broken.", checked.len()),
    })
}

/// Whether the log of acts is whole.
pub(super) fn show_chain(verdict: &Verdict) -> Result<(), Failure> {
    for problem in &verdict.problems {
        terminal::say(format!("BROKEN  {problem}"))?;
    }
    terminal::say(match verdict.problems.len() {
        0 => format!(
            "The log of acts is whole: {} entries, each bound to the one before.",
            verdict.entries
        ),
        problems => format!(
            "The log of acts was changed: {problems} problems in {} entries.",
            verdict.entries
        ),
    })
}
