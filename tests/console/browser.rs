//! A clinic with its pages, and browsers that look at them: they keep cookies and follow nothing by
//! themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use muster::account::link;
use muster::account::role::Role;
use muster::account::user::{self, NewUser, User};
use muster::alert::words::{Category, Language, Mode};
use muster::alert::{self, LaunchRequest};
use muster::app::App;
use muster::audit::{self, Actor};
use muster::channel::Address;
use muster::clock::{Clock, Timestamp};
use muster::config::{Config, Organisation};
use muster::directory::contact::{self, ContactDraft, PointDraft, PointKind};
use muster::directory::group::{self, GroupDraft};
use muster::ids::{ContactId, RecipientId};
use muster::keys::Keys;
use muster::storage::alerts::Alert;
use muster::storage::standing::{self, Filter};
use muster::storage::{Access, DatabaseUrl, Db};
use muster::{escalation, template_approval, web};
use tower::ServiceExt as _;

/// When every test begins: 2026-11-22 14:02:07 UTC.
pub const START: Timestamp = Timestamp(1_795_356_127_000);

/// The password of everyone here.
pub const PASSWORD: &str = "the cat sleeps on the roof";

/// A clinic for one test. Clones share one.
#[derive(Clone)]
pub struct House {
    /// The service's own parts. Nothing runs by itself: a test makes every step.
    pub app: App,
    router: Router,
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
        Self::open(url, Guard::Folder(folder), "http://muster.test").await
    }

    /// On the test server's database.
    pub async fn on_postgres() -> Self {
        let database = crate::postgres::fresh_database().await;
        let url = DatabaseUrl::Postgres(database.url().to_owned());
        Self::open(url, Guard::Database(database), "http://muster.test").await
    }

    /// On the embedded database, reached by https.
    pub async fn behind_https() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("muster.db"));
        Self::open(url, Guard::Folder(folder), "https://muster.test").await
    }

    async fn open(url: DatabaseUrl, guard: Guard, public_url: &str) -> Self {
        let db = Db::open(&url, Access::Migrate).await.unwrap();
        let language = |tag| Language::parse(tag).unwrap();
        let config = Config {
            accounts: muster::config::Accounts {
                second_factor: muster::config::SecondFactor::Optional,
                ..Default::default()
            },
            public_url: Some(public_url.to_owned()),
            organisation: Organisation {
                name: "Riverside Clinic".to_owned(),
                phone: "+1 202 555 0100".to_owned(),
                languages: vec![language("en"), language("es")],
                ..Organisation::default()
            },
            ..Config::default()
        };
        let keys = Keys::derive(&[7; 32]);
        let app = App::assemble(config, Clock::fake(START), db, keys, "test".to_owned()).unwrap();
        Self {
            router: web::router(app.clone()),
            app,
            _guard: Arc::new(guard),
        }
    }

    /// The same clinic, where sending and changing need a second factor, as houses have it unless they say
    /// otherwise.
    #[must_use]
    pub fn strict(&self) -> Self {
        let config = Config {
            accounts: muster::config::Accounts::default(),
            ..self.app.config.clone()
        };
        let keys = Keys::derive(&[7; 32]);
        let (clock, db) = (self.app.clock.clone(), self.app.db.clone());
        let app = App::assemble(config, clock, db, keys, "test".to_owned()).unwrap();
        Self {
            router: web::router(app.clone()),
            app,
            ..self.clone()
        }
    }

    /// Ends it; the audit chain must be whole.
    pub async fn close(self) {
        let verdict = audit::verify(&self.app.db).await.unwrap();
        assert_eq!(verdict.problems, Vec::<String>::new());
        self.app.db.close().await;
    }

    /// Someone with these roles and [`PASSWORD`].
    pub async fn user(&self, login: &str, roles: &[Role]) -> User {
        let new = NewUser {
            login: login.to_owned(),
            name: format!("{login} Ortiz"),
            roles: roles.to_vec(),
            password: Some(PASSWORD.to_owned()),
        };
        let passwords = self.app.doorkeeper.passwords();
        user::create(&self.app.db, passwords, new, self.now(), &Actor::system())
            .await
            .unwrap()
    }

    /// A browser in which someone with these roles is signed in.
    pub async fn signed_in(&self, roles: &[Role]) -> Browser {
        let login = roles
            .first()
            .map_or("nobody", |role| role.word())
            .replace('_', "-");
        let user = self.user(&login, roles).await;
        let mut browser = self.browser();
        let valid = std::time::Duration::from_mins(5);
        let actor = Actor::system();
        let token = link::make_sign_in(&self.app.db, user.id, valid, self.now(), &actor)
            .await
            .unwrap();
        let answer = browser.post(&format!("/sign-in/{token}"), &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        browser
    }

    /// A browser that nobody has used.
    pub fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
        }
    }

    /// The time that stands still.
    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// Adds a member of staff with a mobile number.
    pub async fn person(&self, name: &str, mobile: &str) -> ContactId {
        let draft = ContactDraft {
            external_id: None,
            name: name.to_owned(),
            language: Language::parse("en").unwrap(),
            category: Category::Staff,
            role: "nurse".to_owned(),
            site: "North".to_owned(),
            unit: "ICU".to_owned(),
            tags: Vec::new(),
            fields: BTreeMap::new(),
            groups: Vec::new(),
            points: vec![PointDraft {
                kind: PointKind::Mobile,
                address: Address::new(mobile),
                extension: String::new(),
            }],
            manager_id: None,
        };
        let (db, keys) = (&self.app.db, &self.app.keys);
        contact::create(db, keys, draft, self.now(), &Actor::system())
            .await
            .unwrap()
            .id
    }

    /// Adds a group of these people.
    pub async fn group(&self, title: &str, members: &[ContactId]) {
        let draft = GroupDraft {
            title: title.to_owned(),
            members: Some(members.to_vec()),
            ..GroupDraft::default()
        };
        group::create(&self.app.db, draft, self.now(), &Actor::system())
            .await
            .unwrap();
    }

    /// Launches a live closure to these people and writes its first step; nobody answers.
    pub async fn launch(&self, people: &[ContactId]) -> Alert {
        let actor = Actor::command_line();
        template_approval::approve(&self.app, "closure", None, &actor)
            .await
            .unwrap();
        let request = LaunchRequest {
            template: "closure".to_owned(),
            mode: Mode::Actual,
            groups: Vec::new(),
            contacts: people.to_vec(),
            variables: [("reason".to_owned(), "burst pipe".to_owned())].into(),
            plan: None,
            expires_in: None,
            call_out: None,
            hold: std::time::Duration::ZERO,
            warn_of_similar: false,
            composed_at: None,
            actor,
            key: None,
        };
        let alert = alert::launch(&self.app, request).await.unwrap().alert;
        escalation::turn(&self.app).await.unwrap();
        alert
    }

    /// So many acts in the log.
    pub async fn acts(&self, count: usize) {
        let now = self.now();
        let written: Result<(), muster::storage::Error> = self
            .app
            .db
            .write("acts", move |tx| {
                Box::pin(async move {
                    for number in 0..count {
                        let detail = serde_json::json!({ "number": number });
                        audit::append(tx, now, &Actor::system(), "user.lock", "x", &detail).await?;
                    }
                    Ok(())
                })
            })
            .await;
        written.unwrap();
    }

    /// Changes the log as someone who can write to the database does.
    pub async fn set_actor_of_first_entry(&self, actor: &str) {
        let actor = actor.to_owned();
        let written: Result<u64, muster::storage::Error> = self
            .app
            .db
            .write("tamper", |tx| {
                Box::pin(async move {
                    tx.sql("UPDATE audit_entry SET actor = $1 WHERE number = 1")
                        .bind(actor)
                        .execute()
                        .await
                })
            })
            .await;
        assert_eq!(written.unwrap(), 1);
    }

    /// The people of an alert, by name.
    pub async fn recipients(&self, alert: &Alert) -> BTreeMap<String, RecipientId> {
        let everyone = Filter::default();
        let people = standing::list(&self.app.db, alert.number, everyone, 1000)
            .await
            .unwrap();
        people
            .into_iter()
            .map(|person| (person.name, person.id))
            .collect()
    }
}

/// What one person looks through.
pub struct Browser {
    router: Router,
    /// Name and value of each cookie.
    pub cookies: BTreeMap<String, String>,
}

/// A page that was read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// One header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless the page says this.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        assert!(
            self.text.contains(words),
            "{words:?} is missing ({}):\n{}",
            self.status,
            self.text
        );
        self
    }

    /// Fails if the page says this.
    #[track_caller]
    pub fn does_not_say(&self, words: &str) -> &Self {
        assert!(
            !self.text.contains(words),
            "{words:?} is there:\n{}",
            self.text
        );
        self
    }

    /// Fails unless this sends the browser there.
    #[track_caller]
    pub fn leads_to(&self, path: &str) {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        assert_eq!(self.header("location"), path);
    }

    /// The value of the first hidden field of this name.
    #[track_caller]
    pub fn hidden(&self, name: &str) -> String {
        let beginning = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&beginning).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Browser {
    /// Opens an address.
    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a form as the browser's own page does.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = self
            .request(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.finish()));
        self.send(request.unwrap()).await
    }

    /// Sends a form with a file in the field `file`.
    pub async fn upload(&mut self, path: &str, name: &str, bytes: &[u8]) -> Answer {
        let mut body = format!(
            "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: text/csv\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let request = self
            .request(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge")
            .body(Body::from(body));
        self.send(request.unwrap()).await
    }

    /// A request with the browser's cookies.
    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "muster.test");
        if cookies.is_empty() {
            request
        } else {
            request.header(header::COOKIE, cookies.join("; "))
        }
    }

    /// Sends a request, keeps the cookies of its answer and reads it.
    pub async fn send(&mut self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (pair, rest) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = axum::body::to_bytes(body, 10_000_000).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }
}
