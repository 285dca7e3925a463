//! Cuts Rust source into words, texts and marks: as much of the language as finding SQL needs.

/// The smallest part of a source that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name, keyword or number.
    Word(String),
    /// A string literal, its escapes undone.
    Text(String),
    /// One character of punctuation.
    Mark(char),
}

/// A token and the line it stands on, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) token: Token,
    pub(crate) line: usize,
}

impl Placed {
    pub(crate) fn is_mark(&self, mark: char) -> bool {
        self.token == Token::Mark(mark)
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match &self.token {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// The tokens of a source; comments are left out.
pub(crate) fn read(source: &str) -> Vec<Placed> {
    let mut reader = Reader {
        rest: source,
        line: 1,
        tokens: Vec::new(),
    };
    while !reader.rest.is_empty() {
        reader.next();
    }
    reader.tokens
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Placed>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) {
        let rest = self.rest;
        let first = rest.chars().next().unwrap_or_default();
        if rest.starts_with("//") {
            self.take(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.take(rest.find("*/").map_or(rest.len(), |end| end + 2));
        } else if let Some(marks) = raw_string(rest) {
            self.raw(marks);
        } else if first == '"' {
            self.quoted();
        } else if first == '\'' {
            self.character();
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let line = self.line;
            let word = self.take(end).to_owned();
            self.tokens.push(Placed {
                token: Token::Word(word),
                line,
            });
        } else {
            let line = self.line;
            self.take(first.len_utf8());
            if !first.is_whitespace() {
                self.tokens.push(Placed {
                    token: Token::Mark(first),
                    line,
                });
            }
        }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// `r"…"`, `r#"…"#`: nothing in it is an escape.
    fn raw(&mut self, marks: usize) {
        let line = self.line;
        self.take(marks + 2);
        let closing = format!("\"{}", "#".repeat(marks));
        let end = self.rest.find(&closing).unwrap_or(self.rest.len());
        let text = self.take(end).to_owned();
        self.take(closing.len().min(self.rest.len()));
        self.tokens.push(Placed {
            token: Token::Text(text),
            line,
        });
    }

    fn quoted(&mut self) {
        let line = self.line;
        self.take(1);
        let mut text = String::new();
        loop {
            let end = self.rest.find(['"', '\\']).unwrap_or(self.rest.len());
            text.push_str(self.take(end));
            if !self.rest.starts_with('\\') {
                break;
            }
            self.take(1);
            let escaped = self.rest.chars().next().unwrap_or_default();
            self.take(escaped.len_utf8().min(self.rest.len()));
            match escaped {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                // A line that is continued: the white space of the next one goes too.
                '\n' => {
                    let skipped = self.rest.len() - self.rest.trim_start().len();
                    self.take(skipped);
                }
                other => text.push(other),
            }
        }
        self.take(1.min(self.rest.len()));
        self.tokens.push(Placed {
            token: Token::Text(text),
            line,
        });
    }

    /// A character such as `'"'`, which must not open a string; else the mark of a lifetime.
    fn character(&mut self) {
        let inner = &self.rest[1..];
        let length = if inner.starts_with('\\') {
            inner
                .char_indices()
                .skip(2)
                .find(|(_, c)| *c == '\'')
                .map(|(at, _)| at + 2)
        } else {
            let first = inner.chars().next().map_or(0, char::len_utf8);
            inner[first..].starts_with('\'').then_some(first + 2)
        };
        self.take(length.unwrap_or(1));
    }
}

/// How many `#` a raw string here has; none if here is no raw string.
fn raw_string(rest: &str) -> Option<usize> {
    let behind = rest.strip_prefix('r')?;
    let text = behind.trim_start_matches('#');
    text.starts_with('"').then(|| behind.len() - text.len())
}

#[test]
fn texts_are_read_as_the_compiler_reads_them() {
    let source = "a(\"x \\\"y\\\" \\\n      z\", r#\"raw \"q\"\"#) // \"no\"\n'\"' 'b \"d\"";
    let texts: Vec<_> = read(source)
        .into_iter()
        .filter_map(|placed| match placed.token {
            Token::Text(text) => Some((text, placed.line)),
            _ => None,
        })
        .collect();
    let expected = [("x \"y\" z", 1), ("raw \"q\"", 2), ("d", 3)];
    assert_eq!(texts, expected.map(|(text, line)| (text.to_owned(), line)));
}
