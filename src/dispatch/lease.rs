//! Until when this process may send, where other servers would take over from it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a boot is taken to be alive without a sign of it.
pub(super) const LEASE: Duration = Duration::from_secs(15);

/// How long a stopping lane waits for answers that are under way.
pub(super) const DRAIN: Duration = Duration::from_secs(15);
/// How long the last lease of a stopping process is: as long as its end may take.
pub(super) const LAST_LEASE: Duration = Duration::from_secs(18);

/// Until when this process may claim and send, by its own steady clock: once its lease in the
/// database has run out, another server takes its messages for half-sent and may send them again.
#[derive(Debug, Default)]
pub struct Lease(AtomicU64);

impl Lease {
    /// It was renewed by a request that began at `asked`, before the database set its own end.
    pub(super) fn renew(&self, asked: Duration) {
        let until = u64::try_from((asked + LEASE).as_millis()).unwrap_or(u64::MAX);
        self.0.store(until, Ordering::Release);
    }

    /// Whether it still holds at `now`.
    pub fn holds(&self, now: Duration) -> bool {
        now.as_millis() < u128::from(self.0.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_runs_from_the_moment_that_it_was_asked_for() {
        let lease = Lease::default();
        assert!(!lease.holds(Duration::ZERO), "nobody has asked yet");
        lease.renew(Duration::from_secs(100));
        assert!(lease.holds(Duration::from_secs(114)));
        assert!(!lease.holds(Duration::from_secs(115)));
    }
}
