//! Keeps the service running, and says how it is.

pub mod doctor;
pub mod service;
mod template_watch;
