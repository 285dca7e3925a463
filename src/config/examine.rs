//! Finds everything that is wrong with a configuration at once, the gateways' own keys included.

use std::path::Path;

use serde_path_to_error::Segment;

use super::{Config, ConfigError, environment, read_file};
use crate::channel::kinds::{self, Opening};
use crate::channel::sandbox::Phones;
use crate::clock::Clock;

/// Problems told at most: behind that many something else is wrong, such as another program's file.
const MOST: usize = 100;

/// What a look at the configuration found.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What could be read; a key that could not has its default.
    pub config: Config,
    /// What keeps the server from starting: sentences that name their keys.
    pub problems: Vec<String>,
    /// What will work, but hardly as meant.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads what [`Config::load`] reads and says all that is wrong with it. Opens each gateway,
    /// which reads the files that it names and touches no network.
    pub fn examine(file: Option<&Path>, data_dir: Option<&Path>) -> Examined {
        Self::examine_with(file, data_dir, &environment::all())
    }

    fn examine_with(
        file: Option<&Path>,
        data_dir: Option<&Path>,
        variables: &[(String, String)],
    ) -> Examined {
        let table = read_file(file).and_then(|table| environment::lay_over(table, variables));
        let (mut config, mut problems) = match table {
            Ok(table) => readable(table),
            Err(ConfigError(problems)) => (Self::default(), problems),
        };
        if let Err(ConfigError(more)) = config.complete(data_dir) {
            problems.extend(more);
        }
        problems.extend(config.problems());
        problems.extend(config.gateway_problems());
        let warnings = config.warnings();
        Examined {
            config,
            problems,
            warnings,
        }
    }

    fn gateway_problems(&self) -> Vec<String> {
        let clock = Clock::system();
        let opening = Opening {
            public_url: self.public_url(),
            organisation: self.organisation.name.clone(),
            instance: "check".to_owned(),
            sandbox: Phones::new(clock.clone()),
            clock,
        };
        let tables = self.gateway_tables();
        let opened = tables.iter().map(|table| kinds::open(table, &opening));
        opened
            .filter_map(Result::err)
            .map(|error| error.to_string())
            .collect()
    }

    /// What will work, but hardly as meant.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let is_sandbox = |table: &toml::Table| {
            table.get("kind").and_then(toml::Value::as_str) == Some("sandbox")
        };
        let sends = self.gateways.iter().any(|table| !is_sandbox(table));
        if sends && self.public_url.is_none() {
            warnings.push(format!(
                "public_url is not set: the links in messages will begin with {}, which phones \
                 outside cannot open",
                self.public_url()
            ));
        }
        if sends && self.organisation.phone.trim().is_empty() {
            warnings
                .push("organisation.phone is not set: messages cannot say whom to call".to_owned());
        }
        warnings
    }
}

/// Takes out key after key that cannot be read, until the rest can.
fn readable(mut table: toml::Table) -> (Config, Vec<String>) {
    let mut problems = Vec::new();
    while problems.len() < MOST {
        let wrong = match Config::from_table(table.clone()) {
            Ok(config) => return (config, problems),
            Err(wrong) => wrong,
        };
        // An unknown key is named in the words; the place is the table around it.
        let unknown = wrong.message.split_once("unknown key `");
        let unknown = unknown
            .and_then(|(_, rest)| rest.split('`').next())
            .map(str::to_owned);
        let inside = unknown.map(|key| [wrong.place.clone(), vec![Segment::Map { key }]].concat());
        let is_out = inside.is_some_and(|place| take_out(&mut table, &place))
            || take_out(&mut table, &wrong.place);
        problems.push(wrong.message);
        if !is_out {
            break;
        }
    }
    (Config::default(), problems)
}

/// Removes the value at a place; false if there is none.
fn take_out(table: &mut toml::Table, place: &[Segment]) -> bool {
    let Some((Segment::Map { key }, rest)) = place.split_first() else {
        return false;
    };
    if rest.is_empty() {
        return table.remove(key).is_some();
    }
    table
        .get_mut(key)
        .is_some_and(|value| take_out_of(value, rest))
}

fn take_out_of(value: &mut toml::Value, place: &[Segment]) -> bool {
    match (value, place) {
        (toml::Value::Table(table), _) => take_out(table, place),
        (toml::Value::Array(list), [Segment::Seq { index }]) if *index < list.len() => {
            list.remove(*index);
            true
        }
        (toml::Value::Array(list), [Segment::Seq { index }, rest @ ..]) => list
            .get_mut(*index)
            .is_some_and(|value| take_out_of(value, rest)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.toml");
        std::fs::write(&path, text).unwrap();
        Config::examine_with(Some(&path), None, &[]).problems
    }

    fn count(problems: &[String], word: &str) -> usize {
        problems
            .iter()
            .filter(|problem| problem.contains(word))
            .count()
    }

    #[test]
    fn every_wrong_key_is_named_whatever_else_is_wrong() {
        let found = problems(
            "listne = \"x\"\nhold_seconds = \"soon\"\n[organisation]\nnmae = \"x\"\nregion = \"Mars\"\n\
             [[gateway]]\nname = \"a\"\nchannel = \"sms\"\nkind = \"sandbox\"\ndelya_ms = 3\n\
             [[gateway]]\nname = \"b\"\nchannel = \"sms\"\nkind = \"carrier-pigeon\"\n",
        );
        for word in [
            "listne:",
            "hold_seconds:",
            "nmae:",
            "region:",
            "delya_ms",
            "carrier-pigeon",
        ] {
            assert_eq!(count(&found, word), 1, "{word}: {found:?}");
        }
        assert_eq!(found.len(), 6, "{found:?}");
    }

    #[test]
    fn a_plan_that_cannot_be_read_does_not_hide_the_next() {
        let found = problems(
            "[[plan]]\nname = \"one\"\n[[plan.step]]\nafter = 5\n[[plan]]\nname = \"two\"\nsteps = []\n",
        );
        assert_eq!(count(&found, "after"), 1, "{found:?}");
        assert_eq!(count(&found, "\"two\" has no steps"), 1, "{found:?}");
    }

    #[test]
    fn two_gateways_of_one_name_are_refused() {
        let gateway = "[[gateway]]\nname = \"a\"\nchannel = \"sms\"\nkind = \"sandbox\"\n";
        assert_eq!(
            count(
                &problems(&gateway.repeat(2)),
                "two gateways are called \"a\""
            ),
            1
        );
    }

    #[test]
    fn a_file_that_is_no_toml_is_one_problem_and_no_end() {
        assert_eq!(problems("= = =").len(), 1);
        assert!(problems("").is_empty());
    }
}
