//! The numbers of an account: the fields of the CDC's notification drill form, and the curves. Pure.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::storage::alerts::Alert;
use crate::storage::standing::Times;

/// When each person was first told, reached and heard from, as far as each ever was; an answer
/// proves the two before it. Milliseconds from the launch, ascending.
struct Spans {
    notified: Vec<i64>,
    reached: Vec<i64>,
    answered: Vec<i64>,
}

impl Spans {
    fn of(launched_at: Timestamp, times: &[Times]) -> Self {
        let first = |moments: [Option<Timestamp>; 3]| moments.into_iter().flatten().min();
        let spans = |moment: fn(&Times) -> [Option<Timestamp>; 3]| {
            let mut spans: Vec<i64> = times
                .iter()
                .filter_map(|one| first(moment(one)))
                .map(|at| (at.0 - launched_at.0).max(0))
                .collect();
            spans.sort_unstable();
            spans
        };
        Self {
            notified: spans(|one| [one.notified_at, one.reached_at, one.answered_at]),
            reached: spans(|one| [None, one.reached_at, one.answered_at]),
            answered: spans(|one| [None, None, one.answered_at]),
        }
    }
}

/// The fields of the CDC's "Staff Notification, Acknowledgement and Assembly" drill form that a
/// notification system can fill in. Spans are milliseconds from the launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// People to be told.
    pub people: i64,
    /// People of whom a gateway took or confirmed a message, or who answered.
    pub notified: i64,
    /// People of whom it is confirmed that a message arrived, or who answered.
    pub reached: i64,
    /// People who answered.
    pub answered: i64,
    /// From the launch to the first person notified.
    pub first_notified_ms: Option<i64>,
    /// To the last person notified.
    pub last_notified_ms: Option<i64>,
    /// To the last answer.
    pub last_answer_ms: Option<i64>,
    /// By when half of those who answered had: the median answer.
    pub p50_answer_ms: Option<i64>,
    /// By when nine of ten of those who answered had.
    pub p90_answer_ms: Option<i64>,
    /// By when half of all people to be told had answered; none if they never did.
    pub half_of_all_ms: Option<i64>,
}

impl Figures {
    /// Counts an alert. All of it from one reading of the people's times, as the curves are: while
    /// an alert is running, two readings would not agree.
    pub fn of(alert: &Alert, times: &[Times]) -> Self {
        let spans = Spans::of(alert.launched_at, times);
        let people = |spans: &[i64]| i64::try_from(spans.len()).unwrap_or(i64::MAX);
        let all = usize::try_from(alert.recipients).unwrap_or(usize::MAX);
        Self {
            people: alert.recipients,
            notified: people(&spans.notified),
            reached: people(&spans.reached),
            answered: people(&spans.answered),
            first_notified_ms: spans.notified.first().copied(),
            last_notified_ms: spans.notified.last().copied(),
            last_answer_ms: spans.answered.last().copied(),
            p50_answer_ms: quantile(&spans.answered, spans.answered.len(), 50),
            p90_answer_ms: quantile(&spans.answered, spans.answered.len(), 90),
            half_of_all_ms: quantile(&spans.answered, all, 50),
        }
    }
}

/// By when `percent` of `all` had: none if so many never did.
fn quantile(ascending: &[i64], all: usize, percent: usize) -> Option<i64> {
    let needed = (all * percent).div_ceil(100);
    ascending.get(needed.checked_sub(1)?).copied()
}

/// How many people were reached and had answered at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Milliseconds after the launch.
    pub after_ms: i64,
    /// People reached by then.
    pub reached: i64,
    /// People who had answered by then.
    pub answered: i64,
}

/// Points of a curve at most: enough for a chart, few enough for a table.
const POINTS: i64 = 24;

/// Reached and answered over time, from the launch to the last change, in even steps. Empty while
/// nothing has happened.
pub fn curve(launched_at: Timestamp, times: &[Times]) -> Vec<Point> {
    let Spans {
        reached, answered, ..
    } = Spans::of(launched_at, times);
    let Some(end) = reached.last().max(answered.last()).copied() else {
        return Vec::new();
    };
    let by = |spans: &[i64], moment| {
        i64::try_from(spans.partition_point(|span| *span <= moment)).unwrap_or(i64::MAX)
    };
    let steps = POINTS.min(end.max(1));
    (0..=steps)
        .map(|step| end * step / steps)
        .map(|moment| Point {
            after_ms: moment,
            reached: by(&reached, moment),
            answered: by(&answered, moment),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp(1_000_000 + millis)
    }

    fn times(notified: Option<i64>, reached: Option<i64>, answered: Option<i64>) -> Times {
        Times {
            notified_at: notified.map(at),
            reached_at: reached.map(at),
            answered_at: answered.map(at),
        }
    }

    const LAUNCH: Timestamp = Timestamp(1_000_000);

    #[test]
    fn a_curve_ends_with_everyone_who_was_reached_for_certain_and_everyone_who_answered() {
        let times = [
            times(Some(5), Some(10), Some(50)),
            times(None, Some(20), None),
            times(None, None, Some(100)),
            times(Some(30), None, None),
            Times::default(),
        ];
        let curve = curve(LAUNCH, &times);
        let last = curve.last().unwrap();
        assert_eq!((last.after_ms, last.reached, last.answered), (100, 3, 2));
        assert!(
            curve
                .windows(2)
                .all(|pair| pair[0].reached <= pair[1].reached)
        );
    }

    #[test]
    fn nothing_happened_is_no_curve() {
        assert!(curve(LAUNCH, &[Times::default()]).is_empty());
    }

    #[test]
    fn half_of_all_is_never_reached_when_fewer_answered() {
        assert_eq!(quantile(&[10, 20], 10, 50), None);
        assert_eq!(quantile(&[10, 20, 30, 40], 4, 50), Some(20));
        assert_eq!(quantile(&[10, 20, 30, 40], 4, 90), Some(40));
        assert_eq!(quantile(&[], 0, 50), None);
    }
}
