//! Two step curves that are told apart without colour: one dashed and thin, one whole and thick.

use super::{LEADING, Line, MARGIN, MEASURE, Paper, SMALL, Weight};

/// The height of the box, and the room for the numbers beside it.
const HEIGHT: f32 = 120.0;
const BESIDE: f32 = 34.0;
const DASHES: [f32; 2] = [4.0, 2.5];

/// Two curves over the same time. Points are shares of the box, from its lower left corner: at which
/// moment a curve rises, and to where.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// Drawn dashed.
    pub dashed: Vec<(f32, f32)>,
    /// What the dashed one is.
    pub dashed_name: String,
    /// Drawn thick.
    pub whole: Vec<(f32, f32)>,
    /// What the thick one is.
    pub whole_name: String,
    /// Up to where both go.
    pub end: f32,
    /// Under the box, evenly from left to right.
    pub times: Vec<String>,
    /// Beside the box, evenly from its top to its bottom.
    pub heights: Vec<String>,
}

impl Paper {
    /// Draws curves with their legend under a heading.
    pub fn curves(&mut self, heading: &str, curves: &Curves) {
        self.heading_over(heading, HEIGHT + 50.0);
        self.legend(curves);
        let (left, width) = (MARGIN + BESIDE, MEASURE - BESIDE);
        let bottom = self.y - HEIGHT;
        let page = self.page();
        page.save_state();
        page.set_line_width(0.5);
        page.rect(left, bottom, width, HEIGHT);
        page.stroke();
        page.restore_state();
        for (points, is_dashed) in [(&curves.dashed, true), (&curves.whole, false)] {
            let page = self.page();
            page.save_state();
            if is_dashed {
                page.set_dash_pattern(DASHES, 0.0);
                page.set_line_width(1.0);
            } else {
                page.set_line_width(1.8);
            }
            page.move_to(left, bottom);
            let mut height = bottom;
            for (x, y) in points {
                page.line_to(left + x * width, height);
                height = bottom + y * HEIGHT;
                page.line_to(left + x * width, height);
            }
            page.line_to(left + curves.end * width, height);
            page.stroke();
            page.restore_state();
        }
        let weight = Weight::Regular;
        for (part, text) in evenly(&curves.heights) {
            let y = bottom + HEIGHT * (1.0 - part) - SMALL / 3.0;
            self.draw_before(
                left - 5.0,
                y,
                Line {
                    weight,
                    size: SMALL,
                    text,
                },
            );
        }
        self.y = bottom - SMALL * LEADING;
        let y = self.y;
        for (part, text) in evenly(&curves.times) {
            // The first begins at the edge, the last ends there, the others stand in the middle.
            let room = self.face(weight).width(text, SMALL);
            self.draw(
                left + (width - room) * part,
                y,
                Line {
                    weight,
                    size: SMALL,
                    text,
                },
            );
        }
        self.y -= 8.0;
    }

    fn legend(&mut self, curves: &Curves) {
        self.y -= SMALL * LEADING + 4.0;
        let y = self.y;
        let mut x = MARGIN + BESIDE;
        let names = [(&curves.dashed_name, true), (&curves.whole_name, false)];
        for (text, is_dashed) in names {
            let page = self.page();
            page.save_state();
            if is_dashed {
                page.set_dash_pattern(DASHES, 0.0);
            }
            page.set_line_width(if is_dashed { 1.0 } else { 1.8 });
            page.move_to(x, y + 3.0);
            page.line_to(x + 26.0, y + 3.0);
            page.stroke();
            page.restore_state();
            x += 32.0;
            let weight = Weight::Regular;
            self.draw(
                x,
                y,
                Line {
                    weight,
                    size: SMALL,
                    text,
                },
            );
            x += self.face(weight).width(text, SMALL) + 24.0;
        }
        self.y -= 8.0;
    }
}

/// The words with where each stands between 0 and 1.
fn evenly(words: &[String]) -> impl Iterator<Item = (f32, &str)> {
    let last = u16::try_from(words.len().saturating_sub(1)).unwrap_or(u16::MAX);
    (0_u16..)
        .zip(words)
        .map(move |(place, word)| (f32::from(place) / f32::from(last.max(1)), word.as_str()))
}
