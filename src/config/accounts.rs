//! How people who sign in show who they are: the `[accounts]` table.

use serde::Deserialize;

/// How people who sign in show who they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// Whether sending, approving and changing need more than a password.
    pub second_factor: SecondFactor,
    /// Minutes after which sending asks for a fresh proof that it is still the same person; 0 for never.
    pub prove_again_minutes: u32,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            second_factor: SecondFactor::Required,
            prove_again_minutes: 15,
        }
    }
}

/// Whether more than a password is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// An account without one may look on, and nothing else.
    Required,
    /// Whoever has one gives it.
    Optional,
}
