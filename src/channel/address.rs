//! A phone number or an e-mail address in clear: the one type that must never reach a log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a message goes: E.164 for phones, `local@domain` for mail. Shows itself masked.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// Wraps what was parsed at the edge; does not check again.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The address itself: for gateways, for the answer on the page of someone allowed to see it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `+41•••••567`, `a•••@clinic.example`: enough to recognise, not enough to use.
    pub fn masked(&self) -> String {
        if let Some((local, domain)) = self.0.split_once('@') {
            return format!("{}•••@{domain}", local.chars().next().unwrap_or('•'));
        }
        let digits: Vec<char> = self.0.chars().collect();
        if digits.len() < 8 {
            return "•••".to_owned();
        }
        let head: String = digits[..3].iter().collect();
        let tail: String = digits[digits.len() - 3..].iter().collect();
        format!("{head}•••••{tail}")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_itself_masked() {
        assert_eq!(Address::new("+41791234567").to_string(), "+41•••••567");
        assert_eq!(
            Address::new("ana@clinic.example").to_string(),
            "a•••@clinic.example"
        );
        assert_eq!(format!("{:?}", Address::new("117")), "Address(•••)");
    }
}
