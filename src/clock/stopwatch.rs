//! Measures time that passed, the machine's sleep included.

use std::time::Duration;

/// Runs from its start and never jumps. While a machine is suspended the clock behind `Instant` stands
/// still on Linux: what was taken up before would look fresh hours later, and the wall clock would seem
/// to have jumped. So there the clock is read that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch(Moment);

#[cfg(target_os = "linux")]
type Moment = Duration;
#[cfg(not(target_os = "linux"))]
type Moment = std::time::Instant;

impl Stopwatch {
    /// Starts it.
    pub(super) fn start() -> Self {
        Self(now())
    }

    /// The time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        #[cfg(target_os = "linux")]
        return now().saturating_sub(self.0);
        #[cfg(not(target_os = "linux"))]
        return self.0.elapsed();
    }
}

/// Time since the machine was started, awake or asleep.
#[cfg(target_os = "linux")]
fn now() -> Moment {
    use rustix::time::{ClockId, clock_gettime};
    // It is never negative.
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn now() -> Moment {
    std::time::Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopwatch_runs_and_never_back() {
        let stopwatch = Stopwatch::start();
        let first = stopwatch.elapsed();
        let mut later = first;
        while later == first {
            later = stopwatch.elapsed();
        }
        assert!(first < later && later < Duration::from_mins(1), "{later:?}");
    }

    /// `/proc/uptime` counts a sleep.
    #[cfg(target_os = "linux")]
    #[test]
    fn it_goes_by_the_clock_that_counts_a_sleep() {
        let text = std::fs::read_to_string("/proc/uptime").unwrap();
        let up: f64 = text.split(' ').next().unwrap().parse().unwrap();
        let apart = now().abs_diff(Duration::from_secs_f64(up));
        assert!(apart < Duration::from_secs(5), "{apart:?}");
    }
}
