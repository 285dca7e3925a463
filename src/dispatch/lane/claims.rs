//! How much a lane may claim now: enough that no slot stands empty, never more than it can begin soon.

use super::{LINGER, Lane};
use crate::dispatch::attempt::may_send;
use crate::dispatch::choice;
use crate::storage::deliveries::{ROUTINE, Want};

impl Lane {
    /// How many were claimed and have no instant to be begun at: theirs was missed.
    pub(super) fn owed(&mut self) -> usize {
        let now = self.now();
        match self.rate {
            Some(_) => self.ready.len().saturating_sub(self.permits.left(now)),
            None => 0,
        }
    }

    /// Whether so little is claimed that slots may soon stand empty.
    pub(super) fn is_hungry(&mut self) -> bool {
        self.ready.len() <= self.ahead() / 2 && self.room() > 0
    }

    /// How many are claimed beyond the slots.
    pub(super) fn ahead(&self) -> usize {
        match self.rate {
            Some(rate) => rate.within_horizon(),
            None => self.ahead.count(LINGER),
        }
    }

    /// How many more may be claimed: none while the breaker is open or without a lease.
    pub(super) fn room(&self) -> usize {
        if !may_send(&self.app) || self.has_lost_claims {
            return 0;
        }
        let claimed = self.in_flight.len() + self.ready.len();
        let room = (self.gateway.common.slots + self.ahead()).saturating_sub(claimed);
        room.min(self.health().permits(self.now()))
    }

    /// Slots that only life-safety may use: a slow gateway full of appointments must not keep an
    /// evacuation waiting.
    pub(super) fn reserved(&self) -> usize {
        self.gateway.common.slots / 4
    }

    /// What it may take up now.
    pub(super) fn want(&self) -> Want {
        let common = &self.gateway.common;
        let room = self.room();
        let routine = self.routine
            + self
                .ready
                .iter()
                .filter(|(_, claimed)| claimed.urgency >= ROUTINE)
                .count();
        let for_routine = (common.slots + self.ahead()).saturating_sub(self.reserved() + routine);
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let chosen = choice::choose(&self.app, &self.gateway);
        let is_quiet = self.app.is_quiet(common.channel);
        Want {
            gateway: common.name.clone(),
            channel: common.channel,
            actual: chosen.actual,
            exercise: chosen.exercise,
            share: chosen.share,
            limit: number(room),
            routine: if is_quiet { 0 } else { number(for_routine) },
            is_probe: self.health().is_down(),
            boot: self.boot,
            now: self.app.clock.now(),
        }
    }
}
