//! `muster templates`: checks, approves and lists the message templates.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::{Failure, said};
use super::{Shared, terminal};
use crate::app::App;
use crate::audit::Actor;
use crate::storage::approvals;
use crate::template::{self, Level, Loaded, load};
use crate::template_approval;

#[derive(Subcommand)]
pub(super) enum Templates {
    /// Read every template as a careful colleague would
    Check {
        /// Another folder than the configuration's
        dir: Option<PathBuf>,
    },
    /// Approve templates as they are now, so that they can be sent
    Approve(Approve),
    /// List the templates
    List,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Approve {
    /// Which
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Every template that has no errors
    #[arg(long)]
    all: bool,
}

impl Templates {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        match self {
            Self::Check { dir } => check(shared, dir.as_deref()),
            Self::Approve(approve) => approve.run(shared).await,
            Self::List => list(shared).await,
        }
    }
}

fn check(shared: &Shared, dir: Option<&Path>) -> Result<(), Failure> {
    let loaded = match dir {
        Some(dir) => load::load_dir(dir),
        None => load::shelf(shared.read_config()?.templates.as_deref()),
    };
    let found: Vec<(&str, template::Finding)> = loaded
        .templates
        .iter()
        .flat_map(|template| {
            template::check(template)
                .into_iter()
                .map(|finding| (template.name.as_str(), finding))
        })
        .collect();
    let errors = loaded.problems.len()
        + found
            .iter()
            .filter(|(_, finding)| finding.level == Level::Error)
            .count();
    if shared.json {
        terminal::json(&as_json(&loaded, &found))?;
    } else {
        for problem in &loaded.problems {
            terminal::say(format!("error: {problem}"))?;
        }
        for (name, finding) in &found {
            terminal::say(format!("{name}: {finding}"))?;
        }
        if errors == 0 {
            let warnings = found.len();
            terminal::say(format!(
                "{} templates read, no errors, {warnings} to look at",
                loaded.templates.len()
            ))?;
        }
    }
    match (errors, loaded.templates.len() + loaded.problems.len()) {
        (_, 0) => Err(said(
            "there is no template in the folder: each is a folder with a template.toml",
        )),
        (0, _) => Ok(()),
        (errors, _) => Err(said(format!(
            "{errors} errors: templates with errors cannot be approved"
        ))),
    }
}

fn as_json(loaded: &Loaded, found: &[(&str, template::Finding)]) -> serde_json::Value {
    let problems = loaded.problems.iter();
    json!({
        "templates": loaded.templates.iter().map(|template| &template.name).collect::<Vec<_>>(),
        "problems": problems.map(|problem| json!({
            "template": problem.template, "file": problem.file, "message": problem.message,
        })).collect::<Vec<_>>(),
        "findings": found.iter().map(|(name, finding)| json!({
            "template": name, "level": finding.level, "place": finding.place,
            "message": finding.message,
        })).collect::<Vec<_>>(),
    })
}

impl Approve {
    async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let app = shared.open_or_make().await?;
        let done = self.approve(shared, &app).await;
        app.db.close().await;
        done
    }

    /// Approves one after the other; a refused one does not keep the others from being approved.
    async fn approve(&self, shared: &Shared, app: &App) -> Result<(), Failure> {
        let loaded = app.shelf();
        let mut names = self.names.clone();
        if self.all {
            names = loaded
                .templates
                .iter()
                .map(|template| template.name.clone())
                .collect();
            names.extend(
                loaded
                    .problems
                    .iter()
                    .map(|problem| problem.template.clone()),
            );
            names.dedup();
        }
        let (mut approved, mut refused) = (Vec::new(), Vec::new());
        for name in names {
            match template_approval::approve(app, &name, None, &Actor::command_line()).await {
                Ok(done) => {
                    approved.push(json!({ "name": name, "version": done.approval.version }));
                }
                Err(refusal) => refused.push(refusal.to_string()),
            }
        }
        if shared.json {
            terminal::json(&json!({ "approved": approved, "refused": refused }))?;
        } else {
            for one in &approved {
                let name = one["name"].as_str().unwrap_or_default();
                terminal::say(format!("{name}: version {} is approved", one["version"]))?;
            }
        }
        if refused.is_empty() {
            Ok(())
        } else {
            Err(Failure::Said(refused.join("\n")))
        }
    }
}

async fn list(shared: &Shared) -> Result<(), Failure> {
    let app = shared.open().await?;
    let shelf = app.shelf();
    let approvals = approvals::list(&app.db).await?;
    app.db.close().await;
    let mut rows = Vec::new();
    let mut facts = Vec::new();
    for template in &shelf.templates {
        let known = || {
            approvals
                .iter()
                .filter(|approval| approval.name == template.name)
        };
        let current = known().find(|approval| approval.hash == template.hash);
        let words = match current {
            Some(approval) => format!("approved, version {}", approval.version),
            None if known().next().is_some() => "changed after its approval".to_owned(),
            None => "not approved".to_owned(),
        };
        let title = template
            .title_in(&app.config.organisation.language())
            .to_owned();
        facts.push(json!({
            "name": template.name, "title": title, "severity": template.severity,
            "channels": template.channels, "languages": template.languages,
            "approved": current.is_some(), "version": current.map(|approval| approval.version),
        }));
        rows.push(vec![
            template.name.clone(),
            template.severity.to_string(),
            words,
            title,
        ]);
    }
    for problem in &shelf.problems {
        facts.push(
            json!({ "name": problem.template, "approved": false, "problem": problem.to_string() }),
        );
        rows.push(vec![
            problem.template.clone(),
            "-".to_owned(),
            "broken".to_owned(),
            problem.to_string(),
        ]);
    }
    if shared.json {
        terminal::json(&facts)
    } else {
        terminal::table(&rows)
    }
}
