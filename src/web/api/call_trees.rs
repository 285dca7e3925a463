//! Call trees: who calls whom when people take over from the machines.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::groups::require_reading;
use super::input::{Body, Query, id};
use super::page::{self, Page, PageQuery};
use crate::account::token::Need;
use crate::app::App;
use crate::directory::call_tree::{self, Branch, CallTree};
use crate::ids::{CallTreeId, ContactId};
use crate::web::problem::Problem;
use crate::web::token::Bearer;

const MISSING: &str = "there is no such call tree";

/// A tree in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallTreeSummary {
    /// What the API calls it.
    pub id: CallTreeId,
    /// What people call it.
    pub name: String,
}

/// A tree with its branches.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallTreeBody {
    /// What the API calls it.
    pub id: CallTreeId,
    /// What people call it.
    pub name: String,
    /// Who calls whom, in the order of calling.
    pub branches: Vec<BranchBody>,
    /// Those whom nobody calls: where the tree begins.
    pub roots: Vec<ContactId>,
}

/// One caller with the people to call.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchBody {
    /// Who calls.
    pub caller: ContactId,
    /// Who is called, in this order.
    pub people: Vec<ContactId>,
}

/// A tree to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallTreeDraftBody {
    /// What people call it: 1 to 100 characters.
    #[schema(example = "Night", min_length = 1, max_length = 100)]
    pub name: String,
    /// Who calls whom: nobody is called twice, and there is no circle.
    pub branches: Vec<BranchBody>,
}

/// The branches that a tree gets.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchesBody {
    /// Who calls whom: nobody is called twice, and there is no circle.
    pub branches: Vec<BranchBody>,
}

/// Every tree by name.
#[utoipa::path(
    get, path = "/api/v1/call-trees", tag = "directory", operation_id = "list_call_trees",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of trees", body = Page<CallTreeSummary>),
        (status = 403, description = "The token lacks the scope `read` or `contacts:write`"),
        (status = 422, description = "A parameter is wrong"),
    )
)]
pub async fn list(
    State(app): State<App>,
    bearer: Bearer,
    query: Result<Query<PageQuery>, Problem>,
) -> Result<Json<Page<CallTreeSummary>>, Problem> {
    require_reading(&bearer)?;
    let Query(query) = query?;
    let rows = call_tree::list(&app.db).await?;
    let all = rows
        .into_iter()
        .map(|row| CallTreeSummary {
            id: row.id,
            name: row.name,
        })
        .collect();
    let limit = page::limit(query.limit)?;
    page::cut(all, limit, query.cursor.as_deref(), |tree| {
        tree.id.to_string()
    })
    .map(Json)
}

/// One tree. Archived people are left out of it.
#[utoipa::path(
    get, path = "/api/v1/call-trees/{id}", tag = "directory", operation_id = "get_call_tree",
    params(("id" = String, Path, format = Uuid, description = "The tree's id")),
    responses(
        (status = 200, description = "The tree", body = CallTreeBody),
        (status = 403, description = "The token lacks the scope `read` or `contacts:write`"),
        (status = 404, description = "There is no such tree"),
    )
)]
pub async fn get(
    State(app): State<App>,
    bearer: Bearer,
    Path(tree): Path<String>,
) -> Result<Json<CallTreeBody>, Problem> {
    require_reading(&bearer)?;
    Ok(Json(body(find(&app, &tree).await?)))
}

/// Makes a tree. Refused if there is one of that name.
#[utoipa::path(
    post, path = "/api/v1/call-trees", tag = "directory", operation_id = "create_call_tree",
    request_body = CallTreeDraftBody,
    responses(
        (status = 201, description = "The tree is made", body = CallTreeBody,
         headers(("Location" = String, description = "The tree's address in the API"))),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 409, description = "There is a tree of that name"),
        (status = 422, description = "Someone is called twice or unknown, or there is a circle"),
    )
)]
pub async fn create(
    State(app): State<App>,
    bearer: Bearer,
    draft: Result<Body<CallTreeDraftBody>, Problem>,
) -> Result<Response, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let Body(draft) = draft?;
    if call_tree::find_by_name(&app.db, draft.name.trim())
        .await?
        .is_some()
    {
        let sentence = format!("there is a call tree \"{}\" already", draft.name.trim());
        let title = "Something like it is there already";
        return Err(Problem::new(StatusCode::CONFLICT, "conflict", title, sentence).field("name"));
    }
    let branches = to_branches(draft.branches);
    let now = app.clock.now();
    let tree = call_tree::save(&app.db, &draft.name, branches, now, &bearer.actor()).await?;
    let location = format!("/api/v1/call-trees/{}", tree.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(body(tree)),
    )
        .into_response())
}

/// Replaces the branches of a tree.
#[utoipa::path(
    put, path = "/api/v1/call-trees/{id}", tag = "directory", operation_id = "replace_call_tree",
    params(("id" = String, Path, format = Uuid, description = "The tree's id")),
    request_body = BranchesBody,
    responses(
        (status = 200, description = "The tree as it is now", body = CallTreeBody),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 404, description = "There is no such tree"),
        (status = 422, description = "Someone is called twice or unknown, or there is a circle"),
    )
)]
pub async fn replace(
    State(app): State<App>,
    bearer: Bearer,
    Path(tree): Path<String>,
    branches: Result<Body<BranchesBody>, Problem>,
) -> Result<Json<CallTreeBody>, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let branches = to_branches(branches?.0.branches);
    let known = find(&app, &tree).await?;
    let now = app.clock.now();
    let tree = call_tree::save(&app.db, &known.name, branches, now, &bearer.actor()).await?;
    Ok(Json(body(tree)))
}

/// Deletes a tree. Its people stay in the directory.
#[utoipa::path(
    delete, path = "/api/v1/call-trees/{id}", tag = "directory", operation_id = "delete_call_tree",
    params(("id" = String, Path, format = Uuid, description = "The tree's id")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 403, description = "The token lacks the scope `contacts:write`"),
        (status = 404, description = "There is no such tree"),
    )
)]
pub async fn delete(
    State(app): State<App>,
    bearer: Bearer,
    Path(tree): Path<String>,
) -> Result<StatusCode, Problem> {
    bearer.require(&Need::WriteContacts)?;
    let id = id(&tree, MISSING)?;
    call_tree::delete(&app.db, id, app.clock.now(), &bearer.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(app: &App, tree: &str) -> Result<CallTree, Problem> {
    let tree = call_tree::find(&app.db, id(tree, MISSING)?).await?;
    tree.ok_or_else(|| Problem::not_found(MISSING))
}

fn to_branches(branches: Vec<BranchBody>) -> Vec<Branch> {
    branches
        .into_iter()
        .map(|branch| Branch {
            caller: branch.caller,
            people: branch.people,
        })
        .collect()
}

fn body(tree: CallTree) -> CallTreeBody {
    CallTreeBody {
        roots: tree.roots(),
        id: tree.id,
        name: tree.name,
        branches: tree
            .branches
            .into_iter()
            .map(|branch| BranchBody {
                caller: branch.caller,
                people: branch.people,
            })
            .collect(),
    }
}
