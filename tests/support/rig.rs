//! The test rig: real databases, gateways, phones and mailboxes for the integration tests.
//!
//! A test target names it so, and then uses what it needs:
//!
//! ```ignore
//! #[path = "support/rig.rs"] // "../support/rig.rs" from a target in a folder
//! pub mod support;
//! ```
//!
//! The programs behind it are installed and announced by `scripts/test`; without that every part
//! fails with a sentence that says so. Nothing here knows Muster's own code.

pub mod chaos_proxy;
pub mod environment;
pub mod inbox;
pub mod kannel;
pub mod kannel_phones;
pub mod ports;
pub mod postgres;
pub mod receiver;
pub mod rude_gateway;
pub mod rude_smtp;
pub mod smtp;
pub mod totp;
pub mod twilio;
