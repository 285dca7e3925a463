//! Text-message gateways, and the generic HTTP gateway that any channel may use.

pub mod http;
pub mod kannel;
mod posted;
pub mod twilio;
