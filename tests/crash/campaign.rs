//! One campaign: alerts go out, people answer, and the server is killed again and again at instants
//! that nobody chose. At its end it has to account for everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::book::{self, Desk, Entry, Reader};
use crate::compare::{Claim, Copy, Message};
use crate::muster::{Muster, Store};
use crate::people::People;
use crate::{gateway, pages};

/// Everything that a campaign is made of.
#[derive(Clone, Copy, Debug)]
pub struct Orders {
    /// On which database.
    pub store: Store,
    /// How often the server is killed.
    pub kills: u32,
    /// How many people each alert goes to.
    pub recipients: usize,
    /// Where chance begins.
    pub seed: u64,
}

/// What a campaign leaves behind.
pub struct Outcome {
    /// What Muster says of each message.
    pub claims: BTreeMap<Message, Claim>,
    /// What the gateway has in its book.
    pub copies: Vec<Copy>,
    /// When the server was killed, in milliseconds since 1970.
    pub kills: Vec<i64>,
    /// Who was shown "Recorded" on the answer page: alert and person.
    pub recorded: BTreeSet<(usize, String)>,
    /// How many alerts were launched.
    pub alerts: usize,
}

/// The gateway as a process of its own: it outlives every kill.
pub struct GatewayProcess {
    _process: Child,
    port: u16,
    book: PathBuf,
    _folder: tempfile::TempDir,
}

impl GatewayProcess {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let book = folder.path().join("book.jsonl");
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("--gateway")
            .arg(&book)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().unwrap().parse().unwrap();
        Self {
            _process: process,
            port,
            book,
            _folder: folder,
        }
    }
}

/// Which desk of the gateway each channel goes to.
pub const DESKS: [(&str, Desk); 3] = [
    ("sms", Desk::Asked),
    ("email", Desk::Blind),
    ("voice", Desk::Keyed),
];

/// A clinic of so many people whose channels go to the three desks, with its server running.
async fn install(orders: Orders, gateway: &GatewayProcess) -> Muster {
    let tables = DESKS.map(|(channel, desk)| gateway::table(desk, channel, gateway.port));
    let mut muster = Muster::install(orders.store, &tables.concat()).await;
    let rows: Vec<String> = (0..orders.recipients)
        .map(|n| format!("Person {n:04},{},{},all-staff", mobile(n), email(n)))
        .collect();
    muster
        .import(&format!("name,mobile,email,groups\n{}", rows.join("\n")))
        .await;
    muster.approve_all().await;
    muster.serve().await;
    muster
}

fn mobile(person: usize) -> String {
    format!("+4179{:07}", 1_000_000 + person)
}

fn email(person: usize) -> String {
    format!("person{person:04}@clinic.example")
}

/// In the middle of what a kill comes.
#[derive(Clone, Copy)]
enum Moment {
    /// The server is starting, and looks after what the last kill left.
    Starting,
    /// A launch is asked for.
    Launching,
    /// Messages are under way, and people answer.
    Sending,
}

/// A campaign under way.
struct Campaign {
    orders: Orders,
    muster: Muster,
    people: People,
    chance: StdRng,
    /// What each launch was answered.
    launched: Vec<Value>,
}

/// Kills as often as ordered, lets the alerts come to rest, and collects what both sides say.
pub async fn run(orders: Orders) -> Outcome {
    let gateway = GatewayProcess::start().await;
    let muster = install(orders, &gateway).await;
    let mut campaign = Campaign {
        people: People::new(&muster, Reader::open(&gateway.book)),
        chance: StdRng::seed_from_u64(orders.seed),
        launched: Vec::new(),
        orders,
        muster,
    };
    let mut kills = Vec::new();
    while kills.len() < orders.kills as usize {
        campaign.come_to_the_moment().await;
        kills.push(book::now());
        campaign.muster.kill().await;
        campaign.muster.start("");
    }
    campaign.muster.ready().await;
    let alerts = campaign.finish().await;
    let mut outcome = Outcome {
        claims: BTreeMap::new(),
        copies: campaign.people.copies().to_vec(),
        kills,
        recorded: campaign.people.recorded().clone(),
        alerts: alerts.len(),
    };
    for (alert, id) in alerts.iter().enumerate() {
        outcome
            .claims
            .extend(claims(&campaign.muster, alert, id).await);
    }
    pages::agree(&campaign.muster, &alerts, &outcome.claims).await;
    campaign.muster.audit().await;
    outcome
}

impl Campaign {
    /// Returns at the instant of the next kill.
    async fn come_to_the_moment(&mut self) {
        let moment = match self.chance.random_range(0..10) {
            0 => Moment::Starting,
            1 => Moment::Launching,
            _ => Moment::Sending,
        };
        let pause = Duration::from_millis(self.chance.random_range(5..=300));
        match moment {
            Moment::Starting => tokio::time::sleep(pause).await, // the instant that chance chose
            Moment::Launching => {
                self.muster.ready().await;
                // Cut short by the kill, it is asked for again under its own key.
                tokio::time::timeout(pause, self.launch()).await.ok();
            }
            Moment::Sending => {
                self.muster.ready().await;
                self.give_work().await;
                let end = Instant::now() + pause;
                while Instant::now() < end {
                    let left = end.saturating_duration_since(Instant::now());
                    tokio::time::timeout(left, self.people.answer()).await.ok();
                    let left = end.saturating_duration_since(Instant::now());
                    tokio::time::sleep(left.min(Duration::from_millis(10))).await; // paces the people
                }
            }
        }
    }

    /// Returns when messages are arriving, and more are to come.
    async fn give_work(&mut self) {
        let all = self.orders.recipients * DESKS.len();
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            assert!(
                Instant::now() < deadline,
                "no message comes, however many alerts are launched:\n{}",
                self.muster.log()
            );
            let heard = self
                .launched
                .len()
                .checked_sub(1)
                .map(|last| self.people.heard_of(last));
            if heard.is_none_or(|heard| heard > all * 6 / 10) {
                self.launch().await;
            }
            let before = self.people.copies().len();
            let patience = Instant::now() + Duration::from_secs(2);
            while Instant::now() < patience {
                if self.people.copies().len() > before {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await; // paces the look into the book
            }
            // What is left waits for the lease of a server that was killed.
            self.launch().await;
        }
    }

    /// Launches the next alert.
    async fn launch(&mut self) {
        let answer = launch(&self.muster, self.launched.len()).await;
        self.launched.extend(answer);
    }

    /// Waits until nothing waits or is under way. Answers the ids of all alerts.
    async fn finish(&mut self) -> Vec<String> {
        // The last launch may be on disk although its answer was cut off: its key tells.
        let listed = self.muster.get("/api/v1/alerts?limit=1000").await;
        let found = listed["items"].as_array().unwrap().len();
        let answered = self.launched.len();
        assert!(
            (answered..=answered + 1).contains(&found),
            "{answered} launches were answered, and there are {found} alerts"
        );
        if found > answered {
            self.launch().await;
        }
        let ids = self
            .launched
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned());
        let ids: Vec<String> = ids.collect();
        let distinct: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(distinct.len(), found, "every launch is one alert");
        self.come_to_rest(&ids).await;
        self.people.settle().await;
        ids
    }

    /// Waits until no message is open any more: as long as there are fewer of them every two
    /// minutes. A thousand kills leave much to send and to ask about.
    async fn come_to_rest(&self, ids: &[String]) {
        let mut left: Vec<(usize, &String)> = ids.iter().enumerate().collect();
        let (mut fewest, mut since) = (usize::MAX, Instant::now());
        while !left.is_empty() {
            let (mut open, mut busy) = (0, Vec::new());
            for (alert, id) in left {
                match count_open(&self.muster, self.orders, alert, id).await {
                    0 => {}
                    count => {
                        open += count;
                        busy.push((alert, id));
                    }
                }
            }
            if open < fewest {
                (fewest, since) = (open, Instant::now());
            }
            assert!(
                since.elapsed() < Duration::from_mins(2),
                "{open} messages stay open, of {} alerts, the first of them {:?}\n{}",
                busy.len(),
                busy.first(),
                self.muster.log()
            );
            left = busy;
            tokio::time::sleep(Duration::from_millis(200)).await; // paces the question
        }
    }
}

/// Asks for the alert of that number under its own key. None if nobody knows what came of it.
async fn launch(muster: &Muster, alert: usize) -> Option<Value> {
    let body = json!({
        "template": "evacuation", "mode": "live", "plan": "all-at-once",
        "audience": { "groups": ["all-staff"] },
        "variables": { "hazard": "fire", "place": place(alert) },
    });
    let key = format!("launch-{alert}");
    let (status, answer) = muster.try_post("/api/v1/alerts", &key, &body).await?;
    assert_eq!(status, 202, "{answer}");
    Some(answer)
}

/// What names an alert in its texts.
pub fn place(alert: usize) -> String {
    format!("hall {alert:05}")
}

/// The alert that a text is of.
pub fn alert_of(text: &str) -> usize {
    let (_, rest) = text
        .split_once("hall ")
        .expect("every text names its place");
    rest[..5].parse().expect("a place is a number")
}

/// The person that an address belongs to.
pub fn person_of(to: &str) -> String {
    let digits: String = to.chars().filter(char::is_ascii_digit).collect();
    let number = digits[digits.len() - 4..].to_owned();
    format!("Person {number}")
}

/// How many messages of an alert wait, are under way, or are still to be decided about; those that are
/// not written yet among them.
async fn count_open(muster: &Muster, orders: Orders, alert: usize, id: &str) -> usize {
    let shown = muster.get(&format!("/api/v1/alerts/{id}")).await;
    match untried(&shown, orders.recipients * DESKS.len()) {
        0 => {
            let claims = claims(muster, alert, id).await;
            claims.values().filter(|claim| claim.is_open).count()
        }
        untried => untried,
    }
}

/// How many messages of an alert were not tried yet.
fn untried(shown: &Value, all: usize) -> usize {
    let channels = shown["deliveries"].as_object().unwrap();
    let states = || {
        channels
            .values()
            .flat_map(|states| states.as_object().unwrap())
    };
    let tried = states().filter(|(state, _)| !matches!(state.as_str(), "queued" | "sending"));
    let tried: u64 = tried.filter_map(|(_, number)| number.as_u64()).sum();
    all - usize::try_from(tried).unwrap()
}

/// What Muster says of every message of an alert.
async fn claims(muster: &Muster, alert: usize, id: &str) -> BTreeMap<Message, Claim> {
    let path = format!("/api/v1/alerts/{id}/recipients?limit=1000");
    let page = muster.get(&path).await;
    assert!(page["next"].is_null(), "an alert's people fit a page");
    let mut claims = BTreeMap::new();
    for person in page["items"].as_array().unwrap() {
        for delivery in person["deliveries"].as_array().unwrap() {
            let channel = delivery["channel"].as_str().unwrap();
            let message = Message {
                alert,
                person: person["name"].as_str().unwrap().to_owned(),
                channel: channel.to_owned(),
            };
            let (_, desk) = *DESKS.iter().find(|(name, _)| *name == channel).unwrap();
            let twice = claims.insert(message, Claim::read(person, delivery, desk));
            assert!(twice.is_none(), "one message for each person and channel");
        }
    }
    claims
}

/// What an entry of the book is a copy of.
pub fn copy_of(entry: &Entry) -> Copy {
    let channel = DESKS
        .iter()
        .find(|(_, desk)| *desk == entry.desk)
        .unwrap()
        .0;
    Copy {
        message: Message {
            alert: alert_of(&entry.text),
            person: person_of(&entry.to),
            channel: channel.to_owned(),
        },
        at: entry.at,
        again: entry.again,
        differs: entry.differs,
    }
}
