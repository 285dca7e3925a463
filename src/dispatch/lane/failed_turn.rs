//! What a lane does about a transaction that failed, or whose commit nobody confirmed.

use std::sync::Arc;

use tracing::warn;

use super::{Lane, POLL};
use crate::dispatch::attempt::untried;
use crate::storage::deliveries;
use crate::storage::outcomes::Recorded;

impl Lane {
    /// What could not be written down is written down next time. Nothing is claimed until it is known
    /// what was claimed this time, and what was claimed before goes back: others may have it.
    pub(super) fn take_back(&mut self, results: Arc<Vec<Recorded>>) {
        self.has_lost_claims = true;
        let later = std::mem::replace(&mut self.results, Arc::unwrap_or_clone(results));
        self.results.extend(later);
        self.put_back();
    }

    /// Finds what was claimed without the lane learning of it: the answer to the commit did not come.
    ///
    /// Once nothing of it is on the wire and every result is written down, whatever still stands as
    /// being sent by it was never handed over. It goes back by the usual way of a result, so that a
    /// stop or an answer that came meanwhile counts.
    pub(super) async fn find_lost_claims(&mut self, is_writing: bool) {
        let knows_more = !(self.results.is_empty() && self.ready.is_empty());
        if !self.has_lost_claims || is_writing || knows_more || !self.in_flight.is_empty() {
            return;
        }
        let now = self.now();
        if now < self.rest_until {
            return;
        }
        let gateway = &self.gateway.common.name;
        match deliveries::list_sending(&self.app.db, self.boot, gateway).await {
            Ok(lost) => {
                let at = self.app.clock.now();
                let back = lost
                    .into_iter()
                    .map(|(id, attempt)| untried(id, attempt, at));
                self.results = back.collect();
                self.oldest = now;
                self.has_lost_claims = false;
            }
            Err(error) => {
                warn!(%error, "What a lost commit claimed cannot be looked for");
                self.rest_until = now + POLL;
            }
        }
    }
}
