//! Fills the call list, takes people from it, and writes down what came of each call.

use std::time::Duration;

use serde_json::json;

use crate::app::App;
use crate::audit::{self, Actor};
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, RecipientId};
use crate::phone_tree::{Caller, NotDone};
use crate::response::{self, OnBehalf};
use crate::storage::calls::{self, CallTask, Outcome, Said};
use crate::storage::responses::Via;
use crate::storage::{Tx, standing};

/// After this nobody is still on the phone to the same person: another may call.
pub const LONGEST_CALL: Duration = Duration::from_mins(10);

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// They were told. With an option's key: it is their answer. Without: they gave none.
    Spoke(Option<String>),
    /// A machine was told. That is no answer, and the person stays silent.
    Voicemail,
    /// Nobody picked up: they go to the end of the list.
    NoAnswer,
    /// The number is somebody else's.
    WrongNumber,
    /// They are to be called once more after all.
    Again,
}

impl Came {
    /// Reads a form's word: `spoke`, `spoke.safe`, `voicemail`, `no_answer`, `wrong_number`, `again`.
    pub fn from_word(word: &str) -> Option<Self> {
        if let Some(answer) = word.strip_prefix("spoke.") {
            return Some(Self::Spoke(Some(answer.to_owned())));
        }
        match word {
            "spoke" => Some(Self::Spoke(None)),
            "voicemail" => Some(Self::Voicemail),
            "no_answer" => Some(Self::NoAnswer),
            "wrong_number" => Some(Self::WrongNumber),
            "again" => Some(Self::Again),
            _ => None,
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Spoke(_) => Some(Outcome::Spoke),
            Self::Voicemail => Some(Outcome::Voicemail),
            Self::NoAnswer => Some(Outcome::NoAnswer),
            Self::WrongNumber => Some(Outcome::WrongNumber),
            Self::Again => None,
        }
    }
}

/// A call that a caller reports.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whom.
    pub recipient: RecipientId,
    /// What came of it.
    pub came: Came,
    /// [`CallTask::outcome_at`] as the caller's page had it, so that the same form twice is one call.
    pub seen: Option<Timestamp>,
    /// What they noted. No diagnosis belongs here.
    pub note: Option<String>,
}

/// Puts everyone who is silent now onto the alert's call list. Answers how many came onto it; who is
/// there already stays where they are.
pub async fn call_the_silent(app: &App, alert: AlertNumber, actor: &Actor) -> Result<u64, NotDone> {
    let now = app.clock.now();
    let actor = actor.clone();
    let added = app
        .db
        .write("call_list.fill", move |tx| {
            Box::pin(async move {
                let subject = format!("alert {alert}");
                audit::append(tx, now, &actor, "call_list.fill", &subject, &json!({})).await?;
                calls::add_silent(tx, alert, now).await
            })
        })
        .await?;
    app.tell();
    Ok(added)
}

/// "I am calling": nobody else is offered this person for [`LONGEST_CALL`].
pub async fn claim(app: &App, caller: &Caller, recipient: RecipientId) -> Result<(), NotDone> {
    let now = app.clock.now();
    let longest = i64::try_from(LONGEST_CALL.as_millis()).unwrap_or(i64::MAX);
    let stale = Timestamp(now.0.saturating_sub(longest));
    let caller = caller.clone();
    app.db
        .write("call.claim", move |tx| {
            Box::pin(async move {
                begin(tx, &caller, recipient, "call.claim", &json!({}), now).await?;
                let task = on_the_list(tx, &caller, recipient).await?;
                let by = caller.actor.as_str();
                if calls::claim(tx, recipient, by, now, stale).await? {
                    return Ok(());
                }
                Err(if task.answered_at.is_some() {
                    NotDone::Answered
                } else {
                    NotDone::TakenByAnother
                })
            })
        })
        .await?;
    app.tell();
    Ok(())
}

/// Gives a claimed person back without having called.
pub async fn release(app: &App, caller: &Caller, recipient: RecipientId) -> Result<(), NotDone> {
    let now = app.clock.now();
    let caller = caller.clone();
    app.db
        .write("call.release", move |tx| {
            Box::pin(async move {
                begin(tx, &caller, recipient, "call.release", &json!({}), now).await?;
                let task = on_the_list(tx, &caller, recipient).await?;
                if task.calling_by.as_deref() != Some(caller.actor.as_str()) {
                    return Err(NotDone::TakenByAnother);
                }
                standing::set_calling(tx, recipient, None, now).await?;
                Ok(())
            })
        })
        .await?;
    app.tell();
    Ok(())
}

/// Writes down what came of a call; an answer that was given in it is recorded in the same
/// transaction. Refused, with nothing written, if the page that it was entered on is out of date.
pub async fn report(app: &App, caller: &Caller, call: Call) -> Result<(), NotDone> {
    let now = app.clock.now();
    let caller = caller.clone();
    app.db
        .write("call.report", move |tx| {
            Box::pin(async move { report_in(tx, &caller, call, now).await })
        })
        .await?;
    app.tell();
    Ok(())
}

async fn report_in(
    tx: &mut Tx,
    caller: &Caller,
    call: Call,
    now: Timestamp,
) -> Result<(), NotDone> {
    let outcome = call.came.outcome();
    let detail = json!({ "outcome": outcome });
    begin(tx, caller, call.recipient, "call.report", &detail, now).await?;
    on_the_list(tx, caller, call.recipient).await?;
    let note = call
        .note
        .map(|note| tidy(&note))
        .filter(|note| !note.is_empty());
    let said = Said {
        recipient: call.recipient,
        outcome,
        seen: call.seen,
        // Two changes in one millisecond must still differ, or the second form would fit both.
        at: Timestamp(now.0.max(call.seen.map_or(0, |seen| seen.0 + 1))),
        by: caller.actor.as_str().to_owned(),
        note: note.clone(),
    };
    if !calls::set_outcome(tx, &said).await? {
        return Err(NotDone::NotedAlready);
    }
    if let Came::Spoke(Some(answer)) = call.came {
        let entered = OnBehalf {
            recipient: call.recipient,
            answer,
            via: Via::Call,
            actor: caller.actor.clone(),
            note,
        };
        response::on_behalf_in(tx, entered, now).await?;
    }
    Ok(())
}

/// The entry first: it queues callers up behind each other.
async fn begin(
    tx: &mut Tx,
    caller: &Caller,
    recipient: RecipientId,
    action: &str,
    detail: &serde_json::Value,
    now: Timestamp,
) -> Result<(), NotDone> {
    let subject = format!("alert {}", recipient.alert());
    let mut detail = detail.clone();
    detail["recipient"] = json!(recipient);
    Ok(audit::append(tx, now, &caller.actor, action, &subject, &detail).await?)
}

async fn on_the_list(
    tx: &mut Tx,
    caller: &Caller,
    recipient: RecipientId,
) -> Result<CallTask, NotDone> {
    let task = calls::find(&mut *tx, recipient.alert(), caller.whose, recipient).await?;
    task.ok_or(NotDone::NotOnTheList)
}

/// A note as one short line.
fn tidy(note: &str) -> String {
    let line: String = note
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forms_word_is_read_back() {
        let safe = Came::Spoke(Some("safe".to_owned()));
        assert_eq!(Came::from_word("spoke.safe"), Some(safe));
        assert_eq!(Came::from_word("no_answer"), Some(Came::NoAnswer));
        assert_eq!(Came::from_word("shouted"), None);
    }

    #[test]
    fn a_note_is_one_short_line() {
        assert_eq!(tidy(" call \r\n back\t later "), "call back later");
        assert_eq!(tidy(&"a".repeat(900)).len(), 300);
    }
}
