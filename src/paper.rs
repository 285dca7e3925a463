//! Paper: puts headings, paragraphs, tables and curves onto A4 pages and makes a PDF of them. Pure.
//!
//! Black on white, with the words of the mode on every page, so that it can be printed anywhere. It
//! brings its own letters (Latin, Greek, Cyrillic, Armenian and Georgian). Other scripts need an order
//! and a shape that it does not know: it says how many letters it left out, rather than print nonsense.

mod curves;
mod face;
mod file;
mod letters;
mod table;

pub use curves::Curves;
pub use table::{Align, Column, Table};

use face::Face;
use pdf_writer::{Content, Name, Str};

/// A4, in points.
const WIDTH: f32 = 595.28;
const HEIGHT: f32 = 841.89;
/// Room at the left and right edge.
const MARGIN: f32 = 48.0;
/// Where the text of a page begins and ends, from the bottom.
const TOP: f32 = HEIGHT - 84.0;
const BOTTOM: f32 = 62.0;
/// The width of the text.
const MEASURE: f32 = WIDTH - 2.0 * MARGIN;
/// The height of a line, in sizes of its letters.
const LEADING: f32 = 1.4;
/// The size of most text.
const BODY: f32 = 9.5;
const SMALL: f32 = 8.0;

/// What stands on every page.
#[derive(Clone, Debug)]
pub struct Head {
    /// Whose paper it is.
    pub organisation: String,
    /// What it is: the file's title.
    pub title: String,
    /// LIVE or DRILL, in a box; none where no mode applies.
    pub mode: Option<&'static str>,
    /// Whether the mode's word also lies across every page.
    pub is_watermarked: bool,
    /// At the foot, beside the page's number.
    pub foot: String,
}

/// Which letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Regular,
    Bold,
}

/// A line of text to be drawn.
#[derive(Clone, Copy)]
struct Line<'a> {
    weight: Weight,
    size: f32,
    text: &'a str,
}

/// Pages that are being filled from the top.
pub struct Paper {
    head: Head,
    regular: Face,
    bold: Face,
    /// What is drawn on each page so far; the last one is being filled.
    pages: Vec<Content>,
    /// How far the last page is filled, from the bottom.
    y: f32,
    has_left_out: bool,
}

impl Paper {
    /// Paper with one empty page.
    pub fn new(head: Head) -> Self {
        let mut paper = Self {
            head,
            regular: Face::regular(),
            bold: Face::bold(),
            pages: Vec::new(),
            y: TOP,
            has_left_out: false,
        };
        paper.turn();
        paper
    }

    /// The name of the whole.
    pub fn title(&mut self, text: &str) {
        self.lines(Weight::Bold, 17.0, text, 0.0);
        self.y -= 2.0;
    }

    /// The name of a part, never alone at the foot of a page.
    pub fn heading(&mut self, text: &str) {
        self.heading_over(text, 46.0);
    }

    /// The same over something so high that goes to no other page.
    pub fn heading_over(&mut self, text: &str, height: f32) {
        self.y -= 12.0;
        self.need(24.0 + height);
        self.lines(Weight::Bold, 12.0, text, 0.0);
        self.y -= 3.0;
    }

    /// The name of a part of a part.
    pub fn subheading(&mut self, text: &str) {
        self.y -= 6.0;
        self.need(46.0);
        self.lines(Weight::Bold, BODY, text, 0.0);
    }

    /// Sentences.
    pub fn paragraph(&mut self, text: &str) {
        self.lines(Weight::Regular, BODY, text, 0.0);
        self.y -= 4.0;
    }

    /// A sentence that stands out.
    pub fn strong(&mut self, text: &str) {
        self.lines(Weight::Bold, BODY + 1.0, text, 0.0);
        self.y -= 4.0;
    }

    /// What only few will read: a hash, a colophon.
    pub fn small(&mut self, text: &str) {
        self.lines(Weight::Regular, SMALL, text, 0.0);
        self.y -= 3.0;
    }

    /// A text word for word, set in from the edge.
    pub fn quoted(&mut self, text: &str) {
        self.lines(Weight::Regular, BODY, text, 14.0);
        self.y -= 3.0;
    }

    /// Lines with a dash before each.
    pub fn list<'a>(&mut self, items: impl IntoIterator<Item = &'a str>) {
        for item in items {
            self.lines(Weight::Regular, BODY, &format!("– {item}"), 0.0);
        }
        self.y -= 4.0;
    }

    /// The finished file.
    pub fn finish(mut self) -> Vec<u8> {
        if self.has_left_out {
            self.y -= 6.0;
            self.small(
                "Square brackets stand for letters of scripts that this file cannot show. They are whole \
                 on the page that it was made from.",
            );
        }
        file::assemble(self)
    }

    /// A new page, with the word across it where there is one.
    fn turn(&mut self) {
        self.pages.push(Content::new());
        self.y = TOP;
        let Some(word) = self.head.mode.filter(|_| self.head.is_watermarked) else {
            return;
        };
        let letters = self.bold.encode(word);
        let page = self.page();
        page.save_state();
        page.set_fill_gray(0.9);
        page.begin_text();
        page.set_font(Name(Weight::Bold.name()), 150.0);
        // Turned by 55 degrees, around the middle of the page.
        page.set_text_matrix([0.574, 0.819, -0.819, 0.574, 210.0, 190.0]);
        page.show(Str(&letters));
        page.end_text();
        page.restore_state();
    }

    fn page(&mut self) -> &mut Content {
        self.pages.last_mut().expect("there is always a page")
    }

    /// Turns the page if so much does not fit on it any more.
    fn need(&mut self, height: f32) {
        if self.y - height < BOTTOM {
            self.turn();
        }
    }

    /// Text over the whole measure, `indent` from the edge, broken into lines and over pages.
    fn lines(&mut self, weight: Weight, size: f32, text: &str, indent: f32) {
        for line in self.broken(weight, size, text, MEASURE - indent) {
            self.need(size * LEADING);
            self.y -= size * LEADING;
            let (x, y) = (MARGIN + indent, self.y);
            let text = line.as_str();
            self.draw(x, y, Line { weight, size, text });
        }
    }

    /// What can be shown of a text, in lines no wider than `width`.
    fn broken(&mut self, weight: Weight, size: f32, text: &str, width: f32) -> Vec<String> {
        let face = self.face(weight);
        let shown = letters::readable(text, &|letter| face.has(letter));
        let lines = letters::broken(&shown.text, width, &|text| face.width(text, size));
        self.has_left_out |= shown.left_out > 0;
        lines
    }

    fn draw(&mut self, x: f32, y: f32, line: Line) {
        let letters = match line.weight {
            Weight::Regular => self.regular.encode(line.text),
            Weight::Bold => self.bold.encode(line.text),
        };
        let page = self.page();
        page.begin_text();
        page.set_font(Name(line.weight.name()), line.size);
        page.next_line(x, y);
        page.show(Str(&letters));
        page.end_text();
    }

    /// The same, ending at `x`.
    fn draw_before(&mut self, x: f32, y: f32, line: Line) {
        let width = self.face(line.weight).width(line.text, line.size);
        self.draw(x - width, y, line);
    }

    /// A line across the text.
    fn rule(&mut self, y: f32, thickness: f32) {
        let page = self.page();
        page.set_line_width(thickness);
        page.move_to(MARGIN, y);
        page.line_to(WIDTH - MARGIN, y);
        page.stroke();
    }

    fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }
}

impl Weight {
    /// What the pages call it.
    fn name(self) -> &'static [u8] {
        match self {
            Self::Regular => b"R",
            Self::Bold => b"B",
        }
    }
}
