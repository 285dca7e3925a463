//! Says what a conversation that went wrong means for the message, from how far it had got.

use std::fmt;

use super::reply::Reply;
use crate::channel::Failure;

/// How far the conversation had got. Ordered: from [`Stage::Answer`] on, the message may be out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Name look-up, TCP, TLS from the first byte, the server's greeting.
    Connect,
    /// EHLO.
    Hello,
    /// STARTTLS and its handshake.
    Encrypt,
    /// AUTH.
    SignIn,
    /// Ready for a message.
    Ready,
    /// MAIL FROM.
    Sender,
    /// RCPT TO.
    Recipient,
    /// DATA.
    Data,
    /// The message's bytes, the final dot excepted.
    Content,
    /// The final dot may have left; the server has not said what it made of it.
    Answer,
}

/// What happened.
#[derive(Debug)]
pub(super) enum Cause {
    /// The server said no.
    Refused(Reply),
    /// The connection could not be made, or broke.
    Lost(std::io::Error),
    /// The time was up.
    Slow,
    /// That was no SMTP.
    Garbled,
    /// The server does not offer what we need.
    Missing(&'static str),
}

/// What happened, and when.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) stage: Stage,
    pub(super) cause: Cause,
}

impl fmt::Display for Trouble {
    /// For the log: the codes, not the server's text, which may repeat an address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SMTP, {:?}: ", self.stage)?;
        match &self.cause {
            Cause::Refused(reply) => {
                write!(f, "{} {}", reply.code, reply.enhanced().unwrap_or_default())
            }
            Cause::Lost(error) => write!(f, "{error}"),
            Cause::Slow => f.write_str("no answer in time"),
            Cause::Garbled => f.write_str("an answer that is no SMTP"),
            Cause::Missing(what) => write!(f, "the server does not offer {what}"),
        }
    }
}

impl std::error::Error for Trouble {}

impl Trouble {
    /// Whether a kept connection had simply been closed meanwhile: then a fresh one may do.
    pub(super) fn is_stale(&self) -> bool {
        match &self.cause {
            Cause::Lost(_) => (Stage::Ready..=Stage::Data).contains(&self.stage),
            Cause::Refused(reply) => {
                reply.code == 421 && (Stage::Ready..=Stage::Sender).contains(&self.stage)
            }
            _ => false,
        }
    }

    /// The same, in the words of the dispatcher.
    pub(super) fn into_failure(self) -> Failure {
        let failure = match &self.cause {
            Cause::Refused(reply) => refused(self.stage, reply),
            Cause::Missing("SMTPUTF8") => {
                Failure::person("The mail server cannot send to an address with such letters.")
            }
            Cause::Missing(what) => {
                Failure::refused_us(format!("The mail server does not offer {what}."))
            }
            _ if self.stage >= Stage::Answer => Failure::unknown(
                "The connection to the mail server broke after the message had left.",
            ),
            Cause::Slow => Failure::try_again("The mail server did not answer in time."),
            Cause::Garbled => Failure::try_again("The mail server's answer was not understood."),
            Cause::Lost(_) if self.stage == Stage::Connect => {
                Failure::try_again("The mail server could not be reached.")
            }
            Cause::Lost(_) if self.stage == Stage::Encrypt => {
                Failure::try_again("No protected connection to the mail server could be made.")
            }
            Cause::Lost(_) => Failure::try_again("The connection to the mail server broke."),
        };
        failure.because(self)
    }
}

fn refused(stage: Stage, reply: &Reply) -> Failure {
    let code = reply.code;
    if code == 421 {
        return Failure::try_again("The mail server is closing down or too busy (status 421).");
    }
    // "Sign in first", "wrong password", "use TLS", "mechanism too weak".
    if matches!(code, 530 | 534 | 535 | 538) {
        return Failure::refused_us(format!(
            "The mail server refuses our account (status {code})."
        ));
    }
    let lasting = code >= 500;
    match stage {
        Stage::Recipient if lasting => refused_recipient(reply),
        Stage::Data | Stage::Content | Stage::Answer if lasting && is_about_us(reply) => {
            refused_sender(code)
        }
        Stage::Recipient => Failure::person_for_now(format!(
            "The mail server cannot take mail for this address at the moment (status {code})."
        )),
        Stage::Data | Stage::Content | Stage::Answer if lasting => Failure::person(format!(
            "The mail server refused the message (status {code})."
        )),
        Stage::Sender if lasting => refused_sender(code),
        _ if lasting => Failure::refused_us(format!(
            "The mail server refuses our connection (status {code})."
        )),
        _ => Failure::try_again(format!("The mail server is too busy (status {code}).")),
    }
}

fn refused_sender(code: u16) -> Failure {
    Failure::refused_us(format!(
        "The mail server refuses our sender address or our server (status {code})."
    ))
}

/// Whether a refusal that comes late is about us rather than the recipient: many servers, Postfix
/// among them, check client and sender only when they hear the first recipient. RFC 3463: X.1.7 and
/// X.1.8 are the sender's address, X.4.5 a full system.
fn is_about_us(reply: &Reply) -> bool {
    matches!(
        reply.enhanced(),
        Some("5.1.7" | "5.1.8" | "5.4.5" | "5.7.23" | "5.7.25" | "5.7.26" | "5.7.60")
    ) || [
        "sender address",
        "client host",
        "helo command",
        "blocked using",
        "spf",
        "dmarc",
    ]
    .iter()
    .any(|words| reply.says(words))
}

fn refused_recipient(reply: &Reply) -> Failure {
    let code = reply.code;
    if is_about_us(reply) {
        return refused_sender(code);
    }
    if reply.says("relay") {
        return Failure::refused_us(format!(
            "The mail server does not send mail on for us (status {code})."
        ));
    }
    // X.7: policy. It may be this recipient's or this server's: another server may be allowed to.
    if reply
        .enhanced()
        .is_some_and(|code| code.starts_with("5.7."))
    {
        return Failure::no_way(format!(
            "The mail server is not allowed to pass this mail on (status {code})."
        ));
    }
    Failure::person(match (code, reply.enhanced()) {
        (_, Some("5.2.2")) | (552, _) => "The mailbox is full.".to_owned(),
        (_, Some("5.1.1" | "5.1.10")) => "The mailbox does not exist.".to_owned(),
        (_, Some("5.2.1")) => "The mailbox is switched off.".to_owned(),
        (_, Some("5.1.2" | "5.4.4")) => "The address's domain takes no mail.".to_owned(),
        (553, _) => "The e-mail address is not valid.".to_owned(),
        _ => format!("The mail server refused the address (status {code})."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{Certainty, Duration, Scope};

    fn kind(stage: Stage, code: u16, text: &str) -> (Certainty, Duration, Scope) {
        let reply = Reply {
            code,
            lines: vec![text.to_owned()],
        };
        let failure = Trouble {
            stage,
            cause: Cause::Refused(reply),
        }
        .into_failure();
        (failure.certainty, failure.duration, failure.scope)
    }

    const GATEWAY: (Certainty, Duration, Scope) =
        (Certainty::Certain, Duration::Temporary, Scope::Gateway);
    const PERSON: (Certainty, Duration, Scope) =
        (Certainty::Certain, Duration::Permanent, Scope::Person);
    const PERSON_FOR_NOW: (Certainty, Duration, Scope) =
        (Certainty::Certain, Duration::Temporary, Scope::Person);
    const SETTINGS: (Certainty, Duration, Scope) = (
        Certainty::Certain,
        Duration::Temporary,
        Scope::Configuration,
    );

    #[test]
    fn a_refusal_means_what_it_means_at_its_stage() {
        assert_eq!(kind(Stage::Connect, 421, ""), GATEWAY);
        assert_eq!(kind(Stage::Connect, 554, ""), SETTINGS);
        assert_eq!(kind(Stage::SignIn, 535, ""), SETTINGS);
        assert_eq!(kind(Stage::SignIn, 454, ""), GATEWAY);
        assert_eq!(kind(Stage::Sender, 451, ""), GATEWAY);
        assert_eq!(kind(Stage::Sender, 550, ""), SETTINGS);
        assert_eq!(kind(Stage::Recipient, 550, ""), PERSON);
        assert_eq!(kind(Stage::Recipient, 452, ""), PERSON_FOR_NOW);
        assert_eq!(kind(Stage::Recipient, 421, ""), GATEWAY);
        assert_eq!(kind(Stage::Recipient, 530, ""), SETTINGS);
        assert_eq!(
            kind(Stage::Recipient, 554, "5.7.1 Relay access denied"),
            SETTINGS
        );
        assert_eq!(kind(Stage::Data, 451, ""), GATEWAY);
        assert_eq!(kind(Stage::Answer, 451, ""), GATEWAY);
        assert_eq!(kind(Stage::Answer, 554, ""), PERSON);
    }

    #[test]
    fn a_connection_lost_after_the_dot_leaves_the_message_in_doubt_and_before_it_does_not() {
        let lost = |stage| {
            let cause = Cause::Lost(std::io::ErrorKind::ConnectionReset.into());
            Trouble { stage, cause }.into_failure().certainty
        };
        assert_eq!(lost(Stage::Content), Certainty::Certain);
        assert_eq!(lost(Stage::Answer), Certainty::Ambiguous);
    }

    #[test]
    fn the_servers_text_does_not_reach_the_log() {
        let reply = Reply {
            code: 550,
            lines: vec!["5.1.1 <ana@clinic.example> unknown".to_owned()],
        };
        let trouble = Trouble {
            stage: Stage::Recipient,
            cause: Cause::Refused(reply),
        };
        assert_eq!(trouble.to_string(), "SMTP, Recipient: 550 5.1.1");
        assert!(!format!("{:?}", trouble.into_failure()).contains("ana@"));
    }
}
