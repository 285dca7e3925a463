//! Writes one message as an e-mail: the same Message-ID and boundary at every attempt, so that a
//! mail server or a mailbox that gets it twice can tell.

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::channel::{Failure, Message};

/// What all our e-mails have in common.
pub(super) struct Stationery {
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    pub(super) instance: String,
}

/// An e-mail in its envelope.
pub(super) struct Letter {
    /// Where bounces go.
    pub(super) sender: String,
    pub(super) recipient: String,
    /// Headers and body, lines ending with CR LF.
    pub(super) content: Vec<u8>,
    /// Without the angle brackets.
    pub(super) message_id: String,
}

impl Letter {
    /// Whether an address has characters that only newer mail servers take.
    pub(super) fn needs_utf8(&self) -> bool {
        !self.sender.is_ascii() || !self.recipient.is_ascii()
    }
}

impl Stationery {
    /// Fails, for that person only, when the address is none.
    pub(super) fn write(&self, message: &Message) -> Result<Letter, Failure> {
        let unusable = || Failure::person("The e-mail address is not valid.");
        let address = message.to.reveal();
        // Never let these reach a command or a header, whatever a parser thinks of them.
        if address
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || "<>".contains(c))
        {
            return Err(unusable());
        }
        // The parser's error repeats the address, so it is not kept as the cause.
        let recipient: Address = address.parse().map_err(|_ignored| unusable())?;
        let id = format!(
            "muster.{}.{}@{}",
            message.delivery,
            self.instance,
            self.from.email.domain()
        );
        let mut letter = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, recipient.clone()))
            .subject(one_line(message.subject.as_deref().unwrap_or_default()))
            .message_id(Some(format!("<{id}>")))
            .raw_header(header("Auto-Submitted", "auto-generated"))
            // Exchange would otherwise answer with absence notes.
            .raw_header(header("X-Auto-Response-Suppress", "All"))
            .raw_header(header("X-Muster-Delivery", &message.delivery.to_string()));
        if let Some(reply_to) = &self.reply_to {
            letter = letter.reply_to(reply_to.clone());
        }
        let plain = SinglePart::plain(without_nul(&message.text));
        let letter = match &message.html {
            None => letter.singlepart(plain),
            Some(html) => letter.multipart(
                MultiPart::alternative()
                    .boundary(format!("muster-{}-{}", self.instance, message.delivery))
                    .singlepart(plain)
                    .singlepart(SinglePart::html(without_nul(html))),
            ),
        };
        let letter = letter.map_err(|_ignored| unusable())?;
        Ok(Letter {
            sender: self.from.email.to_string(),
            recipient: recipient.to_string(),
            content: letter.formatted(),
            message_id: id,
        })
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Control characters become spaces: a line break in a header would begin another header.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}
