//! Free ports for servers whose port must be known before they start.
#![expect(
    clippy::panic,
    reason = "a machine without a free port is a failed test"
)]

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port on 127.0.0.1 that nobody listens on; no two calls of one process give the same.
///
/// The ports lie below the range that outgoing connections take theirs from, so a port stays free
/// until the server that it was asked for is up.
pub fn free_port() -> u16 {
    // Processes that run side by side begin at different places.
    let salt = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (salt.wrapping_mul(37) % COUNT + step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port from {FIRST} to {} is free", FIRST + COUNT);
}
