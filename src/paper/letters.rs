//! What of a text can be put on paper, and where its lines break.

/// A text as it can be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// How many letters it lacks; it says where.
    pub(super) left_out: usize,
}

/// The text with every run of letters that cannot be shown replaced by how many they are. `has` says
/// whether there is a glyph.
pub(super) fn readable(text: &str, has: &dyn Fn(char) -> bool) -> Shown {
    let mut shown = Shown {
        text: String::with_capacity(text.len()),
        left_out: 0,
    };
    let mut hidden = 0;
    // What stands between two hidden words belongs to them: their order is not known here.
    let mut between = String::new();
    for letter in text.chars().filter(|letter| !is_invisible(*letter)) {
        let letter = if letter == '\t' { ' ' } else { letter };
        let is_shown = letter == '\n' || (is_simple(letter) && has(letter));
        if !is_shown {
            hidden += 1 + between.chars().count();
            between.clear();
        } else if hidden > 0 && letter != '\n' && !letter.is_alphanumeric() {
            between.push(letter);
        } else {
            shown.close(&mut hidden, &mut between);
            shown.text.push(letter);
        }
    }
    shown.close(&mut hidden, &mut between);
    shown
}

impl Shown {
    fn close(&mut self, hidden: &mut usize, between: &mut String) {
        match *hidden {
            0 => {}
            1 => self.text.push_str("[1 letter not shown]"),
            many => self.text.push_str(&format!("[{many} letters not shown]")),
        }
        self.left_out += *hidden;
        *hidden = 0;
        self.text.push_str(between);
        between.clear();
    }
}

/// Whether a letter stands for itself, from left to right, whatever is beside it.
fn is_simple(letter: char) -> bool {
    matches!(letter,
        ' '..='\u{58f}' | '\u{10a0}'..='\u{10ff}' | '\u{1e00}'..='\u{2bff}' | '\u{fb00}'..='\u{fb06}')
}

/// Marks that only steer how others are shown.
fn is_invisible(letter: char) -> bool {
    (letter.is_control() && letter != '\n' && letter != '\t')
        || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// The text in lines no wider than `width`: broken at spaces, and within a word that is wider.
pub(super) fn broken(text: &str, width: f32, measure: &dyn Fn(&str) -> f32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.trim_end().split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if measure(&longer) <= width {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                if measure(&line) > width && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, letter.to_string()));
                }
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        readable(text, &|_| true).text
    }

    #[test]
    fn latin_greek_and_cyrillic_are_shown_as_they_are() {
        let text = "Zoë Łoś – Ελένη Ώρα\nЖанна Ђорђевић “€5”";
        assert_eq!(shown(text), text);
    }

    #[test]
    fn what_would_need_an_order_or_a_shape_is_counted_and_not_shown() {
        assert_eq!(shown("Ana محمد 5"), "Ana [4 letters not shown] 5");
        assert_eq!(shown("דנה כהן, Berlin"), "[7 letters not shown], Berlin");
        assert_eq!(shown("李"), "[1 letter not shown]");
        assert_eq!(readable("सीता", &|_| true).left_out, 4);
    }

    #[test]
    fn a_letter_without_a_glyph_is_not_shown_either() {
        let shown = readable("aЖ", &|letter| letter.is_ascii());
        assert_eq!(shown.text, "a[1 letter not shown]");
    }

    #[test]
    fn no_mark_can_turn_the_order_of_letters_around() {
        assert_eq!(shown("a\u{202e}b\u{200f}c\r\n"), "abc\n");
    }

    #[test]
    fn lines_break_at_spaces_and_in_words_that_are_too_wide() {
        let one_each = |text: &str| f32::from(u16::try_from(text.chars().count()).unwrap());
        let lines = broken("ab cd efghijk l\n\nm", 5.0, &one_each);
        assert_eq!(lines, ["ab cd", "efghi", "jk l", "", "m"]);
        assert_eq!(broken("", 5.0, &one_each), [""]);
    }
}
