//! Drawings made on the server: the segmented bar of a board and the curves of a report.

use super::Fact;

/// One horizontal bar, cut into parts that add up to the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// The parts from the left; empty ones are left out.
    pub parts: Vec<BarPart>,
    /// The same in words, for whoever cannot see it.
    pub words: String,
}

/// One part of a bar, in thousandths of its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BarPart {
    /// The class that gives its colour and pattern: `answered`, `negative`, `help`, `silent`,
    /// `unreached`.
    pub class: &'static str,
    /// Where it begins.
    pub start: u64,
    /// How long it is; at least 6, so that a single person among thousands is seen.
    pub length: u64,
}

impl Bar {
    /// A bar of `parts` (class, word, count). All zero gives an empty bar.
    pub fn new(parts: &[(&'static str, &str, u64)]) -> Self {
        const LENGTH: u64 = 1000;
        const SHORTEST: u64 = 6;
        let total: u64 = parts.iter().map(|(.., count)| count).sum();
        let words = parts
            .iter()
            .map(|(_, word, count)| format!("{word}: {count}"))
            .collect::<Vec<_>>()
            .join(", ");
        if total == 0 {
            return Self {
                parts: Vec::new(),
                words,
            };
        }
        let mut lengths: Vec<u64> = parts
            .iter()
            .map(|(.., count)| match count {
                0 => 0,
                count => (count * LENGTH / total).max(SHORTEST),
            })
            .collect();
        // Rounding and the shortest length are paid for by the longest part.
        let sum: u64 = lengths.iter().sum();
        if let Some(longest) = lengths.iter_mut().max() {
            *longest = (*longest + LENGTH).saturating_sub(sum).max(SHORTEST);
        }
        let mut start = 0;
        let parts = parts
            .iter()
            .zip(lengths)
            .filter(|(_, length)| *length > 0)
            .map(|((class, ..), length)| {
                let part = BarPart {
                    class,
                    start,
                    length,
                };
                start += length;
                part
            })
            .collect();
        Self { parts, words }
    }
}

/// How many were reached and had answered at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartPoint {
    /// Seconds since the alert started.
    pub seconds: u64,
    /// People reached until then (delivered, spoken to, or answered).
    pub reached: u64,
    /// People who had answered until then.
    pub answered: u64,
}

/// Two step curves over time, with the same numbers as a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    /// The SVG path of "reached", in a box of 1000 by 400.
    pub reached_path: String,
    /// The SVG path of "answered", in the same box.
    pub answered_path: String,
    /// The same, closed at the bottom, to be filled.
    pub answered_area: String,
    /// Where "reached" rises, and to where: across and down in the same box.
    pub reached: Vec<(u64, u64)>,
    /// Where "answered" rises.
    pub answered: Vec<(u64, u64)>,
    /// Up to where both go.
    pub end: u64,
    /// Labels under the box, evenly spaced from its left to its right edge.
    pub times: Vec<String>,
    /// Labels beside the box, evenly spaced from its top to its bottom.
    pub heights: Vec<String>,
    /// "Reached" and "Answered" with their last numbers.
    pub legend: [Fact; 2],
    /// Rows of the table: time, reached, answered.
    pub rows: Vec<ChartRow>,
}

/// One row of the table beside the curves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartRow {
    /// "after 2 min".
    pub time: String,
    /// People reached until then.
    pub reached: u64,
    /// People who had answered until then.
    pub answered: u64,
}

impl Default for Fact {
    fn default() -> Self {
        Self::new("", "")
    }
}

impl Chart {
    /// The box in which the curves are drawn.
    pub const WIDTH: u64 = 1000;
    /// Its height.
    pub const HEIGHT: u64 = 400;

    /// Draws `points` (oldest first) for an audience of `people` over `seconds` of time. Points
    /// after `seconds` are left out. Nobody, or no time, gives an empty drawing.
    pub fn new(points: &[ChartPoint], people: u64, seconds: u64) -> Self {
        let span = round_span(seconds);
        let drawn: Vec<_> = points
            .iter()
            .copied()
            .filter(|p| p.seconds <= span)
            .collect();
        let last = drawn.last().copied().unwrap_or(ChartPoint {
            seconds: 0,
            reached: 0,
            answered: 0,
        });
        let end = seconds.min(span);
        let end_x = end * Self::WIDTH / span;
        let reached = corners(&drawn, people, span, |point| point.reached);
        let answered = corners(&drawn, people, span, |point| point.answered);
        let reached_path = path(&reached, end_x);
        let answered_path = path(&answered, end_x);
        let answered_area = format!("{answered_path}L{end_x} {0}L0 {0}Z", Self::HEIGHT);
        Self {
            answered_area,
            reached_path,
            answered_path,
            reached,
            answered,
            end: end_x,
            times: (0..=4).map(|part| clock_span(span * part / 4)).collect(),
            heights: [people, people / 2, 0].iter().map(u64::to_string).collect(),
            legend: [
                Fact::new("Reached", last.reached.to_string()),
                Fact::new("Answered", last.answered.to_string()),
            ],
            rows: table(&drawn, span, end),
        }
    }
}

/// Where a curve rises, and to where, in the box of the drawing from its upper left corner.
fn corners(
    points: &[ChartPoint],
    people: u64,
    span: u64,
    count: impl Fn(&ChartPoint) -> u64,
) -> Vec<(u64, u64)> {
    let corner = |point: &ChartPoint| {
        let share = (count(point).min(people) * Chart::HEIGHT)
            .checked_div(people)
            .unwrap_or(0);
        (point.seconds * Chart::WIDTH / span, Chart::HEIGHT - share)
    };
    points.iter().map(corner).collect()
}

fn path(corners: &[(u64, u64)], end: u64) -> String {
    use std::fmt::Write;
    let mut text = format!("M0 {}", Chart::HEIGHT);
    for (x, y) in corners {
        write!(text, "H{x}V{y}").expect("writing to a string does not fail");
    }
    write!(text, "H{end}").expect("writing to a string does not fail");
    text
}

/// The shortest round span that holds `seconds`, so that the labels are round too.
fn round_span(seconds: u64) -> u64 {
    const ROUND: [u64; 12] = [
        60, 120, 240, 480, 1_200, 2_400, 3_600, 7_200, 14_400, 28_800, 57_600, 86_400,
    ];
    ROUND
        .into_iter()
        .find(|span| *span >= seconds)
        .unwrap_or_else(|| seconds.div_ceil(86_400) * 86_400)
}

fn table(points: &[ChartPoint], span: u64, end: u64) -> Vec<ChartRow> {
    (1..=8)
        .map(|part| span * part / 8)
        .take_while(|time| *time <= end)
        .map(|time| {
            let then = points
                .iter()
                .take_while(|point| point.seconds <= time)
                .last();
            ChartRow {
                time: clock_span(time),
                reached: then.map_or(0, |point| point.reached),
                answered: then.map_or(0, |point| point.answered),
            }
        })
        .collect()
}

/// "0", "45 s", "2 min", "2 min 30 s", "1 h 30".
fn clock_span(seconds: u64) -> String {
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => "0".to_owned(),
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_bar_fill_it_exactly_and_one_person_is_seen() {
        let bar = Bar::new(&[("answered", "answered", 19_999), ("help", "need help", 1)]);

        let sum: u64 = bar.parts.iter().map(|part| part.length).sum();
        assert_eq!(sum, 1000);
        assert!(bar.parts[1].length >= 6);
        assert_eq!(bar.words, "answered: 19999, need help: 1");
    }

    #[test]
    fn a_bar_of_nobody_is_empty() {
        assert!(Bar::new(&[("answered", "answered", 0)]).parts.is_empty());
    }

    #[test]
    fn a_chart_of_nobody_and_no_time_is_drawn_without_dividing_by_zero() {
        let chart = Chart::new(&[], 0, 0);
        assert_eq!(chart.reached_path, "M0 400H0");
        assert!(chart.rows.is_empty());
    }

    #[test]
    fn the_table_says_the_same_as_the_curve() {
        let points = [
            ChartPoint {
                seconds: 10,
                reached: 50,
                answered: 0,
            },
            ChartPoint {
                seconds: 40,
                reached: 100,
                answered: 60,
            },
        ];

        let chart = Chart::new(&points, 100, 60);

        assert_eq!(chart.answered_path, "M0 400H166V400H666V160H1000");
        let last = chart.rows.last().unwrap();
        assert_eq!(
            (last.time.as_str(), last.reached, last.answered),
            ("1 min", 100, 60)
        );
    }
}
