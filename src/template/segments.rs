//! Counts what a text costs as SMS: its alphabet, its length, and into how many parts it is cut.

use gsm7::Gsm7Writer;
use serde::{Deserialize, Serialize};

/// The alphabet that an SMS is sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// GSM 03.38: seven bits for a character, fourteen for `^ { } \ [ ~ ] |` and the euro sign.
    Gsm7,
    /// UTF-16, because one character at least is not in GSM 03.38: less than half the room.
    Ucs2,
}

impl Encoding {
    /// Units in a message that is sent whole.
    fn whole(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units in each part of a message that is cut, after the header that joins the parts.
    fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }
}

/// What a text costs as SMS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsSize {
    /// The alphabet it needs.
    pub encoding: Encoding,
    /// Its length in that alphabet's units: septets, or UTF-16 code units.
    pub units: usize,
    /// The messages it is cut into. An empty text is one.
    pub parts: usize,
    /// Units that still fit without one more part.
    pub left: usize,
    /// The first character that is not in GSM 03.38, if there is one.
    pub culprit: Option<char>,
}

/// Counts `text` as it is: nothing is replaced.
pub fn count(text: &str) -> SmsSize {
    let culprit = text.chars().find(|c| septets(*c).is_none());
    let encoding = if culprit.is_some() {
        Encoding::Ucs2
    } else {
        Encoding::Gsm7
    };
    let width = |c: char| match encoding {
        Encoding::Gsm7 => septets(c).unwrap_or(1),
        Encoding::Ucs2 => c.len_utf16(),
    };
    let units = text.chars().map(width).sum();
    if units <= encoding.whole() {
        return SmsSize {
            encoding,
            units,
            parts: 1,
            left: encoding.whole() - units,
            culprit,
        };
    }

    // A character of two units is never cut in half: it goes to the next part whole, and the unit
    // before it stays empty. So the number of parts is more than a division.
    let (mut parts, mut used) = (1, 0);
    for width in text.chars().map(width) {
        if used + width > encoding.part() {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    SmsSize {
        encoding,
        units,
        parts,
        left: encoding.part() - used,
        culprit,
    }
}

/// Septets that the character takes in GSM 03.38; none if it is not there.
pub fn septets(c: char) -> Option<usize> {
    match c {
        // Most texts are made of these: not worth the search through the whole table.
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' '..='/' => return Some(1),
        // In the table, but it stands for no character of its own.
        '\u{1b}' => return None,
        _ => {}
    }
    let mut buffer = [0_u8; 4];
    let room = buffer.len();
    let mut writer = Gsm7Writer::new(&mut buffer[..]);
    writer.write_char(c).ok()?;
    // One septet fills a part of one byte, two fill a part of two.
    writer.into_writer().ok().map(|rest| room - rest.len())
}

/// The text with accents and typography replaced by what GSM 03.38 has; none if it is in that
/// alphabet already, or if something without a look-alike keeps it out anyway.
pub fn look_alike(text: &str) -> Option<String> {
    if text.chars().all(|c| septets(c).is_some()) {
        return None;
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if septets(c).is_some() {
            plain.push(c);
        } else {
            plain.push_str(replacement(c)?);
        }
    }
    Some(plain)
}

/// What a careful person writes instead, on a phone that lacks the character.
fn replacement(c: char) -> Option<&'static str> {
    Some(match c {
        'á' | 'â' | 'ã' | 'ª' => "a",
        'Á' | 'À' | 'Â' | 'Ã' => "A",
        'ç' => "c",
        'ê' | 'ë' => "e",
        'È' | 'Ê' | 'Ë' => "E",
        'í' | 'î' | 'ï' => "i",
        'Í' | 'Ì' | 'Î' | 'Ï' => "I",
        'ó' | 'ô' | 'õ' | 'º' | '°' => "o",
        'Ó' | 'Ò' | 'Ô' | 'Õ' => "O",
        'ú' | 'û' => "u",
        'Ú' | 'Ù' | 'Û' => "U",
        '‘' | '’' | '‚' | '´' | '`' => "'",
        '“' | '”' | '„' | '«' | '»' => "\"",
        '‐' | '‑' | '–' | '—' => "-",
        '…' => "...",
        '\u{a0}' | '\u{202f}' | '\u{2009}' | '\t' => " ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(text: &str) -> (Encoding, usize, usize, usize) {
        let size = count(text);
        (size.encoding, size.units, size.parts, size.left)
    }

    #[test]
    fn plain_text_is_cut_after_160_into_parts_of_153() {
        assert_eq!(size(""), (Encoding::Gsm7, 0, 1, 160));
        assert_eq!(size(&"a".repeat(160)), (Encoding::Gsm7, 160, 1, 0));
        assert_eq!(size(&"a".repeat(161)), (Encoding::Gsm7, 161, 2, 145));
        assert_eq!(size(&"a".repeat(306)), (Encoding::Gsm7, 306, 2, 0));
        assert_eq!(size(&"a".repeat(307)), (Encoding::Gsm7, 307, 3, 152));
    }

    #[test]
    fn one_character_outside_the_alphabet_is_named_and_changes_the_count() {
        let text = format!("{}í", "a".repeat(70));
        assert_eq!(size(&text), (Encoding::Ucs2, 71, 2, 63));
        assert_eq!(count(&text).culprit, Some('í'));
    }

    #[test]
    fn the_euro_sign_costs_two_and_is_never_cut_in_half() {
        assert_eq!(count("€").units, 2);
        let text = format!("{}€{}", "a".repeat(152), "a".repeat(152));
        assert_eq!(size(&text), (Encoding::Gsm7, 306, 3, 152));
    }

    #[test]
    fn a_surrogate_pair_is_never_cut_in_half() {
        let text = format!("{}🔥{}", "ж".repeat(66), "ж".repeat(66));
        assert_eq!(size(&text), (Encoding::Ucs2, 134, 3, 66));
    }

    #[test]
    fn spanish_letters_that_the_alphabet_has_are_free() {
        assert_eq!(count("ñÑéüà¿¡").encoding, Encoding::Gsm7);
        assert_eq!(septets('\u{1b}'), None);
        assert_eq!(septets('\t'), None);
    }

    #[test]
    fn every_printable_ascii_character_but_the_backtick_is_in_the_alphabet() {
        let outside: String = (' '..='~').filter(|c| septets(*c).is_none()).collect();
        assert_eq!(outside, "`");
        let double: String = (' '..='~').filter(|c| septets(*c) == Some(2)).collect();
        assert_eq!(double, "[\\]^{|}~");
    }

    #[test]
    fn every_replacement_is_in_the_alphabet() {
        let replaced = (' '..'\u{2100}').filter_map(replacement);
        assert!(replaced.flat_map(str::chars).all(|c| septets(c).is_some()));
    }
}
