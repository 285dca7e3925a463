//! One's own account: the second step of a sign-in, the authenticator app, the open sessions.

use askama::Template;

use super::sign_in::Field;
use super::{Act, Frame, Link};

/// `/sign-in/code`: the second step.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in_code.html")]
pub struct SignInCode {
    /// What surrounds the page; without navigation.
    pub page: Frame,
    /// Why it was refused, as a sentence; empty at first.
    pub error: String,
    /// Where to go afterwards; empty for the person's own landing page.
    pub next: String,
    /// Whom to call when it does not work.
    pub help: Option<Link>,
}

/// `/account`.
#[derive(Clone, Debug, Template)]
#[template(path = "own_account.html")]
pub struct OwnAccount {
    /// What surrounds the page.
    pub page: Frame,
    /// The sign-in name.
    pub login: String,
    /// Why something was refused, as a sentence; empty for nothing.
    pub error: String,
    /// Recovery codes that were just made. They are shown once and kept nowhere.
    pub codes: Vec<String>,
    /// How it stands with the authenticator app.
    pub app: App,
    /// Where the person is signed in.
    pub sessions: Vec<SessionRow>,
    /// Signs out everywhere else; none where there is nowhere else.
    pub end_others: Option<Act>,
}

/// How it stands with the authenticator app.
#[derive(Clone, PartialEq, Eq)]
pub enum App {
    /// There is none. Its form may ask for the password.
    None(Option<Field>),
    /// The app must be told of it, and show a first code.
    Pending {
        /// For an `img`.
        picture: Option<String>,
        /// For typing.
        secret: String,
        /// The field for the first code.
        code: Field,
    },
    /// It is asked for at each sign-in.
    Active {
        /// "7 recovery codes are left."
        left: String,
        /// What new codes, or taking it away, ask for.
        proof: Field,
    },
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None(_) => "None",
            Self::Pending { .. } => "Pending",
            Self::Active { .. } => "Active",
        })
    }
}

/// A place where the person is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// "Firefox on Android".
    pub device: String,
    /// "Since today 14:02; last used 14:05".
    pub seen: String,
    /// Ends it; none for the browser that looks.
    pub act: Option<Act>,
}
