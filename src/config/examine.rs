//! Finds everything that is wrong with a configuration at once, the gateways' own keys included.

use super::{Config, Source};
use crate::channel::kinds::{self, Opening};
use crate::channel::sandbox::Phones;
use crate::clock::Clock;

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
    pub fn examine(source: &Source) -> Examined {
        let (config, mut problems) = Self::read(source);
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
            hurry: 1,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.toml");
        std::fs::write(&path, text).unwrap();
        let source = Source {
            file: Some(path),
            data_dir: None,
            variables: Vec::new(),
        };
        Config::examine(&source).problems
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
