//! Finds the form of an answer page, its buttons and what it sends along. Pure.
//!
//! Knows as much HTML as our own answer page has: no scripts, no nested forms.

use std::collections::HashSet;

/// The first form of a page that is posted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// Where it is posted to; none = to the page's own address.
    pub(super) action: Option<String>,
    /// What it sends whichever button is pressed: hidden fields and the choices that are made.
    pub(super) fields: Vec<(String, String)>,
    /// Its buttons, in order.
    pub(super) buttons: Vec<Button>,
}

/// One button of a form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Button {
    /// The field it sends.
    pub(super) name: String,
    /// What it sends.
    pub(super) value: String,
    /// Everything it says of itself: its class, its value, its words.
    pub(super) words: String,
}

impl Form {
    /// Reads it from a page; none if the page has no form that is posted.
    pub(super) fn find(page: &str) -> Option<Self> {
        let mut rest = page;
        while let Some(tag) = Tag::next(rest) {
            rest = tag.rest;
            if tag.name == "form" && tag.is_posted() {
                let end = rest.find("</form").unwrap_or(rest.len());
                let mut form = Self {
                    action: tag.get("action"),
                    ..Self::default()
                };
                form.read(&rest[..end]);
                return Some(form);
            }
        }
        None
    }

    fn read(&mut self, inside: &str) {
        let mut rest = inside;
        let mut chosen = HashSet::new();
        while let Some(tag) = Tag::next(rest) {
            rest = tag.rest;
            match tag.name.as_str() {
                "button" => {
                    let end = rest.find("</button").unwrap_or(rest.len());
                    self.buttons.extend(tag.button(&without_tags(&rest[..end])));
                }
                "input" => self.read_input(&tag, &mut chosen),
                _ => {}
            }
        }
    }

    fn read_input(&mut self, tag: &Tag<'_>, chosen: &mut HashSet<String>) {
        let Some(name) = tag.get("name") else { return };
        let value = tag.get("value").unwrap_or_default();
        match tag
            .get("type")
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "submit" => self.buttons.extend(tag.button(&value)),
            "hidden" => self.fields.push((name, value)),
            // Someone who has to say which of several they are says the first, unless another
            // is already ticked.
            "radio" if chosen.insert(name.clone()) => self.fields.push((name, value)),
            "radio" if tag.get("checked").is_some() => {
                if let Some(field) = self.fields.iter_mut().find(|(key, _)| *key == name) {
                    field.1 = value;
                }
            }
            _ => {}
        }
    }
}

/// One opening tag.
struct Tag<'a> {
    name: String,
    attributes: Vec<(String, String)>,
    /// The page after it.
    rest: &'a str,
}

impl<'a> Tag<'a> {
    /// The next opening tag in `page`.
    fn next(page: &'a str) -> Option<Self> {
        let mut rest = page;
        loop {
            rest = &rest[rest.find('<')? + 1..];
            if let Some(comment) = rest.strip_prefix("!--") {
                rest = comment.split_once("-->").map_or("", |(_, after)| after);
            } else if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                break;
            }
        }
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (name, mut rest) = rest.split_at(end);
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() {
                break;
            }
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            let (attribute, after) = attribute(rest);
            attributes.push(attribute);
            rest = after;
        }
        Some(Self {
            name: name.to_ascii_lowercase(),
            attributes,
            rest,
        })
    }

    /// An attribute's value; empty if it stands without one.
    fn get(&self, name: &str) -> Option<String> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    }

    /// Whether it is a form that is posted.
    fn is_posted(&self) -> bool {
        self.get("method")
            .is_some_and(|method| method.eq_ignore_ascii_case("post"))
    }

    /// The button that this tag makes; none if it sends nothing of its own.
    fn button(&self, label: &str) -> Option<Button> {
        let value = self.get("value").unwrap_or_default();
        let class = self.get("class").unwrap_or_default();
        let words = format!("{class} {value} {}", decoded(label));
        Some(Button {
            name: self.get("name")?,
            value,
            words,
        })
    }
}

/// Reads one attribute from the start of `text`, which is not blank there. Returns what follows.
fn attribute(text: &str) -> ((String, String), &str) {
    // An attribute has at least one character, so that even nonsense is passed over.
    let first = text.chars().next().map_or(0, char::len_utf8);
    let ends = |c: char| c.is_ascii_whitespace() || "=>/".contains(c);
    let end = text[first..].find(ends).map_or(text.len(), |at| first + at);
    let (name, rest) = text.split_at(end);
    let name = name.to_ascii_lowercase();
    let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start) else {
        return ((name, String::new()), rest);
    };
    let (value, rest) = if let Some(quote @ ('"' | '\'')) = value.chars().next() {
        value[1..].split_once(quote).unwrap_or((&value[1..], ""))
    } else {
        let ends = |c: char| c.is_ascii_whitespace() || c == '>';
        value.split_at(value.find(ends).unwrap_or(value.len()))
    };
    ((name, decoded(value)), rest)
}

/// The text between tags.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, after)| after));
    }
    text
}

/// `&amp;`, `&#39;` and their like as the characters they stand for; others stay.
fn decoded(text: &str) -> String {
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known = part
            .split_once(';')
            .and_then(|(name, after)| Some((entity(name)?, after)));
        if let Some((character, after)) = known {
            out.push(character);
            out.push_str(after);
        } else {
            out.push('&');
            out.push_str(part);
        }
    }
    out
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_buttons_of_an_answer_page_are_found_in_order() {
        let page = r#"<!doctype html><html lang="en"><title>LIVE</title><!-- <form method=post> -->
            <form method="post" action="/a/T&amp;x"><p>Are you safe?</p>
            <input type="hidden" name="seen" value="3">
            <button name="answer" value="safe">I am <b>safe</b></button>
            <button class="help" name='answer' value='help'>I&#39;m in danger</button></form>"#;
        let form = Form::find(page).unwrap();
        assert_eq!(form.action.as_deref(), Some("/a/T&x"));
        assert_eq!(form.fields, [("seen".to_owned(), "3".to_owned())]);
        let values: Vec<&str> = form
            .buttons
            .iter()
            .map(|button| button.value.as_str())
            .collect();
        assert_eq!(values, ["safe", "help"]);
        assert!(form.buttons[0].words.ends_with("I am safe"));
        assert_eq!(form.buttons[1].words, "help help I'm in danger");
    }

    #[test]
    fn html_without_quotes_is_read_as_well() {
        let form = Form::find("<form method=POST><button name=answer value=safe>Safe").unwrap();
        assert_eq!(form.action, None);
        assert_eq!(
            (
                form.buttons[0].name.as_str(),
                form.buttons[0].value.as_str()
            ),
            ("answer", "safe")
        );
    }

    #[test]
    fn of_several_people_on_one_phone_the_ticked_or_the_first_answers() {
        let page = |second: &str| {
            format!(
                "<form method=post><input type=radio name=who value=1><input type=radio name=who \
                 value=2{second}><button name=answer value=safe>Safe</button></form>"
            )
        };
        let who = |page: &str| Form::find(page).unwrap().fields[0].1.clone();
        assert_eq!(who(&page("")), "1");
        assert_eq!(who(&page(" checked")), "2");
    }

    #[test]
    fn a_form_that_only_asks_and_a_page_without_one_are_left_alone() {
        assert_eq!(
            Form::find("<form action=/search><button name=q value=1>Find</button>"),
            None
        );
        assert_eq!(Form::find("<p>This link has expired.</p>"), None);
        assert_eq!(Form::find("<form method=post"), Some(Form::default()));
    }

    #[test]
    fn a_button_after_the_form_does_not_belong_to_it() {
        let form = Form::find("<form method=post></form><button name=a value=b>x</button>");
        assert!(form.unwrap().buttons.is_empty());
    }

    proptest! {
        #[test]
        fn nothing_that_looks_like_a_page_makes_it_fail(
            page in "(<form method=post|<button |<input |[a-z<>=\"'& é/!-]|&#x1;){0,40}",
        ) {
            // The property is that it returns at all.
            let _form = Form::find(&page);
        }
    }
}
