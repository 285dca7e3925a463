//! Keeps a gateway's rate: never more than `rate` starts in any window of one second. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// Remembers when the last starts were: as many as one window may have.
#[derive(Clone, Debug)]
pub struct RateLimit {
    window: Option<Window>,
}

#[derive(Clone, Debug)]
struct Window {
    /// Starts that one span may have.
    most: usize,
    span: Duration,
    starts: VecDeque<Duration>,
}

impl RateLimit {
    /// `per_second` may be below 1: 0.5 is one start in two seconds. None is no limit.
    pub fn new(per_second: Option<f64>) -> Self {
        let window = per_second.filter(|rate| *rate > 0.0).map(|rate| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole and positive"
            )]
            let most = (rate.floor() as usize).max(1);
            #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^52")]
            let span = Duration::from_secs_f64(most as f64 / rate);
            Window {
                most,
                span,
                starts: VecDeque::with_capacity(most),
            }
        });
        Self { window }
    }

    /// How many may start at `now` (time since any fixed moment; it must not go back).
    pub fn permits(&self, now: Duration) -> usize {
        let Some(window) = &self.window else {
            return usize::MAX;
        };
        let recent = window
            .starts
            .iter()
            .rev()
            .take_while(|start| now.saturating_sub(**start) < window.span);
        window.most - recent.count().min(window.most)
    }

    /// Writes down that `count` start at `now`.
    pub fn take(&mut self, count: usize, now: Duration) {
        let Some(window) = &mut self.window else {
            return;
        };
        for _ in 0..count {
            if window.starts.len() == window.most {
                window.starts.pop_front();
            }
            window.starts.push_back(now);
        }
    }

    /// How long from `now` until one may start: zero if one may now.
    pub fn wait(&self, now: Duration) -> Duration {
        match &self.window {
            Some(window) if self.permits(now) == 0 => {
                let first = window.starts.front().copied().unwrap_or_default();
                (first + window.span).saturating_sub(now)
            }
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_a_limit_everything_may_start() {
        let mut limit = RateLimit::new(None);
        limit.take(1000, Duration::ZERO);
        assert_eq!(limit.permits(Duration::ZERO), usize::MAX);
    }

    #[test]
    fn half_a_message_a_second_is_one_in_two_seconds() {
        let mut limit = RateLimit::new(Some(0.5));
        limit.take(1, Duration::ZERO);
        assert_eq!(limit.permits(Duration::from_millis(1999)), 0);
        assert_eq!(
            limit.wait(Duration::from_millis(500)),
            Duration::from_millis(1500)
        );
        assert_eq!(limit.permits(Duration::from_secs(2)), 1);
    }

    proptest! {
        #[test]
        fn no_window_of_one_second_has_more_than_the_rate_and_none_is_wasted(
            rate in 1_u32..50,
            steps in proptest::collection::vec(1_u64..400, 1..200),
        ) {
            let mut limit = RateLimit::new(Some(f64::from(rate)));
            let mut now = Duration::ZERO;
            let mut starts = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                let permits = limit.permits(now);
                limit.take(permits, now);
                starts.extend(std::iter::repeat_n(now, permits));
                let recent = starts
                    .iter()
                    .filter(|start| now.saturating_sub(**start) < Duration::from_secs(1))
                    .count();
                prop_assert_eq!(recent, usize::try_from(rate).unwrap());
            }
        }
    }
}
