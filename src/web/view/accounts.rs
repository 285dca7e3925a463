//! Who may sign in, and the tokens of scripts.

use askama::Template;

use super::sign_in::Field;
use super::{Act, Choice, Frame};

/// `/accounts`.
#[derive(Clone, Debug, Template)]
#[template(path = "accounts.html")]
pub struct Accounts {
    /// What surrounds the page.
    pub page: Frame,
    /// Everybody who may sign in.
    pub users: Vec<UserRow>,
    /// Where a new account is posted to.
    pub user_action: String,
    /// Its fields: name, sign-in name, first password.
    pub user_fields: Vec<Field>,
    /// The roles to tick, sent as `role`.
    pub roles: Vec<Choice>,
    /// The tokens of scripts.
    pub tokens: Vec<TokenRow>,
    /// Where a new token is posted to.
    pub token_action: String,
    /// Its fields: name.
    pub token_fields: Vec<Field>,
    /// The scopes to tick, sent as `scope`.
    pub scopes: Vec<Choice>,
    /// A token or link that was just made. It is shown once and kept nowhere.
    pub made: Option<NewSecret>,
}

/// A token or link that was just made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSecret {
    /// What it is, and that it is shown once.
    pub words: String,
    /// The secret itself.
    pub secret: String,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSecret").finish_non_exhaustive()
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// The person's name.
    pub name: String,
    /// The sign-in name.
    pub login: String,
    /// "sender, approver".
    pub roles: String,
    /// "Signed in today 14:01"; "Never signed in".
    pub seen: String,
    /// Close the account, or open it again; none for oneself.
    pub act: Option<Act>,
    /// What may be changed of it; none while it is closed.
    pub change: Option<ChangeUser>,
}

/// What may be changed of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeUser {
    /// Where the roles post to.
    pub roles_action: String,
    /// The roles, the person's own ticked; sent as `role`.
    pub roles: Vec<Choice>,
    /// Where a new password posts to.
    pub password_action: String,
    /// Its field.
    pub password: Field,
    /// Makes a one-time sign-in link.
    pub link: Act,
    /// Takes the second factor away.
    pub remove_app: Act,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Its name.
    pub name: String,
    /// "alerts:send:closure, read".
    pub scopes: String,
    /// "Used today 14:01"; "Never used".
    pub seen: String,
    /// Revoke it; none when it is revoked.
    pub act: Option<Act>,
}
