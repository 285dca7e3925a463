//! Fills `{{placeholders}}` into an address, a header or a body, escaped for the place they go to.

use crate::channel::kinds::OpenError;

/// What can be filled in. One message's values, in clear.
pub(super) struct Fields<'a> {
    pub(super) to: &'a str,
    pub(super) text: &'a str,
    pub(super) from: &'a str,
    pub(super) reference: String,
    pub(super) status_url: String,
    pub(super) link: &'a str,
    pub(super) subject: &'a str,
    pub(super) html: &'a str,
    pub(super) language: &'a str,
    pub(super) mode: &'a str,
    pub(super) token: &'a str,
}

impl Fields<'static> {
    /// Values with everything that can break a badly quoted place, to try templates with.
    pub(super) fn sample() -> Self {
        let awkward = "a \"b\" \\ <c> & d=é\n{{x}}";
        Self {
            to: "+10000000000",
            text: awkward,
            from: awkward,
            reference: "1".to_owned(),
            status_url: "https://clinic.example/callbacks/x/status?ref=1".to_owned(),
            link: "https://clinic.example/a/x",
            subject: awkward,
            html: awkward,
            language: "en",
            mode: "drill",
            token: awkward,
        }
    }
}

type Get = for<'a> fn(&'a Fields<'_>) -> &'a str;

/// Every placeholder.
const PLACEHOLDERS: &[(&str, Get)] = &[
    ("to", |fields| fields.to),
    ("to_digits", |fields| fields.to.trim_start_matches('+')),
    ("text", |fields| fields.text),
    ("from", |fields| fields.from),
    ("reference", |fields| &fields.reference),
    ("status_url", |fields| &fields.status_url),
    ("link", |fields| fields.link),
    ("subject", |fields| fields.subject),
    ("html", |fields| fields.html),
    ("language", |fields| fields.language),
    ("mode", |fields| fields.mode),
    ("token", |fields| fields.token),
];

/// How a value must be written where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// Inside a JSON string.
    Json,
    /// In a form or an address: `%` codes.
    Url,
    /// Inside XML.
    Xml,
    /// In a header: control characters become spaces.
    Header,
    /// As it is.
    Plain,
}

impl Escape {
    pub(super) fn for_content_type(content_type: &str) -> Self {
        if content_type.contains("json") {
            Self::Json
        } else if content_type.contains("x-www-form-urlencoded") {
            Self::Url
        } else if content_type.contains("xml") {
            Self::Xml
        } else {
            Self::Plain
        }
    }

    fn write(self, value: &str, out: &mut String) {
        match self {
            // Most values need no quoting.
            Self::Json
                if value
                    .bytes()
                    .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') =>
            {
                out.push_str(value);
            }
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                out.push_str(&quoted[1..quoted.len() - 1]);
            }
            // Not `+` for a space: in a path that would stay a plus.
            Self::Url => {
                for piece in form_urlencoded::byte_serialize(value.as_bytes()) {
                    out.push_str(if piece == "+" { "%20" } else { piece });
                }
            }
            Self::Xml => {
                for c in value.chars() {
                    match c {
                        '&' => out.push_str("&amp;"),
                        '<' => out.push_str("&lt;"),
                        '>' => out.push_str("&gt;"),
                        '"' => out.push_str("&quot;"),
                        '\'' => out.push_str("&#39;"),
                        c => out.push(c),
                    }
                }
            }
            Self::Header => {
                out.extend(value.chars().map(|c| if c.is_control() { ' ' } else { c }));
            }
            Self::Plain => out.push_str(value),
        }
    }
}

/// A text with placeholders, compiled: filling it cannot fail.
pub(super) struct Template {
    pieces: Vec<Piece>,
    escape: Escape,
}

enum Piece {
    Text(String),
    Value(Get),
}

impl Template {
    /// Refuses a placeholder that does not exist, naming those that do.
    pub(super) fn compile(key: &str, text: &str, escape: Escape) -> Result<Self, OpenError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or_else(|| {
                OpenError::new(
                    key,
                    format!("\"{key}\" has a \"{{{{\" without its \"}}}}\""),
                )
            })?;
            let name = name.trim();
            let (_, get) = PLACEHOLDERS
                .iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| {
                    let known = PLACEHOLDERS
                        .iter()
                        .map(|(name, _)| *name)
                        .collect::<Vec<_>>();
                    OpenError::new(
                        key,
                        format!(
                            "\"{key}\" has the unknown placeholder \"{name}\"; there are: {}",
                            known.join(", ")
                        ),
                    )
                })?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Value(*get));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self { pieces, escape })
    }

    /// The text, if nothing has to be filled in.
    pub(super) fn fixed(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with the values in. A `{{` inside a value is not looked at again.
    pub(super) fn fill(&self, fields: &Fields<'_>) -> String {
        let mut out = String::with_capacity(512);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(get) => self.escape.write(get(fields), &mut out),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, escape: Escape) -> String {
        let fields = Fields {
            text: "A&B \"x\"\n+1",
            ..Fields::sample()
        };
        Template::compile("body", text, escape)
            .unwrap()
            .fill(&fields)
    }

    #[test]
    fn values_are_escaped_for_their_place() {
        assert_eq!(filled("\"{{text}}\"", Escape::Json), r#""A&B \"x\"\n+1""#);
        assert_eq!(
            filled("t={{ text }}&x", Escape::Url),
            "t=A%26B%20%22x%22%0A%2B1&x"
        );
        assert_eq!(
            filled("<t>{{text}}</t>", Escape::Xml),
            "<t>A&amp;B &quot;x&quot;\n+1</t>"
        );
        assert_eq!(filled("{{text}}", Escape::Header), "A&B \"x\" +1");
        assert_eq!(filled("{{to_digits}}", Escape::Plain), "10000000000");
    }

    #[test]
    fn a_placeholder_in_a_value_is_not_filled_in() {
        let fields = Fields {
            text: "{{token}}",
            ..Fields::sample()
        };
        let template = Template::compile("body", "{{text}}", Escape::Plain).unwrap();
        assert_eq!(template.fill(&fields), "{{token}}");
    }

    #[test]
    fn an_unknown_placeholder_is_named_with_the_known_ones() {
        let error = Template::compile("url", "https://x/{{number}}", Escape::Url)
            .err()
            .unwrap();
        assert_eq!(error.key, "url");
        assert!(error.message.contains("\"number\"; there are: to, "));
    }
}
