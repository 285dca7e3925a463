//! Turns what people type into an e-mail cell into an address that a mail server takes, or says why not.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::channel::address::Address;

/// RFC 5321's limits, in bytes.
const LONGEST_ADDRESS: usize = 254;
const LONGEST_LOCAL_PART: usize = 64;
const LONGEST_LABEL: usize = 63;

/// An address of the form `local@domain`. The domain is in lower case; the local part stays as
/// written, because its server may tell the cases apart. Shows itself masked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(Address);

/// Why a cell is no e-mail address. Shows itself as a part of a sentence that never holds the cell's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailProblem {
    /// Nothing but blanks.
    #[error("empty")]
    Empty,
    /// No mail server takes it.
    #[error("longer than the 254 characters that an e-mail address may have")]
    TooLong,
    /// Line breaks, NUL or marks that turn the direction of writing.
    #[error("not an e-mail address: it holds invisible characters")]
    ControlCharacters,
    /// No `@`.
    #[error("not an e-mail address: the @ is missing")]
    NoAt,
    /// Two addresses, or a slip.
    #[error("not one e-mail address: it has more than one @")]
    SeveralAts,
    /// A blank inside.
    #[error("not an e-mail address: it holds a space")]
    Space,
    /// Nothing usable before the `@`.
    #[error("not an e-mail address: the part before the @ is not allowed")]
    LocalPart,
    /// `localhost`, or a forgotten ending.
    #[error("not an e-mail address: the part after the @ has no dot")]
    NoDot,
    /// Nothing that can be a domain after the `@`.
    #[error("not an e-mail address: the part after the @ is not a domain")]
    Domain,
}

impl EmailAddress {
    /// Reads a cell: blanks around, `mailto:`, `<…>` and `Name <…>` are taken away. Quoted local parts
    /// and addresses of machines by number are refused: no person has one.
    pub fn parse(text: &str) -> Result<Self, EmailProblem> {
        let bare = strip_wrapping(text);
        if bare.is_empty() {
            return Err(EmailProblem::Empty);
        }
        if bare.len() > LONGEST_ADDRESS {
            return Err(EmailProblem::TooLong);
        }
        if bare.chars().any(is_invisible) {
            return Err(EmailProblem::ControlCharacters);
        }
        let (local, domain) = bare.split_once('@').ok_or(EmailProblem::NoAt)?;
        if domain.contains('@') {
            return Err(EmailProblem::SeveralAts);
        }
        if bare.contains(char::is_whitespace) {
            return Err(EmailProblem::Space);
        }
        if !is_local_part(local) {
            return Err(EmailProblem::LocalPart);
        }
        if !domain.is_empty() && !domain.contains('.') {
            return Err(EmailProblem::NoDot);
        }
        if !is_domain(domain) {
            return Err(EmailProblem::Domain);
        }
        Ok(Self(Address::new(format!(
            "{local}@{}",
            domain.to_lowercase()
        ))))
    }

    /// The address in clear: for gateways.
    pub fn as_str(&self) -> &str {
        self.0.reveal()
    }

    /// The same as an address, which keeps itself masked.
    pub fn address(&self) -> &Address {
        &self.0
    }

    /// The whole address in lower case: two spellings of one mailbox are one key.
    pub fn lookup_form(&self) -> String {
        self.as_str().to_lowercase()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({})", self.0)
    }
}

fn strip_wrapping(text: &str) -> &str {
    let blank = |sign: char| sign.is_whitespace() || matches!(sign, '\u{feff}' | '\u{200b}');
    let text = text.trim_matches(blank);
    let text = match (text.rfind('<'), text.strip_suffix('>')) {
        (Some(open), Some(closed)) => closed.get(open + 1..).unwrap_or_default(),
        _ => text,
    };
    let text = match text.get(.."mailto:".len()) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &text["mailto:".len()..],
        _ => text,
    };
    text.trim_matches(blank)
        .trim_matches(['"', '\''])
        .trim_matches(blank)
}

fn is_invisible(sign: char) -> bool {
    sign.is_control()
        || matches!(
            sign,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

/// A dot-atom of RFC 5322, with the letters of every language as in RFC 6531.
fn is_local_part(text: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .chars()
                .all(|sign| sign.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(sign))
    };
    text.len() <= LONGEST_LOCAL_PART && text.split('.').all(is_atom)
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= LONGEST_LABEL
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|sign| sign.is_alphanumeric() || sign == '-')
    };
    let ending_is_a_name = text.rsplit('.').next().is_some_and(|ending| {
        ending.chars().count() >= 2 && !ending.chars().all(|sign| sign.is_ascii_digit())
    });
    text.contains('.') && ending_is_a_name && text.split('.').all(is_label)
}
