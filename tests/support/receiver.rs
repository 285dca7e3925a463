//! A small HTTP server that records what it is told: the stand-in for Muster's own callback pages.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use tokio::net::TcpListener;

use super::inbox::Inbox;
use super::ports::free_port;

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// `GET`, `POST` and so on.
    pub method: Method,
    /// The path alone, without the query.
    pub path: String,
    /// The fields of the query and of a form body, decoded; the last of a name counts.
    pub fields: BTreeMap<String, String>,
    /// The headers.
    pub headers: HeaderMap,
}

/// The server; answers 200 with an empty body to everything. Stops when dropped.
#[derive(Debug)]
pub struct Receiver {
    port: u16,
    inbox: Inbox<Received>,
    server: tokio::task::JoinHandle<()>,
}

impl Receiver {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("the port was free");
        let inbox = Inbox::default();
        let router = Router::new().fallback(record).with_state(inbox.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("serving never ends by itself");
        });
        Self {
            port,
            inbox,
            server,
        }
    }

    /// The address of a path on this server; `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The oldest request to `path` that was not taken yet, waited for if need be.
    pub async fn expect(&self, path: &str) -> Received {
        self.inbox
            .take(&format!("a request to {path}"), |request| {
                request.path == path
            })
            .await
    }

    /// How many requests came and were not taken.
    pub fn untaken(&self) -> usize {
        self.inbox.len()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn record(
    State(inbox): State<Inbox<Received>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) {
    let query = uri.query().unwrap_or_default();
    let fields = form_urlencoded::parse(query.as_bytes())
        .chain(form_urlencoded::parse(&body))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    inbox.put(Received {
        method,
        path: uri.path().to_owned(),
        fields,
        headers,
    });
}
