//! The reference: what may follow what, in values alone. It knows the providers' own books and what
//! each server was told, looks at the tables after every transaction, and says what must not be.

use std::collections::{BTreeMap, BTreeSet};

use muster::alert::words::AlertState;
use muster::clock::Timestamp;
use muster::ids::{AlertId, AlertNumber, BootId, DeliveryId, RecipientId, ResponseId};
use muster::storage::deliveries::DeliveryState as S;
use muster::storage::responses::Via;

use crate::gateway::{Copy, Fate, Try};
use crate::tables::{Row, Tables};

/// No exchange with a gateway is said to last longer; a server may give up on its own after that.
const LONGEST_EXCHANGE: i64 = 180_000;

/// Who did what is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Doing {
    /// The server held its lease when this piece of work began.
    pub had_lease: bool,
}

/// All that must be remembered to judge.
#[derive(Default)]
pub struct Model {
    /// As the tables were after the last transaction.
    pub seen: Tables,
    /// What the providers took, in order.
    pub book: Vec<Copy>,
    /// Tries that came to a provider.
    pub arrived: BTreeSet<Try>,
    /// Tries whose outcome their sender could not know: it died, slept, was cut off, or got no
    /// clear answer.
    pub excused: BTreeSet<Try>,
    /// Tries that a provider refused for certain.
    pub refused: BTreeSet<Try>,
    /// Messages that a provider will never take.
    pub hopeless: BTreeSet<DeliveryId>,
    /// Answers that someone was told are recorded.
    pub promised: BTreeSet<ResponseId>,
    /// How many answers people tried to give in this way; a text that comes twice is one.
    pub tried_to_answer: BTreeMap<Via, usize>,
    /// Texts that people sent, by the provider and its name for them.
    pub texted: BTreeSet<(usize, String)>,
    /// Claims that were taken back.
    pub put_back: u64,
    claims: BTreeMap<Try, BootId>,
    texts: BTreeMap<DeliveryId, String>,
    called_off: BTreeSet<DeliveryId>,
}

impl Model {
    /// How many copies of a message the providers took.
    pub fn copies(&self, delivery: DeliveryId) -> usize {
        self.book
            .iter()
            .filter(|copy| copy.what.0 == delivery)
            .count()
    }

    /// Whether a provider says of a copy that it came to this.
    pub fn has_fate(&self, delivery: DeliveryId, fate: Fate) -> bool {
        self.book
            .iter()
            .any(|copy| copy.what.0 == delivery && copy.fate == fate)
    }

    /// The boot is no more: whatever it was sending, nobody knows.
    pub fn died(&mut self, boot: BootId) {
        let lost = self.seen.sending().filter(|row| row.boot == Some(boot));
        self.excused.extend(lost.map(Row::last_try));
    }

    /// Time has passed: whoever lost its lease, or slept through an exchange, may be given up.
    pub fn time_passed(&mut self, now: Option<Timestamp>, clocks: &BTreeMap<BootId, Timestamp>) {
        let lost = |row: &&Row| {
            let Some(boot) = row.boot else { return false };
            let lease = self.seen.leases.get(&boot);
            let is_dead = now.is_some_and(|now| lease.is_some_and(|until| *until < now));
            let began = row.sending_at.map_or(0, |at| at.0);
            let is_old = clocks
                .get(&boot)
                .is_some_and(|own| own.0 - began >= LONGEST_EXCHANGE);
            is_dead || is_old
        };
        let lost: Vec<Try> = self
            .seen
            .sending()
            .filter(lost)
            .map(Row::last_try)
            .collect();
        self.excused.extend(lost);
    }

    /// A message came to a provider.
    pub fn arrived(
        &mut self,
        what: Try,
        boot: Option<BootId>,
        text: &str,
        own_now: Timestamp,
        has_lease: bool,
    ) -> Result<(), String> {
        if !has_lease {
            return Err(format!("{what:?} was sent without a lease"));
        }
        if self.claims.get(&what) != boot.as_ref() || boot.is_none() {
            return Err(format!("{what:?} was sent without a claim of its sender"));
        }
        if !self.arrived.insert(what) {
            return Err(format!("{what:?} was sent twice"));
        }
        let row = &self.seen.rows[&what.0];
        if row.expires_at <= own_now {
            return Err(format!("{what:?} was sent after the alert's time"));
        }
        let first = self.texts.entry(what.0).or_insert_with(|| text.to_owned());
        if *first != text {
            return Err(format!(
                "{what:?} differs from the first try: {first} / {text}"
            ));
        }
        Ok(())
    }

    /// A transaction was committed: judges what it did.
    pub fn observe(&mut self, next: Tables, doing: Doing) -> Result<(), String> {
        for (id, row) in &next.rows {
            match self.seen.rows.get(id).cloned() {
                Some(before) if before == *row => {}
                Some(before) => self.changed(&before, row, doing)?,
                None if row.attempts == 0 && matches!(row.state, S::Queued | S::Excluded) => {}
                None => return Err(format!("it was born wrong: {row:?}")),
            }
            self.judge(row)?;
        }
        if let Some(gone) = self.seen.rows.keys().find(|id| !next.rows.contains_key(id)) {
            return Err(format!("message {gone} vanished"));
        }
        self.answers(&next)?;
        for (number, alert) in &self.seen.alerts {
            let now = next.alerts.get(number).map(|alert| alert.state);
            if now.is_none() || (alert.state != AlertState::Running && now != Some(alert.state)) {
                return Err(format!("alert {number} went from {alert:?} to {now:?}"));
            }
        }
        self.seen = next;
        Ok(())
    }

    fn changed(&mut self, before: &Row, row: &Row, doing: Doing) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{what}: {before:?} became {row:?}"));
        if before.possible_duplicate && !row.possible_duplicate {
            return wrong("a mark was lost");
        }
        // One that was put in doubt meanwhile may be put back and claimed again at the same instant: what
        // a slow turn knows is as old as the turn.
        let is_new_claim = before.state == S::InDoubt
            || (&before.boot, &before.gateway, before.sending_at)
                != (&row.boot, &row.gateway, row.sending_at);
        if row.attempts > before.attempts || (row.state == S::Sending && is_new_claim) {
            return self.claimed(before, row, doing);
        }
        if row.attempts < before.attempts {
            return self.not_begun(before, row);
        }
        if row.state == S::Queued && row.closed_at.is_some() {
            return wrong("closed, and waits to be sent");
        }
        let is_taken = matches!(row.state, S::Accepted | S::Sent);
        let is_known = before.possible_duplicate && self.arrived.contains(&row.last_try());
        if before.state == S::Queued && is_taken && !is_known {
            return wrong("taken without having been handed over");
        }
        if !may_follow(before.state, row.state) {
            return wrong("a state that cannot follow");
        }
        if row.state == S::InDoubt
            && before.state != S::InDoubt
            && !self.excused.contains(&row.last_try())
        {
            return wrong("put in doubt while its sender lives and knows");
        }
        if before.state == S::InDoubt && row.state == S::Queued && !row.possible_duplicate {
            let was_told = self.refused.contains(&row.last_try());
            if !was_told {
                return wrong("sent again without a mark");
            }
        }
        Ok(())
    }

    /// A gateway's lane took it up.
    fn claimed(&mut self, before: &Row, row: &Row, doing: Doing) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{what}: {before:?} became {row:?}"));
        let from = matches!(before.state, S::Queued | S::Sending | S::InDoubt);
        if row.attempts == before.attempts {
            // It was put back and claimed again in one transaction.
            self.not_begun(before, row)?;
        } else if row.attempts != before.attempts + 1 {
            return wrong("a claim that is none");
        }
        if row.state != S::Sending || !from {
            return wrong("a claim that is none");
        }
        let alert = &self.seen.alerts[&row.alert];
        if alert.state != AlertState::Running {
            return wrong("claimed after the alert was over");
        }
        let at = row.sending_at.unwrap_or_default();
        if at >= row.expires_at || (before.state == S::Queued && at < before.due_at) {
            return wrong("claimed at the wrong time");
        }
        if self.called_off.contains(&row.id) {
            return wrong("claimed although the person has answered");
        }
        if !doing.had_lease {
            return wrong("claimed without a lease");
        }
        let may_have_gone = |number| {
            let earlier = (row.id, number);
            self.arrived.contains(&earlier) && !self.refused.contains(&earlier)
        };
        let last = u32::try_from(row.attempts - 1).unwrap_or_default();
        if (1..=last).any(may_have_gone) && !row.possible_duplicate {
            return wrong("sent again without a mark");
        }
        if let Some(boot) = row.boot {
            self.claims.insert(row.last_try(), boot);
        }
        Ok(())
    }

    /// A claim was taken back because nothing of it had begun: its number will be used again.
    fn not_begun(&mut self, before: &Row, row: &Row) -> Result<(), String> {
        let what = before.last_try();
        if self.arrived.contains(&what) {
            return Err(format!("{what:?} is on the wire and was put back: {row:?}"));
        }
        self.put_back += 1;
        self.claims.remove(&what);
        self.excused.remove(&what);
        Ok(())
    }

    /// What must be true of a message at every moment.
    pub fn judge(&self, row: &Row) -> Result<(), String> {
        let copies = self.copies(row.id);
        let excuses = self.excused.iter().filter(|what| what.0 == row.id).count();
        if copies > 1 + excuses {
            return Err(format!("{copies} copies with {excuses} excuses: {row:?}"));
        }
        if copies > 1 && !row.possible_duplicate {
            return Err(format!("{copies} copies without a mark: {row:?}"));
        }
        if matches!(row.state, S::Accepted | S::Sent | S::Delivered) && copies == 0 {
            return Err(format!("no provider took it: {row:?}"));
        }
        Ok(())
    }

    fn answers(&mut self, next: &Tables) -> Result<(), String> {
        for (id, answer) in &self.seen.answers {
            if next.answers.get(id) != Some(answer) {
                return Err(format!("an answer vanished: {answer:?}"));
            }
        }
        if let Some(lost) = self
            .promised
            .iter()
            .find(|id| !next.answers.contains_key(id))
        {
            return Err(format!("answer {lost} was said to be recorded, and is not"));
        }
        for (via, tried) in &self.tried_to_answer {
            let given = next.answers.values().filter(|answer| answer.via == *via);
            if given.count() > *tried {
                return Err(format!("an answer by {via} was invented"));
            }
        }
        let mut first: BTreeMap<RecipientId, Timestamp> = BTreeMap::new();
        // What a machine may have pressed is kept, and is nobody's answer.
        for answer in next.answers.values().filter(|one| !one.maybe_automatic) {
            let at = first.entry(answer.recipient).or_insert(answer.at);
            *at = answer.at.min(*at);
        }
        for (person, answered_at) in &next.people {
            if *answered_at != first.get(person).copied() {
                return Err(format!("{person} answered at {answered_at:?}: {first:?}"));
            }
        }
        for (id, answer) in &next.answers {
            if self.seen.answers.contains_key(id) || answer.maybe_automatic {
                continue;
            }
            // What tells nobody else must not be sent to someone who has answered.
            let own = next.rows.values().filter(|row| {
                row.recipient == answer.recipient
                    && !next
                        .rows
                        .values()
                        .any(|told| told.same_as == Some(row.recipient) && told.alert == row.alert)
            });
            self.called_off.extend(own.map(|row| row.id));
        }
        Ok(())
    }
}

/// The life of a delivery as dispatch.rs tells it, a claim left out.
fn may_follow(before: S, after: S) -> bool {
    before == after
        || match before {
            S::Queued => matches!(
                after,
                S::Accepted | S::Sent | S::Cancelled | S::Expired | S::Excluded | S::Delivered
            ),
            S::Sending => true,
            S::InDoubt => after != S::Sending && after != S::Excluded,
            S::Accepted => matches!(after, S::Sent | S::Delivered | S::Failed),
            S::Sent => matches!(after, S::Delivered | S::Failed),
            S::Failed | S::Expired | S::Cancelled => after == S::Delivered,
            S::Delivered | S::Excluded => false,
        }
}

/// An alert as the outside names it.
pub fn ids(tables: &Tables) -> Vec<(AlertId, AlertNumber)> {
    tables
        .alerts
        .values()
        .map(|one| (one.id, one.number))
        .collect()
}
