//! The numbers of an account: the fields of the CDC's notification drill form, and the curves. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::storage::alerts::Alert;
use crate::storage::standing::PersonState;

/// When one person was first reached, and when they first answered.
pub type Times = (Option<Timestamp>, Option<Timestamp>);

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
    /// Counts an alert.
    pub fn of(alert: &Alert, counts: &BTreeMap<PersonState, i64>, times: &[Times]) -> Self {
        let people = |state| counts.get(&state).copied().unwrap_or_default();
        let answered = people(PersonState::Acknowledged);
        let reached = answered + people(PersonState::Delivered);
        let notified = spans(
            alert.launched_at,
            times.iter().filter_map(|(reached, _)| *reached),
        );
        let answers = spans(
            alert.launched_at,
            times.iter().filter_map(|(_, answered)| *answered),
        );
        let all = usize::try_from(alert.recipients).unwrap_or(usize::MAX);
        Self {
            people: alert.recipients,
            notified: reached + people(PersonState::Accepted),
            reached,
            answered,
            first_notified_ms: notified.first().copied(),
            last_notified_ms: notified.last().copied(),
            last_answer_ms: answers.last().copied(),
            p50_answer_ms: quantile(&answers, answers.len(), 50),
            p90_answer_ms: quantile(&answers, answers.len(), 90),
            half_of_all_ms: quantile(&answers, all, 50),
        }
    }
}

/// Milliseconds from the launch, ascending.
fn spans(launched_at: Timestamp, times: impl Iterator<Item = Timestamp>) -> Vec<i64> {
    let mut spans: Vec<i64> = times.map(|at| (at.0 - launched_at.0).max(0)).collect();
    spans.sort_unstable();
    spans
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
    let reached = spans(
        launched_at,
        times
            .iter()
            .filter_map(|(reached, answered)| match (reached, answered) {
                (Some(reached), Some(answered)) => Some(*reached.min(answered)),
                (reached, answered) => reached.or(*answered),
            }),
    );
    let answered = spans(
        launched_at,
        times.iter().filter_map(|(_, answered)| *answered),
    );
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

    const LAUNCH: Timestamp = Timestamp(1_000_000);

    #[test]
    fn a_curve_ends_with_everyone_who_was_reached_and_answered() {
        let times = [
            (Some(at(10)), Some(at(50))),
            (Some(at(20)), None),
            (None, Some(at(100))),
            (None, None),
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
        assert!(curve(LAUNCH, &[(None, None)]).is_empty());
    }

    #[test]
    fn half_of_all_is_never_reached_when_fewer_answered() {
        assert_eq!(quantile(&[10, 20], 10, 50), None);
        assert_eq!(quantile(&[10, 20, 30, 40], 4, 50), Some(20));
        assert_eq!(quantile(&[10, 20, 30, 40], 4, 90), Some(40));
        assert_eq!(quantile(&[], 0, 50), None);
    }
}
