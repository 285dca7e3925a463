//! One server: its lanes and loops, each making a step only when the seed says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use muster::alert::words::Language;
use muster::app::App;
use muster::channel::sandbox::Phones;
use muster::clock::Clock;
use muster::config::{Config, Organisation};
use muster::dispatch::lane::Lane;
use muster::dispatch::recovery;
use muster::escalation;
use muster::ids::BootId;
use muster::keys::Keys;

use crate::stage::{Gate, Way};
use crate::world::World;

/// A server, running or not.
pub struct Node {
    /// Its own clock, which need not be right.
    pub clock: Clock,
    pub up: Option<Up>,
    /// Stopped by its machine: nothing in it moves until it goes on.
    pub is_asleep: bool,
}

/// A server that runs.
pub struct Up {
    pub app: App,
    pub way: Arc<Way>,
    pub boot: Option<BootId>,
    /// None while it makes its turn.
    pub lanes: Vec<Option<Box<Lane>>>,
    pub is_recovering: bool,
    pub is_escalating: bool,
}

impl Node {
    /// The boot that it sends as.
    pub fn boot(&self) -> Option<BootId> {
        self.up.as_ref()?.boot
    }

    /// Its service, if people can reach it.
    pub fn open(&self) -> Option<App> {
        let up = self.up.as_ref()?;
        (up.boot.is_some() && !self.is_asleep).then(|| up.app.clone())
    }

    pub fn is_cut(&self) -> bool {
        self.up
            .as_ref()
            .is_some_and(|up| up.way.is_cut.load(Ordering::SeqCst))
    }
}

/// A part of a server that can make a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Lane(usize),
    Recovery,
    Escalation,
}

/// A piece of work under way.
pub struct Work {
    pub node: usize,
    pub what: String,
    pub task: tokio::task::JoinHandle<()>,
    /// Where it waits.
    pub gate: Option<Gate>,
    /// Its server held its lease when it began.
    pub had_lease: bool,
}

impl World {
    /// The parts of a server that could make a step now.
    pub fn idle_parts(&self, node: usize) -> Vec<Part> {
        let Some(up) = &self.nodes[node].up else {
            return Vec::new();
        };
        if up.boot.is_none() || self.nodes[node].is_asleep {
            return Vec::new();
        }
        let lanes = up.lanes.iter().enumerate();
        let mut parts: Vec<Part> = lanes
            .filter(|(_, lane)| lane.is_some())
            .map(|(index, _)| Part::Lane(index))
            .collect();
        if !up.is_recovering {
            parts.push(Part::Recovery);
        }
        if !up.is_escalating {
            parts.push(Part::Escalation);
        }
        parts
    }

    /// Starts a server.
    pub async fn start(&mut self, node: usize) -> Result<(), String> {
        let way = Arc::new(Way {
            events: self.events_in.clone(),
            clock: self.clock.clone(),
            is_shared: self.is_shared,
            is_cut: AtomicBool::new(false),
        });
        let clock = Clock::fake(self.nodes[node].clock.now());
        self.nodes[node].clock = clock.clone();
        let gateways = self
            .providers
            .iter()
            .enumerate()
            .map(|(index, provider)| provider.adapter(index, node, &self.wire))
            .collect();
        let db = self.db.directed(way.clone());
        let phones = Phones::new(clock.clone());
        let keys = Keys::derive(&[7; 32]);
        let app = App::with_gateways(config(), clock, db, keys, phones, gateways);
        self.nodes[node].up = Some(Up {
            app: app.clone(),
            way,
            boot: None,
            lanes: Vec::new(),
            is_recovering: false,
            is_escalating: false,
        });
        let begun = async move {
            let boot = recovery::begin(&app).await;
            World::afterwards(move |world| {
                match boot {
                    Ok(boot) => world.begun(node, boot),
                    // It says why and ends; whoever watches it starts it again.
                    Err(_) => world.nodes[node].up = None,
                }
                Ok(())
            })
        };
        self.work(node, "start", begun).await
    }

    fn begun(&mut self, node: usize, boot: BootId) {
        if let Some(up) = &mut self.nodes[node].up {
            let lanes = up.app.gateways.iter();
            up.lanes = lanes
                .map(|one| Some(Box::new(Lane::new(up.app.clone(), one.clone(), boot))))
                .collect();
            up.boot = Some(boot);
        }
        self.boots.insert(boot, node);
    }

    /// Lets a part of a server make its next step.
    pub async fn step(&mut self, node: usize, part: Part) -> Result<(), String> {
        let Some(up) = &mut self.nodes[node].up else {
            return Ok(());
        };
        let (app, Some(boot)) = (up.app.clone(), up.boot) else {
            return Ok(());
        };
        match part {
            Part::Lane(index) => {
                let Some(mut lane) = up.lanes[index].take() else {
                    return Ok(());
                };
                let turn = async move {
                    let turned = lane.turn().await;
                    World::afterwards(move |world| {
                        world.worked |= matches!(turned, Ok(muster::dispatch::lane::Turn::Worked));
                        if let Some(up) = &mut world.nodes[node].up {
                            up.lanes[index] = Some(lane);
                        }
                        Ok(())
                    })
                };
                self.work(node, &format!("lane {index}"), turn).await
            }
            Part::Recovery => {
                up.is_recovering = true;
                let look = async move {
                    let looked = recovery::turn(&app, boot).await;
                    World::afterwards(move |world| {
                        world.no_defect(looked.err())?;
                        if let Some(up) = &mut world.nodes[node].up {
                            up.is_recovering = false;
                        }
                        Ok(())
                    })
                };
                self.work(node, "recovery", look).await
            }
            Part::Escalation => {
                up.is_escalating = true;
                let plan = async move {
                    let planned = escalation::turn(&app).await;
                    World::afterwards(move |world| {
                        world.worked |= *planned.as_ref().unwrap_or(&false);
                        world.no_defect(planned.err())?;
                        if let Some(up) = &mut world.nodes[node].up {
                            up.is_escalating = false;
                        }
                        Ok(())
                    })
                };
                self.work(node, "escalation", plan).await
            }
        }
    }

    /// Kills a server: whatever it was about to do never happens.
    pub async fn kill(&mut self, node: usize) {
        let mine: Vec<u64> = self
            .works
            .iter()
            .filter(|(_, work)| work.node == node)
            .map(|(id, _)| *id)
            .collect();
        for id in mine {
            if let Some(work) = self.works.remove(&id) {
                work.task.abort();
            }
        }
        if let Some(boot) = self.nodes[node].boot() {
            self.model.died(boot);
        }
        self.nodes[node].up = None;
        self.nodes[node].is_asleep = false;
        self.rest().await;
    }

    /// Ends a server as an upgrade does: what is under way is finished and recorded.
    pub async fn end(&mut self, node: usize) -> Result<(), String> {
        let is_busy = self.works.values().any(|work| work.node == node);
        if is_busy || self.nodes[node].is_asleep || self.nodes[node].is_cut() {
            return Ok(());
        }
        while let Some(index) = self.flying.iter().position(|one| one.posted.node == node) {
            self.answer_well(index).await;
        }
        let was_calm = std::mem::replace(&mut self.is_calm, true);
        let lanes = match &mut self.nodes[node].up {
            Some(up) => std::mem::take(&mut up.lanes),
            None => return Ok(()),
        };
        for mut lane in lanes.into_iter().flatten() {
            let drain = async move {
                lane.drain().await;
                World::afterwards(|_| Ok(()))
            };
            self.work(node, "drain", drain).await?;
        }
        self.is_calm = was_calm;
        let boot = self.nodes[node].boot();
        let sending = self.model.seen.sending().filter(|row| row.boot == boot);
        let mut half_sent = sending.filter(|row| self.model.arrived.contains(&row.last_try()));
        if let Some(row) = half_sent.next().cloned() {
            return Err(format!("an orderly end left this half-sent: {row:?}"));
        }
        drop(half_sent);
        self.kill(node).await;
        Ok(())
    }
}

fn config() -> Config {
    Config {
        public_url: Some("https://alert.clinic.example".to_owned()),
        templates: Some("tests/simulation/templates".into()),
        organisation: Organisation {
            name: "Riverside Clinic".to_owned(),
            region: "CH".to_owned(),
            languages: vec![Language("en".to_owned())],
            ..Organisation::default()
        },
        ..Config::default()
    }
}
