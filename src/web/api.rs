//! The API for scripts: JSON under `/api/v1`, described by `/api/openapi.json`.
//!
//! Every refusal is `application/problem+json` and names the thing refused, also those that no
//! handler of ours has made. What a body, a query or an address may be is read by `input`.

pub mod acts;
pub mod alerts;
pub mod call_trees;
pub mod contacts;
pub mod document;
pub mod groups;
pub mod import;
pub mod input;
pub mod launch;
pub mod page;
pub mod recipients;
pub mod sandbox;
pub mod templates;
pub mod tokens;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::directory::table::LARGEST_FILE;
use crate::web::layers;
use crate::web::problem::{MEDIA_TYPE, Problem};

pub use document::document;

/// The largest JSON body, in bytes.
const LARGEST_BODY: usize = 1_000_000;

/// Everything under `/api`.
pub fn router() -> Router<App> {
    let (router, _) = routes().split_for_parts();
    router
        .route("/api", any(nothing_here))
        .route("/api/", any(nothing_here))
        .route("/api/{*rest}", any(nothing_here))
        .layer(layers::catch_panic())
        .layer(from_fn(in_our_words))
}

/// Every address of the API with its description.
fn routes() -> OpenApiRouter<App> {
    let imports = OpenApiRouter::new()
        .routes(routes!(import::import))
        .layer(DefaultBodyLimit::max(LARGEST_FILE + 1));
    OpenApiRouter::new()
        .routes(routes!(alerts::list, launch::launch))
        .routes(routes!(alerts::get))
        .routes(routes!(recipients::list))
        .routes(routes!(acts::stop))
        .routes(routes!(acts::update))
        .routes(routes!(acts::correct))
        .routes(routes!(acts::all_clear))
        .routes(routes!(acts::remind))
        .routes(routes!(contacts::list, contacts::create))
        .routes(routes!(contacts::get, contacts::replace, contacts::archive))
        .routes(routes!(import::export))
        .routes(routes!(import::undo_import))
        .routes(routes!(groups::list, groups::create))
        .routes(routes!(groups::get, groups::save, groups::delete))
        .routes(routes!(call_trees::list, call_trees::create))
        .routes(routes!(
            call_trees::get,
            call_trees::replace,
            call_trees::delete
        ))
        .routes(routes!(templates::list))
        .routes(routes!(templates::get))
        .routes(routes!(templates::approve))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(sandbox::messages))
        .routes(routes!(document::serve))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .merge(imports)
}

async fn nothing_here() -> Problem {
    Problem::of_status(StatusCode::NOT_FOUND, "")
}

/// Turns refusals that no handler of ours has made (a method that is not offered, an address that
/// cannot be decoded, a panic) into the form that programs expect here.
async fn in_our_words(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    let is_ours = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|given| given.as_bytes().starts_with(MEDIA_TYPE.as_bytes()));
    if !is_refusal || is_ours {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = to_bytes(body, 1000).await.unwrap_or_default();
    let sentence = String::from_utf8_lossy(&text);
    let mut response = Problem::of_status(status, &sentence).into_response();
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response
}
