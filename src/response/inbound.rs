//! Messages that people send to us: a digit, an option's words, STOP, or something a person must read.

use tracing::info;

use super::reply_words::{self, Meaning};
use super::{Response, Via, record_in};
use crate::alert::words::AlertState;
use crate::app::App;
use crate::audit::Actor;
use crate::channel::Inbound;
use crate::clock::Timestamp;
use crate::directory::contact::lookup_text;
use crate::directory::opt_out::{self, How};
use crate::directory::phone_number::PhoneNumber;
use crate::ids::{ReplyId, ResponseId};
use crate::storage::links::{self, Sent};
use crate::storage::responses::{self, Addressee, Reply, ReplyOutcome};
use crate::storage::{Error, Tx};
use crate::storage::{contacts, health};

/// How long after an alert a number's reply is still taken for an answer to it.
pub const LATEST: std::time::Duration = std::time::Duration::from_hours(72);

/// Takes in a message that someone sent to us. The same one twice is taken in once; one that
/// answers nothing is kept for a person to read.
///
/// A digit answers the newest alert that was sent to that number and offers it: a running one
/// first. On a shared phone it is the answer of the person whom the message was sent to, unless the
/// text names the other one.
pub async fn inbound(app: &App, gateway: &str, message: Inbound) -> Result<ReplyOutcome, Error> {
    let now = app.clock.now();
    let sender = sender(app, &message).await?;
    let sent = responses::list_by_number(&app.answers, &sender.lookup, now.before(LATEST)).await?;
    let decided = decide(app, &message, &sender, &sent, now).await?;
    let reply = seal(app, gateway, &message, sender.lookup, now, &decided);
    let outcome = reply.outcome;
    let is_call_out = matches!(decided, Decided::Answer(_, true));
    let is_news = app
        .answers
        .write("response.inbound", move |tx| {
            Box::pin(async move { inbound_in(tx, &reply, decided).await })
        })
        .await?;
    if is_news {
        info!(
            gateway.name = gateway,
            reply.outcome = outcome.word(),
            "Took in a message"
        );
        super::tell(app, is_call_out);
    }
    Ok(outcome)
}

/// Who wrote.
struct Sender {
    /// Blind index of the number.
    lookup: Vec<u8>,
    /// Whether the number has opted out of what is no emergency.
    has_opted_out: bool,
}

/// Finds the number in the directory. Gateways write it in every way (`+41 79…`, `4179…`, `004179…`,
/// and `+` turned into a space by a careless one), so every reading is tried; a number that nobody
/// has stands as it came.
async fn sender(app: &App, message: &Inbound) -> Result<Sender, Error> {
    let written = message.from.reveal().trim();
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let region = &app.config.organisation.region;
    let readings = [written.to_owned(), format!("+{digits}")]
        .into_iter()
        .filter_map(|text| PhoneNumber::parse(&text, region).ok())
        .map(|number| lookup_text(number.address()));
    let as_written = app.keys.lookup(&lookup_text(&message.from));
    for text in readings {
        let lookup = app.keys.lookup(&text);
        let points = contacts::points_with(&app.answers, &lookup).await?;
        if !points.is_empty() {
            return Ok(Sender {
                lookup,
                has_opted_out: points.iter().any(|point| point.opted_out_at.is_some()),
            });
        }
    }
    Ok(Sender {
        lookup: as_written,
        has_opted_out: false,
    })
}

/// What an inbound message does.
enum Decided {
    /// An answer, and whether it is one to a call-out.
    Answer(Response, bool),
    Stop,
    Start,
    Nothing(ReplyOutcome),
}

async fn inbound_in(tx: &mut Tx, reply: &Reply, decided: Decided) -> Result<bool, Error> {
    if !responses::insert_reply(tx, reply).await? {
        return Ok(false);
    }
    let by = Actor::system();
    match decided {
        Decided::Answer(response, is_call_out) => record_in(tx, &response, is_call_out).await?,
        Decided::Stop => {
            opt_out::opt_out(tx, &reply.lookup, How::Sms, reply.at, &by).await?;
        }
        Decided::Start => {
            opt_out::opt_in(tx, &reply.lookup, How::Sms, reply.at, &by).await?;
        }
        Decided::Nothing(_) => {}
    }
    health::mark_heard_from(tx, &reply.lookup, reply.at).await?;
    Ok(true)
}

async fn decide(
    app: &App,
    message: &Inbound,
    sender: &Sender,
    sent: &[Addressee],
    now: Timestamp,
) -> Result<Decided, Error> {
    let meaning = reply_words::read(&message.text);
    match meaning {
        Meaning::Stop => return Ok(Decided::Stop),
        // "Yes" takes an opt-out back; from anyone else it may be an answer.
        Meaning::Start if sender.has_opted_out => return Ok(Decided::Start),
        Meaning::Start | Meaning::Digit(_) | Meaning::Words => {}
    }
    let running = sent
        .iter()
        .filter(|one| one.alert_state == AlertState::Running);
    let over = sent
        .iter()
        .filter(|one| one.alert_state != AlertState::Running);
    for addressee in running.chain(over) {
        let option = match meaning {
            Meaning::Digit(digit) => addressee.options.get(digit - 1),
            _ => reply_words::option_in_words(&message.text, &addressee.options),
        };
        let Some(option) = option else { continue };
        let told = Sent {
            delivery: addressee.delivery,
            recipient: addressee.recipient,
        };
        let people = links::list_sharers(&app.answers, &[told]).await?;
        let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
        let named = reply_words::who_is_named(&message.text, &names);
        let recipient = named
            .and_then(|index| people.get(index))
            .map_or(addressee.recipient, |person| person.recipient);
        let response = Response {
            id: ResponseId::new(),
            alert: addressee.alert,
            recipient,
            delivery: Some(addressee.delivery),
            answer: option.key.clone(),
            answer_class: option.class,
            via: Via::Sms,
            at: now,
            late: addressee.alert_state != AlertState::Running,
            maybe_automatic: false,
            recorded_by: None,
            note: None,
        };
        return Ok(Decided::Answer(response, addressee.is_call_out));
    }
    Ok(Decided::Nothing(if sent.is_empty() {
        ReplyOutcome::UnknownSender
    } else {
        ReplyOutcome::NotUnderstood
    }))
}

fn seal(
    app: &App,
    gateway: &str,
    message: &Inbound,
    lookup: Vec<u8>,
    at: Timestamp,
    decided: &Decided,
) -> Reply {
    let id = ReplyId::new();
    let clear = format!("{}\n{}", message.from.reveal(), message.text);
    let (outcome, response) = match decided {
        Decided::Answer(response, _) => (ReplyOutcome::Answered, Some(response.id)),
        Decided::Stop => (ReplyOutcome::OptedOut, None),
        Decided::Start => (ReplyOutcome::OptedIn, None),
        Decided::Nothing(outcome) => (*outcome, None),
    };
    Reply {
        id,
        gateway: gateway.to_owned(),
        gateway_id: message.gateway_id.clone(),
        lookup,
        sealed: app.keys.seal(id.0.as_bytes(), clear.as_bytes()),
        at,
        outcome,
        response,
    }
}
