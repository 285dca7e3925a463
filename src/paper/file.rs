//! Puts finished pages together to a file: head and foot of each, fonts, title.

use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, TextStr};

use super::{BODY, HEIGHT, Line, MARGIN, Paper, SMALL, WIDTH, Weight};

/// Numbers for the objects of a file.
pub(super) struct Ids(i32);

impl Ids {
    pub(super) fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

/// A stream that takes less room.
pub(super) fn packed(pdf: &mut Pdf, id: Ref, bytes: &[u8]) {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(bytes, 6);
    pdf.stream(id, &packed).filter(Filter::FlateDecode);
}

/// The file of a paper.
pub(super) fn assemble(mut paper: Paper) -> Vec<u8> {
    dress(&mut paper);
    let mut ids = Ids(0);
    let mut pdf = Pdf::new();
    let [catalog, tree, info] = std::array::from_fn(|_| ids.next());
    let regular = paper.regular.embed(&mut pdf, &mut ids);
    let bold = paper.bold.embed(&mut pdf, &mut ids);
    let mut pages = Vec::new();
    for content in paper.pages {
        let [page, stream] = std::array::from_fn(|_| ids.next());
        packed(&mut pdf, stream, content.finish().as_slice());
        let mut written = pdf.page(page);
        written.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT));
        written.parent(tree);
        written.contents(stream);
        let mut resources = written.resources();
        let mut fonts = resources.fonts();
        fonts.pair(Name(Weight::Regular.name()), regular);
        fonts.pair(Name(Weight::Bold.name()), bold);
        fonts.finish();
        resources.finish();
        pages.push(page);
    }
    let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(pages).count(count);
    let title = match paper.head.mode {
        Some(mode) => format!("{mode}: {}", paper.head.title),
        None => paper.head.title,
    };
    pdf.document_info(info)
        .title(TextStr(&title))
        .author(TextStr(&paper.head.organisation))
        .producer(TextStr("Muster"));
    let mut whole = pdf.catalog(catalog);
    whole.pages(tree);
    whole.lang(TextStr("en"));
    whole.viewer_preferences().display_doc_title(true);
    whole.finish();
    pdf.finish()
}

/// Writes head and foot of every page, now that it is known how many there are.
fn dress(paper: &mut Paper) {
    let pages = std::mem::take(&mut paper.pages);
    let count = pages.len();
    let head = paper.head.clone();
    let mut dressed = Vec::with_capacity(count);
    for (number, page) in (1..).zip(pages) {
        paper.pages = vec![page];
        let y = HEIGHT - 46.0;
        let x = mark(paper, head.mode, y);
        let right = WIDTH - MARGIN;
        let size = SMALL;
        let organisation = one_line(paper, Weight::Regular, size, &head.organisation, 190.0);
        let text = organisation.as_str();
        paper.draw_before(
            right,
            y,
            Line {
                weight: Weight::Regular,
                size,
                text,
            },
        );
        let title = one_line(paper, Weight::Bold, BODY, &head.title, right - 200.0 - x);
        let text = title.as_str();
        paper.draw(
            x,
            y,
            Line {
                weight: Weight::Bold,
                size: BODY,
                text,
            },
        );
        paper.rule(y - 10.0, 0.8);
        paper.rule(48.0, 0.4);
        let page_number = format!("Page {number} of {count}");
        let text = page_number.as_str();
        paper.draw_before(
            right,
            36.0,
            Line {
                weight: Weight::Regular,
                size,
                text,
            },
        );
        let foot = one_line(paper, Weight::Regular, size, &head.foot, 400.0);
        let text = foot.as_str();
        paper.draw(
            MARGIN,
            36.0,
            Line {
                weight: Weight::Regular,
                size,
                text,
            },
        );
        dressed.append(&mut paper.pages);
    }
    paper.pages = dressed;
}

/// The mode's word in a box: white on black when it was meant, black in a frame for a drill. Answers
/// where the title begins.
fn mark(paper: &mut Paper, mode: Option<&'static str>, y: f32) -> f32 {
    let Some(text) = mode else { return MARGIN };
    let weight = Weight::Bold;
    let width = paper.face(weight).width(text, BODY) + 12.0;
    let is_drill = paper.head.is_watermarked;
    let page = paper.page();
    page.save_state();
    page.set_line_width(1.2);
    page.rect(MARGIN, y - 4.5, width, 16.0);
    if is_drill {
        page.stroke();
    } else {
        page.fill_nonzero();
        page.set_fill_gray(1.0);
    }
    paper.draw(
        MARGIN + 6.0,
        y,
        Line {
            weight,
            size: BODY,
            text,
        },
    );
    paper.page().restore_state();
    MARGIN + width + 8.0
}

/// As much of a text as fits into one line.
fn one_line(paper: &mut Paper, weight: Weight, size: f32, text: &str, width: f32) -> String {
    let mut lines = paper.broken(weight, size, text, width).into_iter();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() {
        return format!("{first}…");
    }
    first
}
