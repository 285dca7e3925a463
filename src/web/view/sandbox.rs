//! The wall of simulated phones: what everybody received, and buttons to answer for them.

use askama::Template;

use super::{Act, Frame, Mode, Notice};

/// `/sandbox`.
#[derive(Clone, Debug, Template)]
#[template(path = "sandbox.html")]
pub struct Sandbox {
    /// What surrounds the page.
    pub page: Frame,
    /// Where the moving part is fetched from: `/sandbox/wall`.
    pub live_href: String,
    /// The moving part.
    pub live: SandboxLive,
}

/// The phones and mailboxes; also `/sandbox/wall` on its own.
#[derive(Clone, Debug, Template)]
#[template(path = "sandbox_live.html")]
pub struct SandboxLive {
    /// "160 simulated phones, 41 messages. Nothing here reaches a real person."
    pub summary: Notice,
    /// Phones that received something, the newest message first.
    pub phones: Vec<Phone>,
    /// E-mails, newest first.
    pub mails: Vec<Mail>,
}

/// One simulated phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Whose it is, as far as the directory knows; else the number.
    pub name: String,
    /// Its number.
    pub number: String,
    /// "off", "ringing"; empty when it is simply on.
    pub state: String,
    /// What was said, oldest first.
    pub messages: Vec<PhoneMessage>,
    /// Answers to press: digits for a text, keys for a call, "Hang up".
    pub replies: Vec<Act>,
}

/// One bubble, or one spoken message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneMessage {
    /// "14:02:07".
    pub time: String,
    /// The text or the spoken words.
    pub text: String,
    /// The answer link in it; none when there is none.
    pub link: Option<String>,
    /// Whether the phone sent it.
    pub sent: bool,
    /// Whether it was spoken in a call.
    pub spoken: bool,
    /// LIVE or DRILL; none for what the phone sent.
    pub mode: Option<Mode>,
}

/// One e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// "14:02:08".
    pub time: String,
    /// To whom.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The answer link in it; none when there is none.
    pub link: Option<String>,
}
