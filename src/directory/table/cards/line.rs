//! One property of a vCard: its name, its parameters, and its value in any of the ways to write it.

/// Joins the lines that belong together, each with the number of its first line, from 1.
pub(super) fn unfold(text: &str) -> Vec<(usize, String)> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        match lines.last_mut() {
            // Version 2.1 breaks lines by a sign at their end.
            Some((_, last)) if is_quoted_printable(last) && last.ends_with('=') => {
                last.pop();
                last.push_str(line);
            }
            Some((_, last)) if line.starts_with([' ', '\t']) => last.push_str(&line[1..]),
            _ => lines.push((index + 1, line.to_owned())),
        }
    }
    lines
}

fn is_quoted_printable(line: &str) -> bool {
    let head = line.split(':').next().unwrap_or_default();
    head.to_ascii_uppercase().contains("QUOTED-PRINTABLE")
}

/// One line of a card.
pub(super) struct Property {
    /// In capitals, without the group that some programs put in front: `TEL` of `item1.TEL`.
    pub(super) name: String,
    /// Names in capitals, values in small letters: `TYPE`, `cell`. A value alone is a type, as in 2.1.
    parameters: Vec<(String, String)>,
    /// As written, but for the quoted-printable of version 2.1.
    value: String,
}

impl Property {
    /// `None` for a line without a colon.
    pub(super) fn read(line: &str) -> Option<Self> {
        let mut quoted = false;
        let colon = line.find(|sign| {
            quoted ^= sign == '"';
            sign == ':' && !quoted
        })?;
        let (head, value) = (&line[..colon], &line[colon + 1..]);
        let mut pieces = head.split(';');
        let name = pieces.next()?.rsplit('.').next()?.trim();
        let mut parameters = Vec::new();
        for piece in pieces {
            let (name, values) = piece.split_once('=').unwrap_or(("TYPE", piece));
            for value in values.split(',') {
                let value = value.trim().trim_matches('"').to_ascii_lowercase();
                parameters.push((name.trim().to_ascii_uppercase(), value));
            }
        }
        let encoded = |(name, value): &(String, String)| {
            (name == "ENCODING" || name == "TYPE") && value == "quoted-printable"
        };
        let value = if parameters.iter().any(encoded) {
            unquote(value)
        } else {
            value.to_owned()
        };
        Some(Self {
            name: name.to_ascii_uppercase(),
            parameters,
            value,
        })
    }

    /// Whether the property says that it is of this type: `cell`, `fax`.
    pub(super) fn is_a(&self, kind: &str) -> bool {
        let says = |(name, value): &(String, String)| name == "TYPE" && value == kind;
        self.parameters.iter().any(says)
    }

    /// Whether the person prefers it to others of its name.
    pub(super) fn is_preferred(&self) -> bool {
        self.is_a("pref")
            || self
                .parameters
                .iter()
                .any(|(name, value)| name == "PREF" && value == "1")
    }

    /// The value with its escapes undone.
    pub(super) fn text(&self) -> String {
        // No value has this sign: it would be refused as binary.
        self.parts('\0').concat()
    }

    /// The parts of the value between `separator`, with their escapes undone.
    pub(super) fn parts(&self, separator: char) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut signs = self.value.chars();
        while let Some(sign) = signs.next() {
            let plain = match sign {
                '\\' => match signs.next() {
                    Some('n' | 'N') => '\n',
                    Some(escaped) => escaped,
                    None => '\\',
                },
                sign if sign == separator => {
                    parts.push(String::new());
                    continue;
                }
                sign => sign,
            };
            if let Some(last) = parts.last_mut() {
                last.push(plain);
            }
        }
        parts
    }
}

/// `=C3=A9` is `é`. Bytes that are no UTF-8 are what Windows wrote.
fn unquote(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        if let Some(byte) = byte.filter(|_| *first == b'=') {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(error.as_bytes());
        text.into_owned()
    })
}
