//! A font: which glyph a letter is, how wide it is, and the part of the font that a file needs.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Name, Pdf, Rect, Ref, Str};
use subsetter::GlyphRemapper;
use ttf_parser::GlyphId;

use super::file::{self, Ids};

const CHARACTERS: SystemInfo = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// One font, and which of its letters were used.
pub(super) struct Face {
    /// Six letters and a plus say that it is a part of the font.
    name: &'static [u8],
    data: &'static [u8],
    font: ttf_parser::Face<'static>,
    used: GlyphRemapper,
    /// The letter of each glyph, by the glyph's number in the file.
    letters: BTreeMap<u16, char>,
}

impl Face {
    /// DejaVu Sans.
    pub(super) fn regular() -> Self {
        Self::new(b"MUSTER+DejaVuSans", dejavu::sans::regular())
    }

    /// DejaVu Sans Bold.
    pub(super) fn bold() -> Self {
        Self::new(b"MUSTER+DejaVuSans-Bold", dejavu::sans::bold())
    }

    fn new(name: &'static [u8], data: &'static [u8]) -> Self {
        Self {
            name,
            data,
            font: ttf_parser::Face::parse(data, 0).expect("the font that is built in is whole"),
            used: GlyphRemapper::new(),
            letters: BTreeMap::new(),
        }
    }

    /// Whether it has a glyph for a letter.
    pub(super) fn has(&self, letter: char) -> bool {
        self.font.glyph_index(letter).is_some()
    }

    /// How wide a text is, in points.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        let glyphs = text.chars().map(|letter| self.glyph(letter));
        glyphs.map(|glyph| self.advance(glyph)).sum::<f32>() * size / 1000.0
    }

    /// A text in the file's own numbers for glyphs, two bytes each.
    pub(super) fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len() * 2);
        for letter in text.chars() {
            let glyph = self.glyph(letter);
            let number = self.used.remap(glyph.0);
            self.letters.entry(number).or_insert(letter);
            bytes.extend(number.to_be_bytes());
        }
        bytes
    }

    /// Glyph 0 is the font's box for what it does not have.
    fn glyph(&self, letter: char) -> GlyphId {
        self.font.glyph_index(letter).unwrap_or(GlyphId(0))
    }

    /// In thousandths of the size.
    fn advance(&self, glyph: GlyphId) -> f32 {
        self.scaled(self.font.glyph_hor_advance(glyph).unwrap_or_default())
    }

    fn scaled(&self, units: impl Into<f32>) -> f32 {
        units.into() * 1000.0 / f32::from(self.font.units_per_em())
    }

    /// Writes the used part of the font into a file; answers where.
    pub(super) fn embed(&self, pdf: &mut Pdf, ids: &mut Ids) -> Ref {
        let [font, descendant, descriptor, data, unicode] = std::array::from_fn(|_| ids.next());
        let name = Name(self.name);
        pdf.type0_font(font)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(descendant)
            .to_unicode(unicode);
        let mut cid = pdf.cid_font(descendant);
        cid.subtype(CidFontType::Type2)
            .base_font(name)
            .system_info(CHARACTERS)
            .font_descriptor(descriptor)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        let widths = self
            .used
            .remapped_gids()
            .map(|id| self.advance(GlyphId(id)));
        cid.widths().consecutive(0, widths);
        drop(cid);
        let bounds = self.font.global_bounding_box();
        let [left, bottom, right, top] =
            [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|edge| self.scaled(edge));
        pdf.font_descriptor(descriptor)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(left, bottom, right, top))
            .italic_angle(0.0)
            .ascent(self.scaled(self.font.ascender()))
            .descent(self.scaled(self.font.descender()))
            .cap_height(self.scaled(self.font.capital_height().unwrap_or(self.font.ascender())))
            .stem_v(90.0)
            .font_file2(data);
        let part = subsetter::subset(self.data, 0, &self.used);
        file::packed(
            pdf,
            data,
            &part.expect("the glyphs came from the font that is built in"),
        );
        let mut map = UnicodeCmap::new(Name(b"Letters"), CHARACTERS);
        for (number, letter) in &self.letters {
            map.pair(*number, *letter);
        }
        file::packed(pdf, unicode, map.finish().as_slice());
        font
    }
}
