//! Compares the two books: what Muster says of each message, and what the gateway took. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::book::Desk;

/// How long after a kill a request that was already on its way may still be written down, in
/// milliseconds. The machine may be busy.
const AFTERMATH: i64 = 3_000;

/// How long the gateway may take to answer, in milliseconds.
const UNDER_WAY: i64 = 60;

/// Where nobody is ever told twice.
const TELLING: [Desk; 2] = [Desk::Keyed, Desk::Asked];

/// One message to one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    /// Of which alert, from 0.
    pub alert: usize,
    /// Whose.
    pub person: String,
    /// On which channel.
    pub channel: String,
}

/// What Muster says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Where it goes.
    pub desk: Desk,
    /// How it stands.
    pub state: String,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: usize,
    /// Whether it is marked as a possible duplicate.
    pub marked: bool,
    /// Whether it waits, is under way, or is in doubt and still to be decided about.
    pub is_open: bool,
    /// What the person answered.
    pub answer: Option<String>,
}

impl Claim {
    /// As the API says it.
    pub fn read(person: &Value, delivery: &Value, desk: Desk) -> Self {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let state = word(&delivery["state"]);
        Self {
            desk,
            is_open: match state.as_str() {
                "queued" | "sending" => true,
                state => state == "in_doubt" && delivery["closed_at"].is_null(),
            },
            state,
            reason: word(&delivery["reason"]),
            attempts: delivery["attempts"].as_u64().map_or(0, |attempts| {
                usize::try_from(attempts).unwrap_or(usize::MAX)
            }),
            marked: delivery["possible_duplicate"] == true,
            answer: person["answer"].as_str().map(str::to_owned),
        }
    }
}

/// A copy that the gateway has in its book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Of which message.
    pub message: Message,
    /// When it came, in milliseconds since 1970.
    pub at: i64,
    /// Under a known key: nobody was told again.
    pub again: bool,
    /// Under a known key, and with other bytes than the first.
    pub differs: bool,
}

/// What the comparison found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What is wrong, in sentences. Nothing, if every promise was kept.
    pub complaints: Vec<String>,
    /// Messages.
    pub messages: usize,
    /// Copies beyond the first, by desk.
    pub extra: BTreeMap<Desk, usize>,
    /// Messages that are marked, by desk.
    pub marked: BTreeMap<Desk, usize>,
    /// Of one message, the most copies.
    pub most: usize,
    /// Kills that came while messages were under way.
    pub hits: usize,
}

/// Looks at every message on both sides.
pub fn compare(
    claims: &BTreeMap<Message, Claim>,
    copies: &[Copy],
    kills: &[i64],
    recorded: &BTreeSet<(usize, String)>,
) -> Findings {
    let mut findings = Findings {
        messages: claims.len(),
        ..Findings::default()
    };
    let mut came: BTreeMap<&Message, Vec<i64>> = BTreeMap::new();
    for copy in copies {
        if copy.differs {
            findings.complain(&copy.message, "came under one key with different bytes");
        }
        if !claims.contains_key(&copy.message) {
            findings.complain(&copy.message, "came, and Muster knows nothing of it");
        }
        if !copy.again {
            came.entry(&copy.message).or_default().push(copy.at);
        }
    }
    for (message, claim) in claims {
        let times = came.remove(message).unwrap_or_default();
        findings.look_at(message, claim, &times, kills);
    }
    findings.hits = hits(copies, kills);
    if findings.hits * 2 < kills.len() {
        let (hits, all) = (findings.hits, kills.len());
        findings.complaints.push(format!(
            "only {hits} of {all} kills came while messages were under way: this proves nothing"
        ));
    }
    let answers: BTreeSet<(usize, &str)> = claims
        .iter()
        .filter(|(_, claim)| claim.answer.as_deref() == Some("safe"))
        .map(|(message, _)| (message.alert, message.person.as_str()))
        .collect();
    for (alert, person) in recorded {
        if !answers.contains(&(*alert, person)) {
            findings.complaints.push(format!(
                "{person} was shown that the answer to alert {alert} is recorded, and it is not there"
            ));
        }
    }
    findings
}

/// How many kills came while the gateway had a message and had not answered.
fn hits(copies: &[Copy], kills: &[i64]) -> usize {
    let mut times: Vec<i64> = copies.iter().map(|copy| copy.at).collect();
    times.sort_unstable();
    let is_hit = |kill: &&i64| {
        let first = times.partition_point(|at| at + UNDER_WAY < **kill);
        times.get(first).is_some_and(|at| at <= kill)
    };
    kills.iter().filter(is_hit).count()
}

impl Findings {
    fn complain(&mut self, message: &Message, what: &str) {
        let Message {
            alert,
            person,
            channel,
        } = message;
        self.complaints
            .push(format!("{channel} of {person} in alert {alert} {what}"));
    }

    fn look_at(&mut self, message: &Message, claim: &Claim, times: &[i64], kills: &[i64]) {
        let copies = times.len();
        self.most = self.most.max(copies);
        if copies > 1 {
            *self.extra.entry(claim.desk).or_default() += copies - 1;
        }
        if claim.marked {
            *self.marked.entry(claim.desk).or_default() += 1;
        }
        let is_answered = claim.answer.is_some();
        match (claim.state.as_str(), copies) {
            ("accepted" | "sent" | "delivered", 0) => {
                self.complain(message, "is called accepted, and the gateway never took it");
            }
            (_, 0) if !is_answered => self.complain(message, "is lost"),
            ("accepted" | "sent" | "delivered", _) => {}
            ("cancelled" | "in_doubt", _) if is_answered => {}
            (state, _) => self.complain(message, &format!("ended as {state}: {}", claim.reason)),
        }
        if copies > claim.attempts {
            self.complain(message, "went out without an intent on disk");
        }
        if copies > 1 && !claim.marked {
            self.complain(message, "came twice and is not marked");
        }
        if copies > 1 && TELLING.contains(&claim.desk) {
            self.complain(message, "came twice at a gateway that could have told");
        }
        if !are_separated(times, kills) {
            self.complain(message, "came twice without a crash in between");
        }
    }
}

/// Whether between any two copies there was a crash that can have cost the first one its answer:
/// then there are at most one more copies than crashes while it was under way.
fn are_separated(times: &[i64], kills: &[i64]) -> bool {
    times.windows(2).all(|pair| {
        kills
            .iter()
            .any(|kill| (pair[0] - AFTERMATH..=pair[1]).contains(kill))
    })
}
