//! Tells the time, so that tests can move it.

mod steady;
mod stopwatch;

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use stopwatch::Stopwatch;

/// Milliseconds since 1970-01-01T00:00:00Z: what every time in the database is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[sqlx(transparent)]
#[serde(transparent)]
#[schema(value_type = i64)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment moved by `span`; stops at the ends of what can be written.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This moment that much earlier.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// For people and for RFC 3339. Out-of-range values show the epoch rather than fail.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the millisecond.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

/// Where the time comes from. Clones share one time.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    steady: Arc<Mutex<steady::Steady>>,
}

#[derive(Clone, Debug)]
enum Source {
    System {
        stopwatch: Stopwatch,
    },
    Fake {
        wall: Arc<AtomicI64>,
        elapsed: Arc<AtomicI64>,
    },
}

impl Clock {
    fn of(source: Source) -> Self {
        Self {
            source,
            steady: Arc::default(),
        }
    }

    /// The machine's clock.
    pub fn system() -> Self {
        Self::of(Source::System {
            stopwatch: Stopwatch::start(),
        })
    }

    /// A clock that stands still until [`Clock::advance`].
    pub fn fake(start: Timestamp) -> Self {
        Self::of(Source::Fake {
            wall: Arc::new(AtomicI64::new(start.0)),
            elapsed: Arc::default(),
        })
    }

    /// What time it is: the machine's clock, but for its jumps (see [`Clock::off`]). Still never
    /// measure a span with it: a clock may be set by up to a minute.
    pub fn now(&self) -> Timestamp {
        self.steady().now(self.wall(), self.elapsed())
    }

    /// What the machine's clock says, jumps and all.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    pub fn wall(&self) -> Timestamp {
        match &self.source {
            Source::System { .. } => {
                let since = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Source::Fake { wall, .. } => Timestamp(wall.load(Ordering::SeqCst)),
        }
    }

    /// Time since this clock was made; never jumps. A sleep of the machine is time that passed.
    pub fn elapsed(&self) -> Duration {
        match &self.source {
            Source::System { stopwatch } => stopwatch.elapsed(),
            Source::Fake { elapsed, .. } => {
                Timestamp(elapsed.load(Ordering::SeqCst)).since(Timestamp(0))
            }
        }
    }

    /// How far the machine's clock, or the database's, has jumped from the time that [`Clock::now`]
    /// goes on by, in milliseconds; positive is ahead. Zero as long as they agree.
    pub fn off(&self) -> i64 {
        self.now();
        self.steady().off()
    }

    /// The time that [`Clock::settle`] would take over, if a clock jumped that this one goes by: the
    /// database's where it follows one, else the machine's. A machine's clock that differs from the
    /// database's is to be set right, not to be followed.
    pub fn offered(&self) -> Option<Timestamp> {
        let now = self.now();
        let leap = self.steady().leap();
        (leap != 0).then(|| Timestamp(now.0.saturating_add(leap)))
    }

    /// A person says that the clock which jumped is right: from here on the time is [`Clock::offered`].
    /// Does nothing where none is.
    pub fn settle(&self) {
        let elapsed = self.elapsed();
        self.now();
        self.steady().settle(elapsed);
    }

    /// When [`Clock::now`] last leapt, by [`Clock::elapsed`], because a person settled it. What was
    /// begun before that has a time that cannot be compared with now: "so long ago" says nothing of it.
    pub fn leapt_at(&self) -> Option<Duration> {
        self.steady().leapt_at()
    }

    /// Goes by the clock of a database that several servers share. It said `theirs` to a question
    /// that was asked at `asked`, by [`Clock::elapsed`]. A fake clock goes by nobody's.
    pub fn follow(&self, theirs: Timestamp, asked: Duration) {
        let way = self.elapsed().saturating_sub(asked);
        let is_slow = way > SLOW_ANSWER;
        if is_slow || matches!(self.source, Source::Fake { .. }) {
            return;
        }
        let ours = self.now().before(way / 2);
        self.steady().follow(theirs, ours);
    }

    /// Moves a fake clock forward; does nothing to the machine's.
    pub fn advance(&self, span: Duration) {
        if let Source::Fake { wall, elapsed } = &self.source {
            let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
            // Before and after, so that what lies between is not taken for a jump.
            self.now();
            let mut steady = self.steady();
            wall.fetch_add(millis, Ordering::SeqCst);
            elapsed.fetch_add(millis, Ordering::SeqCst);
            steady.now(self.wall(), self.elapsed());
        }
    }

    /// Sets a fake clock by that many milliseconds, as an administrator would; no time passes.
    pub fn jump(&self, millis: i64) {
        if let Source::Fake { wall, .. } = &self.source {
            self.now();
            wall.fetch_add(millis, Ordering::SeqCst);
        }
    }

    fn steady(&self) -> MutexGuard<'_, steady::Steady> {
        self.steady.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A database that took longer than this to say the time has not said it.
const SLOW_ANSWER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_as_rfc_3339() {
        assert_eq!(
            Timestamp(1_770_000_000_123).to_string(),
            "2026-02-02T02:40:00.123Z"
        );
    }

    #[test]
    fn a_fake_clock_moves_only_when_told() {
        let clock = Clock::fake(Timestamp(5));
        let same = clock.clone();
        clock.advance(Duration::from_secs(1));
        assert_eq!(same.now(), Timestamp(1005));
        assert_eq!(same.elapsed(), Duration::from_secs(1));
    }

    #[test]
    fn a_clock_that_is_set_by_an_hour_says_so_and_goes_on_as_before() {
        let clock = Clock::fake(Timestamp(5));
        clock.jump(3_600_000);
        assert_eq!((clock.now(), clock.off()), (Timestamp(5), 3_600_000));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp(1005));
        assert_eq!(clock.leapt_at(), None);
        assert_eq!(clock.offered(), Some(Timestamp(3_601_005)));
        clock.settle();
        assert_eq!((clock.now(), clock.off()), (Timestamp(3_601_005), 0));
        assert_eq!(clock.offered(), None);
        assert_eq!(clock.leapt_at(), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_clock_that_nobody_set_cannot_be_settled_and_does_not_leap() {
        let clock = Clock::fake(Timestamp(5));
        clock.jump(500);
        clock.settle();
        assert_eq!((clock.now(), clock.leapt_at()), (Timestamp(505), None));
    }

    #[test]
    fn beside_a_database_only_the_databases_jump_can_be_settled() {
        let clock = Clock::fake(Timestamp(5));
        clock.steady().follow(Timestamp(5), Timestamp(5));
        clock.jump(3_600_000);
        assert_eq!((clock.off(), clock.offered()), (3_600_000, None));
        clock.settle();
        assert_eq!((clock.now(), clock.leapt_at()), (Timestamp(5), None));
        clock.steady().follow(Timestamp(-7_200_000), Timestamp(5));
        assert_eq!(clock.offered(), Some(Timestamp(-7_200_000)));
        clock.settle();
        assert_eq!(clock.now(), Timestamp(-7_200_000));
        assert_eq!(clock.leapt_at(), Some(Duration::ZERO));
    }
}
