//! Puts the word of a drill at both ends of every text of an exercise.

use super::compile::{Segment, push_text};
use super::{Part, primary};
use crate::alert::words::Language;
use crate::channel::Channel;

/// The word for a reader of `language`: every text of an exercise begins and ends with it.
pub fn word(language: &Language) -> &'static str {
    if primary(language) == "es" {
        "SIMULACRO"
    } else {
        "DRILL"
    }
}

/// What a call says after the first and before the last word.
fn spoken(language: &Language) -> (&'static str, &'static str) {
    match primary(language) {
        "en" => (" This is a drill.", "This was a drill. "),
        "es" => (" Esto es un simulacro.", "Esto fue un simulacro. "),
        _ => ("", ""),
    }
}

/// The same text, beginning and ending with the word; in HTML, the first and last thing that is seen
/// of the body. Twice would mark it twice.
pub fn mark(
    segments: &[Segment],
    channel: Channel,
    part: Part,
    language: &Language,
) -> Vec<Segment> {
    let word = word(language);
    match (channel, part) {
        (_, Part::Html) => mark_html(segments, word),
        (Channel::Voice, _) => {
            let (opening, closing) = spoken(language);
            mark_text(
                segments,
                &format!("{word}.{opening} "),
                &format!(" {closing}{word}"),
            )
        }
        _ => mark_text(segments, &format!("{word}: "), &format!(" {word}")),
    }
}

fn mark_text(segments: &[Segment], opening: &str, closing: &str) -> Vec<Segment> {
    let mut marked = Vec::with_capacity(segments.len() + 2);
    push_text(&mut marked, opening);
    for segment in segments {
        match segment {
            Segment::Text(text) => push_text(&mut marked, text),
            other => marked.push(other.clone()),
        }
    }
    if let Some(Segment::Text(text)) = marked.last_mut() {
        text.truncate(text.trim_end().len());
    }
    push_text(&mut marked, closing);
    marked
}

/// The word goes after `<body …>` and before `</body>`. A text without these (the check refuses it)
/// gets it at its own ends: better a crooked page than a drill that looks real.
fn mark_html(segments: &[Segment], word: &str) -> Vec<Segment> {
    let banner = format!(
        "<p style=\"margin:0;padding:12px;text-align:center;font-weight:bold;color:#ffffff;\
         background-color:#3b4a8c\">{word}</p>"
    );
    let mut marked = segments.to_vec();
    let opened = marked
        .iter_mut()
        .any(|segment| insert(segment, &banner, after_body_opens));
    let closed = marked
        .iter_mut()
        .rev()
        .any(|segment| insert(segment, &banner, before_body_ends));
    if !opened {
        marked.insert(0, Segment::Text(banner.clone()));
    }
    if !closed {
        push_text(&mut marked, &banner);
    }
    marked
}

fn insert(segment: &mut Segment, banner: &str, place: fn(&str) -> Option<usize>) -> bool {
    let Segment::Text(text) = segment else {
        return false;
    };
    let at = place(&text.to_ascii_lowercase());
    at.inspect(|at| text.insert_str(*at, banner)).is_some()
}

/// Where the body's content begins in lower-cased HTML.
pub(super) fn after_body_opens(lower: &str) -> Option<usize> {
    let start = lower
        .match_indices("<body")
        .map(|(at, tag)| at + tag.len())
        .find(|at| lower[*at..].starts_with([' ', '>', '\n', '\t']))?;
    lower[start..].find('>').map(|end| start + end + 1)
}

/// Where the body's content ends in lower-cased HTML.
pub(super) fn before_body_ends(lower: &str) -> Option<usize> {
    lower.rfind("</body>")
}

#[cfg(test)]
mod tests {
    use super::super::Escape;
    use super::super::compile;
    use super::super::fill::splice;
    use super::*;

    fn marked(source: &str, channel: Channel, part: Part, language: &str) -> String {
        let segments = compile(source).unwrap();
        let segments = mark(&segments, channel, part, &Language(language.to_owned()));
        splice(&segments, &|_| Some("X".into()), Escape::Plain)
    }

    #[test]
    fn an_sms_and_a_subject_begin_and_end_with_the_word() {
        let sms = marked("{{name}} leave now\n", Channel::Sms, Part::Text, "en");
        assert_eq!(sms, "DRILL: X leave now DRILL");
        let subject = marked("Salga {{name}}", Channel::Email, Part::Subject, "es-MX");
        assert_eq!(subject, "SIMULACRO: Salga X SIMULACRO");
    }

    #[test]
    fn a_call_says_so_in_a_sentence_too() {
        let call = marked("Leave.", Channel::Voice, Part::Text, "en");
        assert_eq!(
            call,
            "DRILL. This is a drill. Leave. This was a drill. DRILL"
        );
    }

    #[test]
    fn in_html_the_word_is_the_first_and_last_thing_seen() {
        let source = "<html><BODY class=\"a\">\n<p>Go {{name}}</p></BODY></html>";
        let html = marked(source, Channel::Email, Part::Html, "en");
        let seen: Vec<&str> = html
            .split(['<', '>'])
            .skip(1)
            .step_by(2)
            .zip(html.split(['<', '>']).skip(2).step_by(2))
            .map(|(_, text)| text.trim())
            .filter(|text| !text.is_empty())
            .collect();
        assert_eq!(seen, ["DRILL", "Go X", "DRILL"]);
        assert!(html.ends_with("</BODY></html>"));
    }

    #[test]
    fn html_without_a_body_is_marked_all_the_same() {
        let html = marked("{{name}}", Channel::Email, Part::Html, "es");
        assert!(html.starts_with("<p style") && html.ends_with("SIMULACRO</p>"));
        assert_eq!(html.matches("SIMULACRO").count(), 2);
    }
}
