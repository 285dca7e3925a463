//! Warns people, and can account for every one of them.

pub mod alert;
pub mod audit;
pub mod channel;
pub mod clock;
pub mod config;
pub mod ids;
pub mod keys;
pub mod plan;
pub mod response;
pub mod storage;
