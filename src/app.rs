//! Everything the service is made of, opened once and handed to every part.

mod folder;
mod quiet;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, RwLock};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::sign_in::Doorkeeper;
use crate::alert::words::Mode;
use crate::channel::kinds::{self, OpenError, Opening};
use crate::channel::sandbox::Phones;
use crate::channel::{Channel, Configured};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::dispatch::health::Health;
use crate::dispatch::lease::Lease;
use crate::dispatch::pulse::{Part, Pulse};
use crate::ids::BootId;
use crate::keys::{KeyError, Keys};
use crate::operate::self_watch::Watch;
use crate::plan::Plan;
use crate::quiet_hours::QuietHours;
use crate::receipt::Inbox;
use crate::response::Desk;
use crate::storage::{self, Access, Db, meta};
use crate::template::{self, Loaded};

pub use folder::ServerLock;

/// The service. Clones share one.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What [`App`] derefs to.
pub struct Parts {
    /// The configuration as it was read.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// The same by connections that are kept for people's answers: no launch can keep them waiting.
    pub answers: Db,
    /// The keys that seal contact points and make tokens.
    pub keys: Keys,
    /// The time.
    pub clock: Clock,
    /// The gateways, the smaller priority first.
    pub gateways: Vec<Configured>,
    /// How each gateway fares, by name.
    pub health: BTreeMap<String, Health>,
    /// The simulated phones of all sandbox gateways.
    pub phones: Arc<Phones>,
    /// Lets people in, and slows down who guesses.
    pub doorkeeper: Doorkeeper,
    /// How the outside reaches us, without a slash at the end.
    pub public_url: String,
    /// Long-running work; shutdown waits for it.
    pub tasks: TaskTracker,
    /// Cancelled when the service should come to an end.
    pub stopping: CancellationToken,
    /// Which start of a sending process this is; none in a process that does not send.
    pub boot: std::sync::OnceLock<BootId>,
    /// What gateways said and is being written down.
    pub receipts: Inbox,
    /// What people answered and is being written down.
    pub desk: Desk,
    /// Until when this process may send, where other servers would take over.
    pub lease: Lease,
    /// How often each part of the engine has turned.
    pub pulse: Pulse,
    /// What the service last found when it looked at itself.
    pub watch: Watch,
    shelf: RwLock<Arc<Loaded>>,
    /// When phones are left alone.
    pub quiet: Option<QuietHours>,
    work: watch::Sender<u64>,
    news: watch::Sender<u64>,
    said: watch::Sender<Said>,
}

/// How often something happened in this process that other servers should hear of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Something may be due.
    pub work: u64,
    /// A fact changed.
    pub news: u64,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("db", &self.db)
            .finish_non_exhaustive()
    }
}

/// Why the service cannot be opened: each a sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum OpenFailure {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A gateway's part of it.
    #[error(transparent)]
    Gateway(#[from] OpenError),
    /// The data folder.
    #[error(
        "the data folder {0} cannot be used: {1}. Make it writable for this user, or name another with --data"
    )]
    DataFolder(String, std::io::Error),
    /// The data folder is none.
    #[error("the data folder {0} cannot be used: {1} is a file. Name another folder with --data")]
    NotAFolder(String, String),
    /// The lock beside the database's file.
    #[error(
        "the lock {0} cannot be made: {1}. Check that its folder exists and that this user may write to it"
    )]
    Lock(String, std::io::Error),
    /// The key file.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The key is not the one that the database was written with.
    #[error(
        "the key file {0} is not the one that this database was written with: restore the right one, \
         or the numbers in the directory cannot be read"
    )]
    WrongKey(String),
    /// The key is not there at all.
    #[error(
        "the key file {0} is missing, and this database cannot be read without it: restore it from \
         where its copy is kept. No other was made in its place"
    )]
    MissingKey(String),
    /// Another process is the server on this database.
    #[error(
        "another Muster server is using the database {0}: stop it first, or name another data folder with --data"
    )]
    AlreadyRunning(String),
}

impl App {
    /// Opens the data folder, the key, the database and the gateways. Sends nothing; makes nothing
    /// where things are to be taken as they are.
    pub async fn open(config: Config, clock: Clock, access: Access) -> Result<Self, OpenFailure> {
        // Two commands at the first start must not both make the tables and the key.
        let opening = folder::wait_for_opening(&config.data_dir, access)?;
        let db = Db::open(&config.database_url(), access).await?;
        let keys = open_keys(&db, &config.key_path(), access).await?;
        let instance = meta::instance(&db).await?;
        drop(opening);
        Self::assemble(config, clock, db, keys, instance)
    }

    /// Opens the gateways of the configuration and puts the parts together.
    pub fn assemble(
        config: Config,
        clock: Clock,
        db: Db,
        keys: Keys,
        instance: String,
    ) -> Result<Self, OpenFailure> {
        let phones = Phones::new(clock.clone());
        let opening = Opening {
            hurry: 1,
            public_url: config.public_url(),
            organisation: config.organisation.name.clone(),
            instance,
            clock: clock.clone(),
            sandbox: Arc::clone(&phones),
        };
        let gateways = config
            .gateway_tables()
            .iter()
            .map(|table| kinds::open(table, &opening))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::with_gateways(
            config, clock, db, keys, phones, gateways,
        ))
    }

    /// Puts the parts together with these gateways; tests bring gateways of their own.
    pub fn with_gateways(
        config: Config,
        clock: Clock,
        db: Db,
        keys: Keys,
        phones: Arc<Phones>,
        mut gateways: Vec<Configured>,
    ) -> Self {
        gateways.sort_by_key(|gateway| gateway.common.priority);
        let health = gateways
            .iter()
            .map(|gateway| (gateway.common.name.clone(), Health::default()))
            .collect();
        let shelf = read_shelf(&config);
        // Its problems were told when the configuration was read.
        let quiet = config.organisation.quiet_hours.as_ref();
        let quiet = quiet.and_then(|quiet| quiet.hours().ok());
        let pulse = Pulse::of(gateways.iter().map(|one| one.common.name.clone()));
        Self(Arc::new(Parts {
            public_url: config.public_url(),
            config,
            answers: db.reserved(),
            db,
            keys,
            clock,
            gateways,
            health,
            phones,
            doorkeeper: Doorkeeper::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            boot: std::sync::OnceLock::new(),
            receipts: Inbox::default(),
            desk: Desk::default(),
            lease: Lease::default(),
            pulse,
            watch: Watch::default(),
            shelf: RwLock::new(Arc::new(shelf)),
            quiet,
            work: watch::Sender::new(0),
            news: watch::Sender::new(0),
            said: watch::Sender::default(),
        }))
    }

    /// The gateway of that name.
    pub fn gateway(&self, name: &str) -> Option<&Configured> {
        self.gateways
            .iter()
            .find(|gateway| gateway.common.name == name)
    }

    /// Channels that a gateway serves in this mode.
    pub fn channels(&self, mode: Mode) -> Vec<Channel> {
        let serves = |channel: &&Channel| {
            self.gateways.iter().any(|gateway| {
                gateway.common.channel == **channel
                    && (mode == Mode::Actual || gateway.common.exercises)
            })
        };
        Channel::ALL.iter().filter(serves).copied().collect()
    }

    /// Which day it is where the organisation is: days since 1970-01-01.
    pub fn today(&self) -> i64 {
        let now = self.clock.now().to_jiff();
        let offset = self.config.organisation.zone().to_offset(now).seconds();
        (now.as_second() + i64::from(offset)).div_euclid(24 * 60 * 60)
    }

    /// Whether a simulated phone is among the gateways: then `/sandbox` exists.
    pub fn has_sandbox(&self) -> bool {
        self.gateways
            .iter()
            .any(|gateway| gateway.common.kind == "sandbox")
    }

    /// The plan of that name in the configuration.
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.config.plans.iter().find(|plan| plan.name == name)
    }

    /// The message templates as they were last read.
    pub fn shelf(&self) -> Arc<Loaded> {
        Arc::clone(
            &self
                .shelf
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    /// Reads the message templates again.
    pub fn reload_templates(&self) {
        let shelf = read_shelf(&self.config);
        *self
            .shelf
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(shelf);
    }

    /// Tells the dispatcher, and those of other servers, that something may be due.
    pub fn wake(&self) {
        self.hear_work();
        self.said.send_modify(|said| said.work += 1);
    }

    /// Another server says that something may be due.
    pub fn hear_work(&self) {
        self.work.send_modify(|count| *count += 1);
        self.hear_news();
    }

    /// Wakes when something may be due.
    pub fn work(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    /// Tells the boards, and those of other servers, that a fact changed.
    pub fn tell(&self) {
        self.hear_news();
        self.said.send_modify(|said| said.news += 1);
    }

    /// Another server says that a fact changed.
    pub fn hear_news(&self) {
        self.news.send_modify(|count| *count += 1);
    }

    /// Wakes when there is something to say to other servers.
    pub fn said(&self) -> watch::Receiver<Said> {
        self.said.subscribe()
    }

    /// Wakes when a fact changed.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Takes note that a part of the engine finished a turn without a failure.
    pub fn turned(&self, part: Part<'_>) {
        self.pulse.note(part);
    }

    /// Whether this process would send but may not: it is cut off from the database that it shares
    /// with other servers, which have taken over.
    pub fn is_fenced(&self) -> bool {
        self.boot.get().is_some() && self.db.is_shared() && !self.lease.holds(self.clock.elapsed())
    }

    /// Comes to an end: no new work, what is in flight is finished and recorded, and other servers
    /// need not wait for this one's lease.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Some(boot) = self.boot.get() {
            crate::dispatch::recovery::end(self, *boot).await;
        }
        self.answers.close().await;
        self.db.close().await;
    }
}

/// Opens the key and checks that it is the database's own. A fresh database takes the key it meets;
/// a database that has a key refuses to make another.
async fn open_keys(db: &Db, path: &Path, access: Access) -> Result<Keys, OpenFailure> {
    let is_known = meta::key_fingerprint(db).await?.is_some();
    if (is_known || access == Access::AsItIs) && !path.exists() {
        return Err(OpenFailure::MissingKey(path.display().to_string()));
    }
    let keys = Keys::open_or_make(path)?;
    let first = meta::keep_key_fingerprint(db, keys.fingerprint()).await?;
    if first != keys.fingerprint() {
        return Err(OpenFailure::WrongKey(path.display().to_string()));
    }
    Ok(keys)
}

/// The message templates, with what the house wants otherwise.
fn read_shelf(config: &Config) -> Loaded {
    let mut shelf = template::load::shelf(config.templates.as_deref());
    for template in &mut shelf.templates {
        if let (Some(call_out), Some(seconds)) =
            (&mut template.call_out, config.answer_within_seconds)
        {
            call_out.answer_within_seconds = seconds;
        }
    }
    shelf
}
