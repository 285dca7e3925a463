//! Tables: columns that share the width, cells that break into lines, headings on every page.

use super::{BODY, LEADING, Line, MARGIN, MEASURE, Paper, SMALL, Weight};

/// Room between two columns.
const GAP: f32 = 8.0;
/// Room above and below the lines of a row.
const PADDING: f32 = 2.5;

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// Its heading, repeated on every page; empty for none.
    pub heading: &'a str,
    /// Its share of the width: of all columns together it is the whole.
    pub share: f32,
    /// On which side its cells stand.
    pub align: Align,
}

impl<'a> Column<'a> {
    /// A column of words.
    pub fn words(heading: &'a str, share: f32) -> Self {
        Self {
            heading,
            share,
            align: Align::Left,
        }
    }

    /// A column of numbers.
    pub fn numbers(heading: &'a str, share: f32) -> Self {
        Self {
            heading,
            share,
            align: Align::Right,
        }
    }
}

/// Rows under headings. A row with fewer cells than there are columns is filled up with empty ones.
#[derive(Clone, Debug)]
pub struct Table<'a> {
    /// The columns.
    pub columns: &'a [Column<'a>],
    /// The cells of each row.
    pub rows: Vec<Vec<String>>,
}

/// A column's place on the page.
#[derive(Clone, Copy)]
struct Slot {
    x: f32,
    width: f32,
    align: Align,
}

impl Paper {
    /// A table. A row goes to the next page whole, if a page can hold it.
    pub fn table(&mut self, table: &Table) {
        let slots = slots(table.columns);
        let has_headings = table.columns.iter().any(|one| !one.heading.is_empty());
        if has_headings {
            self.need(60.0);
            self.headings(table.columns, &slots);
        }
        for row in &table.rows {
            let cells: Vec<Vec<String>> = row
                .iter()
                .zip(&slots)
                .map(|(cell, slot)| self.broken(Weight::Regular, BODY, cell, slot.width))
                .collect();
            let lines = cells.iter().map(Vec::len).max().unwrap_or_default();
            let height = cells
                .iter()
                .map(|cell| cell.iter().map(|_| BODY * LEADING).sum::<f32>())
                .fold(0.0, f32::max)
                + 2.0 * PADDING;
            if self.y - height < super::BOTTOM && height < super::TOP - super::BOTTOM - 40.0 {
                self.over(table.columns, &slots, has_headings);
            }
            self.y -= PADDING;
            for line in 0..lines {
                if self.y - BODY * LEADING < super::BOTTOM {
                    self.over(table.columns, &slots, has_headings);
                }
                self.y -= BODY * LEADING;
                for (cell, slot) in cells.iter().zip(&slots) {
                    if let Some(text) = cell.get(line) {
                        self.cell(*slot, Weight::Regular, BODY, text);
                    }
                }
            }
            self.y -= PADDING + 1.0;
            let y = self.y;
            self.rule(y, 0.25);
        }
        self.y -= 6.0;
    }

    fn over(&mut self, columns: &[Column], slots: &[Slot], has_headings: bool) {
        self.turn();
        if has_headings {
            self.headings(columns, slots);
        }
    }

    fn headings(&mut self, columns: &[Column], slots: &[Slot]) {
        self.y -= SMALL * LEADING;
        for (column, slot) in columns.iter().zip(slots) {
            self.cell(*slot, Weight::Bold, SMALL, column.heading);
        }
        self.y -= 4.0;
        let y = self.y;
        self.rule(y, 0.8);
    }

    fn cell(&mut self, slot: Slot, weight: Weight, size: f32, text: &str) {
        let y = self.y;
        let line = Line { weight, size, text };
        match slot.align {
            Align::Left => self.draw(slot.x, y, line),
            Align::Right => self.draw_before(slot.x + slot.width, y, line),
        }
    }
}

fn slots(columns: &[Column]) -> Vec<Slot> {
    let whole: f32 = columns.iter().map(|column| column.share).sum();
    let mut x = MARGIN;
    columns
        .iter()
        .map(|column| {
            let width = MEASURE * column.share / whole;
            let slot = Slot {
                x,
                width: width - GAP,
                align: column.align,
            };
            x += width;
            slot
        })
        .collect()
}
