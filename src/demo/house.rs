//! The demonstration's configuration and its data folder, which is never a real one.

use std::io;
use std::path::{Path, PathBuf};

use super::people;
use crate::alert::words::Language;
use crate::channel::Channel;
use crate::config::{Config, Organisation};
use crate::plan::{Plan, Step, Whom};

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

/// Everything is set here: neither `muster.toml` nor the environment changes a demonstration.
pub fn config(data_dir: PathBuf, listen: String, public_url: String, pace: Pace) -> Config {
    Config {
        listen,
        public_url: Some(public_url),
        data_dir,
        organisation: Organisation {
            name: people::ORGANISATION.to_owned(),
            phone: "+1 202 555 0100".to_owned(),
            region: "US".to_owned(),
            languages: vec![Language("en".to_owned()), Language("es".to_owned())],
            ..Organisation::default()
        },
        gateways: gateways(pace),
        plans: vec![plan(pace)],
        ..Config::default()
    }
}

/// Gateways with the speed, the price and the faults that such gateways have.
fn gateways(pace: Pace) -> Vec<toml::Table> {
    let slowest = pace.slowest_answer();
    let texts = [
        format!(
            "name = \"demo-sms\"\nchannel = \"sms\"\nrate_per_second = 30\ncost = 0.0079\n\
             delay_ms = 120\nanswer_rate = 0.6\nhelp_rate = 0.05\nundeliverable_rate = 0.03\n\
             refuse_rate = 0.02\nbusy_rate = 0.03\nfastest_answer_ms = 1200\n\
             slowest_answer_ms = {slowest}"
        ),
        format!(
            "name = \"demo-email\"\nchannel = \"email\"\nrate_per_second = 50\ndelay_ms = 60\n\
             answer_rate = 0.25\nhelp_rate = 0.03\nundeliverable_rate = 0.02\nrefuse_rate = 0.01\n\
             fastest_answer_ms = 2500\nslowest_answer_ms = {}",
            slowest + slowest / 2
        ),
    ];
    texts
        .iter()
        .map(|text| format!("kind = \"sandbox\"\npeople = \"lifelike\"\nexercises = true\n{text}"))
        .map(|text| {
            text.parse()
                .expect("the demonstration's gateways are valid TOML")
        })
        .collect()
}

fn plan(pace: Pace) -> Plan {
    let [reminder, calls] = pace.steps();
    let step = |after_seconds, whom, channels: &[Channel], call_list| Step {
        after_seconds,
        whom,
        channels: channels.to_vec(),
        call_list,
    };
    Plan {
        name: PLAN.to_owned(),
        steps: vec![
            step(0, Whom::Everyone, &[Channel::Sms, Channel::Email], false),
            step(reminder, Whom::Silent, &[Channel::Sms], false),
            step(calls, Whom::Silent, &[], true),
        ],
    }
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
            let config = config("x".into(), String::new(), String::new(), pace);
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
