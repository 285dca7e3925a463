//! Decides how many messages a lane takes up beyond its free slots. Pure.

use std::time::Duration;

/// The most that are taken up beyond the free slots, however fast the gateway is.
const MOST: usize = 1000;

/// As many as the gateway takes while one commit is made: with fewer the slots would stand empty
/// meanwhile, with more a crash would leave more in doubt than need be. A gateway that answers
/// slower than the disk gets none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ahead {
    /// Messages a second, smoothed.
    rate: f64,
    /// How long a commit takes, in seconds, smoothed.
    commit: f64,
    /// When the last one ended.
    last: Option<Duration>,
}

impl Ahead {
    /// A commit ended at `now` that took `commit` and wrote down `results` answers.
    pub fn note(&mut self, results: usize, commit: Duration, now: Duration) {
        self.commit = smooth(self.commit, commit.as_secs_f64());
        if let Some(last) = self.last.replace(now) {
            let span = now.saturating_sub(last).as_secs_f64();
            if span > 0.0 {
                #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
                let rate = results as f64 / span;
                self.rate = smooth(self.rate, rate);
            }
        }
    }

    /// How many to take up ahead, when commits are made every `linger` at most.
    pub fn count(&self, linger: Duration) -> usize {
        let wanted = self.rate * (self.commit + linger.as_secs_f64());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and a fraction of a message is none"
        )]
        let wanted = wanted as usize;
        wanted.min(MOST)
    }
}

fn smooth(old: f64, new: f64) -> f64 {
    0.7 * old + 0.3 * new
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_millis(5);

    fn after(commits: u32, results: usize, commit: u64, every: u64) -> usize {
        let mut ahead = Ahead::default();
        for number in 0..commits {
            let now = Duration::from_millis(u64::from(number) * every);
            ahead.note(results, Duration::from_millis(commit), now);
        }
        ahead.count(LINGER)
    }

    #[test]
    fn a_slow_gateway_is_given_nothing_in_advance() {
        assert_eq!(after(50, 1, 3, 100), 0);
    }

    #[test]
    fn a_fast_gateway_is_given_what_it_takes_during_a_commit() {
        // 20,000 a second, commits of 5 ms: 200 in the time of a commit and a linger.
        assert!((180..=200).contains(&after(50, 200, 5, 10)));
    }

    #[test]
    fn there_is_a_most() {
        assert_eq!(after(50, 20_000, 200, 250), MOST);
    }

    #[test]
    fn nothing_is_known_at_first() {
        assert_eq!(after(1, 500, 5, 10), 0);
        assert_eq!(Ahead::default().count(LINGER), 0);
    }
}
