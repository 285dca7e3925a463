//! Groups: listed with how many people are in them, made, replaced, deleted.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::{Body, Query};
use super::page::{self, Page, PageQuery};
use crate::account::token::Need;
use crate::app::App;
use crate::directory::group::{self, Group, GroupDraft, RuleField};
use crate::ids::{ContactId, GroupId};
use crate::web::problem::Problem;
use crate::web::token::Bearer;

/// A group in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GroupSummary {
    /// What the API calls it.
    pub id: GroupId,
    /// The short name, as launches and rules use it.
    pub name: String,
    /// What people read.
    pub title: String,
    /// People in it now, each counted once: by list, by rule and through the groups inside it.
    pub people: i64,
    /// How many rules it has.
    pub rules: i64,
    /// How many groups are in it directly.
    pub parts: i64,
}

/// A group with what it is made of. Its people are at `/api/v1/contacts?group=NAME`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GroupBody {
    /// What the API calls it.
    pub id: GroupId,
    /// The short name.
    pub name: String,
    /// What people read.
    pub title: String,
    /// People in it now, each counted once.
    pub people: i64,
    /// Groups in it, by short name.
    pub parts: Vec<String>,
    /// Its rules.
    pub rules: Vec<RuleBody>,
}

/// One rule. A person belongs to a group by rule if, for every field it has rules on, one value
/// matches.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleBody {
    /// What it looks at.
    pub field: RuleField,
    /// What that must be.
    pub value: String,
}

/// What a group is to become. What is absent stays as it was; in a new group it is empty.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupDraftBody {
    /// The short name: small letters, digits and hyphens. Absent: made from the title.
    #[serde(default)]
    #[schema(example = "night-shift")]
    pub name: Option<String>,
    /// What people read. Absent: as it was, or the short name.
    #[serde(default)]
    #[schema(example = "Night shift")]
    pub title: Option<String>,
    /// Exactly these people are on its list.
    #[serde(default)]
    pub members: Option<Vec<ContactId>>,
    /// Exactly these groups, by short name, are in it.
    #[serde(default)]
    pub parts: Option<Vec<String>>,
    /// Exactly these rules.
    #[serde(default)]
    pub rules: Option<Vec<RuleBody>>,
}

/// Every group with how many people are in it, by short name.
#[utoipa::path(
    get, path = "/api/v1/groups", tag = "directory", operation_id = "list_groups",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of groups", body = Page<GroupSummary>),
        (status = 403, description = "The token lacks the scope `read` or `contacts:write`"),
        (status = 422, description = "A parameter is wrong"),
    )
)]
pub async fn list(
    State(app): State<App>,
    bearer: Bearer,
    query: Result<Query<PageQuery>, Problem>,
) -> Result<Json<Page<GroupSummary>>, Problem> {
    require_reading(&bearer)?;
    let Query(query) = query?;
    let all: Vec<GroupSummary> = group::list(&app.db)
        .await?
        .into_iter()
        .map(|row| GroupSummary {
            id: row.id,
            name: row.name,
            title: row.title,
            people: row.people,
            rules: row.rules,
            parts: row.parts,
        })
        .collect();
    let limit = page::limit(query.limit)?;
    page::cut(all, limit, query.cursor.as_deref(), |group| {
        group.name.clone()
    })
    .map(Json)
}

/// One group by its short name.
#[utoipa::path(
    get, path = "/api/v1/groups/{name}", tag = "directory", operation_id = "get_group",
    params(("name" = String, Path, description = "The short name")),
    responses(
        (status = 200, description = "The group", body = GroupBody),
        (status = 403, description = "The token lacks the scope `read` or `contacts:write`"),
        (status = 404, description = "There is no such group"),
    )
)]
pub async fn get(
    State(app): State<App>,
    bearer: Bearer,
    Path(name): Path<String>,
) -> Result<Json<GroupBody>, Problem> {
    require_reading(&bearer)?;
    let group = find(&app, &name).await?.ok_or_else(|| missing(&name))?;
    body(&app, group).await.map(Json)
}

/// Makes a group. Refused if there is one of that name.
#[utoipa::path(
    post, path = "/api/v1/groups", tag = "directory", operation_id = "create_group",
    request_body = GroupDraftBody,
    responses(
        (status = 201, description = "The group is made", body = GroupBody,
         headers(("Location" = String, description = "The group's address in the API"))),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 422, description = "The name is taken or none, or a part or rule cannot be"),
    )
)]
pub async fn create(
    State(app): State<App>,
    bearer: Bearer,
    draft: Result<Body<GroupDraftBody>, Problem>,
) -> Result<Response, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let Body(draft) = draft?;
    let title = draft.title.clone().unwrap_or_default();
    created(&app, &bearer, to_draft(draft, None, title)).await
}

/// Makes the group of this name, or changes it to what is sent.
#[utoipa::path(
    put, path = "/api/v1/groups/{name}", tag = "directory", operation_id = "save_group",
    params(("name" = String, Path, description = "The short name")),
    request_body = GroupDraftBody,
    responses(
        (status = 200, description = "The group as it is now", body = GroupBody),
        (status = 201, description = "The group is made", body = GroupBody),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 422, description = "The name is none, or a part or rule cannot be"),
    )
)]
pub async fn save(
    State(app): State<App>,
    bearer: Bearer,
    Path(name): Path<String>,
    draft: Result<Body<GroupDraftBody>, Problem>,
) -> Result<Response, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let Body(draft) = draft?;
    let Some(known) = find(&app, &name).await? else {
        let title = draft.title.clone().unwrap_or_default();
        return created(&app, &bearer, to_draft(draft, Some(&name), title)).await;
    };
    let title = draft.title.clone().unwrap_or_else(|| known.title.clone());
    let draft = to_draft(draft, Some(&name), title);
    let now = app.clock.now();
    let group = group::update(&app.db, known.id, draft, now, &bearer.actor()).await?;
    Ok(Json(body(&app, group).await?).into_response())
}

/// Deletes a group. Its people stay in the directory.
#[utoipa::path(
    delete, path = "/api/v1/groups/{name}", tag = "directory", operation_id = "delete_group",
    params(("name" = String, Path, description = "The short name")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 404, description = "There is no such group"),
    )
)]
pub async fn delete(
    State(app): State<App>,
    bearer: Bearer,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let group = find(&app, &name).await?.ok_or_else(|| missing(&name))?;
    group::delete(&app.db, group.id, app.clock.now(), &bearer.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn require_reading(bearer: &Bearer) -> Result<(), Problem> {
    if bearer.allows(&Need::WriteContacts) {
        return Ok(());
    }
    bearer.require(&Need::Read)
}

fn missing(name: &str) -> Problem {
    Problem::not_found(format!("there is no group \"{name}\""))
}

/// A name that no database can keep is the name of no group.
async fn find(app: &App, name: &str) -> Result<Option<Group>, Problem> {
    if name.contains('\0') {
        return Ok(None);
    }
    Ok(group::find_by_name(&app.db, name).await?)
}

fn to_draft(draft: GroupDraftBody, name: Option<&str>, title: String) -> GroupDraft {
    let rules = draft.rules.map(|rules| {
        rules
            .into_iter()
            .map(|rule| group::Rule {
                field: rule.field,
                value: rule.value,
            })
            .collect()
    });
    GroupDraft {
        title,
        name: draft.name.or_else(|| name.map(str::to_owned)),
        members: draft.members,
        parts: draft.parts,
        rules,
    }
}

async fn created(app: &App, bearer: &Bearer, draft: GroupDraft) -> Result<Response, Problem> {
    let group = group::create(&app.db, draft, app.clock.now(), &bearer.actor()).await?;
    let location = format!("/api/v1/groups/{}", group.name);
    let body = Json(body(app, group).await?);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

async fn body(app: &App, group: Group) -> Result<GroupBody, Problem> {
    let counted = group::list(&app.db).await?;
    let people = counted
        .iter()
        .find(|row| row.id == group.id)
        .map_or(0, |row| row.people);
    let rules = group.rules.into_iter();
    Ok(GroupBody {
        id: group.id,
        name: group.name,
        title: group.title,
        people,
        parts: group.parts,
        rules: rules
            .map(|rule| RuleBody {
                field: rule.field,
                value: rule.value,
            })
            .collect(),
    })
}
