//! Describes the API in OpenAPI 3.1, from the handlers themselves.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi, Ref, RefOr, Response};
use utoipa::{Modify, OpenApi as _};

use crate::web::problem::{Details, MEDIA_TYPE};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "Warns people, and can account for every one of them. Times are RFC 3339 in \
                       UTC, ids are UUIDs, lists are `{items, next}`. Every refusal is \
                       `application/problem+json`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Details)),
    modifiers(&Token),
    security(("token" = [])),
    tags(
        (name = "alerts", description = "Launching, following and ending alerts"),
        (name = "directory", description = "People, groups and call trees"),
        (name = "templates", description = "What can be said, and whether it is approved"),
        (name = "tokens", description = "Who may use this API"),
        (name = "sandbox", description = "What the simulated phones received"),
        (name = "description", description = "This document"),
    )
)]
struct Head;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("An API token, as `muster token create` prints it".to_owned());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The whole document, as it is served.
pub fn document() -> OpenApi {
    let mut document = Head::openapi();
    document.merge(super::routes().into_openapi());
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            describe_refusals(operation);
        }
    }
    document
}

/// Adds the refusals that every request with a token may meet, and the form of all of them.
fn describe_refusals(operation: &mut Operation) {
    let needs_token = operation.security.is_none();
    let everywhere = [
        ("401", "No token, or one that is unknown or revoked"),
        (
            "503",
            "The database cannot be used at the moment: try again",
        ),
    ];
    for (status, description) in everywhere.into_iter().filter(|_| needs_token) {
        let response = RefOr::T(Response::new(description));
        operation
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert(response);
    }
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.as_str() >= "400", response) {
            let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
            let content = ContentBuilder::new().schema(Some(schema)).build();
            response
                .content
                .insert(MEDIA_TYPE.to_owned(), RefOr::T(content));
        }
    }
}

static TEXT: LazyLock<String> = LazyLock::new(|| {
    document()
        .to_pretty_json()
        .unwrap_or_else(|_| "{}".to_owned())
});

/// This document. Needs no token.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "description", operation_id = "get_openapi",
    security(()),
    responses((status = 200, description = "The description of this API", body = Object))
)]
pub async fn serve() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}
