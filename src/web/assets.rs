//! The console's style, scripts and icons: embedded in the binary and served so that a browser asks
//! for each version once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "src/web/assets/"]
struct Files;

struct Asset {
    bytes: std::borrow::Cow<'static, [u8]>,
    content_type: &'static str,
    version: String,
}

/// Every file with its version, read once. A debug build reads them from the source tree at start.
static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    Files::iter()
        .filter_map(|name| {
            let file = Files::get(&name)?;
            let version = file.metadata.sha256_hash()[..6].iter().fold(
                String::with_capacity(12),
                |mut text, byte| {
                    use std::fmt::Write;
                    write!(text, "{byte:02x}").expect("writing to a string does not fail");
                    text
                },
            );
            let content_type = content_type(&name);
            Some((
                name.into_owned(),
                Asset {
                    bytes: file.data,
                    content_type,
                    version,
                },
            ))
        })
        .collect()
});

/// The address of the asset `name` with its version, so that it may be kept for ever.
/// An unknown name gets an address without a version, which answers 404.
pub fn url(name: &str) -> String {
    match ASSETS.get(name) {
        Some(asset) => format!("/assets/{name}?v={}", asset.version),
        None => format!("/assets/{name}"),
    }
}

/// `GET /assets/{*name}`: the file, 304 when the browser has it, 404 when there is none.
/// The versioned address may be kept for a year; the bare one is asked about each time.
pub async fn serve(
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(asset) = ASSETS.get(&name) else {
        return (StatusCode::NOT_FOUND, "There is no such file.").into_response();
    };
    let etag = format!("\"{}\"", asset.version);
    let versioned = query.is_some_and(|query| query == format!("v={}", asset.version));
    let caching = if versioned {
        "public, max-age=31536000, immutable"
    } else {
        "public, no-cache"
    };
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        // A compressing proxy marks the tag as weak; it is the same file all the same.
        .is_some_and(|tags| {
            tags.split(',')
                .any(|tag| tag.trim().trim_start_matches("W/") == etag)
        });

    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (
            [(header::CONTENT_TYPE, asset.content_type)],
            asset.bytes.clone(),
        )
            .into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(
        header::ETAG,
        HeaderValue::from_str(&etag).expect("a hexadecimal version is a valid header"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(name: &str, query: Option<&str>, known: Option<&str>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(etag) = known {
            headers.insert(header::IF_NONE_MATCH, etag.parse().unwrap());
        }
        serve(
            Path(name.to_owned()),
            RawQuery(query.map(str::to_owned)),
            headers,
        )
        .await
    }

    #[tokio::test]
    async fn the_versioned_address_may_be_kept_for_ever() {
        let url = url("app.css");
        let (_, query) = url.split_once('?').unwrap();

        let response = get("app.css", Some(query), None).await;

        assert_eq!(response.status(), StatusCode::OK);
        let caching = response.headers()[header::CACHE_CONTROL].to_str().unwrap();
        assert!(caching.contains("immutable"), "{caching}");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/css; charset=utf-8"
        );
    }

    #[tokio::test]
    async fn a_file_that_the_browser_has_is_not_sent_again() {
        let first = get("app.css", None, None).await;
        let etag = first.headers()[header::ETAG].to_str().unwrap().to_owned();

        let second = get("app.css", None, Some(&format!("W/{etag}"))).await;

        assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn an_unknown_file_and_a_path_upwards_are_not_found() {
        assert_eq!(
            get("nothing.css", None, None).await.status(),
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            get("../view.rs", None, None).await.status(),
            StatusCode::NOT_FOUND
        );
    }

    #[test]
    fn the_style_stays_under_its_budget() {
        let style = Files::get("app.css").unwrap();
        assert!(style.data.len() < 30_000, "{} bytes", style.data.len());
    }
}
