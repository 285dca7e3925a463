//! `muster config`: checks the configuration, or prints an example of it.

use clap::Subcommand;
use serde_json::json;

use super::failure::Failure;
use super::{Shared, terminal};
use crate::config::Config;

/// Every key with its default, commented.
pub(super) const EXAMPLE: &str = include_str!("../../docs/muster.example.toml");

#[derive(Subcommand)]
pub(super) enum Configuration {
    /// Say everything that is wrong with the configuration, gateways included
    Check,
    /// Print a commented configuration with every key and its default
    Example,
}

impl Configuration {
    pub(super) fn run(&self, shared: &Shared) -> Result<(), Failure> {
        match self {
            Self::Check => check(shared),
            Self::Example => terminal::bytes(EXAMPLE.as_bytes()),
        }
    }
}

fn check(shared: &Shared) -> Result<(), Failure> {
    let examined = Config::examine(&shared.source());
    let is_good = examined.problems.is_empty();
    if shared.json {
        terminal::json(&json!({
            "good": is_good, "problems": examined.problems, "warnings": examined.warnings,
        }))?;
        return if is_good { Ok(()) } else { Err(Failure::Shown) };
    }
    for warning in &examined.warnings {
        terminal::remark(format!("warning: {warning}"));
    }
    if !is_good {
        return Err(Failure::Said(examined.problems.join("\n")));
    }
    let gateways = examined.config.gateway_tables().len();
    let gateways = if gateways == 1 {
        "1 gateway".to_owned()
    } else {
        format!("{gateways} gateways")
    };
    terminal::say(format!(
        "The configuration is good: {gateways}, and every key is understood."
    ))
}
