//! Says what a token may do. Pure.
//!
//! `read` is needed to list and read things. A token that may send a template may also read and
//! follow up the alerts of that template, and look at the template itself: a script must be able to
//! wait for what it sent, and to stop it.

use std::fmt;
use std::str::FromStr;

/// The scopes in the words of the contract.
pub(super) const POSSIBLE: &str = "admin, read, alerts:send, alerts:send:<template>, \
                                   contacts:write, templates:write, hooks:send";

/// One thing that a token may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Read everything but secrets; contact points are masked.
    Read,
    /// Send any approved template.
    Send,
    /// Send this one approved template.
    SendTemplate(String),
    /// Import and change people, groups and call trees, and see their numbers in full.
    WriteContacts,
    /// Approve templates.
    WriteTemplates,
    /// Report events to the hooks.
    SendHooks,
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "admin" => Ok(Self::Admin),
            "read" => Ok(Self::Read),
            "alerts:send" => Ok(Self::Send),
            "contacts:write" => Ok(Self::WriteContacts),
            "templates:write" => Ok(Self::WriteTemplates),
            "hooks:send" => Ok(Self::SendHooks),
            _ => match text.strip_prefix("alerts:send:") {
                Some(template) if is_template_name(template) => {
                    Ok(Self::SendTemplate(template.to_owned()))
                }
                _ => Err(format!(
                    "\"{text}\" is no scope; the possible ones are {POSSIBLE}"
                )),
            },
        }
    }
}

fn is_template_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::Read => f.write_str("read"),
            Self::Send => f.write_str("alerts:send"),
            Self::SendTemplate(template) => write!(f, "alerts:send:{template}"),
            Self::WriteContacts => f.write_str("contacts:write"),
            Self::WriteTemplates => f.write_str("templates:write"),
            Self::SendHooks => f.write_str("hooks:send"),
        }
    }
}

/// What one request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// Read lists and things that belong to no template.
    Read,
    /// Read an alert of this template, its recipients and its report.
    ReadAlert(&'a str),
    /// Launch this template, or stop, correct or follow up an alert that was launched from it.
    Send(&'a str),
    /// Change the directory.
    WriteContacts,
    /// Approve templates.
    WriteTemplates,
    /// Report an event to a hook.
    SendHooks,
    /// Everything else: tokens, accounts, settings.
    Admin,
}

impl fmt::Display for Need<'_> {
    /// The scope to ask for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read | Self::ReadAlert(_) => f.write_str("read"),
            Self::Send(template) => write!(f, "alerts:send:{template}"),
            Self::WriteContacts => f.write_str("contacts:write"),
            Self::WriteTemplates => f.write_str("templates:write"),
            Self::SendHooks => f.write_str("hooks:send"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

/// All that a token may do; sorted, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Reads what a person asked for. The first word that is no scope is refused with the list of
    /// the possible ones.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, String> {
        let scopes = words.iter().map(|word| word.as_ref().trim().parse());
        Ok(Self::from_list(
            scopes.collect::<Result<Vec<Scope>, String>>()?,
        ))
    }

    /// Reads what the database keeps; a scope of a newer version is left out, so it allows nothing.
    pub(super) fn from_stored(words: &[String]) -> Self {
        Self::from_list(words.iter().filter_map(|word| word.parse().ok()).collect())
    }

    fn from_list(mut scopes: Vec<Scope>) -> Self {
        scopes.sort();
        scopes.dedup();
        Self(scopes)
    }

    /// Each of them.
    pub fn list(&self) -> &[Scope] {
        &self.0
    }

    /// Each of them as its word.
    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Whether the token may do it. `admin` may do everything; nothing else implies anything that
    /// the head of this file does not say.
    pub fn allows(&self, need: &Need<'_>) -> bool {
        self.0.iter().any(|scope| match (scope, need) {
            (Scope::Admin, _)
            | (Scope::Read, Need::Read | Need::ReadAlert(_))
            | (Scope::Send, Need::Send(_) | Need::ReadAlert(_))
            | (Scope::WriteContacts, Need::WriteContacts)
            | (Scope::WriteTemplates, Need::WriteTemplates)
            | (Scope::SendHooks, Need::SendHooks) => true,
            (Scope::SendTemplate(own), Need::Send(wanted) | Need::ReadAlert(wanted)) => {
                own == wanted
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(words: &[&str]) -> Scopes {
        Scopes::parse(words).unwrap()
    }

    #[test]
    fn the_administrators_token_may_do_everything() {
        let admin = scopes(&["admin"]);
        assert!(admin.allows(&Need::Admin));
        assert!(admin.allows(&Need::Send("closure")));
        assert!(admin.allows(&Need::SendHooks));
    }

    #[test]
    fn a_token_for_one_template_sends_and_reads_only_that_one() {
        let token = scopes(&["alerts:send:closure"]);
        assert!(token.allows(&Need::Send("closure")));
        assert!(token.allows(&Need::ReadAlert("closure")));
        assert!(!token.allows(&Need::Send("evacuation")));
        assert!(!token.allows(&Need::ReadAlert("evacuation")));
        assert!(!token.allows(&Need::Read));
    }

    #[test]
    fn a_token_that_sends_everything_still_does_not_read_the_directory() {
        let token = scopes(&["alerts:send"]);
        assert!(token.allows(&Need::Send("evacuation")));
        assert!(!token.allows(&Need::Read));
        assert!(!token.allows(&Need::WriteContacts));
    }

    #[test]
    fn reading_is_not_writing() {
        let token = scopes(&["read"]);
        assert!(token.allows(&Need::ReadAlert("closure")));
        assert!(!token.allows(&Need::Send("closure")));
        assert!(!token.allows(&Need::Admin));
    }

    #[test]
    fn an_unknown_scope_is_refused_with_the_possible_ones() {
        let error = Scopes::parse(&["read", "alerts:launch"]).unwrap_err();
        assert!(error.contains("\"alerts:launch\"") && error.contains("alerts:send:<template>"));
        assert!(Scopes::parse(&["alerts:send:"]).is_err());
        assert!(Scopes::parse(&["alerts:send:A b"]).is_err());
    }

    #[test]
    fn scopes_are_kept_in_their_own_words() {
        let token = scopes(&["read", "alerts:send:it-outage", "read"]);
        assert_eq!(token.words(), ["read", "alerts:send:it-outage"]);
        assert_eq!(Scopes::from_stored(&token.words()), token);
    }
}
