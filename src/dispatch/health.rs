//! Says whether a gateway works, and opens its breaker when it does not.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// What counts: attempts of this last span.
const WINDOW: Duration = Duration::from_secs(20);
/// The fewest failures that open the breaker.
const FAILURES: usize = 5;
/// How often one message is tried while it is open.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// Opens after five failures that are at least half of the last 20 seconds' attempts; then lets one
/// message through every five seconds until one is accepted. Pure: time since a fixed moment comes in.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    /// Attempts by the second they ended in: a note costs the same however many there are.
    recent: VecDeque<Second>,
    open_since: Option<Duration>,
    last_probe: Option<Duration>,
    /// It asked to be left alone until then.
    rest_until: Option<Duration>,
}

/// The attempts that ended in one second.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    at: u64,
    all: usize,
    failed: usize,
}

impl Breaker {
    /// Takes note of one attempt.
    pub fn note(&mut self, worked: bool, now: Duration) {
        if worked && self.open_since.is_some() {
            *self = Self {
                rest_until: self.rest_until,
                ..Self::default()
            };
        }
        self.count(worked, now.as_secs());
        let all: usize = self.recent.iter().map(|second| second.all).sum();
        let failures: usize = self.recent.iter().map(|second| second.failed).sum();
        if failures >= FAILURES && failures * 2 >= all {
            self.trip(now);
        }
    }

    fn count(&mut self, worked: bool, at: u64) {
        let oldest = at.saturating_sub(WINDOW.as_secs());
        while self.recent.front().is_some_and(|first| first.at < oldest) {
            self.recent.pop_front();
        }
        if self.recent.back().is_none_or(|last| last.at != at) {
            self.recent.push_back(Second {
                at,
                ..Second::default()
            });
        }
        if let Some(last) = self.recent.back_mut() {
            last.all += 1;
            last.failed += usize::from(!worked);
        }
    }

    /// Opens at once: our account is refused, more attempts only make it worse.
    pub fn trip(&mut self, now: Duration) {
        if self.open_since.is_none() {
            self.open_since = Some(now);
            self.last_probe = Some(now);
        }
    }

    /// Lets nothing through until then: the gateway asked for it. What it takes meanwhile, because it
    /// was under way, changes nothing about that.
    pub fn rest(&mut self, until: Duration) {
        self.rest_until = self.rest_until.max(Some(until));
    }

    /// Whether messages should rather go elsewhere.
    pub fn is_open(&self) -> bool {
        self.open_since.is_some() || self.rest_until.is_some()
    }

    /// How many messages it lets through now.
    pub fn permits(&mut self, now: Duration) -> usize {
        if self.rest_until.is_some_and(|until| now < until) {
            return 0;
        }
        self.rest_until = None;
        match (self.open_since, self.last_probe) {
            (None, _) => usize::MAX,
            (Some(_), Some(last)) if now.saturating_sub(last) < PROBE_EVERY => 0,
            (Some(_), _) => 1,
        }
    }

    /// Takes note that a probe goes out.
    pub fn probe(&mut self, now: Duration) {
        if self.open_since.is_some() {
            self.last_probe = Some(now);
        }
    }
}

/// How one gateway fares; shared by its lane, the pages and the metrics.
#[derive(Debug, Default)]
pub struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    breaker: Breaker,
    facts: Facts,
}

/// What people see of a gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether its breaker is open: messages wait, or go to another gateway.
    pub is_down: bool,
    /// Since when it has not worked; none if it does, or only rests as long as it asked to.
    pub down_since: Option<Timestamp>,
    /// Whether it does not work because it refuses our account or settings.
    pub is_refused: bool,
    /// Callbacks in its name since the start that it cannot have sent.
    pub forged: u64,
    /// Messages it took since the start.
    pub accepted: u64,
    /// Attempts that failed since the start.
    pub failed: u64,
    /// When it last took one.
    pub last_accepted: Option<Timestamp>,
    /// The last trouble, in words.
    pub last_failure: Option<(Timestamp, String)>,
}

impl State {
    fn worked(&mut self, now: Duration) {
        self.breaker.note(true, now);
        if self.breaker.open_since.is_none() {
            self.facts.down_since = None;
            self.facts.is_refused = false;
        }
    }
}

impl Health {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// It took a message.
    pub fn accepted(&self, now: Duration, at: Timestamp) {
        self.with(|state| {
            state.worked(now);
            state.facts.accepted += 1;
            state.facts.last_accepted = Some(at);
        });
    }

    /// It refused one person: it works.
    pub fn refused_person(&self, now: Duration) {
        self.with(|state| {
            state.worked(now);
            state.facts.failed += 1;
        });
    }

    /// An attempt failed, and not because of the person. `trip` opens the breaker at once.
    pub fn failed(&self, trip: bool, reason: &str, now: Duration, at: Timestamp) {
        self.with(|state| {
            state.breaker.note(false, now);
            if trip {
                state.breaker.trip(now);
            }
            if state.breaker.open_since.is_some() {
                state.facts.down_since.get_or_insert(at);
                state.facts.is_refused |= trip;
            }
            state.facts.failed += 1;
            state.facts.last_failure = Some((at, reason.to_owned()));
        });
    }

    /// Someone posted a callback in its name without its signature or token.
    pub fn forged(&self) {
        self.with(|state| state.facts.forged += 1);
    }

    /// It asked to be left alone for that long.
    pub fn rest(&self, wish: Duration, now: Duration) {
        self.with(|state| state.breaker.rest(now + wish));
    }

    /// Whether messages should rather go elsewhere.
    pub fn is_down(&self) -> bool {
        self.with(|state| state.breaker.is_open())
    }

    /// How many messages may go now.
    pub fn permits(&self, now: Duration) -> usize {
        self.with(|state| state.breaker.permits(now))
    }

    /// Messages go now.
    pub fn going(&self, now: Duration) {
        self.with(|state| state.breaker.probe(now));
    }

    /// For the page.
    pub fn facts(&self) -> Facts {
        self.with(|state| Facts {
            is_down: state.breaker.is_open(),
            ..state.facts.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn five_failures_open_the_breaker_and_one_acceptance_closes_it() {
        let mut breaker = Breaker::default();
        for second in 0..5 {
            assert_eq!(breaker.permits(at(second)), usize::MAX);
            breaker.note(false, at(second));
        }
        assert!(breaker.is_open());
        assert_eq!(breaker.permits(at(8)), 0);
        assert_eq!(breaker.permits(at(9)), 1);
        breaker.probe(at(9));
        assert_eq!(breaker.permits(at(10)), 0);
        breaker.note(true, at(10));
        assert_eq!(breaker.permits(at(10)), usize::MAX);
    }

    #[test]
    fn a_gateway_that_asks_for_a_pause_gets_it_whatever_it_takes_meanwhile() {
        let mut breaker = Breaker::default();
        breaker.note(false, at(0));
        breaker.rest(at(20));
        breaker.rest(at(10));
        breaker.note(true, at(1));
        assert!(breaker.is_open());
        assert_eq!(breaker.permits(at(19)), 0);
        assert_eq!(breaker.permits(at(20)), usize::MAX);
        assert!(!breaker.is_open());
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut breaker = Breaker::default();
        for second in 0..4 {
            breaker.note(false, at(second));
        }
        breaker.note(false, at(40));
        assert!(!breaker.is_open());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Against a list of everything that happened, which is looked through each time.
        #[test]
        fn the_breaker_does_what_its_sentence_says(
            steps in proptest::collection::vec((0_u64..9_000, any::<bool>(), any::<bool>()), 1..60),
        ) {
            let (mut breaker, mut now) = (Breaker::default(), Duration::ZERO);
            let mut ended: Vec<(u64, bool)> = Vec::new();
            let mut probed: Option<Duration> = None;
            for (pause, worked, is_asked) in steps {
                now += Duration::from_millis(pause);
                if is_asked {
                    let permits = match probed {
                        None => usize::MAX,
                        Some(last) => usize::from(now >= last + PROBE_EVERY),
                    };
                    prop_assert_eq!(breaker.permits(now), permits);
                    if permits == 1 {
                        breaker.probe(now);
                        probed = Some(now);
                    }
                }
                breaker.note(worked, now);
                if worked && probed.take().is_some() {
                    ended.clear();
                }
                ended.push((now.as_secs(), worked));
                let recent = ended.iter().filter(|(at, _)| at + WINDOW.as_secs() >= now.as_secs());
                let all = recent.clone().count();
                let failed = recent.filter(|(_, worked)| !worked).count();
                if probed.is_none() && failed >= FAILURES && failed * 2 >= all {
                    probed = Some(now);
                }
                prop_assert_eq!(breaker.is_open(), probed.is_some());
            }
        }
    }

    #[test]
    fn a_few_failures_among_many_successes_do_not_open_it() {
        let mut breaker = Breaker::default();
        for second in 0..10 {
            breaker.note(true, at(second));
            breaker.note(second % 3 != 0, at(second));
        }
        assert!(!breaker.is_open());
    }
}
