//! Serves everything that comes in by HTTP: pages, the API, answer links, callbacks, probes.
//!
//! Handlers call the steps and say what came of them; they decide nothing. Every request passes
//! through `layers`: a log line without secrets, a time limit, headers, a net under panics.

pub mod answer;
pub mod api;
pub mod assets;
pub mod callbacks;
mod door;
pub mod form;
pub mod format;
mod layers;
pub mod pages;
pub mod probes;
pub mod problem;
pub mod session;
pub mod token;
pub mod view;

use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;

use crate::app::App;
use door::{Door, Peer};

/// How long requests may take to end once the service stops.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// The whole service as one router.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(pages::router())
        .merge(answer::router())
        .merge(api::router())
        .merge(callbacks::router())
        .merge(probes::router())
        .route("/assets/{*name}", get(assets::serve))
        .fallback(pages::nothing_here)
        .layer(from_fn_with_state(app.clone(), pages::dress))
        .layer(layers::catch_panic())
        .layer(from_fn(layers::limit_time))
        // Event streams are left alone: compressed, they would come in lumps.
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(app.clone(), layers::protect))
        .layer(from_fn(layers::log))
        .with_state(app)
}

/// Serves on a bound listener until [`App::stopping`](crate::app::Parts::stopping) is cancelled,
/// then lets requests end, at most ten seconds.
pub async fn serve(app: App, listener: TcpListener) -> std::io::Result<()> {
    let stopping = app.stopping.clone();
    let service = router(app.clone()).into_make_service_with_connect_info::<Peer>();
    let server = axum::serve(Door::open(listener, &app.gateways), service)
        .with_graceful_shutdown(stopping.clone().cancelled_owned());
    tokio::select! {
        ended = server => ended,
        () = async {
            stopping.cancelled().await;
            tokio::time::sleep(LAST_REQUESTS).await; // a browser may keep its connection for ever
        } => Ok(()),
    }
}
