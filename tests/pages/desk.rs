//! A clinic with its console: its own database, a clock that the test moves, people who sign in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use muster::account::link;
use muster::account::password::Passwords;
use muster::account::role::Role;
use muster::account::user::{self, NewUser};
use muster::alert::words::{Category, Language};
use muster::app::App;
use muster::audit::{self, Actor};
use muster::channel::Address;
use muster::clock::{Clock, Timestamp};
use muster::config::Config;
use muster::directory::contact::{self, ContactDraft, PointDraft, PointKind};
use muster::directory::group::{self, GroupDraft};
use muster::dispatch::lane::{Lane, Turn};
use muster::dispatch::recovery;
use muster::ids::{AlertNumber, BootId, ContactId, RecipientId};
use muster::keys::Keys;
use muster::storage::alerts::{self, Alert};
use muster::storage::standing::{self, Filter};
use muster::storage::{Access, DatabaseUrl, Db, approvals};
use muster::{escalation, web};

use crate::browser::Browser;

/// When every test begins: 2026-11-22 14:02:07 UTC.
pub const START: Timestamp = Timestamp(1_795_356_127_000);

/// The group of the three people who work here.
pub const STAFF: &str = "all-staff";

/// A clinic for one test. Clones share one.
#[derive(Clone)]
pub struct Desk {
    /// The service, without its loops: the test makes every step.
    pub app: App,
    boot: BootId,
    _guard: Arc<Guard>,
}

enum Guard {
    Folder(#[expect(dead_code, reason = "deleted when dropped")] tempfile::TempDir),
    Database(#[expect(dead_code, reason = "deleted when dropped")] crate::postgres::FreshDatabase),
}

impl Desk {
    /// A clinic on SQLite.
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("muster.db"));
        Self::open(url, Guard::Folder(folder)).await
    }

    /// A clinic on PostgreSQL.
    pub async fn on_postgres() -> Self {
        let database = crate::postgres::fresh_database().await;
        let url = DatabaseUrl::Postgres(database.url().to_owned());
        Self::open(url, Guard::Database(database)).await
    }

    async fn open(url: DatabaseUrl, guard: Guard) -> Self {
        let db = Db::open(&url, Access::Migrate).await.unwrap();
        let app = assemble(db, Config::default());
        let boot = recovery::begin(&app).await.unwrap();
        let desk = Self {
            app,
            boot,
            _guard: Arc::new(guard),
        };
        desk.fill().await;
        desk
    }

    /// Three people, in the group that everything goes to, and every template approved.
    async fn fill(&self) {
        let shelf = self.app.shelf();
        let approved: Result<(), muster::storage::Error> = self
            .app
            .db
            .write("test.approve", move |tx| {
                Box::pin(async move {
                    for one in &shelf.templates {
                        let by = "user rosa";
                        approvals::insert(tx, &one.name, &one.hash, START, by).await?;
                    }
                    Ok(())
                })
            })
            .await;
        approved.unwrap();
        let mobile = |number| (PointKind::Mobile, number);
        let mail = |address| (PointKind::Email, address);
        let people = [
            self.person(
                "Ana Cruz",
                &[mobile("+41791234567"), mail("ana@clinic.example")],
            )
            .await,
            self.person("Luis <b>Gil</b>", &[mobile("+41791234568")])
                .await,
            self.person("Mia Roth", &[(PointKind::Landline, "+41446681800")])
                .await,
        ];
        self.group(STAFF, &people).await;
        self.group("todays-patients", &[]).await;
    }

    /// The same clinic with a gateway that carries no drills.
    #[must_use]
    pub fn without_drills(&self) -> Self {
        let gateway = "name = \"phones\"\nchannel = \"sms\"\nkind = \"sandbox\""
            .parse()
            .unwrap();
        let config = Config {
            gateways: vec![gateway],
            ..Config::default()
        };
        Self {
            app: assemble(self.app.db.clone(), config),
            ..self.clone()
        }
    }

    /// The same clinic at 14:02 in hours that are quiet until 22:00.
    #[must_use]
    pub fn in_quiet_hours(&self) -> Self {
        let quiet = "from = \"14:00\"\nuntil = \"22:00\"".parse::<toml::Table>();
        let mut config = Config::default();
        config.organisation.quiet_hours = Some(quiet.unwrap().try_into().unwrap());
        Self {
            app: assemble(self.app.db.clone(), config),
            ..self.clone()
        }
    }

    /// Adds a person with these contact points.
    pub async fn person(&self, name: &str, points: &[(PointKind, &str)]) -> ContactId {
        let point = |(kind, address): &(PointKind, &str)| PointDraft {
            kind: *kind,
            address: Address::new(*address),
            extension: String::new(),
        };
        let draft = ContactDraft {
            external_id: None,
            name: name.to_owned(),
            language: Language("en".to_owned()),
            category: Category::Staff,
            role: "nurse".to_owned(),
            site: String::new(),
            unit: "day unit".to_owned(),
            tags: Vec::new(),
            fields: BTreeMap::new(),
            groups: Vec::new(),
            points: points.iter().map(point).collect(),
            manager_id: None,
        };
        let (db, keys) = (&self.app.db, &self.app.keys);
        contact::create(db, keys, draft, START, &Actor::system())
            .await
            .unwrap()
            .id
    }

    /// Adds a group of these people.
    pub async fn group(&self, name: &str, members: &[ContactId]) {
        let draft = GroupDraft {
            title: name.to_owned(),
            name: Some(name.to_owned()),
            members: Some(members.to_vec()),
            parts: None,
            rules: None,
        };
        group::create(&self.app.db, draft, START, &Actor::system())
            .await
            .unwrap();
    }

    /// Replaces the people of a group.
    pub async fn set_members(&self, name: &str, members: &[ContactId]) {
        let group = group::find_by_name(&self.app.db, name)
            .await
            .unwrap()
            .unwrap();
        let draft = GroupDraft {
            title: group.title,
            name: Some(group.name),
            members: Some(members.to_vec()),
            parts: None,
            rules: None,
        };
        group::update(&self.app.db, group.id, draft, START, &Actor::system())
            .await
            .unwrap();
    }

    /// The browser of someone with these roles.
    pub async fn signed_in(&self, login: &str, roles: &[Role]) -> Browser {
        let (db, now, by) = (&self.app.db, self.app.clock.now(), Actor::system());
        let new = NewUser {
            login: login.to_owned(),
            name: login.to_owned(),
            roles: roles.to_vec(),
            password: None,
        };
        let user = user::create(db, &Passwords::default(), new, now, &by)
            .await
            .unwrap();
        let valid = Duration::from_mins(5);
        let token = link::make_sign_in(db, user.id, valid, now, &by)
            .await
            .unwrap();
        let opened = link::sign_in(db, &token, "a test", now).await.unwrap();
        Browser::new(
            web::router(self.app.clone()),
            Some(format!("muster={}", opened.token)),
        )
    }

    /// The browser of a sender.
    pub async fn sender(&self) -> Browser {
        self.signed_in("mara", &[Role::Sender]).await
    }

    /// The browser of nobody.
    pub fn stranger(&self) -> Browser {
        Browser::new(web::router(self.app.clone()), None)
    }

    /// Lets time pass; the hold of a launch is over after five seconds.
    pub fn pass(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
    }

    /// Carries out everything that is due now, to its end.
    pub async fn settle(&self) {
        let gateways = self.app.gateways.iter();
        let mut lanes: Vec<Lane> = gateways
            .map(|one| Lane::new(self.app.clone(), one.clone(), self.boot))
            .collect();
        loop {
            let planned = escalation::turn(&self.app).await.unwrap();
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

    /// Every alert, oldest first.
    pub async fn alerts(&self) -> Vec<Alert> {
        let mut all = alerts::list(&self.app.db, AlertNumber(i64::MAX), 100)
            .await
            .unwrap();
        all.reverse();
        all
    }

    /// A person's place in an alert.
    pub async fn recipient(&self, alert: &Alert, name: &str) -> RecipientId {
        let people = standing::list(&self.app.db, alert.number, Filter::default(), 100).await;
        people
            .unwrap()
            .into_iter()
            .find(|person| person.name == name)
            .unwrap()
            .id
    }

    /// Launches a closure by the pages and answers it.
    pub async fn closed(&self, sender: &Browser) -> Alert {
        let sent = sender.post(&self.closure_form(sender).await).await;
        let board = sent.goes_to();
        assert!(board.starts_with("/alerts/"), "{board}");
        self.alerts().await.pop().unwrap()
    }

    /// The check page of a closure, filled in and ticked.
    pub async fn closure_form(&self, sender: &Browser) -> crate::browser::Form {
        let page = sender.get("/live/closure?reason=burst+pipe").await;
        page.form("/live/closure").with("has-read", "yes")
    }

    /// The audit chain must be whole.
    pub async fn close(self) {
        let verdict = audit::verify(&self.app.db).await.unwrap();
        assert_eq!(verdict.problems, Vec::<String>::new());
        self.app.stop().await;
    }
}

fn assemble(db: Db, mut config: Config) -> App {
    // Everyone here comes in by a link; the second factor has tests of its own.
    config.accounts.second_factor = muster::config::SecondFactor::Optional;
    let keys = Keys::derive(&[7; 32]);
    App::assemble(config, Clock::fake(START), db, keys, "test".to_owned()).unwrap()
}
