//! Looks at everything that must work before it is needed, and says what to do about what does not.

use std::fs::Metadata;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::servers::{self, Servers};
use crate::alert::words::{Mode, word_enum};
use crate::app::App;
use crate::channel::Configured;
use crate::clock::Clock;
use crate::config::examine::Examined;
use crate::directory::contact;
use crate::report::text;
use crate::storage::{Access, DatabaseUrl, approvals};
use crate::template::{self, Level};

/// How long one gateway may take to answer.
const LONGEST_CHECK: Duration = Duration::from_secs(5);

word_enum! {
    /// How something stands.
    Health {
        /// Nothing to do.
        Good = "good",
        /// It works, but someone should know.
        Warning = "warning",
        /// It will not work when it is needed.
        Bad = "bad",
    }
}

/// What was found when one thing was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `gateway sms`.
    pub what: String,
    /// How it stands.
    pub health: Health,
    /// What there is to say, and what to do.
    pub words: String,
}

/// Everything that was found.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, what: &str, health: Health, words: impl Into<String>) {
        self.0.push(Finding {
            what: what.to_owned(),
            health,
            words: words.into(),
        });
    }

    fn good(&mut self, what: &str, words: impl Into<String>) {
        self.add(what, Health::Good, words);
    }

    fn warning(&mut self, what: &str, words: impl Into<String>) {
        self.add(what, Health::Warning, words);
    }

    fn bad(&mut self, what: &str, words: impl Into<String>) {
        self.add(what, Health::Bad, words);
    }
}

/// Looks at everything, in the order in which one thing needs the other. May run beside a server;
/// sends nothing and makes nothing.
pub async fn look(examined: Examined) -> Vec<Finding> {
    let mut findings = Findings::default();
    configuration(&examined, &mut findings);
    if !examined.problems.is_empty() {
        return findings.0;
    }
    let config = examined.config;
    let is_there = match config.database_url() {
        DatabaseUrl::Sqlite(path) => path.exists(),
        DatabaseUrl::Postgres(_) => config.data_dir.is_dir(),
    };
    folder(&config.data_dir, &mut findings);
    if !is_there {
        let words = "there is none yet: `muster serve` or `muster init` makes it";
        findings.warning("database", words);
        return findings.0;
    }
    key(&config.key_path(), &mut findings);
    match App::open(config, Clock::system(), Access::AsItIs).await {
        Err(error) => findings.bad("database", error.to_string()),
        Ok(app) => {
            inside(&app, &mut findings).await;
            app.db.close().await;
        }
    }
    findings.0
}

fn configuration(examined: &Examined, findings: &mut Findings) {
    for problem in &examined.problems {
        findings.bad("configuration", problem);
    }
    for warning in &examined.warnings {
        findings.warning("configuration", warning);
    }
    if examined.problems.is_empty() {
        findings.good("configuration", "every key is understood");
    }
}

fn folder(folder: &Path, findings: &mut Findings) {
    if !folder.is_dir() {
        let words = format!(
            "{} is not there yet: it is made at the first start",
            folder.display()
        );
        return findings.warning("data folder", words);
    }
    let probe = folder.join("doctor.probe");
    let written = std::fs::File::create(&probe).and_then(|mut file| {
        std::io::Write::write_all(&mut file, &[0; 8192])?;
        file.sync_all()
    });
    let removed = std::fs::remove_file(&probe);
    match written.and(removed) {
        Ok(()) => findings.good(
            "data folder",
            format!("{} can be written", folder.display()),
        ),
        Err(error) => findings.bad(
            "data folder",
            format!(
                "{} cannot be written ({error}): make it writable for this user, and see that the \
                 disk is not full",
                folder.display()
            ),
        ),
    }
}

fn key(path: &Path, findings: &mut Findings) {
    let facts = match std::fs::metadata(path) {
        Ok(facts) => facts,
        Err(error) => {
            let words = format!("{} cannot be read ({error}): restore it", path.display());
            return findings.bad("key", words);
        }
    };
    if is_open_to_others(&facts) {
        let words = format!(
            "others on this machine may read {0}: run `chmod 600 {0}`",
            path.display()
        );
        return findings.warning("key", words);
    }
    findings.good(
        "key",
        format!("{} is there: keep a copy somewhere else", path.display()),
    );
}

#[cfg(unix)]
fn is_open_to_others(facts: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(facts) & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata) -> bool {
    false
}

async fn inside(app: &App, findings: &mut Findings) {
    let database = app.config.database_url();
    findings.good("database", format!("{database} opens with this key"));
    if let DatabaseUrl::Sqlite(path) = database
        && std::fs::metadata(&path).is_ok_and(|facts| is_open_to_others(&facts))
    {
        let words = format!(
            "others on this machine may read {0}: run `chmod 600 {0}*`",
            path.display()
        );
        findings.warning("database file", words);
    }
    match &app.config.operations.heartbeat_url {
        Some(_) => findings.good(
            "heartbeat",
            "configured; whether it gets through stands on the page Service of a running server",
        ),
        None => findings.warning(
            "heartbeat",
            "nobody outside notices when this service stands still: set operations.heartbeat_url",
        ),
    }
    servers(app, findings).await;
    gateways(app, findings).await;
    templates(app, findings).await;
    people(app, findings).await;
}

async fn servers(app: &App, findings: &mut Findings) {
    match servers::look(app).await {
        Ok(Servers::Alone) => {}
        Ok(Servers::Safe(count)) => findings.good(
            "standby",
            format!("{count} servers, and every commit waits for a standby of the database"),
        ),
        Ok(Servers::Unsafe(count)) => findings.bad(
            "standby",
            format!(
                "{count} servers send from one database, and no commit waits for a standby \
                 (synchronous_standby_names is empty): if the database is lost, so is what was said \
                 to be recorded. docs/guide/several-servers.md says how to set one up"
            ),
        ),
        Err(error) => findings.bad("standby", error.to_string()),
    }
}

async fn gateways(app: &App, findings: &mut Findings) {
    let checks = app
        .gateways
        .iter()
        .map(async |gateway| (gateway, check(gateway).await));
    for (gateway, checked) in futures::future::join_all(checks).await {
        let what = format!("gateway {}", gateway.common.name);
        match checked {
            Ok(()) => findings.good(&what, "answers"),
            Err(words) => findings.bad(&what, words),
        }
    }
    if app.channels(Mode::Exercise).is_empty() {
        let words = "no gateway has exercises = true: drills cannot be held";
        findings.warning("drills", words);
    }
    if app
        .gateways
        .iter()
        .all(|gateway| gateway.common.kind == "sandbox")
    {
        let words = "every gateway is a sandbox: nobody outside is ever told anything";
        findings.warning("gateways", words);
    }
}

async fn check(gateway: &Configured) -> Result<(), String> {
    match tokio::time::timeout(LONGEST_CHECK, gateway.gateway.check()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => Err(match &failure.source {
            Some(cause) => format!("{} ({cause})", failure.reason),
            None => failure.reason,
        }),
        Err(_elapsed) => Err("did not answer in 5 seconds".to_owned()),
    }
}

async fn templates(app: &App, findings: &mut Findings) {
    let shelf = app.shelf();
    for problem in &shelf.problems {
        findings.bad("templates", problem.to_string());
    }
    let mut approved = 0;
    for template in &shelf.templates {
        let found = template::check(template);
        for finding in found.iter().filter(|finding| finding.level == Level::Error) {
            findings.bad("templates", format!("{}/{finding}", template.name));
        }
        match approvals::find(&app.db, &template.name, &template.hash).await {
            Ok(Some(_)) => approved += 1,
            Ok(None) => {}
            Err(error) => return findings.bad("templates", error.to_string()),
        }
    }
    let all = shelf.templates.len();
    let words = format!("{approved} of {all} are approved as they are now");
    match approved {
        0 => findings.bad("templates", format!("{words}: nothing can be sent")),
        _ if approved < all => findings.warning("templates", words),
        _ => findings.good("templates", words),
    }
}

async fn people(app: &App, findings: &mut Findings) {
    let everyone = match contact::everyone(&app.db, &app.keys).await {
        Ok(everyone) => everyone,
        Err(error) => return findings.bad("directory", error.to_string()),
    };
    let in_use = || {
        everyone
            .iter()
            .filter(|contact| contact.archived_at.is_none())
    };
    let (all, silent) = (
        in_use().count(),
        in_use().filter(|contact| contact.points.is_empty()),
    );
    let silent = silent.count();
    match (all, silent) {
        (0, _) => findings.bad(
            "directory",
            "it is empty: run `muster contacts import FILE`",
        ),
        (_, 0) => findings.good(
            "directory",
            format!(
                "{} in use, each with a way to be reached",
                text::people(i64::try_from(all).unwrap_or(i64::MAX))
            ),
        ),
        _ => findings.warning(
            "directory",
            format!("{silent} of {all} people have neither a phone number nor an e-mail address"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn examined(folder: &Path) -> Examined {
        let config = Config {
            data_dir: folder.to_owned(),
            ..Config::default()
        };
        Examined {
            config,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn of<'a>(findings: &'a [Finding], what: &str) -> &'a Finding {
        findings
            .iter()
            .find(|finding| finding.what == what)
            .unwrap()
    }

    #[tokio::test]
    async fn nothing_is_made_where_nothing_is() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("data");
        let findings = look(examined(&missing)).await;
        assert_eq!(of(&findings, "database").health, Health::Warning);
        assert!(!missing.exists());
    }

    #[tokio::test]
    async fn an_empty_house_is_told_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let examined = examined(folder.path());
        let config = examined.config.clone();
        let app = App::open(config, Clock::system(), Access::Migrate)
            .await
            .unwrap();
        app.db.close().await;
        let findings = look(examined).await;
        assert_eq!(of(&findings, "key").health, Health::Good);
        assert_eq!(of(&findings, "gateway sandbox-sms").health, Health::Good);
        assert_eq!(of(&findings, "templates").health, Health::Bad);
        assert_eq!(of(&findings, "directory").health, Health::Bad);
    }

    #[tokio::test]
    async fn a_database_without_its_key_is_bad() {
        let folder = tempfile::tempdir().unwrap();
        let examined = examined(folder.path());
        let config = examined.config.clone();
        let key = config.key_path();
        App::open(config, Clock::system(), Access::Migrate)
            .await
            .unwrap()
            .db
            .close()
            .await;
        std::fs::remove_file(key).unwrap();
        let findings = look(examined).await;
        assert_eq!(of(&findings, "key").health, Health::Bad);
        assert_eq!(of(&findings, "database").health, Health::Bad);
    }
}
