//! Sends log lines to stderr, as many and as the configuration and `MUSTER_LOG` say.

use tracing_subscriber::EnvFilter;

use super::failure::{Failure, said};
use crate::config::LogFormat;
use crate::config::environment;

/// What is logged unless `MUSTER_LOG` says otherwise.
pub(super) const USUAL: &str = "warn,muster=info";

/// Starts logging; `usual` holds unless `MUSTER_LOG` is set.
pub(super) fn start(format: LogFormat, usual: &str) -> Result<(), Failure> {
    let asked = environment::variable("MUSTER_LOG");
    let filter = asked.as_deref().unwrap_or(usual);
    let filter = EnvFilter::builder().parse(filter).map_err(|error| {
        said(format!(
            "MUSTER_LOG: \"{filter}\" is not a filter such as info or muster=debug: {error}"
        ))
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        // A closed stderr must not end a server that has people to warn.
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .try_init(),
    };
    started.map_err(|error| said(format!("logging could not be started: {error}")))
}
