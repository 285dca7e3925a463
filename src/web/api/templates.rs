//! The message templates: what can be said, whether it is approved, and approving it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alerts::time;
use super::input::{MaybeBody, Query};
use super::page::{self, PageQuery};
use crate::account::token::Need;
use crate::alert::words::{AlertKind, Language, Purpose, Severity, word_enum};
use crate::app::App;
use crate::channel::Channel;
use crate::response::AnswerOption;
use crate::storage::approvals::{self, Approval};
use crate::template::{Level, Template, Variable, VariableKind, check};
use crate::template_approval::{self, Refused};
use crate::web::problem::Problem;
use crate::web::token::Bearer;

word_enum! {
    /// Whether a template can be sent.
    ApprovalState {
        /// Its files are the ones that somebody approved.
        Approved = "approved",
        /// Another version of it was approved: an approver must read the change.
        Changed = "changed",
        /// Nobody ever approved it.
        Unapproved = "unapproved",
    }
}

/// A template.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TemplateBody {
    /// What launches call it.
    pub name: String,
    /// What people call it, in the house's language.
    pub title: String,
    /// What people call it, by language.
    #[schema(value_type = BTreeMap<String, String>)]
    pub titles: BTreeMap<Language, String>,
    /// When to use it, in the house's language.
    pub hint: String,
    /// Whether it begins a thread or follows another alert.
    pub kind: AlertKind,
    /// The channels that it is written for.
    pub channels: Vec<Channel>,
    /// The languages that it is written in; the first is the fallback.
    #[schema(value_type = Vec<String>)]
    pub languages: Vec<Language>,
    /// How bad it is, in CAP's words.
    pub severity: Severity,
    /// Why it is sent.
    pub purpose: Purpose,
    /// Whether it can be sent.
    pub approved: bool,
    /// The same in more detail.
    pub state: ApprovalState,
    /// The approved version's number.
    pub version: Option<i32>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When (RFC 3339).
    #[schema(format = DateTime)]
    pub approved_at: Option<String>,
    /// SHA-256 of its files: what is approved.
    pub hash: String,
    /// The day by which someone should read it again: `2027-11-01`.
    #[schema(format = Date)]
    pub review_by: String,
    /// Seconds after the launch when nothing more goes out, unless the launch says otherwise.
    pub expires_in: u64,
    /// Groups it goes to on the launch page unless others are chosen. The API takes none for granted.
    pub audience: Vec<String>,
    /// The blanks that a launch fills.
    pub variables: Vec<VariableBody>,
    /// The blanks that each recipient's own columns in the directory fill.
    pub per_person: Vec<VariableBody>,
    /// How its call-outs ask unless the launch says otherwise; null if it cannot be one.
    pub call_out: Option<TemplateCallOutBody>,
    /// What people can answer, in the order of their digits: the first is 1.
    pub options: Vec<AnswerOption>,
}

/// How a template's call-outs ask.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct TemplateCallOutBody {
    /// How many people the launch page proposes; the API takes none for granted.
    pub needed: Option<u32>,
    /// Seconds without an answer after which the next one is asked too.
    pub answer_within: u32,
    /// How many more than are needed are asked at a time.
    pub ahead: u32,
}

/// A template with what a careful reader would say about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CheckedTemplateBody {
    /// What a list shows too.
    #[serde(flatten)]
    pub template: TemplateBody,
    /// What the checker found: a template with errors cannot be approved.
    pub findings: Vec<FindingBody>,
}

/// A blank of a template.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VariableBody {
    /// Its name in a launch's `variables`.
    pub name: String,
    /// What it takes.
    #[serde(rename = "type")]
    pub kind: VariableKind,
    /// Whether a launch without it is refused.
    pub required: bool,
    /// Suggestions for a text; the only values for a choice.
    pub choices: Vec<String>,
    /// A realistic value.
    pub example: String,
    /// The question that it answers, in the house's language.
    pub label: String,
    /// What it is when nobody fills it.
    pub default: Option<String>,
    /// The most characters of a text.
    pub max_length: Option<usize>,
}

/// Something that the checker found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FindingBody {
    /// Whether it forbids the approval.
    pub is_error: bool,
    /// The file, relative to the template's folder.
    pub place: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// A page of templates, and the folders that hold none.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TemplatePage {
    /// The templates, by name.
    pub items: Vec<TemplateBody>,
    /// Send it as `cursor` to get the next page; null on the last one.
    pub next: Option<String>,
    /// Templates that cannot be read, a sentence each.
    pub broken: Vec<String>,
}

/// What the approver has read. An absent body approves what is there.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApproveBody {
    /// The `hash` of the template as it was read: refused if its files have changed since.
    pub hash: Option<String>,
}

/// Every template by name. The files are read again for each request.
#[utoipa::path(
    get, path = "/api/v1/templates", tag = "templates", operation_id = "list_templates",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of templates", body = TemplatePage),
        (status = 403, description = "The token lacks the scope `read` or `templates:write`"),
        (status = 422, description = "A parameter is wrong"),
    )
)]
pub async fn list(
    State(app): State<App>,
    bearer: Bearer,
    query: Result<Query<PageQuery>, Problem>,
) -> Result<Json<TemplatePage>, Problem> {
    if !bearer.allows(&Need::WriteTemplates) {
        bearer.require_some_alerts()?;
    }
    let Query(query) = query?;
    read_again(&app).await;
    let approved = approvals::list(&app.db).await?;
    let shelf = app.shelf();
    let visible = shelf
        .templates
        .iter()
        .filter(|template| may_read(&bearer, template));
    let all: Vec<TemplateBody> = visible
        .map(|template| body(&app, template, &approved))
        .collect();
    let limit = page::limit(query.limit)?;
    let page = page::cut(all, limit, query.cursor.as_deref(), |template| {
        template.name.clone()
    })?;
    let broken = shelf.problems.iter().map(ToString::to_string).collect();
    Ok(Json(TemplatePage {
        items: page.items,
        next: page.next,
        broken,
    }))
}

/// One template.
#[utoipa::path(
    get, path = "/api/v1/templates/{name}", tag = "templates", operation_id = "get_template",
    params(("name" = String, Path, description = "The template's name")),
    responses(
        (status = 200, description = "The template", body = CheckedTemplateBody),
        (status = 403, description = "The token lacks the scope `read` or `templates:write`"),
        (status = 404, description = "There is no such template"),
    )
)]
pub async fn get(
    State(app): State<App>,
    bearer: Bearer,
    Path(name): Path<String>,
) -> Result<Json<CheckedTemplateBody>, Problem> {
    if !bearer.allows(&Need::WriteTemplates) {
        bearer.require(&Need::ReadAlert(&name))?;
    }
    read_again(&app).await;
    one(&app, &name).await.map(Json)
}

/// Approves a template as its files now are. Twice is one approval.
#[utoipa::path(
    post, path = "/api/v1/templates/{name}/approve", tag = "templates", operation_id = "approve_template",
    params(("name" = String, Path, description = "The template's name")),
    request_body(content = Option<ApproveBody>),
    responses(
        (status = 200, description = "The template is approved", body = CheckedTemplateBody),
        (status = 403, description = "The token lacks the scope `templates:write`"),
        (status = 404, description = "There is no such template"),
        (status = 409, description = "It was changed since it was read: it is not approved"),
        (status = 422, description = "The checker found errors: it is not approved"),
    )
)]
pub async fn approve(
    State(app): State<App>,
    bearer: Bearer,
    Path(name): Path<String>,
    body: Result<MaybeBody<ApproveBody>, Problem>,
) -> Result<Json<CheckedTemplateBody>, Problem> {
    bearer.require(&Need::WriteTemplates)?;
    let MaybeBody(body) = body?;
    template_approval::approve(&app, &name, body.hash.as_deref(), &bearer.actor()).await?;
    one(&app, &name).await.map(Json)
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        use axum::http::StatusCode;
        let sentence = refused.to_string();
        match refused {
            Refused::Unknown(_) => Self::not_found(sentence),
            Refused::Broken { problems, .. } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "broken-template",
                "The template is broken",
                sentence,
            )
            .problems(problems),
            Refused::Changed(_) => Self::new(
                StatusCode::CONFLICT,
                "changed-template",
                "The template was changed since it was read",
                sentence,
            ),
            Refused::Storage(cause) => cause.into(),
        }
    }
}

/// Reads the files again, so that what was approved or changed beside this process counts at once.
pub(super) async fn read_again(app: &App) {
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || app.reload_templates()).await;
    if let Err(cause) = done {
        tracing::error!(%cause, "The templates could not be read again; the ones in memory stay");
    }
}

/// Whoever may send a template may look at it.
fn may_read(bearer: &Bearer, template: &Template) -> bool {
    bearer.allows(&Need::WriteTemplates) || bearer.allows(&Need::ReadAlert(&template.name))
}

async fn one(app: &App, name: &str) -> Result<CheckedTemplateBody, Problem> {
    let shelf = app.shelf();
    let approved = approvals::list(&app.db).await?;
    match shelf.find(name) {
        Some(template) => Ok(CheckedTemplateBody {
            template: body(app, template, &approved),
            findings: findings(template),
        }),
        None => Err(Problem::not_found(
            shelf
                .problems
                .iter()
                .find(|problem| problem.template == name)
                .map_or_else(
                    || format!("there is no template \"{name}\""),
                    |problem| format!("the template cannot be read: {problem}"),
                ),
        )),
    }
}

fn body(app: &App, template: &Template, approvals: &[Approval]) -> TemplateBody {
    let language = app.config.organisation.language();
    let mut own = approvals
        .iter()
        .filter(|approval| approval.name == template.name)
        .peekable();
    let was_approved = own.peek().is_some();
    let approval = own.find(|approval| approval.hash == template.hash);
    let state = match approval {
        Some(_) => ApprovalState::Approved,
        None if was_approved => ApprovalState::Changed,
        None => ApprovalState::Unapproved,
    };
    let (per_person, variables): (Vec<&Variable>, Vec<&Variable>) = template
        .variables
        .iter()
        .partition(|variable| variable.kind == VariableKind::Person);
    let described = |list: Vec<&Variable>| {
        list.into_iter()
            .map(|variable| describe(variable, &language))
            .collect()
    };
    TemplateBody {
        name: template.name.clone(),
        title: template.title_in(&language).to_owned(),
        titles: template.title.clone(),
        hint: template.hint_in(&language).to_owned(),
        kind: template.kind,
        channels: template.channels.clone(),
        languages: template.languages.clone(),
        severity: template.severity,
        purpose: template.purpose,
        approved: approval.is_some(),
        state,
        version: approval.map(|approval| approval.version),
        approved_by: approval.map(|approval| approval.approved_by.clone()),
        approved_at: approval.map(|approval| time(approval.approved_at)),
        hash: template.hash.clone(),
        review_by: template.review_by.to_string(),
        expires_in: template.expires_in.as_secs(),
        audience: template.audience.clone(),
        variables: described(variables),
        per_person: described(per_person),
        call_out: template.call_out.map(|usual| TemplateCallOutBody {
            needed: usual.needed,
            answer_within: usual.answer_within_seconds,
            ahead: usual.ahead,
        }),
        options: template.options.clone(),
    }
}

fn describe(variable: &Variable, language: &Language) -> VariableBody {
    VariableBody {
        name: variable.name.clone(),
        kind: variable.kind,
        required: variable.required,
        choices: variable
            .choices
            .iter()
            .map(|choice| choice.value.clone())
            .collect(),
        example: variable.realistic().to_owned(),
        label: variable.label_in(language).to_owned(),
        default: variable.default.clone(),
        max_length: variable.max_length,
    }
}

fn findings(template: &Template) -> Vec<FindingBody> {
    check(template)
        .into_iter()
        .map(|finding| FindingBody {
            is_error: finding.level == Level::Error,
            place: finding.place,
            message: finding.message,
        })
        .collect()
}
