//! Reads the configuration: `muster.toml`, then `MUSTER_…` variables over it. The only file that
//! reads the environment.

mod accounts;
pub mod environment;
pub mod examine;
mod limits;
mod operations;
mod reading;
pub mod wording;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use axum::http::Uri;
use serde::Deserialize;

use crate::alert::words::Language;
use crate::plan::Plan;
use crate::storage::DatabaseUrl;
pub use accounts::{Accounts, SecondFactor};
pub use limits::{Destination, Quiet};
pub use operations::Operations;

/// The file that is read where none is named.
pub const FILE: &str = "muster.toml";

/// Everything that can be set. [`Config::default`] runs without any file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the server listens: `address:port`.
    pub listen: String,
    /// How the outside reaches it, for the links in messages. None: `http://` and `listen`.
    pub public_url: Option<String>,
    /// `sqlite:PATH` or `postgres://…`. None: `muster.db` in `data_dir`.
    pub database: Option<String>,
    /// A file that holds `database`, for addresses with a password.
    pub database_file: Option<PathBuf>,
    /// Where the key and the embedded database are.
    pub data_dir: PathBuf,
    /// The key that contact points are sealed with. None: `muster.key` in `data_dir`.
    pub key_file: Option<PathBuf>,
    /// Where the message templates are. None: `./message-templates`, else the shipped ones.
    pub templates: Option<PathBuf>,
    /// Seconds in which Stop still undoes a launch from the page.
    pub hold_seconds: u32,
    /// Seconds that someone may think before a call-out asks the next one too. None: as each template
    /// says.
    pub answer_within_seconds: Option<u32>,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// How the service is looked after.
    pub operations: Operations,
    /// How people who sign in show who they are.
    pub accounts: Accounts,
    /// The house.
    pub organisation: Organisation,
    /// The gateways, in no order: each says its own priority. None: the sandbox.
    #[serde(rename = "gateway")]
    pub gateways: Vec<toml::Table>,
    /// Places that must not be reached too fast.
    #[serde(rename = "destination")]
    pub destinations: Vec<Destination>,
    /// Escalation plans that a launch can name, beside each template's own.
    #[serde(rename = "plan")]
    pub plans: Vec<Plan>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// The house that warns its people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organisation {
    /// Its name, as it stands at the beginning of every message.
    pub name: String,
    /// The number people can call, as it is to be read.
    pub phone: String,
    /// ISO 3166 code of the country whose phone numbers need no prefix.
    pub region: String,
    /// Languages of the house; the first is that of people without one.
    pub languages: Vec<Language>,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// ISO 4217 code of the currency that gateways' costs are in.
    pub currency: String,
    /// When phones are left alone. None: never.
    pub quiet_hours: Option<Quiet>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            public_url: None,
            database: None,
            database_file: None,
            data_dir: "muster-data".into(),
            key_file: None,
            templates: None,
            hold_seconds: 5,
            answer_within_seconds: None,
            log_format: LogFormat::Text,
            operations: Operations::default(),
            accounts: Accounts::default(),
            organisation: Organisation::default(),
            gateways: Vec::new(),
            destinations: Vec::new(),
            plans: Vec::new(),
        }
    }
}

impl Default for Organisation {
    fn default() -> Self {
        Self {
            name: "Our clinic".to_owned(),
            phone: String::new(),
            region: "US".to_owned(),
            languages: vec![Language("en".to_owned())],
            time_zone: "UTC".to_owned(),
            currency: "USD".to_owned(),
            quiet_hours: None,
        }
    }
}

impl Organisation {
    /// Its time zone; UTC if the name was checked by nobody and is wrong.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.time_zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// The language of people without one.
    pub fn language(&self) -> Language {
        self.languages
            .first()
            .cloned()
            .unwrap_or_else(|| Language("en".to_owned()))
    }
}

/// What is wrong with the configuration: every problem at once, each naming its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// Where a configuration comes from.
#[derive(Clone)]
pub struct Source {
    file: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    variables: Vec<(String, String)>,
}

impl Source {
    /// This file, or `./muster.toml` if there is one, and the environment over it. `data_dir` is the
    /// command line's and wins.
    pub fn usual(file: Option<PathBuf>, data_dir: Option<PathBuf>) -> Self {
        Self {
            file,
            data_dir,
            variables: environment::all(),
        }
    }

    /// The `muster.toml` in a data folder of its own, and nothing else.
    pub fn folder(data_dir: PathBuf) -> Self {
        Self {
            file: Some(data_dir.join(FILE)),
            data_dir: Some(data_dir),
            variables: Vec::new(),
        }
    }

    /// The file; it may be missing if it has the usual name.
    pub fn file(&self) -> &Path {
        self.file.as_deref().unwrap_or(Path::new(FILE))
    }

    /// The table in the file; an empty one where there may be none.
    fn table(&self) -> Result<toml::Table, String> {
        let path = self.file().display();
        let text = match std::fs::read_to_string(self.file()) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && self.file.is_none() => {
                String::new()
            }
            Err(error) => {
                return Err(format!(
                    "the configuration file {path} cannot be read: {error}"
                ));
            }
        };
        let table = text.parse();
        table.map_err(|error: toml::de::Error| {
            format!("{path} is not valid TOML: {}", error.to_string().trim())
        })
    }
}

impl Config {
    /// Reads and checks it all.
    pub fn load(source: &Source) -> Result<Self, ConfigError> {
        let (config, problems) = Self::read(source);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(problems))
        }
    }

    /// What can be read, and every problem; a key that cannot be read has its default.
    fn read(source: &Source) -> (Self, Vec<String>) {
        let (mut config, mut problems) = match source.table() {
            Ok(table) => reading::read(table, &source.variables),
            Err(problem) => (Self::default(), vec![problem]),
        };
        if let Some(data_dir) = &source.data_dir {
            config.data_dir.clone_from(data_dir);
        }
        problems.extend(config.read_database_file().err());
        problems.extend(config.problems());
        (config, problems)
    }

    fn read_database_file(&mut self) -> Result<(), String> {
        if let Some(path) = &self.database_file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                format!("database_file: {} cannot be read: {error}", path.display())
            })?;
            self.database = Some(text.trim().to_owned());
        }
        Ok(())
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.listen.parse::<std::net::SocketAddr>().is_err() {
            problems.push(format!(
                "listen: \"{}\" is not address:port, as in 127.0.0.1:8080",
                self.listen
            ));
        }
        if let Some(url) = &self.public_url
            && !is_address(url)
        {
            problems.push(format!(
                "public_url: \"{url}\" is no address that a phone can open, as \
                 https://muster.clinic.example is one"
            ));
        }
        if let Some(Err(message)) = self.database.as_deref().map(DatabaseUrl::from_str) {
            problems.push(format!("database: {message}"));
        }
        let is_span = |seconds: &u32| (10..=86_400).contains(seconds);
        if !self.answer_within_seconds.iter().all(is_span) {
            problems.push("answer_within_seconds: write 10 to 86400, as in 600".to_owned());
        }
        let house = &self.organisation;
        if jiff::tz::TimeZone::get(&house.time_zone).is_err() {
            problems.push(format!(
                "organisation.time_zone: \"{}\" is no time zone, as Europe/Zurich is one",
                house.time_zone
            ));
        }
        if house.region.parse::<phonenumber::country::Id>().is_err() {
            problems.push(format!(
                "organisation.region: \"{}\" is no country code, as US or CH is one",
                house.region
            ));
        }
        if house.languages.is_empty()
            || house
                .languages
                .iter()
                .any(|tag| Language::parse(tag.as_str()).as_ref() != Some(tag))
        {
            problems.push("organisation.languages: write tags such as [\"en\", \"es\"]".to_owned());
        }
        if house.name.trim().is_empty() {
            problems
                .push("organisation.name: it begins every message and cannot be empty".to_owned());
        }
        problems.extend(self.operations.problems());
        let quiet = house.quiet_hours.as_ref();
        problems.extend(limits::problems(quiet, &self.destinations));
        problems.extend(
            self.plans
                .iter()
                .flat_map(Plan::problems)
                .map(|text| format!("plan: {text}")),
        );
        let gateways = self
            .gateways
            .iter()
            .filter_map(|table| table.get("name")?.as_str());
        let plans = self.plans.iter().map(|plan| plan.name.as_str());
        problems.extend(twice(gateways).map(|name| {
            format!("gateway: two gateways are called \"{name}\": each needs its own name")
        }));
        problems.extend(
            twice(plans).map(|name| format!("plan: two plans are called \"{name}\": rename one")),
        );
        problems
    }

    /// Where the database is.
    pub fn database_url(&self) -> DatabaseUrl {
        self.database
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| DatabaseUrl::Sqlite(self.data_dir.join("muster.db")))
    }

    /// Where the key is.
    pub fn key_path(&self) -> PathBuf {
        self.key_file
            .clone()
            .unwrap_or_else(|| self.data_dir.join("muster.key"))
    }

    /// How the outside reaches the server, without a slash at the end.
    pub fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen),
        }
    }

    /// The gateways as configured, or a sandbox for SMS and one for e-mail.
    pub fn gateway_tables(&self) -> Vec<toml::Table> {
        if !self.gateways.is_empty() {
            return self.gateways.clone();
        }
        ["sms", "email"]
            .into_iter()
            .map(|channel| {
                let text = format!(
                    "name = \"sandbox-{channel}\"\nchannel = \"{channel}\"\nkind = \"sandbox\"\nexercises = true"
                );
                text.parse().expect("the default gateway is valid TOML")
            })
            .collect()
    }
}

/// The names that come more than once, each told once.
fn twice<'a>(names: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let mut times = std::collections::BTreeMap::new();
    for name in names {
        *times.entry(name).or_insert(0) += 1;
    }
    times
        .into_iter()
        .filter(|(_, times)| *times > 1)
        .map(|(name, _)| name)
}

/// Whether links can begin with it.
fn is_address(url: &str) -> bool {
    is_web_address(url) && !url.contains(['?', '#'])
}

fn is_web_address(url: &str) -> bool {
    let has_host = |uri: Uri| uri.host().is_some_and(|host| !host.is_empty());
    (url.starts_with("https://") || url.starts_with("http://")) && url.parse().is_ok_and(has_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.toml");
        std::fs::write(&path, text).unwrap();
        let variables: Vec<_> = variables
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        Config::load(&Source {
            file: Some(path),
            data_dir: None,
            variables,
        })
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let error = load("[organisation]\nnmae = \"x\"", &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains("nmae"), "{error}");
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let error = load(
            "listen = \"here\"\n[organisation]\nregion = \"Mars\"\ntime_zone = \"Noon\"",
            &[],
        );
        assert_eq!(error.unwrap_err().0.len(), 3);
    }

    #[test]
    fn a_variable_wins_over_the_file() {
        let config = load(
            "listen = \"127.0.0.1:1\"\n[[gateway]]\nname = \"a\"\nauth_token = \"from file\"",
            &[
                ("MUSTER_LISTEN", "127.0.0.1:2"),
                ("MUSTER_ORGANISATION__NAME", "Riverside Clinic"),
                ("MUSTER_ORGANISATION__LANGUAGES", "[\"es\"]"),
                ("MUSTER_GATEWAY__0__AUTH_TOKEN", "from environment"),
                ("MUSTER_URL", "http://for.the.command.line"),
            ],
        )
        .unwrap();
        assert_eq!(config.listen, "127.0.0.1:2");
        assert_eq!(config.organisation.name, "Riverside Clinic");
        assert_eq!(config.organisation.language().as_str(), "es");
        assert_eq!(
            config.gateways[0]["auth_token"].as_str(),
            Some("from environment")
        );
    }

    #[test]
    fn a_variable_for_no_key_is_named() {
        let variables = [
            ("MUSTER_FOO", "1"),
            ("MUSTER_BAR__FOO", "1"),
            ("MUSTER_ORGANISATION__NMAE", "x"),
            ("MUSTER_LISTEN__PORT", "1"),
        ];
        let ConfigError(problems) = load("", &variables).unwrap_err();
        for (name, _) in variables {
            let words = format!("the variable {name} sets no key of the configuration");
            assert_eq!(
                problems
                    .iter()
                    .filter(|problem| problem.starts_with(&words))
                    .count(),
                1,
                "{name}: {problems:?}"
            );
        }
        assert_eq!(problems.len(), variables.len(), "{problems:?}");
    }

    #[test]
    fn a_variable_with_a_wrong_value_is_named_and_the_file_is_not_blamed_on_it() {
        let ConfigError(problems) = load(
            "[gateway]\nname = \"a\"\n",
            &[
                ("MUSTER_HOLD_SECONDS", "soon"),
                ("MUSTER_GATEWAY__0__FROM", "13013"),
            ],
        )
        .unwrap_err();
        assert_eq!(
            problems,
            [
                "gateway: write [[gateway]] with two brackets, for there can be several, and the \
                 keys below it",
                "the variable MUSTER_HOLD_SECONDS: hold_seconds: write a whole number without \
                 quotes, as in hold_seconds = 5",
            ]
        );
    }

    #[test]
    fn a_variable_is_text_where_the_key_is_text() {
        let config = load(
            "",
            &[
                ("MUSTER_ORGANISATION__NAME", "42"),
                ("MUSTER_ORGANISATION__PHONE", "0.50"),
                ("MUSTER_HOLD_SECONDS", "9"),
                ("MUSTER_PORT", "tcp://10.0.0.7:8080"),
                ("MUSTER_SERVICE_HOST", "10.0.0.7"),
            ],
        )
        .unwrap();
        assert_eq!(config.organisation.name, "42");
        assert_eq!(config.organisation.phone, "0.50");
        assert_eq!(config.hold_seconds, 9);
    }

    #[test]
    fn a_public_address_that_no_phone_can_open_is_refused() {
        for url in [
            "https://x y/",
            "https://",
            "ftp://x.example",
            "x.example",
            "https://x?a",
            "https://x#a",
        ] {
            let error = load("", &[("MUSTER_PUBLIC_URL", url)]).unwrap_err();
            assert!(error.0[0].starts_with("public_url: "), "{url}: {error}");
        }
        for url in [
            "https://muster.clinic.example/",
            "http://10.0.0.7:8080/alarm",
            "http://[::1]:8080",
        ] {
            load("", &[("MUSTER_PUBLIC_URL", url)]).unwrap();
        }
    }

    #[test]
    fn without_gateways_there_is_the_sandbox() {
        let tables = load("", &[]).unwrap().gateway_tables();
        assert_eq!(tables.len(), 2);
        assert_eq!(tables[0]["kind"].as_str(), Some("sandbox"));
    }
}
