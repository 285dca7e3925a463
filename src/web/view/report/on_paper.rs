//! The report as a file to print: the same words as the page, on A4.

use super::{Breakdown, Report};
use crate::paper::{Column, Curves, Head, Paper, Table};
use crate::web::view::Mode;
use crate::web::view::chart::Chart;

impl Report {
    /// The whole page as a PDF.
    pub fn to_pdf(&self) -> Vec<u8> {
        let mut paper = Paper::new(Head {
            organisation: self.page.organisation.clone(),
            title: format!("Report: {}", self.title),
            mode: Some(self.mode.word()),
            is_watermarked: self.mode == Mode::Drill,
            foot: self.page.ribbon.clone(),
        });
        paper.title(&format!("Report: {}", self.title));
        paper.paragraph(&format!("{}. {}", self.severity.word(), self.when));
        paper.strong(&self.summary);
        paper.paragraph(&self.verdict.text);
        paper.heading("Said plainly");
        paper.list(self.doubts.iter().map(String::as_str));
        self.put_figures(&mut paper);
        self.put_people(&mut paper);
        for breakdown in &self.breakdowns {
            put_breakdown(&mut paper, breakdown);
        }
        self.put_acts(&mut paper);
        paper.heading("The texts, as sent");
        for text in &self.texts {
            paper.subheading(&text.heading);
            paper.quoted(&text.text);
            paper.small(&format!("SHA-256 {}", text.hash));
        }
        if !self.thread.is_empty() {
            paper.heading("Belongs together");
            paper.list(self.thread.iter().map(|link| link.label.as_str()));
        }
        paper.small(&self.colophon);
        paper.finish()
    }

    fn put_figures(&self, paper: &mut Paper) {
        paper.heading("Figures");
        let facts = self.figures.iter();
        paper.table(&Table {
            columns: &[Column::words("", 2.0), Column::words("", 3.0)],
            rows: facts
                .map(|fact| vec![fact.label.clone(), fact.value.clone()])
                .collect(),
        });
        let Some(chart) = &self.chart else { return };
        paper.curves("Reached and answered", &curves(chart));
        let rows = chart.rows.iter();
        paper.table(&Table {
            columns: &[
                Column::words("After", 2.0),
                Column::numbers("Reached", 1.0),
                Column::numbers("Answered", 1.0),
            ],
            rows: rows
                .map(|row| {
                    vec![
                        row.time.clone(),
                        row.reached.to_string(),
                        row.answered.to_string(),
                    ]
                })
                .collect(),
        });
    }

    fn put_people(&self, paper: &mut Paper) {
        paper.heading(&format!("Not reached ({})", self.not_reached.len()));
        if self.not_reached.is_empty() {
            paper.paragraph("Everyone was reached.");
        } else {
            let people = self.not_reached.iter();
            paper.table(&Table {
                columns: &[
                    Column::words("Person", 2.0),
                    Column::words("Why", 3.0),
                    Column::words("What to mend", 3.0),
                ],
                rows: people
                    .map(|one| vec![one.name.clone(), one.reason.clone(), one.fix.clone()])
                    .collect(),
            });
        }
        if self.wrote.is_empty() {
            return;
        }
        paper.heading(&format!("What people wrote ({})", self.wrote.len()));
        let wrote = self.wrote.iter();
        paper.table(&Table {
            columns: &[
                Column::words("Time", 1.5),
                Column::words("Person", 2.0),
                Column::words("Words that are no answer", 4.0),
            ],
            rows: wrote
                .map(|one| {
                    let words = format!("{} {}", one.words, one.state);
                    vec![one.time.clone(), one.name.clone(), words]
                })
                .collect(),
        });
    }

    fn put_acts(&self, paper: &mut Paper) {
        paper.heading("What was done, by whom and by Muster");
        let acts = self.acts.iter();
        paper.table(&Table {
            columns: &[
                Column::words("Time", 1.5),
                Column::words("Who", 1.5),
                Column::words("What", 5.0),
            ],
            rows: acts
                .map(|act| vec![act.time.clone(), act.who.clone(), act.what.clone()])
                .collect(),
        });
    }
}

fn put_breakdown(paper: &mut Paper, breakdown: &Breakdown) {
    paper.heading(&breakdown.title);
    let rows = breakdown.rows.iter();
    paper.table(&Table {
        columns: &[
            Column::words(" ", 4.0),
            Column::numbers("People", 1.0),
            Column::numbers("Reached", 1.0),
            Column::numbers("Answered", 1.0),
        ],
        rows: rows
            .map(|row| {
                let numbers = [row.people, row.reached, row.answered];
                let mut cells = vec![row.label.clone()];
                cells.extend(numbers.iter().map(u64::to_string));
                cells
            })
            .collect(),
    });
}

fn curves(chart: &Chart) -> Curves {
    let points = |corners: &[(u64, u64)]| {
        let place = |(x, y): &(u64, u64)| {
            let down = share(*y, Chart::HEIGHT);
            (share(*x, Chart::WIDTH), 1.0 - down)
        };
        corners.iter().map(place).collect()
    };
    let name = |index: usize| {
        let fact = &chart.legend[index];
        format!("{} {}", fact.label, fact.value)
    };
    Curves {
        dashed: points(&chart.reached),
        dashed_name: name(0),
        whole: points(&chart.answered),
        whole_name: name(1),
        end: share(chart.end, Chart::WIDTH),
        times: chart.times.clone(),
        heights: chart.heights.clone(),
    }
}

/// Places of a drawing are small numbers.
fn share(part: u64, whole: u64) -> f32 {
    let small = |number: u64| f32::from(u16::try_from(number).unwrap_or(u16::MAX));
    small(part) / small(whole)
}
