//! Acts on a running alert: stop, correct, all-clear, update, remind the silent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::alert::Refusal;
use crate::alert::draft::{self, Contents};
use crate::alert::launch::{self, Launched, New, RequestKey};
use crate::alert::whom::Whom;
use crate::alert::words::{AlertKind, AlertState};
use crate::app::App;
use crate::audit::{self, Actor};
use crate::call_out::Says;
use crate::clock::Timestamp;
use crate::ids::{AlertId, AlertNumber};
use crate::keys::Keys;
use crate::plan::{Step, Whom as StepWhom};
use crate::storage::alerts::{self, Alert, Asked, StepRow, StepState};
use crate::storage::audience;
use crate::storage::call_off;
use crate::storage::deliveries::DeliveryState;
use crate::storage::{self, Error, Tx};

/// The alert of that id.
pub async fn find(app: &App, id: AlertId) -> Result<Alert, Refusal> {
    match alerts::get_by_id(&app.db, id).await {
        Err(Error::NotFound) => Err(Refusal::UnknownAlert),
        other => Ok(other?),
    }
}

/// What a stop did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Messages that had not left and will not.
    pub called_off: u64,
}

/// Stops an alert: nothing that has not left leaves, no further step begins. Answers still count.
///
/// Messages that are on the wire at this moment cannot be called back. Stopping twice is refused
/// the second time, and changes nothing.
pub async fn stop(app: &App, id: AlertId, actor: Actor) -> Result<Stopped, Refusal> {
    let alert = find(app, id).await?;
    let now = app.clock.now();
    let called_off = app
        .db
        .write("alert.stop", move |tx| {
            Box::pin(async move { stop_in(tx, &alert, &actor, now).await })
        })
        .await?;
    app.wake();
    Ok(Stopped { called_off })
}

async fn stop_in(
    tx: &mut Tx,
    alert: &Alert,
    actor: &Actor,
    now: Timestamp,
) -> Result<u64, Refusal> {
    audit::begin(tx).await?;
    if !alerts::close(tx, alert.number, AlertState::Stopped, now, actor.as_str()).await? {
        return Err(Refusal::NotRunning);
    }
    let called_off =
        call_off::alert(tx, alert.number, DeliveryState::Cancelled, "stopped", now).await?;
    let subject = format!("alert {}", alert.number);
    audit::append(
        tx,
        now,
        actor,
        "alert.stop",
        &subject,
        &json!({ "called_off": called_off }),
    )
    .await?;
    Ok(called_off)
}

/// A follow-up that a person or a script asks for.
#[derive(Clone, Debug)]
pub struct FollowUpRequest {
    /// The alert that is followed.
    pub alert: AlertId,
    /// Update, correction or all-clear.
    pub kind: AlertKind,
    /// A template of that kind; none: the one named after it.
    pub template: Option<String>,
    /// Its blanks.
    pub variables: BTreeMap<String, String>,
    /// How long Stop still undoes it.
    pub hold: Duration,
    /// When the texts that were shown were made; none: now.
    pub composed_at: Option<Timestamp>,
    /// Who asks.
    pub actor: Actor,
}

/// The template that a kind of follow-up uses unless another is named.
pub fn default_template(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Alert => "",
        AlertKind::Update => "update",
        AlertKind::Correction => "correction",
        AlertKind::AllClear => "all-clear",
    }
}

/// Tells exactly those whom the thread has contacted.
///
/// It is about the thread's first alert, whichever of the thread's alerts the request names: people
/// know the closure, not the update that followed it.
///
/// A correction and an all-clear also stop every running alert of the thread, in the same
/// transaction: nobody is told of a danger after being told that there is none. Where nobody has
/// been told yet, that is all there is to do: the answer is then the first alert itself, stopped.
/// An update goes, in addition, to those who are about to be told.
pub async fn follow_up(app: &App, request: FollowUpRequest) -> Result<Launched, Refusal> {
    follow_up_once(app, request, None).await
}

/// [`follow_up`] for a request with a key of its own: asking twice tells people once.
pub async fn follow_up_once(
    app: &App,
    request: FollowUpRequest,
    key: Option<RequestKey>,
) -> Result<Launched, Refusal> {
    if let Some(launched) = launch::replay(app, key.as_ref()).await? {
        return Ok(launched);
    }
    let followed = first_of_thread(app, find(app, request.alert).await?).await?;
    let thread = followed.thread;
    let name = request
        .template
        .as_deref()
        .unwrap_or(default_template(request.kind));
    let (template, approval) = draft::approved_template(app, name).await?;
    draft::refuse_wrong_kind(&template, request.kind)?;
    let is_last_word = request.kind != AlertKind::Update;
    if !is_last_word && followed.state != AlertState::Running {
        return Err(Refusal::NotRunning);
    }
    let now = app.clock.now();
    let contents = Contents {
        mode: followed.mode,
        variables: &request.variables,
        at: request.composed_at.unwrap_or(now),
        follows: Some(&followed),
    };
    let plan = draft::plan(app, &template, followed.mode, None)?;
    let severity = followed.severity.min(template.severity);
    let new = New {
        id: AlertId::new(),
        texts: draft::texts(app, &template, &contents)?,
        begins_at: launch::begins_at(app, severity, &plan),
        plan,
        expires_in: template.expires_in,
        call_out: None,
        similar_since: None,
        mode: followed.mode,
        asked: Asked::default(),
        variables: request.variables,
        hold: request.hold,
        actor: request.actor,
        template,
        approval,
        now,
        follows: Some(followed),
    };
    let keys = app.keys.clone();
    let kept = key.clone();
    let written = app
        .db
        .write("alert.follow_up", move |tx| {
            Box::pin(async move {
                let alert = insert(tx, &new, thread, is_last_word, &keys).await?;
                launch::keep(tx, kept, alert.id, new.now).await?;
                Ok::<_, Refusal>(alert)
            })
        })
        .await;
    match written {
        Ok(alert) => {
            if alert.number == thread {
                app.wake();
            } else {
                launch::announce(app, &alert);
            }
            Ok(Launched {
                alert,
                is_replay: false,
            })
        }
        // Another request with the same key was faster.
        Err(Refusal::Storage(Error::Conflict)) => launch::replay(app, key.as_ref())
            .await?
            .ok_or(Refusal::Storage(Error::Conflict)),
        Err(refusal) => Err(refusal),
    }
}

/// A last word stops the thread. If nobody has been told anything, that is all there is to do.
async fn insert(
    tx: &mut Tx,
    new: &New,
    thread: AlertNumber,
    is_last_word: bool,
    keys: &Keys,
) -> Result<Alert, Refusal> {
    // The number before the end of the audit chain, as a launch takes them: neither waits for the other
    // in a circle.
    let number = alerts::next_number(tx).await?;
    audit::begin(tx).await?;
    if is_last_word {
        stop_thread(tx, thread, &new.actor, new.now).await?;
        if !audience::is_any_contacted(&mut *tx, thread).await? {
            return Ok(alerts::get(&mut *tx, thread).await?);
        }
    }
    // Someone may have given the all-clear meanwhile: nobody hears of a danger after that.
    if !is_last_word && alerts::lock_running(tx, thread).await?.is_none() {
        return Err(Refusal::NotRunning);
    }
    let whom = Whom::Contacted {
        and_waiting: !is_last_word,
    };
    launch::insert(tx, new, number, whom, keys).await
}

/// The alert that began the thread of this one: itself, if it follows none.
pub async fn first_of_thread(app: &App, alert: Alert) -> Result<Alert, Error> {
    if alert.number == alert.thread {
        return Ok(alert);
    }
    alerts::get(&app.db, alert.thread).await
}

/// Stops whatever of a thread is running.
async fn stop_thread(
    tx: &mut Tx,
    thread: AlertNumber,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), Refusal> {
    for running in alerts::list_thread(&mut *tx, thread).await? {
        if running.state == AlertState::Running {
            match stop_in(tx, &running, actor, now).await {
                // Someone else has stopped it in this moment: all the better.
                Ok(_) | Err(Refusal::NotRunning) => {}
                Err(refusal) => return Err(refusal),
            }
        }
    }
    Ok(())
}

/// Sends the message once more to those who have not answered, on the channels of the first step.
pub async fn remind(app: &App, id: AlertId, actor: Actor) -> Result<(), Refusal> {
    remind_once(app, id, actor, None).await
}

/// [`remind`] for a request with a key of its own: asking twice reminds once.
pub async fn remind_once(
    app: &App,
    id: AlertId,
    actor: Actor,
    key: Option<RequestKey>,
) -> Result<(), Refusal> {
    if launch::replay(app, key.as_ref()).await?.is_some() {
        return Ok(());
    }
    let alert = find(app, id).await?;
    let now = app.clock.now();
    let kept = key.clone();
    let written = app
        .db
        .write("alert.remind", move |tx| {
            Box::pin(async move {
                audit::begin(tx).await?;
                if alerts::lock_running(tx, alert.number).await?.is_none() {
                    return Err(Refusal::NotRunning);
                }
                let call_out = storage::call_out::find(&mut *tx, alert.number).await?;
                if call_out.is_some_and(|call_out| call_out.filled_at.is_some()) {
                    return Err(Refusal::Filled);
                }
                let mut plan = alerts::get(&mut *tx, alert.number).await?.plan;
                let channels = plan
                    .steps
                    .first()
                    .map(|step| step.channels.clone())
                    .unwrap_or_default();
                let after = now.since(alert.launched_at).as_secs();
                let step = StepRow {
                    alert: alert.number,
                    step: storage::call_out::next_step(tx, alert.number).await?,
                    plan_step: i32::try_from(plan.steps.len()).unwrap_or(i32::MAX),
                    // Of a call-out, those who were asked by now.
                    through: match call_out {
                        Some(_) => storage::call_out::last_asked(&mut *tx, alert.number).await?,
                        None => alert.number.base() + alert.recipients,
                    },
                    wave: None,
                    says: Says::Message,
                    due_at: now,
                    state: StepState::Waiting,
                    written_through: alert.number.base(),
                    people: 0,
                    deliveries: 0,
                };
                plan.steps.push(Step {
                    after_seconds: u32::try_from(after).unwrap_or(u32::MAX),
                    whom: StepWhom::Silent,
                    channels,
                    call_list: false,
                });
                alerts::set_plan(tx, alert.number, &plan).await?;
                alerts::insert_step(tx, &step).await?;
                let subject = format!("alert {}", alert.number);
                audit::append(
                    tx,
                    now,
                    &actor,
                    "alert.remind",
                    &subject,
                    &json!({ "step": step.step }),
                )
                .await?;
                launch::keep(tx, kept, alert.id, now).await?;
                Ok(())
            })
        })
        .await;
    match written {
        // Another request with the same key was faster.
        Err(Refusal::Storage(Error::Conflict)) if key.is_some() => {}
        other => other?,
    }
    app.wake();
    Ok(())
}
