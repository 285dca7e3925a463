//! What `scripts/test` told the tests: where the servers, programs and certificates are.
#![expect(clippy::panic, reason = "a missing part of the rig is a failed test")]

use std::path::PathBuf;

/// The value of a variable that `scripts/test` sets; fails the test when it is missing.
pub fn variable(name: &str) -> String {
    match std::env::var_os(name).and_then(|value| value.into_string().ok()) {
        Some(value) => value,
        None => panic!(
            "{name} is not set: run scripts/test, or leave scripts/test --servers-only running \
             and export the lines it prints"
        ),
    }
}

/// The certificate of the test authority, in PEM: what a client must trust to talk to the rig's
/// servers by TLS. They answer as `localhost` and `127.0.0.1`.
pub fn authority_certificate() -> PathBuf {
    certificates().join("ca.pem")
}

/// The folder with `ca.pem`, `server.pem` and `server.key`.
pub fn certificates() -> PathBuf {
    variable("MUSTER_TEST_CERTIFICATES").into()
}

/// A client for the rig's own calls: plain HTTP, ten seconds at most.
pub fn http_client() -> reqwest::Client {
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        // Another test of this process was first: one provider serves them all.
    }
    reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(10))
        .build()
        .expect("the test client's settings are fixed")
}
