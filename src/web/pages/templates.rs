//! The shelf of messages: what each says, what the check found, and the button that approves it.

mod texts;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::account::role::Act;
use crate::app::App;
use crate::storage::approvals::{self, Approval};
use crate::template::{self, Level, Template};
use crate::template_approval::{self, Refused};
use crate::web::form::Fields;
use crate::web::format::{self, Times, sentence};
use crate::web::pages::{PageError, frame, preview, show};
use crate::web::session::SignedIn;
use crate::web::view::templates::{Finding, TemplateList, TemplatePage, TemplateRow};
use crate::web::view::{Act as Button, Fact, Notice, Section, Severity, Tone, Weight, counted};

/// `/templates`, `/templates/{name}` and `/templates/{name}/approve`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/templates", get(list))
        .route("/templates/{name}", get(look))
        .route("/templates/{name}/approve", post(approve))
}

/// How a template stands, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// Its files are wrong.
    Broken,
    /// Another version of it is approved.
    Changed,
    /// Nobody ever approved it.
    Unapproved,
    /// This version is approved.
    Approved(i32),
}

impl Standing {
    fn of(template: &Template, approvals: &[Approval]) -> Self {
        let own = || {
            approvals
                .iter()
                .filter(|approval| approval.name == template.name)
        };
        if is_broken(template) {
            Self::Broken
        } else if let Some(approval) = own().find(|approval| approval.hash == template.hash) {
            Self::Approved(approval.version)
        } else if own().next().is_some() {
            Self::Changed
        } else {
            Self::Unapproved
        }
    }

    fn words(self) -> String {
        match self {
            Self::Broken => "Broken: it cannot be sent".to_owned(),
            Self::Changed => "Changed after approval".to_owned(),
            Self::Unapproved => "Not approved yet".to_owned(),
            Self::Approved(version) => format!("Approved, version {version}"),
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Broken => Tone::Wrong,
            Self::Changed | Self::Unapproved => Tone::Careful,
            Self::Approved(_) => Tone::Good,
        }
    }
}

fn is_broken(template: &Template) -> bool {
    template::check(template)
        .iter()
        .any(|finding| finding.level == Level::Error)
}

async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    signed_in.require(Act::SeeTemplates)?;
    let approvals = approvals::list(&app.db).await?;
    let shelf = app.shelf();
    let mut standing: Vec<(Standing, TemplateRow)> = shelf
        .templates
        .iter()
        .map(|template| {
            let standing = Standing::of(template, &approvals);
            (standing, row(&app, template, standing))
        })
        .collect();
    let mut unreadable: Vec<&str> = shelf
        .problems
        .iter()
        .map(|problem| problem.template.as_str())
        .collect();
    unreadable.dedup();
    standing.extend(
        unreadable
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(broken_row),
    );
    // A stable sort: templates that stand alike keep the order of their names.
    standing.sort_by_key(|(standing, row)| (rank(*standing), row.severity));
    let summary = summary(
        &standing
            .iter()
            .map(|(standing, _)| *standing)
            .collect::<Vec<_>>(),
    );
    show(
        StatusCode::OK,
        &TemplateList {
            page: frame(&app, &signed_in.user, "Templates", Section::Templates),
            summary,
            rows: standing.into_iter().map(|(_, row)| row).collect(),
        },
    )
}

/// All approved ones are alike, whatever their version.
fn rank(standing: Standing) -> Standing {
    match standing {
        Standing::Approved(_) => Standing::Approved(0),
        other => other,
    }
}

fn row(app: &App, template: &Template, standing: Standing) -> TemplateRow {
    let house = app.config.organisation.language();
    let channels: Vec<&str> = template
        .channels
        .iter()
        .map(|channel| preview::name(*channel))
        .collect();
    TemplateRow {
        title: template.title_in(&house).to_owned(),
        href: format!("/templates/{}", template.name),
        severity: Severity::of(template.kind, template.severity),
        state: standing.words(),
        tone: standing.tone(),
        channels: in_a_row(&channels),
        languages: languages(template),
        review: format!("Review by {}", template.review_by.strftime("%-d %B %Y")),
    }
}

/// "Text message, e-mail, call".
fn in_a_row(words: &[&str]) -> String {
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    sentence(&lower.join(", ")).trim_end_matches('.').to_owned()
}

fn languages(template: &Template) -> String {
    template
        .languages
        .iter()
        .map(format::language)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A template of which no more can be read than that it is there.
fn broken_row(name: &str) -> (Standing, TemplateRow) {
    let row = TemplateRow {
        title: name.to_owned(),
        href: format!("/templates/{name}"),
        severity: Severity::Information,
        state: Standing::Broken.words(),
        tone: Standing::Broken.tone(),
        channels: "Its files cannot be read".to_owned(),
        languages: String::new(),
        review: String::new(),
    };
    (Standing::Broken, row)
}

fn summary(standing: &[Standing]) -> String {
    let number = |wanted: fn(&Standing) -> bool| standing.iter().filter(|one| wanted(one)).count();
    let parts = [
        (
            number(|one| matches!(one, Standing::Approved(_))),
            "approved",
        ),
        (
            number(|one| *one == Standing::Changed),
            "changed after approval",
        ),
        (
            number(|one| *one == Standing::Unapproved),
            "not approved yet",
        ),
        (number(|one| *one == Standing::Broken), "broken"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    let all = counted(standing.len() as u64, "template", "templates");
    format!(
        "{all}: {}. Only an approved text can be sent.",
        parts.join(", ")
    )
}

/// What was just done.
#[derive(Debug, Default, Deserialize)]
struct Done {
    #[serde(default)]
    done: String,
}

async fn look(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    signed_in.require(Act::SeeTemplates)?;
    let mut view = page(&app, &signed_in, &name).await?;
    if done.done == "approved" {
        view.page = view
            .page
            .notice(Notice::new(Tone::Good, "Approved. It can be sent now."));
    }
    show(StatusCode::OK, &view)
}

async fn page(app: &App, signed_in: &SignedIn, name: &str) -> Result<TemplatePage, PageError> {
    let shelf = app.shelf();
    let Some(template) = shelf.find(name) else {
        return unreadable_page(app, signed_in, name);
    };
    let approvals: Vec<Approval> = approvals::list(&app.db)
        .await?
        .into_iter()
        .filter(|approval| approval.name == name)
        .collect();
    let times = Times::new(&app.config, app.clock.now());
    let house = app.config.organisation.language();
    let standing = Standing::of(template, &approvals);
    let may_approve = signed_in.user.may(Act::ApproveTemplates);
    let is_open = matches!(standing, Standing::Changed | Standing::Unapproved);
    let title = template.title_in(&house);
    Ok(TemplatePage {
        page: frame(app, &signed_in.user, title, Section::Templates),
        title: title.to_owned(),
        name: template.name.clone(),
        severity: Severity::of(template.kind, template.severity),
        state: state(standing, template, &approvals, may_approve, &times),
        facts: texts::facts(template, standing_version(standing)),
        findings: texts::findings(app, template),
        texts: texts::with_examples(app, template),
        variables: texts::variables(template, &house),
        answers: texts::answers(template, &house),
        plan: texts::plan(template),
        approve: (may_approve && is_open).then(|| {
            Button::post("Approve this text", format!("/templates/{name}/approve"))
                .weight(Weight::Strong)
                .field("hash", &template.hash)
        }),
        history: approvals
            .iter()
            .map(|approval| history(approval, &times))
            .collect(),
    })
}

fn standing_version(standing: Standing) -> Option<i32> {
    match standing {
        Standing::Approved(version) => Some(version),
        _ => None,
    }
}

fn state(
    standing: Standing,
    template: &Template,
    approvals: &[Approval],
    may_approve: bool,
    times: &Times,
) -> Notice {
    let who = if may_approve {
        "Read the texts below, then approve them."
    } else {
        "Someone with the role “approver” must read and approve it."
    };
    let text = match standing {
        Standing::Broken => {
            "The check found errors, so it can be neither approved nor sent. Mend the files, then \
             reload this page."
                .to_owned()
        }
        Standing::Changed => {
            format!("Its files were changed after the last approval, so it cannot be sent. {who}")
        }
        Standing::Unapproved => format!("Nobody has approved it yet, so it cannot be sent. {who}"),
        Standing::Approved(version) => {
            let own = approvals
                .iter()
                .find(|approval| approval.hash == template.hash);
            own.map_or_else(String::new, |approval| {
                format!(
                    "Approved by {} on {}: version {version} may be sent, word for word.",
                    format::actor(&approval.approved_by),
                    times.day(approval.approved_at)
                )
            })
        }
    };
    Notice::new(standing.tone(), text)
}

fn history(approval: &Approval, times: &Times) -> Fact {
    let value = format!(
        "approved by {}, {}",
        format::actor(&approval.approved_by),
        times.moment(approval.approved_at)
    );
    Fact::new(format!("Version {}", approval.version), value)
}

/// The page of a template whose files cannot be read: what is wrong with each.
fn unreadable_page(app: &App, signed_in: &SignedIn, name: &str) -> Result<TemplatePage, PageError> {
    let shelf = app.shelf();
    let findings: Vec<Finding> = shelf
        .problems
        .iter()
        .filter(|problem| problem.template == name)
        .map(|problem| Finding {
            tone: Tone::Wrong,
            place: problem.file.clone(),
            text: sentence(&problem.message),
        })
        .collect();
    if findings.is_empty() {
        return Err(PageError::not_found());
    }
    let text = "Its files cannot be read, so it can be neither approved nor sent.";
    Ok(TemplatePage {
        page: frame(app, &signed_in.user, name, Section::Templates),
        title: name.to_owned(),
        name: name.to_owned(),
        severity: Severity::Information,
        state: Notice::new(Tone::Wrong, text),
        facts: Vec::new(),
        findings,
        texts: Vec::new(),
        variables: Vec::new(),
        answers: Vec::new(),
        plan: Vec::new(),
        approve: None,
        history: Vec::new(),
    })
}

async fn approve(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Response, PageError> {
    signed_in.require(Act::ApproveTemplates)?;
    let read = fields.get("hash");
    match template_approval::approve(&app, &name, Some(read), &signed_in.actor()).await {
        Ok(_) => Ok(Redirect::to(&format!("/templates/{name}?done=approved")).into_response()),
        Err(Refused::Storage(error)) => Err(error.into()),
        Err(Refused::Unknown(_)) => Err(PageError::not_found()),
        Err(refused) => {
            let mut view = page(&app, &signed_in, &name).await?;
            let text = format!("It was not approved: {}", sentence(&refused.to_string()));
            view.page = view.page.notice(Notice::new(Tone::Wrong, text));
            show(StatusCode::CONFLICT, &view)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_by_how_they_stand() {
        let all = [
            Standing::Approved(1),
            Standing::Approved(4),
            Standing::Changed,
        ];
        assert_eq!(
            summary(&all),
            "3 templates: 2 approved, 1 changed after approval. Only an approved text can be sent."
        );
        assert_eq!(summary(&[]), "");
    }

    #[test]
    fn what_needs_an_approver_comes_first() {
        let mut all = [
            Standing::Approved(9),
            Standing::Unapproved,
            Standing::Broken,
        ];
        all.sort();
        assert_eq!(all[0], Standing::Broken);
        assert_eq!(rank(all[2]), rank(Standing::Approved(2)));
    }
}
