//! A clinic for one test: its own database, a clock that stands still, gateways that do as told.
#![expect(clippy::panic, reason = "one order is to panic")]

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use muster::alert::words::{Category, Language, Mode};
use muster::alert::{LaunchRequest, Refusal};
use muster::app::App;
use muster::audit::{self, Actor};
use muster::channel::sandbox::Phones;
use muster::channel::{Accepted, Address, Channel, Common, Configured, Failure, Gateway, Message};
use muster::clock::{Clock, Timestamp};
use muster::config::{Config, Organisation};
use muster::directory::contact::{self, ContactDraft, PointDraft, PointKind};
use muster::directory::group::{self, GroupDraft, Rule};
use muster::dispatch::lane::{Lane, Turn};
use muster::dispatch::{ask, recovery};
use muster::ids::{AlertNumber, BootId, ContactId};
use muster::keys::Keys;
use muster::storage::alerts::{self, Alert};
use muster::storage::standing::{self, Delivery, Filter, Person, PersonState};
use muster::storage::{Access, DatabaseUrl, Db, approvals};
use muster::{escalation, report};

/// When every test begins: 2026-11-22 14:02:07 UTC.
pub const START: Timestamp = Timestamp(1_795_356_127_000);

/// A gateway that answers what the test tells it; without instructions it accepts.
#[derive(Default)]
pub struct Scripted {
    orders: Mutex<VecDeque<Order>>,
    breaks_on: Mutex<Option<String>>,
    taken: Mutex<Vec<Message>>,
}

/// What a scripted gateway does with one message.
pub enum Order {
    /// It says no.
    Refuse(Failure),
    /// The process dies while the answer is awaited: the answer never comes.
    Hang,
    /// The adapter panics.
    Panic,
}

impl Scripted {
    /// What it does with the next message.
    pub fn next(&self, order: Order) {
        self.orders.lock().unwrap().push_back(order);
    }

    /// It panics over every message to this number or address, however often it is tried.
    pub fn break_on(&self, to: &str) {
        *self.breaks_on.lock().unwrap() = Some(to.to_owned());
    }

    /// Every message it took, in order.
    pub fn taken(&self) -> Vec<Message> {
        self.taken.lock().unwrap().clone()
    }

    /// How many messages it took for each number.
    pub fn copies(&self) -> HashMap<String, usize> {
        let mut copies = HashMap::new();
        for message in self.taken() {
            *copies.entry(message.to.reveal().to_owned()).or_default() += 1;
        }
        copies
    }
}

#[async_trait]
impl Gateway for Scripted {
    async fn send(&self, message: &Message) -> Result<Accepted, Failure> {
        let breaks = self.breaks_on.lock().unwrap().as_deref() == Some(message.to.reveal());
        assert!(!breaks, "as the test ordered");
        let order = self.orders.lock().unwrap().pop_front();
        match order {
            Some(Order::Refuse(failure)) => return Err(failure),
            Some(Order::Panic) => panic!("as the test ordered"),
            Some(Order::Hang) => {
                self.taken.lock().unwrap().push(message.clone());
                std::future::pending::<()>().await;
            }
            None => {}
        }
        self.taken.lock().unwrap().push(message.clone());
        Ok(Accepted {
            gateway_id: format!("id-{}", message.delivery),
            sent: false,
        })
    }

    async fn check(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// A clinic for one test. Clones share one.
#[derive(Clone)]
pub struct House {
    /// The service, without its loops: the test makes every step.
    pub app: App,
    /// Takes texts.
    pub sms: Arc<Scripted>,
    /// Takes mails.
    pub email: Arc<Scripted>,
    boot: BootId,
    _guard: Arc<Guard>,
}

enum Guard {
    Folder(#[expect(dead_code, reason = "deleted when dropped")] tempfile::TempDir),
    Database(#[expect(dead_code, reason = "deleted when dropped")] crate::postgres::FreshDatabase),
}

impl House {
    /// On the embedded database.
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("muster.db"));
        Self::open(url, Guard::Folder(folder)).await
    }

    /// On the test server's database.
    pub async fn on_postgres() -> Self {
        let database = crate::postgres::fresh_database().await;
        let url = DatabaseUrl::Postgres(database.url().to_owned());
        Self::open(url, Guard::Database(database)).await
    }

    async fn open(url: DatabaseUrl, guard: Guard) -> Self {
        let db = Db::open(&url, Access::Migrate).await.unwrap();
        let (sms, email) = (Arc::new(Scripted::default()), Arc::new(Scripted::default()));
        let app = assemble(db, Clock::fake(START), &sms, &email);
        let boot = recovery::begin(&app).await.unwrap();
        let house = Self {
            app,
            sms,
            email,
            boot,
            _guard: Arc::new(guard),
        };
        house.approve_everything().await;
        house
    }

    /// The same house after its server died: a new process on the same database. Nothing that was
    /// in flight comes back.
    pub async fn restarted(&self) -> Self {
        let gateways = self.app.gateways.clone();
        let app = assemble_with(self.app.db.clone(), self.app.clock.clone(), gateways);
        if self.app.db.is_shared() {
            // The dead server's lease runs by the database's clock; the test cannot move that one.
            expire_leases(&self.app.db).await;
        }
        let boot = recovery::begin(&app).await.unwrap();
        Self {
            app,
            boot,
            ..self.clone()
        }
    }

    /// The same house with a second gateway for texts, which comes after the first.
    pub fn with_spare(&self) -> (Self, Arc<Scripted>) {
        let spare = Arc::new(Scripted::default());
        let gateways = vec![
            configured("sms", Channel::Sms, 10, &self.sms),
            configured("spare", Channel::Sms, 20, &spare),
            configured("email", Channel::Email, 10, &self.email),
        ];
        (self.with_gateways(gateways), spare)
    }

    /// The same house with these gateways instead of its own.
    #[must_use]
    pub fn with_gateways(&self, gateways: Vec<Configured>) -> Self {
        self.with_config(gateways, |_| {})
    }

    /// The same house with these gateways and a changed configuration.
    #[must_use]
    pub fn with_config(&self, gateways: Vec<Configured>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        let clock = self.app.clock.clone();
        let phones = Phones::new(clock.clone());
        let keys = Keys::derive(&[7; 32]);
        let app = App::with_gateways(config, clock, self.app.db.clone(), keys, phones, gateways);
        app.boot.get_or_init(|| self.boot);
        Self {
            app,
            ..self.clone()
        }
    }

    /// Which start of the sending process this is.
    pub fn boot(&self) -> BootId {
        self.boot
    }

    async fn approve_everything(&self) {
        let shelf = self.app.shelf();
        assert!(shelf.problems.is_empty(), "{:?}", shelf.problems);
        let all: Vec<_> = shelf
            .templates
            .iter()
            .map(|one| (one.name.clone(), one.hash.clone()))
            .collect();
        let approved: Result<(), muster::storage::Error> = self
            .app
            .db
            .write("test.approve", move |tx| {
                Box::pin(async move {
                    for (name, hash) in all {
                        approvals::insert(tx, &name, &hash, START, "test").await?;
                    }
                    Ok(())
                })
            })
            .await;
        approved.unwrap();
    }

    /// Adds a person with these contact points.
    pub async fn person(&self, name: &str, points: &[(PointKind, &str)]) -> ContactId {
        self.person_with(name, points, |_| {}).await
    }

    /// Adds a person, changed as the test wants.
    pub async fn person_with(
        &self,
        name: &str,
        points: &[(PointKind, &str)],
        change: impl FnOnce(&mut ContactDraft),
    ) -> ContactId {
        let point = |(kind, address): &(PointKind, &str)| PointDraft {
            kind: *kind,
            address: Address::new(*address),
            extension: String::new(),
        };
        let mut draft = ContactDraft {
            external_id: None,
            name: name.to_owned(),
            language: Language("en".to_owned()),
            category: Category::Staff,
            role: String::new(),
            site: String::new(),
            unit: String::new(),
            tags: Vec::new(),
            fields: BTreeMap::new(),
            groups: Vec::new(),
            points: points.iter().map(point).collect(),
            manager_id: None,
        };
        change(&mut draft);
        let (db, keys) = (&self.app.db, &self.app.keys);
        contact::create(db, keys, draft, START, &Actor::system())
            .await
            .unwrap()
            .id
    }

    /// Adds a group of these people.
    pub async fn group(&self, name: &str, members: &[ContactId]) {
        self.group_of(name, Some(members.to_vec()), None, None)
            .await;
    }

    /// Adds a group of people, of groups, or by rules.
    pub async fn group_of(
        &self,
        name: &str,
        members: Option<Vec<ContactId>>,
        parts: Option<Vec<String>>,
        rules: Option<Vec<Rule>>,
    ) {
        let (title, name) = (name.to_owned(), Some(name.to_owned()));
        let draft = GroupDraft {
            title,
            name,
            members,
            parts,
            rules,
        };
        group::create(&self.app.db, draft, START, &Actor::system())
            .await
            .unwrap();
    }

    /// A group "everyone" of that many people, each with a mobile and an e-mail address.
    pub async fn crowd(&self, count: u32) -> Vec<ContactId> {
        let mut people = Vec::new();
        for number in 0..count {
            let mobile = mobile(number);
            let email = format!("p{number}@clinic.example");
            let points = [
                (PointKind::Mobile, mobile.as_str()),
                (PointKind::Email, email.as_str()),
            ];
            people.push(self.person(&format!("Person {number:05}"), &points).await);
        }
        self.group("everyone", &people).await;
        people
    }

    /// A request for the evacuation template, which is life-safety, to "everyone", at once.
    pub fn evacuation(&self) -> LaunchRequest {
        request("evacuation", &[("hazard", "FIRE")])
    }

    /// Launches what must be launched.
    pub async fn launch(&self, request: LaunchRequest) -> Alert {
        self.try_launch(request).await.unwrap()
    }

    /// Launches, or is refused.
    pub async fn try_launch(&self, request: LaunchRequest) -> Result<Alert, Refusal> {
        muster::alert::launch(&self.app, request)
            .await
            .map(|launched| launched.alert)
    }

    /// Carries out everything that is due now, to its end.
    pub async fn settle(&self) {
        let mut lanes = self.lanes();
        loop {
            let planned = escalation::turn(&self.app).await.unwrap();
            recovery::turn(&self.app, self.boot).await.unwrap();
            for gateway in &self.app.gateways {
                if gateway.gateway.can_be_asked() {
                    ask::turn(&self.app, gateway).await.unwrap();
                }
            }
            let mut sent = false;
            for lane in &mut lanes {
                while lane.turn().await.unwrap() == Turn::Worked {
                    sent = true;
                    lane.drain().await;
                }
            }
            if !planned && !sent {
                return;
            }
        }
    }

    /// The lanes of this process.
    pub fn lanes(&self) -> Vec<Lane> {
        let gateways = self.app.gateways.iter();
        gateways
            .map(|one| Lane::new(self.app.clone(), one.clone(), self.boot))
            .collect()
    }

    /// Lets time pass, and then carries out what has become due.
    pub async fn pass(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
        self.settle().await;
    }

    /// Whether a transaction waits for another's lock, where several may be open at once.
    pub async fn is_anyone_waiting(&self) -> bool {
        let (waiting,): (i64,) = self
            .app
            .db
            .sql_for(
                "SELECT 0",
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .fetch_one()
            .await
            .unwrap();
        waiting > 0
    }

    /// The alert as it stands.
    pub async fn alert(&self, number: AlertNumber) -> Alert {
        alerts::get(&self.app.db, number).await.unwrap()
    }

    /// How many people stand how, without the zeros; checks that they are all.
    pub async fn counts(&self, alert: &Alert) -> BTreeMap<PersonState, i64> {
        let alert = self.alert(alert.number).await;
        let mut counts = report::counts(&self.app.db, &alert).await.unwrap();
        assert_eq!(
            counts.values().sum::<i64>(),
            alert.recipients,
            "everyone is counted once"
        );
        counts.retain(|_, count| *count > 0);
        counts
    }

    /// Everyone in the alert, in the order of the audience.
    pub async fn people(&self, alert: &Alert) -> Vec<Person> {
        standing::list(&self.app.db, alert.number, Filter::default(), 100_000)
            .await
            .unwrap()
    }

    /// One person of the alert, by name.
    pub async fn standing_of(&self, alert: &Alert, name: &str) -> Person {
        self.people(alert)
            .await
            .into_iter()
            .find(|person| person.name == name)
            .unwrap()
    }

    /// A person's messages.
    pub async fn deliveries(&self, person: &Person) -> Vec<Delivery> {
        standing::list_deliveries(&self.app.db, person.id, person.id)
            .await
            .unwrap()
    }

    /// The state of a person's deliveries on one channel, in the order of the plan's steps.
    pub async fn delivery_words(&self, person: &Person, channel: Channel) -> Vec<String> {
        let deliveries = self.deliveries(person).await;
        let own = deliveries.iter().filter(|one| one.channel == channel);
        own.map(|one| match &one.reason {
            Some(reason) => format!("{} ({reason})", one.state),
            None => one.state.to_string(),
        })
        .collect()
    }

    /// Every test ends with the audit: no invariant is broken, the chain is whole.
    pub async fn close(&self) {
        let now = self.app.clock.now();
        let checked = audit::check::run(&self.app.db, now).await.unwrap();
        assert_eq!(audit::check::broken(&checked), [].into(), "{checked:?}");
        let verdict = audit::verify(&self.app.db).await.unwrap();
        assert_eq!(verdict.problems, Vec::<String>::new());
        self.app.db.close().await;
    }
}

/// A request to "everyone", live, all at once.
pub fn request(template: &str, variables: &[(&str, &str)]) -> LaunchRequest {
    LaunchRequest {
        template: template.to_owned(),
        mode: Mode::Actual,
        groups: vec!["everyone".to_owned()],
        contacts: Vec::new(),
        variables: variables
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        plan: Some("all-at-once".to_owned()),
        expires_in: None,
        call_out: None,
        hold: Duration::ZERO,
        warn_of_similar: false,
        composed_at: None,
        actor: Actor::user("manager"),
        key: None,
    }
}

/// The mobile number of the n-th person of a crowd.
pub fn mobile(number: u32) -> String {
    format!("+4179{number:07}")
}

fn assemble(db: Db, clock: Clock, sms: &Arc<Scripted>, email: &Arc<Scripted>) -> App {
    let gateways = vec![
        configured("sms", Channel::Sms, 10, sms),
        configured("email", Channel::Email, 10, email),
    ];
    assemble_with(db, clock, gateways)
}

/// A scripted gateway with the usual settings.
pub fn configured(name: &str, channel: Channel, priority: u32, to: &Arc<Scripted>) -> Configured {
    Configured {
        common: Common {
            name: name.to_owned(),
            channel,
            kind: "scripted".to_owned(),
            priority,
            weight: None,
            daily_cap: None,
            rate_per_second: None,
            slots: 20,
            exercises: true,
            cost: None,
        },
        gateway: Arc::clone(to) as Arc<dyn Gateway>,
    }
}

fn assemble_with(db: Db, clock: Clock, gateways: Vec<Configured>) -> App {
    let phones = Phones::new(clock.clone());
    App::with_gateways(
        config(),
        clock,
        db,
        Keys::derive(&[7; 32]),
        phones,
        gateways,
    )
}

fn config() -> Config {
    let language = |tag: &str| Language(tag.to_owned());
    Config {
        public_url: Some("https://alert.clinic.example".to_owned()),
        organisation: Organisation {
            name: "Riverside Clinic".to_owned(),
            phone: "555 0100".to_owned(),
            region: "CH".to_owned(),
            languages: vec![language("en"), language("es")],
            ..Organisation::default()
        },
        ..Config::default()
    }
}

async fn expire_leases(db: &Db) {
    let expired: Result<u64, muster::storage::Error> = db
        .write("test.expire", |tx| {
            Box::pin(async move { tx.sql("UPDATE boot SET lease_until = 0").execute().await })
        })
        .await;
    expired.unwrap();
}
