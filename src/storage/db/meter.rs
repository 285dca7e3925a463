//! Measures how long writes take from the caller's word to the answer that it is on disk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper ends of the buckets, in microseconds: from less than a disk needs to far too long.
const ENDS: [u64; 12] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// Counts of writes by how long they took.
#[derive(Debug, Default)]
pub(super) struct Meter {
    buckets: [AtomicU64; ENDS.len() + 1],
    micros: AtomicU64,
}

/// What was measured until now.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The upper end of each bucket, and how many writes took no longer.
    pub buckets: Vec<(Duration, u64)>,
    /// All writes, also those that took longer.
    pub count: u64,
    /// How long they took together.
    pub sum: Duration,
}

impl Meter {
    pub(super) fn note(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = ENDS.partition_point(|end| *end < micros);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Measured {
        let mut count = 0;
        let mut buckets = Vec::with_capacity(ENDS.len());
        for (bucket, end) in self.buckets.iter().zip(ENDS) {
            count += bucket.load(Ordering::Relaxed);
            buckets.push((Duration::from_micros(end), count));
        }
        count += self.buckets[ENDS.len()].load(Ordering::Relaxed);
        Measured {
            buckets,
            count,
            sum: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_write_is_in_its_bucket_and_in_all_behind_it() {
        let meter = Meter::default();
        for millis in [1, 1, 30, 60_000] {
            meter.note(Duration::from_millis(millis));
        }
        let measured = meter.read();
        let through = |millis| {
            let end = Duration::from_millis(millis);
            let bucket = measured.buckets.iter().find(|(at, _)| *at == end);
            bucket.unwrap().1
        };
        assert_eq!(
            (through(1), through(25), through(50), through(10_000)),
            (2, 2, 3, 3)
        );
        assert_eq!(measured.count, 4);
        assert_eq!(measured.sum, Duration::from_millis(60_032));
    }
}
