//! Expands the small macros that SQL texts are put together with, and works out the text.

use std::collections::BTreeMap;

use super::tokens::{Placed, Token};

/// One `macro_rules!` with plain parameters.
#[derive(Clone, Debug)]
pub(crate) struct Macro {
    parameters: Vec<String>,
    /// What stands between the braces of its one arm.
    pub(crate) body: Vec<Placed>,
}

/// A file's macros and text constants, by name.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    pub(crate) macros: BTreeMap<String, Macro>,
    constants: BTreeMap<String, Vec<Placed>>,
}

impl Definitions {
    /// Reads them, and gives back the other tokens: what is left is code that runs.
    pub(crate) fn split_off(tokens: &[Placed]) -> (Self, Vec<Placed>) {
        let mut definitions = Self::default();
        let mut code = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at].word() == Some("macro_rules") {
                let name = tokens[at + 2].word().unwrap_or_default().to_owned();
                let end = closing(tokens, at + 3);
                if let Some(found) = one_arm(&tokens[at + 4..end]) {
                    definitions.macros.insert(name, found);
                }
                at = end + 1;
                continue;
            }
            if tokens[at].word() == Some("const") {
                definitions.keep_constant(&tokens[at + 1..]);
            }
            code.push(tokens[at].clone());
            at += 1;
        }
        (definitions, code)
    }

    /// Takes in the macros that a file hands on with `pub(super) use NAME;`.
    pub(crate) fn share(&mut self, tokens: &[Placed]) {
        let (own, code) = Self::split_off(tokens);
        for behind in code.windows(3) {
            let [used, name, end] = behind else { continue };
            let name = name.word().unwrap_or_default();
            if used.word() == Some("use")
                && end.is_mark(';')
                && let Some(found) = own.macros.get(name)
            {
                self.macros.insert(name.to_owned(), found.clone());
            }
        }
    }

    /// Takes in what is shared, but for names that the file has itself.
    pub(crate) fn add(&mut self, shared: &Self) {
        for (name, found) in &shared.macros {
            self.macros
                .entry(name.clone())
                .or_insert_with(|| found.clone());
        }
    }

    fn keep_constant(&mut self, behind: &[Placed]) {
        let end = behind
            .iter()
            .position(|placed| placed.is_mark(';'))
            .unwrap_or(behind.len());
        let equals = behind[..end].iter().position(|placed| placed.is_mark('='));
        let (Some(name), Some(equals)) = (behind.first().and_then(Placed::word), equals) else {
            return;
        };
        self.constants
            .insert(name.to_owned(), behind[equals + 1..end].to_vec());
    }

    /// The body of a macro with its arguments in the places of its parameters; none if no macro of
    /// that name takes that many.
    pub(crate) fn expand(&self, name: &str, arguments: &[Vec<Placed>]) -> Option<Vec<Placed>> {
        let found = self.macros.get(name)?;
        if found.parameters.len() != arguments.len() {
            return None;
        }
        let mut expanded = Vec::new();
        let mut body = found.body.iter().peekable();
        while let Some(placed) = body.next() {
            let parameter = placed
                .is_mark('$')
                .then(|| body.peek().and_then(|next| next.word()));
            let number = parameter
                .flatten()
                .and_then(|word| found.parameters.iter().position(|known| known == word));
            match number {
                Some(number) => {
                    body.next();
                    expanded.extend(arguments[number].iter().cloned());
                }
                None => expanded.push(placed.clone()),
            }
        }
        Some(expanded)
    }

    /// The text that an expression gives; none if it is made of anything but literals, constants,
    /// `concat!` and the file's macros.
    pub(crate) fn text(&self, expression: &[Placed]) -> Option<String> {
        match expression {
            [
                Placed {
                    token: Token::Text(text),
                    ..
                },
            ] => Some(text.clone()),
            [one] => self.text(self.constants.get(one.word()?)?),
            [open, inner @ .., _] if open.is_mark('{') || open.is_mark('(') => self.text(inner),
            [name, bang, _, inner @ .., _] if bang.is_mark('!') => {
                let arguments = arguments(inner);
                match name.word()? {
                    "concat" => arguments.iter().map(|part| self.text(part)).collect(),
                    name => self.text(&self.expand(name, &arguments)?),
                }
            }
            _ => None,
        }
    }
}

/// The only arm of a macro, if it has one and its parameters are a plain list.
fn one_arm(tokens: &[Placed]) -> Option<Macro> {
    let pattern_end = closing(tokens, 0);
    let parameters = arguments(&tokens[1..pattern_end])
        .iter()
        .map(|parameter| match &parameter[..] {
            [dollar, name, colon, _] if dollar.is_mark('$') && colon.is_mark(':') => {
                name.word().map(str::to_owned)
            }
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    let body_at = pattern_end + 3; // behind `=>`
    let body_end = closing(tokens, body_at);
    let is_last = tokens[body_end + 1..]
        .iter()
        .all(|placed| placed.is_mark(';'));
    is_last.then(|| Macro {
        parameters,
        body: tokens[body_at + 1..body_end].to_vec(),
    })
}

/// Cuts what stands between brackets at its commas; nothing behind the last one is no argument.
pub(crate) fn arguments(inner: &[Placed]) -> Vec<Vec<Placed>> {
    let mut found = vec![Vec::new()];
    let mut depth = 0;
    for placed in inner {
        match placed.token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth -= 1,
            Token::Mark(',') if depth == 0 => {
                found.push(Vec::new());
                continue;
            }
            _ => {}
        }
        found
            .last_mut()
            .expect("there is always one")
            .push(placed.clone());
    }
    found.retain(|argument| !argument.is_empty());
    found
}

/// Where the bracket that opens at `open` closes; the end if it never does.
pub(crate) fn closing(tokens: &[Placed], open: usize) -> usize {
    let mut depth = 0;
    for (at, placed) in tokens.iter().enumerate().skip(open) {
        match placed.token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len() - 1
}
