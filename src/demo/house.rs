//! The demonstration's configuration and its data folder, which is never a real one.

use std::io;
use std::path::{Path, PathBuf};

use super::people;
use crate::config::{Config, FILE};

/// Where it lives unless told otherwise.
pub const FOLDER: &str = "muster-demo-data";

/// The plan that shows a whole escalation in under a minute.
pub const PLAN: &str = "quick";

/// Tells a demonstration's folder from a real one.
const MARK: &str = "this-is-a-demo";

/// How fast the simulated people are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as someone who watches can follow.
    Watched,
    /// As fast as an unattended run of half a minute needs.
    Unattended,
}

impl Pace {
    /// The slowest answer to a text message, in milliseconds.
    fn slowest_answer(self) -> u32 {
        match self {
            Self::Watched => 22_000,
            Self::Unattended => 7_000,
        }
    }

    /// When the silent are reminded, and when people take over, in seconds.
    fn steps(self) -> [u32; 2] {
        match self {
            Self::Watched => [15, 30],
            Self::Unattended => [8, 15],
        }
    }
}

/// Everything is set here: neither `./muster.toml` nor the environment changes a demonstration.
pub fn config(data_dir: PathBuf, listen: &str, public_url: &str, pace: Pace) -> Config {
    let text = settings(listen, public_url, pace);
    let config = toml::from_str(&text).expect("the demonstration's settings are right");
    Config { data_dir, ..config }
}

/// The demonstration's `muster.toml`, for the commands that are run beside it or after it. The
/// gateways have the speed, the price and the faults that such gateways have.
fn settings(listen: &str, public_url: &str, pace: Pace) -> String {
    let slowest = pace.slowest_answer();
    let slowest_mail = slowest + slowest / 2;
    let [reminder, calls] = pace.steps();
    let name = people::ORGANISATION;
    format!(
        r#"# Made by `muster demo` at each start. Commands with --data read it here, and nothing else.
listen = "{listen}"
public_url = "{public_url}"
answer_within_seconds = 30

[accounts]
# Whoever tries it comes in by the link that was printed, and stays in.
second_factor = "optional"
prove_again_minutes = 0

[operations]
# Nobody's answers depend on this disk.
reserve_megabytes = 0

[organisation]
name = "{name}"
phone = "+1 202 555 0100"
region = "US"
languages = ["en", "es"]

[[gateway]]
name = "demo-sms"
channel = "sms"
kind = "sandbox"
exercises = true
rate_per_second = 30
cost = 0.0079
people = "lifelike"
delay_ms = 120
answer_rate = 0.6
help_rate = 0.05
undeliverable_rate = 0.03
refuse_rate = 0.02
busy_rate = 0.03
fastest_answer_ms = 1200
slowest_answer_ms = {slowest}

[[gateway]]
name = "demo-email"
channel = "email"
kind = "sandbox"
exercises = true
rate_per_second = 50
people = "lifelike"
delay_ms = 60
answer_rate = 0.25
help_rate = 0.03
undeliverable_rate = 0.02
refuse_rate = 0.01
fastest_answer_ms = 2500
slowest_answer_ms = {slowest_mail}

# A whole escalation in under a minute.
[[plan]]
name = "{PLAN}"
[[plan.step]]
whom = "everyone"
channels = ["sms", "email"]
[[plan.step]]
after_seconds = {reminder}
channels = ["sms"]
[[plan.step]]
after_seconds = {calls}
call_list = true
"#
    )
}

/// Leaves the settings in the folder.
pub fn leave_settings(
    folder: &Path,
    listen: &str,
    public_url: &str,
    pace: Pace,
) -> Result<(), FolderRefused> {
    std::fs::write(folder.join(FILE), settings(listen, public_url, pace))
        .map_err(|error| FolderRefused::Unusable(folder.display().to_string(), error))
}

/// Whether a demonstration made the folder and left its settings there.
pub fn is_demo(folder: &Path) -> bool {
    folder.join(MARK).is_file() && folder.join(FILE).is_file()
}

/// Why the folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum FolderRefused {
    /// There is something in it that no demonstration made.
    #[error(
        "{0} holds something that is not a demonstration: real people must not get pretended ones \
         among them. Name an empty folder with --data"
    )]
    NotADemo(String),
    /// It cannot be made or written.
    #[error("the data folder {0} cannot be used: {1}. Name another with --data")]
    Unusable(String, io::Error),
}

/// Makes the folder a demonstration's, unless it is one already; refuses any other.
pub fn claim(folder: &Path) -> Result<(), FolderRefused> {
    let unusable = |error| FolderRefused::Unusable(folder.display().to_string(), error);
    let mark = folder.join(MARK);
    if mark.exists() {
        return Ok(());
    }
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(false) => {}
        Ok(true) => return Err(FolderRefused::NotADemo(folder.display().to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(unusable(error)),
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(unusable)?;
    let words = "Made by `muster demo`. Nobody in here exists; the folder may be deleted.\n";
    std::fs::write(mark, words).map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_anything_else_in_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("muster.db"), "real").unwrap();
        assert!(matches!(
            claim(folder.path()),
            Err(FolderRefused::NotADemo(_))
        ));
        let fresh = folder.path().join("new/demo");
        claim(&fresh).unwrap();
        std::fs::write(fresh.join("muster.db"), "pretended").unwrap();
        claim(&fresh).unwrap();
        let file = folder.path().join("muster.db");
        assert!(matches!(claim(&file), Err(FolderRefused::Unusable(..))));
    }

    #[test]
    fn the_plan_and_the_gateways_are_in_order_at_every_pace() {
        for pace in [Pace::Watched, Pace::Unattended] {
            let config = config("x".into(), "", "", pace);
            assert!(config.plans[0].problems().is_empty());
            assert!(
                config.plans[0]
                    .steps
                    .last()
                    .is_some_and(|step| step.after_seconds <= 30)
            );
            for gateway in config.gateways {
                let own: toml::Table = gateway
                    .into_iter()
                    .filter(|(key, _)| {
                        ![
                            "name",
                            "channel",
                            "kind",
                            "exercises",
                            "rate_per_second",
                            "cost",
                        ]
                        .contains(&key.as_str())
                    })
                    .collect();
                crate::channel::sandbox::Settings::read(&own).unwrap();
            }
        }
    }
}
