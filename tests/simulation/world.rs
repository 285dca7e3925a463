//! The simulated world: servers on one database, providers, people, and what the seed does to them.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use muster::audit;
use muster::clock::{Clock, Timestamp};
use muster::ids::BootId;
use muster::storage::{Db, Error, approvals, standing};
use tokio::sync::mpsc;

use crate::acts::Launching;
use crate::dice::Dice;
use crate::gateway::{Flying, Mood, Provider, Wire};
use crate::model::{Doing, Model};
use crate::node::{Node, Work};
use crate::people::Crowd;
use crate::stage::{Afterwards, Event};
use crate::tables::Tables;

/// When every simulation begins: 2026-11-22 14:02:07 UTC.
pub const START: Timestamp = Timestamp(1_795_356_127_000);
/// Real time after which a piece of work counts as stuck.
const STUCK: Duration = Duration::from_mins(1);

/// How often what happened: a simulation in which nothing happens proves nothing.
pub type Tally = BTreeMap<&'static str, u64>;

pub struct World {
    pub dice: Dice,
    /// The database as nobody directs it: for setting up and for looking.
    pub db: Db,
    /// The database's own clock.
    pub clock: Clock,
    pub is_shared: bool,
    pub nodes: Vec<Node>,
    pub boots: BTreeMap<BootId, usize>,
    pub works: BTreeMap<u64, Work>,
    pub providers: Vec<Provider>,
    pub wire: Wire,
    pub flying: Vec<Flying>,
    pub crowd: Crowd,
    pub launches: Vec<Launching>,
    pub model: Model,
    /// Faults have stopped.
    pub is_calm: bool,
    /// Something was sent or planned since this was last set to false.
    pub worked: bool,
    pub trace: Vec<String>,
    /// How often what happened.
    pub tally: Tally,
    pub events_in: mpsc::UnboundedSender<Event>,
    events: mpsc::UnboundedReceiver<Event>,
    works_begun: u64,
    looks: usize,
}

impl World {
    /// A world of this seed, its servers not started.
    pub async fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let db = Db::in_memory().await.unwrap();
        let clock = Clock::fake(START);
        let is_shared = dice.percent(75);
        let count = if is_shared { 1 + dice.below(3) } else { 1 };
        let nodes = (0..count).map(|_| node(&mut dice)).collect();
        let (events_in, events) = mpsc::unbounded_channel();
        let providers = crate::people::providers(&mut dice);
        let crowd = Crowd::move_in(&db, &mut dice).await;
        let mut world = Self {
            dice,
            db,
            clock,
            is_shared,
            nodes,
            boots: BTreeMap::new(),
            works: BTreeMap::new(),
            providers,
            wire: Wire::default(),
            flying: Vec::new(),
            crowd,
            launches: Vec::new(),
            model: Model::default(),
            is_calm: false,
            worked: false,
            trace: Vec::new(),
            tally: Tally::default(),
            events_in,
            events,
            works_begun: 0,
            looks: 0,
        };
        world
            .crowd
            .mark_dead_numbers(&mut world.dice, &mut world.providers);
        world
    }

    /// Notes what happens, for whoever must understand a failure.
    pub fn note(&mut self, what: impl Into<String>) {
        let at = self.clock.now().0 - START.0;
        let (seconds, millis) = (at / 1000, at % 1000);
        self.trace
            .push(format!("{seconds:>5}.{millis:03} {}", what.into()));
    }

    /// Counts something that happened.
    pub fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// What a piece of work ends with.
    pub fn afterwards(
        act: impl FnOnce(&mut World) -> Result<(), String> + Send + 'static,
    ) -> Afterwards {
        Box::new(act)
    }

    /// Begins a piece of work in a server and lets it run until it waits or ends.
    pub async fn work(
        &mut self,
        node: usize,
        what: &str,
        work: impl Future<Output = Afterwards> + Send + 'static,
    ) -> Result<(), String> {
        self.note(format!("node {node}: {what}"));
        let boot = self.nodes[node].boot();
        let had_lease = boot.is_none_or(|boot| self.has_lease(boot));
        let events = self.events_in.clone();
        let task = tokio::spawn(async move {
            let ended = work.await;
            events.send(Event::Ends(ended)).unwrap_or_default();
        });
        self.works_begun += 1;
        let work = Work {
            node,
            what: what.to_owned(),
            task,
            gate: None,
            had_lease,
        };
        self.works.insert(self.works_begun, work);
        self.follow(self.works_begun).await
    }

    /// Lets a waiting piece of work go on.
    pub async fn go_on(&mut self, id: u64) -> Result<(), String> {
        let Some(work) = self.works.get_mut(&id) else {
            return Ok(());
        };
        let (what, node) = (work.what.clone(), work.node);
        if let Some(gate) = work.gate.take() {
            self.note(format!("node {node}: {what} goes on"));
            self.open(node, gate);
            self.follow(id).await?;
        }
        Ok(())
    }

    fn open(&self, node: usize, gate: crate::stage::Gate) {
        if self.nodes[node].is_cut() {
            gate.fail();
        } else {
            gate.pass();
        }
    }

    /// Follows the only piece of work that moves, until it waits or ends.
    async fn follow(&mut self, id: u64) -> Result<(), String> {
        loop {
            let event = tokio::time::timeout(STUCK, self.events.recv()).await;
            let Ok(Some(event)) = event else {
                return Err(format!("stuck: {}", self.works[&id].what));
            };
            match event {
                Event::Waits(gate) => {
                    if gate.is_done && gate.write == "recovery.renew" {
                        let leases = Tables::read_leases(&self.db).await;
                        self.model.seen.leases = leases.map_err(|e| e.to_string())?;
                    } else if gate.is_done {
                        self.look(id).await?;
                    }
                    let node = self.works[&id].node;
                    let chance = self.dice.below(100);
                    if self.is_calm || chance < 84 {
                        self.open(node, gate);
                    } else if chance < 97 {
                        let (when, what) = if gate.is_done {
                            (
                                "after",
                                "servers held between a commit and their knowing of it",
                            )
                        } else {
                            ("before", "servers held before a write")
                        };
                        self.count(what);
                        self.note(format!("node {node}: waits {when} {}", gate.write));
                        if let Some(work) = self.works.get_mut(&id) {
                            work.gate = Some(gate);
                        }
                        return Ok(());
                    } else {
                        self.note(format!("node {node}: {} is lost", gate.write));
                        self.count(if gate.is_done {
                            "commits that their server never learnt of"
                        } else {
                            "writes that failed"
                        });
                        gate.fail();
                    }
                }
                Event::Ends(act) => {
                    self.rest().await;
                    self.take_from_wire()?;
                    self.works.remove(&id);
                    return act(self);
                }
            }
        }
    }

    /// Lets everything that can move without the database come to rest.
    pub async fn rest(&mut self) {
        for _ in 0..12 {
            tokio::task::yield_now().await;
        }
    }

    /// Judges what the last transaction did.
    async fn look(&mut self, id: u64) -> Result<(), String> {
        self.time_passed();
        let tables = Tables::read(&self.db).await.map_err(|e| e.to_string())?;
        let had_lease = self.works[&id].had_lease;
        self.model.observe(tables, Doing { had_lease })?;
        self.looks += 1;
        if self.looks.is_multiple_of(16) {
            self.audit(Timestamp(0)).await?;
        }
        Ok(())
    }

    /// The product's own audit, and whether everyone is counted once. What must have settled before
    /// `now` is looked at too: with an early `now`, nothing.
    pub async fn audit(&mut self, now: Timestamp) -> Result<(), String> {
        let checked = audit::check::run(&self.db, now).await;
        let broken = audit::check::broken(&checked.map_err(|e| e.to_string())?);
        if !broken.is_empty() {
            return Err(format!("the audit says: {broken:?}"));
        }
        let people: Vec<_> = self.model.seen.people.keys().copied().collect();
        for number in self.model.seen.alerts.keys() {
            let counts = standing::count(&self.db, *number).await;
            let counted: i64 = counts
                .map_err(|e| e.to_string())?
                .iter()
                .map(|(_, count)| count)
                .sum();
            let all = people.iter().filter(|id| id.alert() == *number).count();
            if usize::try_from(counted) != Ok(all) {
                return Err(format!("alert {number} counts {counted} of {all}"));
            }
        }
        Ok(())
    }

    /// Lets time pass, for the database and for every server alike.
    pub fn pass(&mut self, span: Duration) {
        self.clock.advance(span);
        for node in &self.nodes {
            node.clock.advance(span);
        }
        self.note(format!("{} ms pass", span.as_millis()));
        self.time_passed();
    }

    /// Whether the database takes this boot for alive.
    pub fn has_lease(&self, boot: BootId) -> bool {
        let until = self.model.seen.leases.get(&boot);
        !self.is_shared || until.is_none_or(|until| *until >= self.clock.now())
    }

    fn time_passed(&mut self) {
        let now = self.is_shared.then(|| self.clock.now());
        let nodes = &self.nodes;
        let clocks = self
            .boots
            .iter()
            .map(|(boot, node)| (*boot, nodes[*node].clock.now()))
            .collect();
        self.model.time_passed(now, &clocks);
    }

    /// A defect is one even where the faults are to blame.
    pub fn no_defect(&mut self, error: Option<Error>) -> Result<(), String> {
        match error {
            None => Ok(()),
            Some(error @ (Error::NotSaved(_) | Error::Unavailable(_) | Error::InDoubt(_)))
                if !self.is_calm =>
            {
                self.note(format!("failed: {error}"));
                Ok(())
            }
            Some(defect) => Err(format!("a part of a server failed: {defect}")),
        }
    }

    /// Every provider behaves so from now on.
    pub fn set_mood(&mut self, mood: Mood) {
        for provider in &mut self.providers {
            provider.mood = mood;
        }
    }
}

/// A server whose clock is nearly right, or not.
fn node(dice: &mut Dice) -> Node {
    let skew = if dice.percent(20) { 90_000 } else { 1000 };
    let ahead = dice.millis(0, 2 * skew).as_millis();
    let now = START.0 + i64::try_from(ahead).unwrap() - i64::try_from(skew).unwrap();
    Node {
        clock: Clock::fake(Timestamp(now)),
        up: None,
        is_asleep: false,
    }
}

/// Approves every template of the simulation.
pub async fn approve(db: &Db) {
    let shelf = muster::template::load::shelf(Some("tests/simulation/templates".as_ref()));
    assert!(shelf.problems.is_empty(), "{:?}", shelf.problems);
    let approved: Result<(), Error> = db
        .write("simulation.approve", move |tx| {
            Box::pin(async move {
                for one in &shelf.templates {
                    approvals::insert(tx, &one.name, &one.hash, START, "test").await?;
                }
                Ok(())
            })
        })
        .await;
    approved.unwrap();
}
