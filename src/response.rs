//! What people answer: recorded once, never lost, never invented.
//!
//! An answer comes by the person's own link ([`link`]), by a digit in an SMS ([`inbound()`]), from a
//! caller or a manager ([`on_behalf`]). Whoever gives it, the same things happen in one transaction:
//! the answer is added, the person's first answer keeps its time, what was still to be sent to them
//! is called off. "Recorded" is said only after the commit.

mod desk;
mod inbound;
pub mod option;
pub mod reply_words;
pub mod sheet;

use crate::alert::Refusal;
use crate::alert::words::AlertState;
use crate::app::App;
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::escalation::call_out;
use crate::ids::{RecipientId, ResponseId};
use crate::keys::answer_key;
use crate::storage::alerts;
use crate::storage::responses::{self, Response, Via};
use crate::storage::{self, Error, Tx, call_off};
pub use desk::{Desk, Given, link};
pub use inbound::{LATEST, inbound};
pub use option::{AnswerClass, AnswerOption};
pub use sheet::Sheet;

/// An answer by e-mail link that comes sooner than this after the mail may be a mail scanner's.
const SCANNER: std::time::Duration = std::time::Duration::from_secs(10);

/// Looks an answer link up. Changes nothing, however often it is opened and by whom.
pub async fn open(app: &App, token: &str) -> Result<Option<Sheet>, Error> {
    let key = answer_key(token).to_vec();
    let mut sheets = sheet::load(app, std::slice::from_ref(&key)).await?;
    Ok(sheets.remove(&key))
}

/// What became of an answer by link.
#[derive(Clone, Debug)]
pub enum Answered {
    /// It is on disk.
    Recorded(Response),
    /// The link is unknown or too old.
    UnknownLink,
    /// The form named an answer or a person that is not offered: nothing was recorded.
    NotOffered,
}

/// Tells the boards; after an answer to a call-out somebody else may have to be asked or told.
fn tell(app: &App, is_call_out: bool) {
    if is_call_out {
        app.wake();
    } else {
        app.tell();
    }
}

/// Everything that an answer changes.
async fn record_in(tx: &mut Tx, response: &Response, is_call_out: bool) -> Result<(), Error> {
    if !is_call_out {
        return desk::record_all(tx, std::slice::from_ref(response)).await;
    }
    call_out::record(tx, response).await?;
    if !response.maybe_automatic {
        call_off::answered(tx, &[response.recipient], response.at).await?;
    }
    Ok(())
}

/// An answer that someone gives for someone else, who told them.
#[derive(Clone, Debug)]
pub struct OnBehalf {
    /// Whose answer it is.
    pub recipient: RecipientId,
    /// The option's key.
    pub answer: String,
    /// A caller of the call list, or a manager.
    pub via: Via,
    /// Who enters it.
    pub actor: Actor,
    /// What they noted. No diagnosis belongs here.
    pub note: Option<String>,
}

/// Records an answer that a person entered for another: with their name in the audit chain.
pub async fn on_behalf(app: &App, entered: OnBehalf) -> Result<Response, Refusal> {
    let now = app.clock.now();
    let response = app
        .db
        .write("response.on_behalf", move |tx| {
            Box::pin(async move { on_behalf_in(tx, entered, now).await })
        })
        .await?;
    app.wake();
    Ok(response)
}

/// [`on_behalf`] inside a transaction that does more.
pub async fn on_behalf_in(
    tx: &mut Tx,
    entered: OnBehalf,
    now: Timestamp,
) -> Result<Response, Refusal> {
    let alert = match alerts::get(&mut *tx, entered.recipient.alert()).await {
        Err(Error::NotFound) => return Err(Refusal::UnknownAlert),
        other => other?,
    };
    let Some(option) = alert
        .options
        .iter()
        .find(|option| option.key == entered.answer)
    else {
        let known: Vec<&str> = alert
            .options
            .iter()
            .map(|option| option.key.as_str())
            .collect();
        return Err(Refusal::UnknownAnswer {
            answer: entered.answer,
            known: known.join(", "),
        });
    };
    if !responses::is_recipient(&mut *tx, entered.recipient).await? {
        return Err(Refusal::UnknownRecipient);
    }
    let response = Response {
        id: ResponseId::new(),
        alert: alert.number,
        recipient: entered.recipient,
        delivery: None,
        answer: option.key.clone(),
        answer_class: option.class,
        via: entered.via,
        at: now,
        late: alert.state != AlertState::Running,
        maybe_automatic: false,
        recorded_by: Some(entered.actor.as_str().to_owned()),
        note: entered.note.filter(|note| !note.trim().is_empty()),
    };
    let subject = format!("alert {}", alert.number);
    let detail = serde_json::json!({ "recipient": response.recipient, "answer": response.answer });
    audit::append(
        tx,
        now,
        &entered.actor,
        "response.on_behalf",
        &subject,
        &detail,
    )
    .await?;
    let is_call_out = storage::call_out::find(&mut *tx, alert.number)
        .await?
        .is_some();
    record_in(tx, &response, is_call_out).await?;
    Ok(response)
}
