//! Keeps a gateway's rate, however many servers share it. Pure.
//!
//! A rate is a row of instants, evenly spaced, each good for one message. The database keeps the
//! next one that nobody has taken ([`crate::storage::pace`]); who takes some, moves it on. They are a
//! little further apart than the rate says, and an instant that was missed by more than a moment is
//! lost: so no window of one second has more messages than the rate, although servers stumble and
//! several of them send at once.

use std::collections::VecDeque;
use std::time::Duration;

/// Instants are this much further apart than the rate says, in thousandths: what a second may lose
/// by being late. At any rate it is the share that is given away.
const SLACK: i64 = 12;
/// An instant is good for so long. Together with the way to the gateway it must stay below
/// [`SLACK`] of a second.
const GOOD_FOR: Duration = Duration::from_millis(8);
/// Instants are taken so far ahead at most: enough for a commit, too little to matter in a crash.
pub const HORIZON: Duration = Duration::from_millis(100);

/// How fast a gateway may be asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    per_second: f64,
}

/// Instants that were taken: the first, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Microseconds from now to the first, also when none was taken.
    pub first: i64,
    /// How many.
    pub count: usize,
    /// The next that nobody has taken: microseconds on the clock that `now` was read from.
    pub next_at: i64,
}

impl Rate {
    /// `per_second` may be below 1: 0.5 is one message in two seconds. None or nothing is no limit.
    pub fn new(per_second: Option<f64>) -> Option<Self> {
        per_second
            .filter(|rate| *rate > 0.0 && rate.is_finite())
            .map(|per_second| Self { per_second })
    }

    /// Microseconds between two instants.
    fn spacing(self) -> i64 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "below 2^53 for any rate above one a century; beyond, the largest will do"
        )]
        let spacing = (1e3 * f64::from(1000 + i32::try_from(SLACK).unwrap_or(0)) / self.per_second)
            .ceil() as i64;
        spacing.max(1)
    }

    /// How many instants lie within [`HORIZON`], at least one.
    pub fn within_horizon(self) -> usize {
        let horizon = i64::try_from(HORIZON.as_micros()).unwrap_or(i64::MAX);
        usize::try_from(horizon / self.spacing()).unwrap_or(usize::MAX) + 1
    }

    /// Takes up to `want` instants at `now`, when the next free one is `next_at` (microseconds, both).
    ///
    /// A `next_at` that lies further ahead than anybody can have taken comes from a clock that was
    /// set back since: it is not waited for.
    pub fn take(self, next_at: i64, now: i64, want: usize) -> Taken {
        let spacing = self.spacing();
        let horizon = i64::try_from(HORIZON.as_micros()).unwrap_or(i64::MAX);
        let first = next_at.clamp(now, now + spacing + 2 * horizon);
        let within = (now + horizon - first).div_euclid(spacing) + 1;
        let count = usize::try_from(within).unwrap_or(0).min(want);
        Taken {
            first: first - now,
            count,
            next_at: first + spacing * i64::try_from(count).unwrap_or(i64::MAX),
        }
    }

    /// The instants of `taken` on our own steady clock, where its `now` was not later than `at`.
    pub fn instants(self, taken: Taken, at: Duration) -> impl Iterator<Item = Duration> {
        (0..taken.count).map(move |index| {
            let ahead = taken.first + self.spacing() * i64::try_from(index).unwrap_or(i64::MAX);
            at + Duration::from_micros(u64::try_from(ahead).unwrap_or(0))
        })
    }
}

/// Instants that a lane has taken and not used.
#[derive(Debug, Default)]
pub struct Permits(VecDeque<Duration>);

impl Permits {
    /// Adds some, each later than those before.
    pub fn add(&mut self, instants: impl Iterator<Item = Duration>) {
        self.0.extend(instants);
    }

    /// How many are left at `now`; what was missed is lost.
    pub fn left(&mut self, now: Duration) -> usize {
        while self.0.front().is_some_and(|at| *at + GOOD_FOR < now) {
            self.0.pop_front();
        }
        self.0.len()
    }

    /// Uses the first, if its time has come. Answers whether there was one.
    pub fn use_one(&mut self, now: Duration) -> bool {
        let is_due = self.left(now) > 0 && self.0.front().is_some_and(|at| *at <= now);
        if is_due {
            self.0.pop_front();
        }
        is_due
    }

    /// When the first is due; none if there are none.
    pub fn next(&self) -> Option<Duration> {
        self.0.front().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn without_a_rate_there_is_no_limit() {
        assert_eq!(Rate::new(None), None);
        assert_eq!(Rate::new(Some(0.0)), None);
    }

    #[test]
    fn half_a_message_a_second_is_one_in_two_seconds() {
        let rate = Rate::new(Some(0.5)).unwrap();
        let first = rate.take(0, SECOND, 10);
        assert_eq!((first.first, first.count), (0, 1));
        assert_eq!(first.next_at, SECOND + 2_024_000);
        assert_eq!(rate.take(first.next_at, 2 * SECOND, 10).count, 0);
        assert_eq!(rate.take(first.next_at, 3 * SECOND, 10).count, 1);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_a_gateway() {
        let rate = Rate::new(Some(1.0)).unwrap();
        let taken = rate.take(3600 * SECOND, 10 * SECOND, 1);
        assert!(taken.first <= 2 * SECOND, "{taken:?}");
    }

    #[test]
    fn what_was_missed_is_lost_and_what_is_to_come_waits() {
        let ms = Duration::from_millis;
        let mut permits = Permits::default();
        permits.add([ms(10), ms(20), ms(30)].into_iter());
        assert!(!permits.use_one(ms(9)));
        assert!(permits.use_one(ms(18)));
        assert_eq!(permits.left(ms(29)), 1);
        assert_eq!(permits.next(), Some(ms(30)));
    }

    proptest! {
        /// Several servers, each with a lag of its own behind its instants, at any moments.
        #[test]
        fn no_second_has_more_than_the_rate_and_little_is_wasted(
            rate in prop_oneof![1_u32..40, Just(100), Just(1000)],
            looks in prop::collection::vec((0_i64..40_000, 1_usize..300, 0_i64..8_000), 50..400),
        ) {
            let limit = Rate::new(Some(f64::from(rate))).unwrap();
            let (mut now, mut next_at) = (7 * SECOND, 0);
            let (mut sent, mut is_greedy) = (Vec::new(), true);
            let begun = now + looks[0].0;
            for (pause, want, lag) in looks {
                now += pause;
                let taken = limit.take(next_at, now, want);
                is_greedy &= taken.count < want;
                next_at = taken.next_at;
                let own = limit.instants(taken, Duration::ZERO);
                sent.extend(own.map(|at| now + i64::try_from(at.as_micros()).unwrap() + lag));
            }
            sent.sort_unstable();
            for (index, from) in sent.iter().enumerate() {
                let within = sent[index..].iter().take_while(|at| **at < from + SECOND).count();
                prop_assert!(within <= usize::try_from(rate).unwrap(), "{within} at {rate}");
            }
            // Whoever always wants more than there is, gets the whole rate but for the slack.
            if is_greedy {
                let span = f64::from(u32::try_from(next_at - begun).unwrap()) / 1e6;
                let sent = f64::from(u32::try_from(sent.len()).unwrap());
                prop_assert!(sent >= (f64::from(rate) * span * 0.98).floor());
            }
        }
    }
}
