//! API tokens: listed without their secret, made, revoked.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alerts::time;
use super::input::{Body, Query, id};
use super::page::{self, Page, PageQuery};
use crate::account;
use crate::account::token::{self, Need, Scopes};
use crate::app::App;
use crate::ids::TokenId;
use crate::storage::tokens::TokenRow;
use crate::web::problem::Problem;
use crate::web::token::Bearer;

/// A token without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenBody {
    /// What the API calls it.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// Its first characters, to tell tokens apart.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// By whom.
    pub created_by: String,
    /// When it was last used, to the minute (RFC 3339).
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
    /// Since when it opens nothing (RFC 3339).
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
}

/// A token to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenDraftBody {
    /// What it is for: 1 to 100 characters.
    #[schema(example = "fire panel", min_length = 1, max_length = 100)]
    pub name: String,
    /// What it may do: `admin`, `read`, `alerts:send`, `alerts:send:<template>`, `contacts:write`,
    /// `templates:write`, `hooks:send`.
    #[schema(example = json!(["alerts:send:closure"]), min_items = 1)]
    pub scopes: Vec<String>,
}

/// A token that was just made: the only time its secret is shown. Shows nothing of it in logs.
#[derive(Clone, Serialize, ToSchema)]
pub struct NewTokenBody {
    /// What the API calls it.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The secret: keep it now, it cannot be shown again.
    pub token: String,
}

/// Every token without its secret, the newest first, revoked ones included.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of tokens", body = Page<TokenBody>),
        (status = 403, description = "The token lacks the scope `admin`"),
        (status = 422, description = "A parameter is wrong"),
    )
)]
pub async fn list(
    State(app): State<App>,
    bearer: Bearer,
    query: Result<Query<PageQuery>, Problem>,
) -> Result<Json<Page<TokenBody>>, Problem> {
    bearer.require(&Need::Admin)?;
    let Query(query) = query?;
    let all: Vec<TokenBody> = token::list(&app.db).await?.into_iter().map(body).collect();
    let limit = page::limit(query.limit)?;
    page::cut(all, limit, query.cursor.as_deref(), |token| {
        token.id.to_string()
    })
    .map(Json)
}

/// Makes a token and shows its secret this once.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "tokens", operation_id = "create_token",
    request_body = TokenDraftBody,
    responses(
        (status = 201, description = "The token with its secret", body = NewTokenBody),
        (status = 403, description = "The token lacks the scope `admin`"),
        (status = 422, description = "There is no such scope: the possible ones are named"),
    )
)]
pub async fn create(
    State(app): State<App>,
    bearer: Bearer,
    draft: Result<Body<TokenDraftBody>, Problem>,
) -> Result<(StatusCode, Json<NewTokenBody>), Problem> {
    bearer.require(&Need::Admin)?;
    let Body(draft) = draft?;
    let scopes = Scopes::parse(&draft.scopes)
        .map_err(|sentence| Problem::invalid(sentence).field("scopes"))?;
    let now = app.clock.now();
    let made = token::create(&app.db, &draft.name, &scopes, now, &bearer.actor()).await;
    let made = made.map_err(|error| match error {
        account::Error::Refused(sentence) if scopes.list().is_empty() => {
            Problem::invalid(sentence).field("scopes")
        }
        account::Error::Refused(sentence) => Problem::invalid(sentence).field("name"),
        other => other.into(),
    })?;
    let body = NewTokenBody {
        id: made.id,
        name: draft.name.trim().to_owned(),
        prefix: made.prefix,
        scopes: scopes.words(),
        token: made.token,
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// Revokes a token: from now on it opens nothing.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", tag = "tokens", operation_id = "revoke_token",
    params(("id" = String, Path, format = Uuid, description = "The token's id")),
    responses(
        (status = 204, description = "It is revoked"),
        (status = 403, description = "The token lacks the scope `admin`"),
        (status = 404, description = "There is no such token in use"),
    )
)]
pub async fn revoke(
    State(app): State<App>,
    bearer: Bearer,
    Path(token): Path<String>,
) -> Result<StatusCode, Problem> {
    bearer.require(&Need::Admin)?;
    let id = id(&token, "there is no such token in use")?;
    token::revoke(&app.db, id, app.clock.now(), &bearer.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn body(row: TokenRow) -> TokenBody {
    TokenBody {
        id: row.id,
        name: row.name,
        prefix: row.prefix,
        scopes: row.scopes.0,
        created_at: time(row.created_at),
        created_by: row.created_by,
        last_used_at: row.last_used_at.map(time),
        revoked_at: row.revoked_at.map(time),
    }
}
