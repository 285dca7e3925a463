//! The doors: sign-in with a password, sign-in by a one-time link, and the very first set-up.

use askama::Template;

use super::{Choice, Frame, Link};

/// One line of a form: a text input, or a short list when there are `choices`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// The form's name for it.
    pub name: String,
    /// The label above it.
    pub label: String,
    /// What is in it now; never filled for a password.
    pub value: String,
    /// A line under the label that says what is meant; empty for none.
    pub hint: String,
    /// What is wrong with it, as a sentence; empty for nothing.
    pub error: String,
    /// The input's type: `text`, `password`, `tel`, `email`. Empty means `text`.
    pub kind: String,
    /// The browser's `autocomplete` word; empty for `off`.
    pub autocomplete: String,
    /// Whether the form asks for it before it is sent.
    pub required: bool,
    /// What may be picked; empty for a text input.
    pub choices: Vec<Choice>,
}

impl Field {
    /// A required text input.
    pub fn text(name: &str, label: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            value: value.to_owned(),
            required: true,
            ..Self::default()
        }
    }

    /// The input's type.
    pub fn input_type(&self) -> &str {
        if self.kind.is_empty() {
            "text"
        } else {
            &self.kind
        }
    }

    /// The browser's `autocomplete` word.
    pub fn completion(&self) -> &str {
        if self.autocomplete.is_empty() {
            "off"
        } else {
            &self.autocomplete
        }
    }
}

/// `/sign-in`: name and password.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// What surrounds the page; without navigation.
    pub page: Frame,
    /// What was typed as sign-in name, after a refusal; else empty.
    pub login: String,
    /// Why it was refused, as a sentence; empty at first. Never says which of the two was wrong.
    pub error: String,
    /// Where to go afterwards, as a path on this service; empty for the person's own landing page.
    pub next: String,
    /// Whom to call when it does not work: label the name, address `tel:`.
    pub help: Option<Link>,
}

/// `/sign-in/TOKEN`: opening a link must not use it up, so one button does.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in_link.html")]
pub struct SignInLink {
    /// What surrounds the page; without navigation.
    pub page: Frame,
    /// The person the link is for; none when the link is used up, too old or unknown.
    pub name: Option<String>,
    /// Where the button posts to: the link's own path.
    pub action: String,
    /// Whom to call when it does not work.
    pub help: Option<Link>,
}

/// `/set-up/TOKEN`: the first start makes the first administrator.
#[derive(Clone, Debug, Template)]
#[template(path = "setup.html")]
pub struct Setup {
    /// What surrounds the page; without navigation.
    pub page: Frame,
    /// Where the form posts to.
    pub action: String,
    /// Name, sign-in name, password.
    pub fields: Vec<Field>,
    /// Why it was refused, as a sentence; empty at first.
    pub error: String,
}

/// `/password`: a new one for whoever is signed in.
#[derive(Clone, Debug, Template)]
#[template(path = "password.html")]
pub struct ChangePassword {
    /// What surrounds the page.
    pub page: Frame,
    /// The password of now, when there is one, and the new one.
    pub fields: Vec<Field>,
    /// Why it was refused, as a sentence; empty at first.
    pub error: String,
}
