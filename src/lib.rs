//! Warns people, and can account for every one of them.

pub mod account;
pub mod alert;
pub mod app;
pub mod audit;
pub mod call_out;
pub mod callback;
pub mod channel;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod directory;
pub mod dispatch;
pub mod escalation;
pub mod ids;
pub mod keys;
pub mod operate;
pub mod phone_tree;
pub mod plan;
pub mod receipt;
pub mod report;
pub mod response;
pub mod storage;
pub mod template;
pub mod template_approval;
pub mod web;
