//! Records answers that come by link, those of one moment together: hundreds answer in the minute
//! after an alert, and each of them waits for the disk.
//!
//! A task of its own reads what all the links lead to, and writes all answers in one transaction;
//! meanwhile the next gather. An answer that cannot be kept does not keep out the others: then each
//! is written by itself. "Recorded" is said only after the commit.

use std::collections::HashMap;

use futures::future::join_all;
use tokio::sync::oneshot;

use super::sheet::{self, Sheet};
use super::{Answered, SCANNER, record_in, tell};
use crate::alert::words::AlertState;
use crate::app::App;
use crate::channel::Channel;
use crate::fail_point::fail_point;
use crate::gather::Gathered;
use crate::ids::{RecipientId, ResponseId};
use crate::keys::answer_key;
use crate::storage::responses::{self, Response, Via};
use crate::storage::{Error, Tx, call_off};

/// So many are written together at most: it bounds how long the first of them waits.
const MOST: usize = 256;

/// Answers that nobody has written down yet.
#[derive(Debug, Default)]
pub struct Desk {
    slips: Gathered<Slip>,
    /// Held by whoever reads what the links lead to.
    turn: tokio::sync::Mutex<()>,
    /// Held by whoever writes down: meanwhile the next are read for.
    writing: tokio::sync::Mutex<()>,
}

/// One answer by link.
#[derive(Debug)]
struct Slip {
    key: Vec<u8>,
    answer: String,
    who: Option<RecipientId>,
    done: oneshot::Sender<Result<Given, Error>>,
}

/// What became of an answer by link, and what the link leads to now; none if it leads nowhere.
#[derive(Clone, Debug)]
pub struct Given {
    /// What became of it.
    pub answered: Answered,
    /// The link's sheet, with the answer on it.
    pub sheet: Option<Sheet>,
}

/// Records an answer by link. `who` is for a shared phone: which of the people answers; none is the
/// person it was sent to.
pub async fn link(
    app: &App,
    token: &str,
    answer: &str,
    who: Option<RecipientId>,
) -> Result<Given, Error> {
    let (done, outcome) = oneshot::channel();
    let slip = Slip {
        key: answer_key(token).to_vec(),
        answer: answer.to_owned(),
        who,
        done,
    };
    if app.desk.slips.add(slip) {
        call(app);
    }
    outcome
        .await
        .unwrap_or(Err(Error::Broken("nobody wrote the answer down")))
}

/// Has all that waits written down. In a task of its own: a phone that hangs up must not take the
/// others' answers with it.
fn call(app: &App) {
    app.tasks.spawn(write_waiting(app.clone()));
}

async fn write_waiting(app: App) {
    let turn = app.desk.turn.lock().await;
    let (slips, is_more) = app.desk.slips.take(MOST);
    if is_more {
        call(&app);
    }
    let keys: Vec<Vec<u8>> = slips.iter().map(|slip| slip.key.clone()).collect();
    let mut sheets = match sheet::load(&app, &keys).await {
        Ok(sheets) => sheets,
        Err(cause) => return refuse(slips, &cause),
    };
    let mut recorded = Vec::new();
    for slip in slips {
        match decide(&app, &slip, sheets.get(&slip.key)) {
            Ok(response) => recorded.push((slip, response)),
            Err(answered) => {
                let sheet = sheets.get(&slip.key).cloned();
                // Whoever waited may have hung up; nothing was to be kept.
                let answered = *answered;
                drop(slip.done.send(Ok(Given { answered, sheet })));
            }
        }
    }
    let writing = app.desk.writing.lock().await;
    drop(turn);
    let is_call_out = |slip: &Slip| sheets[&slip.key].about.standing.is_some();
    let (alone, together): (Vec<_>, Vec<_>) = recorded
        .into_iter()
        .partition(|(slip, _)| is_call_out(slip));
    let responses: Vec<Response> = together.iter().map(|(_, one)| one.clone()).collect();
    let written = match responses.as_slice() {
        [] => Ok(()),
        _ => write(&app, responses, false).await,
    };
    drop(writing);
    let each = together.iter().map(|(_, response)| async {
        match &written {
            Ok(()) => Ok(()),
            // All at once: each may have to wait for the database.
            Err(_) => write_one(&app, response.clone(), false).await,
        }
    });
    let outcomes = join_all(each).await;
    let is_news = !together.is_empty();
    for ((slip, response), outcome) in together.into_iter().zip(outcomes) {
        answer(&mut sheets, slip, response, outcome);
    }
    if is_news {
        tell(&app, false);
    }
    for (slip, response) in alone {
        let outcome = write_one(&app, response.clone(), true).await;
        tell(&app, true);
        let fresh = sheet::load(&app, std::slice::from_ref(&slip.key)).await;
        // The place in the order is known only now.
        let sheet = fresh.ok().and_then(|mut one| one.remove(&slip.key));
        let answered = Answered::Recorded(response);
        let given = outcome.map(|()| Given { answered, sheet });
        drop(slip.done.send(given));
    }
}

/// Nobody's answer could be kept.
fn refuse(slips: Vec<Slip>, cause: &Error) {
    for slip in slips {
        drop(slip.done.send(Err(cause.again())));
    }
}

fn answer(
    sheets: &mut HashMap<Vec<u8>, Sheet>,
    slip: Slip,
    response: Response,
    outcome: Result<(), Error>,
) {
    let given = outcome.map(|()| {
        let sheet = sheets.get_mut(&slip.key).map(|sheet| {
            sheet.add(&response);
            sheet.clone()
        });
        Given {
            answered: Answered::Recorded(response),
            sheet,
        }
    });
    // Whoever waited may have hung up; it is kept all the same.
    drop(slip.done.send(given));
}

/// The answer as it will be kept; or why there is none.
fn decide(app: &App, slip: &Slip, sheet: Option<&Sheet>) -> Result<Response, Box<Answered>> {
    let sheet = sheet.ok_or(Box::new(Answered::UnknownLink))?;
    let (lead, alert) = (&sheet.lead, &sheet.about.alert);
    let recipient = slip.who.unwrap_or(lead.recipient);
    let option = alert.options.iter().find(|one| one.key == slip.answer);
    let is_told = sheet.people.iter().any(|one| one.recipient == recipient);
    let option = option
        .filter(|_| is_told)
        .ok_or(Box::new(Answered::NotOffered))?;
    let now = app.clock.now();
    let is_quick = lead.left_at.is_some_and(|left| now.since(left) < SCANNER);
    let by_email = lead.channel == Channel::Email;
    Ok(Response {
        id: ResponseId::new(),
        alert: lead.alert,
        recipient,
        delivery: Some(lead.delivery),
        answer: option.key.clone(),
        answer_class: option.class,
        via: if by_email { Via::Email } else { Via::Link },
        at: now,
        late: alert.state != AlertState::Running,
        maybe_automatic: by_email && is_quick,
        recorded_by: None,
        note: None,
    })
}

/// Writes one answer, once more if need be: the person may not come back.
async fn write_one(app: &App, response: Response, is_call_out: bool) -> Result<(), Error> {
    match write(app, vec![response.clone()], is_call_out).await {
        // A full disk has just got its reserve, or others in the same transaction failed.
        Err(Error::NoSpace(_) | Error::NotSaved(_)) => {
            write(app, vec![response], is_call_out).await
        }
        // The connection broke while it was being saved. Its id tells: it is not kept twice.
        Err(Error::InDoubt(_)) => match write(app, vec![response], is_call_out).await {
            Err(Error::Conflict) => Ok(()),
            other => other,
        },
        // Its id is its own: it is there by the transaction that it shared, which was in doubt.
        Err(Error::Conflict) => Ok(()),
        other => other,
    }
}

async fn write(app: &App, responses: Vec<Response>, is_call_out: bool) -> Result<(), Error> {
    app.answers
        .write("response.record", move |tx| {
            Box::pin(async move {
                if is_call_out {
                    for response in &responses {
                        record_in(tx, response, true).await?;
                    }
                } else {
                    record_all(tx, &responses).await?;
                }
                fail_point!("answer.before_commit");
                Ok::<_, Error>(())
            })
        })
        .await?;
    fail_point!("answer.after_commit");
    Ok(())
}

/// Everything that answers change which are none of a call-out. What a machine may have said calls
/// nothing off: the person may know of nothing.
pub(super) async fn record_all(tx: &mut Tx, all: &[Response]) -> Result<(), Error> {
    responses::insert(tx, all).await?;
    let sure = all.iter().filter(|one| !one.maybe_automatic);
    let recipients: Vec<RecipientId> = sure.map(|one| one.recipient).collect();
    match all.first() {
        Some(first) if !recipients.is_empty() => {
            call_off::answered(tx, &recipients, first.at).await
        }
        _ => Ok(()),
    }
}
