//! E-mail gateways.

pub mod smtp;
