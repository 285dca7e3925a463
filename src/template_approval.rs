//! Approves a template: binds a person's yes to the exact content of its files.

use serde_json::json;
use tracing::info;

use crate::app::App;
use crate::audit::{self, Actor};
use crate::storage::approvals::{self, Approval};
use crate::storage::{self, Error};
use crate::template::{self, Level, Template};

/// An approval that was refused. Nothing was approved.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No such template.
    #[error("there is no template \"{0}\"")]
    Unknown(String),
    /// The check found errors: all of them, each with its file.
    #[error("the template \"{template}\" cannot be approved until this is mended: {}", problems.join("; "))]
    Broken {
        /// The template's name.
        template: String,
        /// What is wrong, a sentence each.
        problems: Vec<String>,
    },
    /// The files are no longer what the approver has read.
    #[error(
        "the template \"{0}\" was changed while it was being read, so it was not approved: read it again"
    )]
    Changed(String),
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

/// A template's approval, new or from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// The approval.
    pub approval: Approval,
    /// Whether exactly this content was approved before: then nothing was written.
    pub is_repeat: bool,
}

/// Reads the templates again and approves the one called `name` as it now is.
///
/// `expected_hash` is what the approver has read; `None` where nobody could have read another
/// content, as on the command line. Approving the same content twice is one approval.
pub async fn approve(
    app: &App,
    name: &str,
    expected_hash: Option<&str>,
    actor: &Actor,
) -> Result<Approved, Refused> {
    reload(app).await?;
    let template = sound_template(app, name)?;
    if expected_hash.is_some_and(|expected| expected != template.hash) {
        return Err(Refused::Changed(name.to_owned()));
    }
    if let Some(approval) = approvals::find(&app.db, name, &template.hash).await? {
        return Ok(Approved {
            approval,
            is_repeat: true,
        });
    }
    let approval = write(app, &template, actor).await?;
    info!(
        template.name = name,
        template.version = approval.version,
        "Approved a template"
    );
    app.tell();
    Ok(Approved {
        approval,
        is_repeat: false,
    })
}

async fn reload(app: &App) -> Result<(), Error> {
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || app.reload_templates()).await;
    done.map_err(|_cause| Error::Broken("the templates could not be read again"))
}

/// The template, if nothing is wrong with it that forbids its approval.
fn sound_template(app: &App, name: &str) -> Result<Template, Refused> {
    let shelf = app.shelf();
    let problems: Vec<String> = match shelf.find(name) {
        Some(template) => template::check(template)
            .into_iter()
            .filter(|finding| finding.level == Level::Error)
            .map(|finding| format!("{}: {}", finding.place, finding.message))
            .collect(),
        None => shelf
            .problems
            .iter()
            .filter(|problem| problem.template == name)
            .map(|problem| format!("{}: {}", problem.file, problem.message))
            .collect(),
    };
    match shelf.find(name) {
        Some(template) if problems.is_empty() => Ok(template.clone()),
        None if problems.is_empty() => Err(Refused::Unknown(name.to_owned())),
        _ => Err(Refused::Broken {
            template: name.to_owned(),
            problems,
        }),
    }
}

async fn write(app: &App, template: &Template, actor: &Actor) -> Result<Approval, Error> {
    let now = app.clock.now();
    let (name, hash) = (template.name.clone(), template.hash.clone());
    let actor = actor.clone();
    app.db
        .write("template.approve", move |tx| {
            Box::pin(async move {
                let detail = json!({ "hash": hash });
                audit::append(tx, now, &actor, "template.approve", &name, &detail).await?;
                approvals::insert(tx, &name, &hash, now, actor.as_str()).await?;
                // Behind the audit chain's lock: whoever was faster is the one who approved it.
                approvals::find(&mut *tx, &name, &hash)
                    .await?
                    .ok_or(Error::NotFound)
            })
        })
        .await
}
