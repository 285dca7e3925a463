//! Tells the time, so that tests can move it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

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
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System {
        started: Instant,
    },
    Fake {
        millis: Arc<AtomicI64>,
        started: i64,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System {
            started: Instant::now(),
        })
    }

    /// A clock that stands still until [`Clock::advance`].
    pub fn fake(start: Timestamp) -> Self {
        Self(Source::Fake {
            millis: Arc::new(AtomicI64::new(start.0)),
            started: start.0,
        })
    }

    /// What time it is. May jump when someone sets the clock: never measure a span with it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => {
                let since = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Source::Fake { millis, .. } => Timestamp(millis.load(Ordering::SeqCst)),
        }
    }

    /// Time since this clock was made; never jumps.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Fake { millis, started } => {
                Timestamp(millis.load(Ordering::SeqCst)).since(Timestamp(*started))
            }
        }
    }

    /// Moves a fake clock forward; does nothing to the machine's.
    pub fn advance(&self, span: Duration) {
        if let Source::Fake { millis, .. } = &self.0 {
            millis.fetch_add(
                i64::try_from(span.as_millis()).unwrap_or(i64::MAX),
                Ordering::SeqCst,
            );
        }
    }
}

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
}
