//! Takes out of a message what only makes sense on a phone: the link to this very page, and the
//! digits to reply with. Pure.

/// Ends of sentences.
const ENDS: [&str; 4] = [". ", "! ", "? ", "\n"];

/// `text` without the sentence that ends in `link` ("Latest: https://…") and without the line of
/// answers. What is left of a text that is nothing but its link is that text.
pub(super) fn without_link(text: &str, link: &str, answers: &str) -> String {
    let Some((before, after)) = text.split_once(link) else {
        return without_answers(text, answers);
    };
    let end = ENDS
        .iter()
        .filter_map(|end| before.rfind(end).map(|at| at + end.len()))
        .max();
    let head = match end {
        Some(end) => &before[..end],
        None => before,
    };
    let rest = without_answers(after, answers);
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';'));
    format!("{} {}", head.trim_end(), rest.trim_end())
        .trim()
        .to_owned()
}

fn without_answers(text: &str, answers: &str) -> String {
    if answers.is_empty() {
        return text.to_owned();
    }
    text.replacen(answers, "", 1).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://a.example/a/Zk3";
    const ANSWERS: &str = "Reply 1 read, 2 need help";

    fn shown(text: &str) -> String {
        let text = text.replace("LINK", LINK).replace("ANSWERS", ANSWERS);
        without_link(&text, LINK, ANSWERS)
    }

    #[test]
    fn the_sentence_with_the_link_goes_and_the_others_stay() {
        assert_eq!(
            shown("Clinic: CLOSED (burst pipe). DO NOT COME. Latest: LINK ANSWERS"),
            "Clinic: CLOSED (burst pipe). DO NOT COME."
        );
        assert_eq!(
            shown("EVACUATE NOW. Stay out. LINK ANSWERS"),
            "EVACUATE NOW. Stay out."
        );
    }

    #[test]
    fn what_follows_the_answers_stays() {
        assert_eq!(
            shown("NEW TIME: 09:40. Does it suit you? LINK ANSWERS. Questions: 555 0100"),
            "NEW TIME: 09:40. Does it suit you? Questions: 555 0100"
        );
        assert_eq!(
            shown("DRILL: Leave. LINK ANSWERS DRILL"),
            "DRILL: Leave. DRILL"
        );
    }

    #[test]
    fn a_text_of_one_sentence_keeps_its_words() {
        assert_eq!(shown("Closed, see LINK"), "Closed, see");
        assert_eq!(shown("Closed today ANSWERS"), "Closed today");
        assert_eq!(without_link("Closed.", LINK, ""), "Closed.");
    }
}
