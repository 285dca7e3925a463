//! What providers do with what lies on the wire, and what they say of it later.

use std::time::Duration;

use muster::alert::words::Mode;
use muster::callback;
use muster::channel::{Accepted, Callback, Failure};

use crate::gateway::{Copy, Fate, Flying, Mood, Provider, TOKEN};
use crate::node::Work;
use crate::world::World;

/// An adapter gives up by then.
const TIME_OUT: i64 = 60_000;

impl World {
    /// Takes over what the servers have put on the wire, in an order that no thread decides.
    pub fn take_from_wire(&mut self) -> Result<(), String> {
        let mut posted = std::mem::take(&mut *self.wire.lock().unwrap());
        posted.sort_by_key(|one| one.what);
        for one in posted {
            self.note(format!("arrives {:?} at {}", one.what, one.gateway));
            if one.mode == Mode::Exercise && !self.providers[one.gateway].common.exercises {
                return Err(format!("the drill {:?} reached a live gateway", one.what));
            }
            let boot = self.nodes[one.node].boot();
            let own_now = self.nodes[one.node].clock.now();
            let has_lease = boot.is_some_and(|boot| self.has_lease(boot));
            self.model
                .arrived(one.what, boot, &one.text, own_now, has_lease)?;
            self.flying.push(Flying {
                posted: one,
                taken: None,
                since: self.clock.now().0,
            });
        }
        Ok(())
    }

    /// A provider does something with one of the messages on the wire.
    pub async fn move_on_wire(&mut self) {
        if self.flying.is_empty() {
            return;
        }
        let index = self.dice.below(self.flying.len());
        let provider = &self.providers[self.flying[index].posted.gateway];
        let mood = provider.mood;
        if self.flying[index].taken.is_some() {
            match (mood, self.dice.below(10)) {
                (Mood::Good, _) | (_, 0..5) => self.answer_well(index).await,
                (_, 5..8) => self.answer(index, Failure::unknown("no answer")).await,
                _ => {} // silence, for now
            }
            return;
        }
        if provider.dead.contains(&self.flying[index].posted.to) {
            self.answer(index, Failure::person("no such number")).await;
            return;
        }
        match mood {
            Mood::Good => self.take(index),
            Mood::Busy => {
                let wish = self.dice.percent(50).then(|| self.dice.millis(500, 20_000));
                let busy = Failure::try_again("busy").after(wish);
                self.answer(index, busy).await;
            }
            Mood::Closed => self.answer(index, Failure::refused_us("no credit")).await,
            Mood::Rude => match self.dice.below(12) {
                0..6 => self.take(index),
                6 => self.answer(index, Failure::try_again("full")).await,
                7 => self.answer(index, Failure::person_for_now("off")).await,
                8 => self.answer(index, Failure::no_way("no route")).await,
                9 => self.answer(index, Failure::unknown("reset")).await,
                _ => {} // it hangs
            },
        }
    }

    /// The provider takes it: from here on it is in its book, whatever anybody is told.
    fn take(&mut self, index: usize) {
        let fate = match self.dice.below(10) {
            0..6 => Fate::Delivered,
            6..8 => Fate::Failed,
            _ => Fate::Silent,
        };
        let posted = &self.flying[index].posted;
        let what = posted.what;
        let copy = Copy {
            what,
            gateway: posted.gateway,
            id: format!("g{}", self.model.book.len()),
            to: posted.to.clone(),
            token: posted.token.clone(),
            fate,
        };
        self.count("messages taken by a provider");
        if self.model.copies(what.0) > 0 {
            self.count("second copies");
        }
        self.flying[index].taken = Some(self.model.book.len());
        self.model.book.push(copy);
        self.note(format!("taken {what:?}"));
    }

    /// Takes it, if that is still to be done, and says so.
    pub async fn answer_well(&mut self, index: usize) {
        if self.flying[index].taken.is_none() {
            let posted = &self.flying[index].posted;
            if self.providers[posted.gateway].dead.contains(&posted.to) {
                return self.answer(index, Failure::person("no such number")).await;
            }
            self.take(index);
        }
        let Some(copy) = self.flying[index].taken else {
            return;
        };
        let accepted = Accepted {
            gateway_id: self.model.book[copy].id.clone(),
            sent: self.dice.percent(10),
        };
        self.tell(index, Ok(accepted)).await;
    }

    async fn answer(&mut self, index: usize, failure: Failure) {
        self.tell(index, Err(failure)).await;
    }

    /// The sender hears it, if it lives; a sleeping one hears it when it wakes.
    async fn tell(&mut self, index: usize, said: Result<Accepted, Failure>) {
        let node = self.flying[index].posted.node;
        if self.nodes[node].is_asleep {
            return;
        }
        let flying = self.flying.swap_remove(index);
        let what = flying.posted.what;
        self.note(format!("told of {what:?}: {said:?}"));
        if let Err(failure) = &said {
            use muster::channel::{Certainty, Scope};
            let is_unknown = failure.certainty == Certainty::Ambiguous;
            self.count(if is_unknown {
                "unknown outcomes"
            } else {
                "refusals"
            });
            if is_unknown {
                self.model.excused.insert(what);
            } else {
                self.model.refused.insert(what);
            }
            if failure.is_permanent() && failure.scope != Scope::Configuration {
                self.model.hopeless.insert(what.0);
            }
        }
        // Nobody listens any more where the server is gone.
        flying.posted.reply.send(said).unwrap_or_default();
        self.rest().await;
    }

    /// Time passes: no adapter waits longer than its time-out.
    pub async fn pass_and_time_out(&mut self, span: Duration) {
        let until = self.clock.now().after(span).0;
        let is_late = |one: &Flying| until - one.since > TIME_OUT;
        while let Some(index) = self
            .flying
            .iter()
            .position(|one| is_late(one) && !self.nodes[one.posted.node].is_asleep)
        {
            self.answer(index, Failure::unknown("timed out")).await;
        }
        self.pass(span);
    }

    /// A provider says something of a message that it took, or someone else pretends to.
    pub async fn send_receipt(&mut self) -> Result<(), String> {
        let Some(copy) = self.dice.pick(&self.model.book) else {
            return Ok(());
        };
        let status = match (copy.fate, self.dice.below(4)) {
            (Fate::Delivered, 2..) => "delivered",
            (Fate::Failed, 2..) => "failed",
            (_, 0) => "accepted",
            _ => "sent",
        };
        let mut gateway = copy.gateway;
        let mut reference = self
            .dice
            .percent(60)
            .then(|| format!("{}.{}", copy.what.0, copy.what.1));
        let (mut token, mut id, mut status) = (TOKEN, copy.id.as_str(), status);
        match self.dice.below(20) {
            // Someone else, who does not know the token.
            0 => (token, status) = ("guessed", "delivered"),
            // About a message that nobody knows.
            1 => (id, status, reference) = ("unheard-of", "delivered", None),
            // A provider speaks of a message that another one had.
            2 => {
                let channel = self.providers[gateway].common.channel;
                let other = |one: &Provider| one.common.channel != channel;
                if let Some(index) = self.providers.iter().position(other) {
                    (gateway, status) = (index, "delivered");
                }
            }
            _ => {}
        }
        let query = receipt(token, id, status, reference);
        self.call_back(gateway, query, true).await
    }

    /// A provider says how each of its messages ended.
    pub async fn send_last_receipts(&mut self) -> Result<(), String> {
        for copy in self.model.book.clone() {
            let status = match copy.fate {
                Fate::Delivered => "delivered",
                Fate::Failed => "failed",
                Fate::Silent => continue,
            };
            let reference = format!("{}.{}", copy.what.0, copy.what.1);
            let query = receipt(TOKEN, &copy.id, status, Some(reference));
            self.call_back(copy.gateway, query, true).await?;
        }
        Ok(())
    }

    /// Something comes to a server's callback address.
    pub async fn call_back(
        &mut self,
        gateway: usize,
        query: Vec<(&str, String)>,
        is_receipt: bool,
    ) -> Result<(), String> {
        let Some((node, app)) = self.some_open() else {
            return Ok(());
        };
        // A server writes down one batch of receipts after the other.
        let is_receipts = |work: &Work| work.node == node && work.what.starts_with("receipt");
        if is_receipt && self.works.values().any(is_receipts) {
            return Ok(());
        }
        let name = self.providers[gateway].common.name.clone();
        let query: Vec<(String, String)> = query
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let kind = if is_receipt { "receipt" } else { "text" };
        let what = format!("{kind} {name} {query:?}");
        let callback = Callback {
            method: "POST".to_owned(),
            url: String::new(),
            headers: Vec::new(),
            query,
            body: Vec::new(),
            at: self.clock.now(),
        };
        let taking = async move {
            let taken = if is_receipt {
                callback::status(&app, &name, &callback).await
            } else {
                callback::inbound(&app, &name, &callback).await
            };
            World::afterwards(move |world| match taken {
                Err(callback::CallbackFailure::Storage(error)) => world.no_defect(Some(error)),
                Err(_) => {
                    world.count("forged callbacks");
                    Ok(())
                }
                Ok(()) => {
                    world.count(if is_receipt {
                        "receipts"
                    } else {
                        "texts from people"
                    });
                    Ok(())
                }
            })
        };
        self.work(node, &what, taking).await
    }
}

/// The query of a receipt.
fn receipt(
    token: &str,
    id: &str,
    status: &str,
    reference: Option<String>,
) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("token", token.to_owned()),
        ("id", id.to_owned()),
        ("status", status.to_owned()),
    ];
    query.extend(reference.map(|reference| ("ref", reference)));
    query
}
