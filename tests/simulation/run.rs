//! One seed: first everything goes wrong, then nothing does any more.

use std::time::Duration;

use muster::alert::words::AlertState;
use muster::audit;
use muster::clock::Timestamp;
use muster::storage::deliveries::DeliveryState as S;

use crate::gateway::{Copy, Fate, Mood};
use crate::node::Part;
use crate::tables::Row;
use crate::world::World;

/// A message whose alert still has this long when the faults stop is delivered: time enough for the
/// longest pause between tries, for an answer that is waited for, and for a server to be given up.
const ENOUGH: Duration = Duration::from_mins(8);
/// Every alert is over by so many virtual minutes after the faults have stopped.
const OVER: Duration = Duration::from_mins(40);
/// Urgencies below this are life-safety.
const RESENT: i32 = 20;

impl World {
    /// Everything goes wrong, for a while or for ever.
    pub async fn suffer(&mut self) -> Result<(), String> {
        let steps = 40 + self.dice.below(110);
        for node in 0..self.nodes.len() {
            self.start(node).await?;
        }
        self.launch().await?;
        for _ in 0..steps {
            self.suffer_once().await?;
        }
        self.audit(Timestamp(0)).await
    }

    async fn suffer_once(&mut self) -> Result<(), String> {
        match self
            .dice
            .weighted(&[34, 14, 22, 7, 4, 3, 2, 3, 3, 14, 9, 3])
        {
            0 => {
                let node = self.dice.below(self.nodes.len());
                let parts = self.idle_parts(node);
                match self.dice.pick(&parts) {
                    Some(part) => self.step(node, part).await,
                    None => Ok(()),
                }
            }
            1 => {
                let waiting: Vec<u64> = self
                    .works
                    .iter()
                    .filter(|(_, work)| !self.nodes[work.node].is_asleep)
                    .map(|(id, _)| *id)
                    .collect();
                match self.dice.pick(&waiting) {
                    Some(id) => self.go_on(id).await,
                    None => Ok(()),
                }
            }
            2 => {
                self.move_on_wire().await;
                Ok(())
            }
            3 => self.send_receipt().await,
            4 => self.answer_by_link().await,
            5 => self.answer_by_text().await,
            6 => self.answer_on_behalf().await,
            7 => self.launch().await,
            8 => self.manage().await,
            9 => {
                if self.dice.percent(8) {
                    self.pass_to_an_end().await;
                    return Ok(());
                }
                let (least, most) = [
                    (50, 500),
                    (1000, 3000),
                    (4000, 16_000),
                    (30_000, 120_000),
                    (120_000, 400_000),
                ][self.dice.weighted(&[38, 30, 20, 9, 3])];
                let span = self.dice.millis(least, most);
                self.pass_and_time_out(span).await;
                Ok(())
            }
            10 => self.break_or_mend().await,
            _ => {
                let moods = [Mood::Good, Mood::Rude, Mood::Rude, Mood::Busy, Mood::Closed];
                let index = self.dice.below(self.providers.len());
                self.providers[index].mood = moods[self.dice.below(moods.len())];
                Ok(())
            }
        }
    }

    /// Time passes until about when an alert's time is over.
    async fn pass_to_an_end(&mut self) {
        let now = self.clock.now();
        let alerts = self.model.seen.alerts.values();
        let ends: Vec<Timestamp> = alerts
            .map(|alert| alert.expires_at)
            .filter(|at| *at > now)
            .collect();
        if let Some(end) = self.dice.pick(&ends) {
            let about = self.dice.millis(0, 5000);
            let span = end.after(about).before(Duration::from_secs(3)).since(now);
            self.pass_and_time_out(span).await;
        }
    }

    /// Something happens to a server; to one that is down or asleep, mostly something good.
    async fn break_or_mend(&mut self) -> Result<(), String> {
        let node = self.dice.below(self.nodes.len());
        let is_up = self.nodes[node].up.is_some();
        if !is_up {
            return self.start(node).await;
        }
        if self.nodes[node].is_asleep {
            self.note(format!("node {node} wakes"));
            self.nodes[node].is_asleep = false;
            return Ok(());
        }
        if self.nodes[node].is_cut() {
            self.cut(node, false);
            return Ok(());
        }
        match self.dice.below(4) {
            0 => {
                self.count("kills");
                self.note(format!("node {node} is killed"));
                self.kill(node).await;
            }
            1 => {
                self.count("sleeps");
                self.note(format!("node {node} falls asleep"));
                self.nodes[node].is_asleep = true;
            }
            2 => {
                self.count("servers cut off");
                self.cut(node, true);
            }
            _ => {
                self.count("orderly ends");
                self.note(format!("node {node} is ended"));
                self.end(node).await?;
            }
        }
        Ok(())
    }

    fn cut(&mut self, node: usize, is_cut: bool) {
        self.note(format!("node {node} is cut off: {is_cut}"));
        if let Some(up) = &self.nodes[node].up {
            let order = std::sync::atomic::Ordering::SeqCst;
            up.way.is_cut.store(is_cut, order);
        }
    }

    /// The faults stop: within bounded time every alert ends with everyone explained.
    pub async fn recover(&mut self) -> Result<(), String> {
        self.note("the faults stop");
        let stopped = self.clock.now();
        self.is_calm = true;
        self.set_mood(Mood::Good);
        for node in 0..self.nodes.len() {
            self.cut(node, false);
            self.nodes[node].is_asleep = false;
        }
        let waiting: Vec<u64> = self.works.keys().copied().collect();
        for id in waiting {
            self.go_on(id).await?;
        }
        // One server may have to do it alone.
        if self.dice.percent(50) {
            for node in 1..self.nodes.len() {
                self.kill(node).await;
            }
        } else {
            for node in 1..self.nodes.len() {
                if self.nodes[node].up.is_none() {
                    self.start(node).await?;
                }
            }
        }
        if self.nodes[0].up.is_none() {
            self.start(0).await?;
        }
        let pauses = [1, 1, 2, 5, 5, 6, 10, 15, 15];
        let mut pauses = pauses.into_iter().chain(std::iter::repeat(90));
        while self.clock.now() < stopped.after(OVER) {
            self.carry_out().await?;
            let mut alerts = self.model.seen.alerts.values();
            if alerts.all(|alert| alert.state != AlertState::Running)
                && self.model.seen.rows.values().all(is_closed)
            {
                self.send_last_receipts().await?;
                return self.account(stopped).await;
            }
            self.pass(Duration::from_secs(pauses.next().unwrap_or(90)));
        }
        let left = self.model.seen.rows.values().find(|row| !is_closed(row));
        Err(format!("after {OVER:?} something is still open: {left:?}"))
    }

    /// Every part of every server makes steps until nothing is left to do now.
    async fn carry_out(&mut self) -> Result<(), String> {
        loop {
            self.worked = false;
            for node in 0..self.nodes.len() {
                for part in [Part::Recovery, Part::Escalation] {
                    self.step(node, part).await?;
                }
                for lane in 0..self.providers.len() {
                    self.step(node, Part::Lane(lane)).await?;
                }
            }
            while !self.flying.is_empty() {
                self.answer_well(0).await;
                self.worked = true;
            }
            if !self.worked {
                return Ok(());
            }
        }
    }

    /// At the end every message is explained by what the providers and the people did.
    async fn account(&mut self, stopped: Timestamp) -> Result<(), String> {
        self.audit(self.clock.now().after(Duration::from_mins(2)))
            .await?;
        let verdict = audit::verify(&self.db).await.map_err(|e| e.to_string())?;
        if !verdict.problems.is_empty() {
            return Err(format!("the chain is broken: {:?}", verdict.problems));
        }
        let told: Vec<_> = self.launches.iter().filter_map(|one| one.told).collect();
        let begun = self.model.seen.alerts.values();
        let begun: Vec<_> = begun.filter(|one| one.kind == "alert").collect();
        if told.iter().any(|id| !begun.iter().any(|one| one.id == *id))
            || begun.len() > self.launches.len()
        {
            return Err(format!("{} launches made {begun:?}", self.launches.len()));
        }
        for row in self.model.seen.rows.clone().values() {
            self.explain(row, stopped)?;
            self.count(row.state.word());
            if row.possible_duplicate {
                self.count("possible duplicates");
            }
        }
        Ok(())
    }

    /// Whether a day's messages may be used up for it.
    fn is_capped(&self, row: &Row) -> bool {
        let providers = self.providers.iter();
        let mut own = providers.filter(|one| one.common.channel == row.channel);
        row.urgency >= RESENT && own.any(|one| one.common.daily_cap.is_some())
    }

    fn explain(&self, row: &Row, stopped: Timestamp) -> Result<(), String> {
        let had_time = row.expires_at >= stopped.after(ENOUGH);
        let stands = self.model.seen.alerts[&row.alert].state;
        let answered = |person| self.model.seen.people[&person].is_some();
        let is_explained = match row.state {
            S::Accepted | S::Sent => self.model.copies(row.id) > 0,
            S::Delivered => self.model.has_fate(row.id, Fate::Delivered),
            S::Failed => {
                let is_last = |copy: &&Copy| copy.what == row.last_try();
                let last = self.model.book.iter().find(is_last);
                last.map_or(self.model.hopeless.contains(&row.id), |copy| {
                    copy.fate == Fate::Failed
                })
            }
            S::InDoubt => {
                row.urgency >= RESENT
                    || !had_time
                    || stands == AlertState::Stopped
                    || answered(row.recipient)
            }
            S::Expired => !had_time || self.is_capped(row),
            S::Cancelled => stands == AlertState::Stopped || answered(row.recipient),
            S::Excluded => row.attempts == 0 || row.reason.as_deref() == Some("opted out"),
            S::Queued | S::Sending => false,
        };
        let must_be_delivered = self.model.has_fate(row.id, Fate::Delivered);
        if !is_explained || (must_be_delivered && !matches!(row.state, S::Delivered | S::Excluded))
        {
            return Err(format!("not explained in the end: {row:?}"));
        }
        Ok(())
    }
}

/// Nothing of it is on its way.
fn is_closed(row: &Row) -> bool {
    !matches!(row.state, S::Queued | S::Sending)
}
