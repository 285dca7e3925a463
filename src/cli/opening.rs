//! Opens the configuration and the server's own database for a command, beside a running server if
//! there is one.

use std::path::PathBuf;

use serde_json::json;

use super::failure::Failure;
use super::{Shared, terminal};
use crate::app::{App, ServerLock};
use crate::clock::Clock;
use crate::config::{Config, Source, environment};
use crate::demo::house;
use crate::storage::Access;

impl Shared {
    /// The data folder, if one is named.
    pub(super) fn data_dir(&self) -> Option<PathBuf> {
        let named = || environment::variable("MUSTER_DATA_DIR").map(PathBuf::from);
        self.data.clone().or_else(named)
    }

    /// Where the configuration comes from. A demonstration's folder brings its own: with other
    /// gateways its drills would look wrong, and with a real database it would not be one.
    pub(super) fn source(&self) -> Source {
        match self.data_dir().filter(|folder| house::is_demo(folder)) {
            Some(folder) if self.config.is_none() => Source::folder(folder),
            _ => {
                let named = || environment::variable("MUSTER_CONFIG").map(PathBuf::from);
                Source::usual(self.config.clone().or_else(named), self.data.clone())
            }
        }
    }

    /// The configuration.
    pub(super) fn read_config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.source())?)
    }

    /// The service's parts as they are, without sending anything: makes nothing, and refuses where
    /// there is no database, so that nobody takes an empty one in the wrong place for good news.
    pub(super) async fn open(&self) -> Result<App, Failure> {
        Ok(App::open(self.read_config()?, Clock::system(), Access::AsItIs).await?)
    }

    /// The same, but makes the database if there is none yet. Leaves one of another version alone: a
    /// server may be using it.
    pub(super) async fn open_or_make(&self) -> Result<App, Failure> {
        Ok(App::open(self.read_config()?, Clock::system(), Access::Create).await?)
    }
}

/// `muster migrate`: brings the database up to date; on SQLite not beside a running server.
pub(super) async fn migrate(shared: &Shared) -> Result<(), Failure> {
    let config = shared.read_config()?;
    let database = config.database_url().to_string();
    let _lock = ServerLock::take(&config)?;
    let app = App::open(config, Clock::system(), Access::Migrate).await?;
    app.db.close().await;
    if shared.json {
        return terminal::json(&json!({ "database": database, "up_to_date": true }));
    }
    terminal::say(format!(
        "The database {database} is up to date with this program."
    ))
}
