//! Launches: freezes audience, texts and plan in one transaction, and answers when it is on disk.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tracing::info;

use crate::alert::Refusal;
use crate::alert::draft::{self, Contents};
use crate::alert::whom::{self, Whom};
use crate::alert::words::{AlertKind, AlertState, Mode, Severity};
use crate::app::App;
use crate::audit::{self, Actor};
use crate::call_out::{Says, Settings, Wanted};
use crate::clock::Timestamp;
use crate::escalation;
use crate::fail_point::fail_point;
use crate::ids::{AlertId, AlertNumber, ContactId};
use crate::keys::Keys;
use crate::plan::Plan;
use crate::storage::alerts::{self, Alert, Asked, KeptLaunch, StepRow, StepState, Text};
use crate::storage::approvals::Approval;
use crate::storage::{self, Error, Tx};
use crate::template::Template;

/// What a person or a script asks for.
#[derive(Clone, Debug)]
pub struct LaunchRequest {
    /// The template's name.
    pub template: String,
    /// Live or drill: always said, never assumed.
    pub mode: Mode,
    /// Groups by name.
    pub groups: Vec<String>,
    /// People picked one by one.
    pub contacts: Vec<ContactId>,
    /// The template's blanks.
    pub variables: BTreeMap<String, String>,
    /// A plan by name; none: the template's own.
    pub plan: Option<String>,
    /// How long it may speak; none: as the template says.
    pub expires_in: Option<Duration>,
    /// Asks the audience in turn until so many have said yes; none: everyone at once.
    pub call_out: Option<Wanted>,
    /// How long Stop still undoes it. Zero for scripts.
    pub hold: Duration,
    /// Refuses once if someone has sent the same since the texts were made: for people, who can look
    /// at it and decide. A script has its key.
    pub warn_of_similar: bool,
    /// When the texts that were shown were made; none: now.
    pub composed_at: Option<Timestamp>,
    /// Who asks.
    pub actor: Actor,
    /// The request's own key, so that asking twice is one alert.
    pub key: Option<RequestKey>,
}

/// What makes two requests the same.
#[derive(Clone, Debug)]
pub struct RequestKey {
    /// Whose keys these are: two tokens may use the same key.
    pub scope: String,
    /// The key.
    pub key: String,
    /// A hash of everything else that was asked.
    pub request_hash: String,
}

/// A launch that is on disk.
#[derive(Clone, Debug)]
pub struct Launched {
    /// The alert.
    pub alert: Alert,
    /// Whether this key had made it before: nothing was sent again.
    pub is_replay: bool,
}

/// One try to launch, with the id that the alert will have.
pub(super) async fn launch_as(
    app: &App,
    request: LaunchRequest,
    id: AlertId,
) -> Result<Launched, Refusal> {
    if let Some(launched) = replay(app, request.key.as_ref()).await? {
        return Ok(launched);
    }
    refuse_without_room(app)?;
    let (template, approval) = draft::approved_template(app, &request.template).await?;
    draft::refuse_wrong_kind(&template, AlertKind::Alert)?;
    let now = app.clock.now();
    let contents = Contents {
        mode: request.mode,
        variables: &request.variables,
        at: request.composed_at.unwrap_or(now),
        follows: None,
    };
    let call_out = draft::call_out(&template, request.call_out.as_ref())?;
    let mut texts = draft::texts(app, &template, &contents)?;
    if call_out.is_some() {
        texts.extend(draft::later_texts(app, &template, &contents)?);
    }
    let selection = whom::select(app, &request).await?;
    let plan = draft::plan(app, &template, request.mode, request.plan.as_deref())?;
    let similar_since = request.composed_at.filter(|_| request.warn_of_similar);
    let new = New {
        id,
        similar_since,
        call_out,
        begins_at: begins_at(app, template.severity, &plan),
        plan,
        expires_in: draft::expiry(&template, request.expires_in)?,
        mode: request.mode,
        follows: None,
        asked: Asked {
            groups: request.groups,
            contacts: request.contacts.len(),
        },
        variables: request.variables,
        hold: request.hold,
        actor: request.actor,
        template,
        approval,
        texts,
        now,
    };
    let key = request.key;
    let keys = app.keys.clone();
    let written = app
        .db
        .write("alert.launch", move |tx| {
            Box::pin(async move {
                let number = alerts::next_number(tx).await?;
                let whom = Whom::Selected(selection);
                let alert = insert(tx, &new, number, whom, &keys).await?;
                keep(tx, key, alert.id, new.now).await?;
                fail_point!("launch.before_commit");
                Ok::<_, Refusal>(alert)
            })
        })
        .await;
    fail_point!("launch.after_commit", written.is_ok());
    let alert = match written {
        Err(Refusal::Storage(Error::NoSpace(_))) => return Err(Refusal::NoSpace),
        other => other?,
    };
    announce(app, &alert);
    Ok(Launched {
        alert,
        is_replay: false,
    })
}

/// What room is left is for answers: a launch would take it.
pub fn refuse_without_room(app: &App) -> Result<(), Refusal> {
    match app.db.reserve() {
        Some(reserve) if reserve.is_low() => Err(Refusal::NoSpace),
        _ => Ok(()),
    }
}

/// Wakes the dispatcher and says in the log what was launched.
pub(super) fn announce(app: &App, alert: &Alert) {
    info!(
        alert.number = alert.number.0,
        alert.mode = alert.mode.word(),
        alert.kind = alert.kind.word(),
        template.name = alert.template,
        recipient.count = alert.recipients,
        "Launched an alert"
    );
    app.wake();
}

/// The launch that this key has made, if it has made one; refuses another request's key.
pub async fn replay(app: &App, key: Option<&RequestKey>) -> Result<Option<Launched>, Refusal> {
    let Some(key) = key else { return Ok(None) };
    let Some(kept) = alerts::find_launch(&app.db, &key.scope, &key.key).await? else {
        return Ok(None);
    };
    if kept.request_hash != key.request_hash {
        return Err(Refusal::KeyReused);
    }
    let alert = alerts::get_by_id(&app.db, kept.alert_id).await?;
    Ok(Some(Launched {
        alert,
        is_replay: true,
    }))
}

/// Ties the request's key, if it has one, to the alert that it made or acted on.
pub(super) async fn keep(
    tx: &mut Tx,
    key: Option<RequestKey>,
    alert_id: AlertId,
    at: Timestamp,
) -> Result<(), Error> {
    let Some(key) = key else { return Ok(()) };
    let launch = KeptLaunch {
        request_hash: key.request_hash,
        alert_id,
    };
    alerts::keep_launch(tx, &key.scope, &key.key, &launch, at).await
}

/// An alert about to be written.
pub(super) struct New {
    /// What it will be called: a second try with the same id makes no second alert.
    pub(super) id: AlertId,
    pub(super) template: Template,
    pub(super) approval: Approval,
    pub(super) mode: Mode,
    pub(super) follows: Option<Alert>,
    pub(super) plan: Plan,
    pub(super) texts: Vec<Text>,
    pub(super) asked: Asked,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) hold: Duration,
    /// When its plan and its time begin: not before the quiet hours are over.
    pub(super) begins_at: Timestamp,
    pub(super) expires_in: Duration,
    pub(super) call_out: Option<Settings>,
    pub(super) similar_since: Option<Timestamp>,
    pub(super) actor: Actor,
    pub(super) now: Timestamp,
}

/// Writes the alert with its recipients, texts, steps and audit entry; refuses an audience that is
/// empty, out of range, or lacks a value that the text needs for each person.
pub(super) async fn insert(
    tx: &mut Tx,
    new: &New,
    number: AlertNumber,
    whom: Whom,
    keys: &Keys,
) -> Result<Alert, Refusal> {
    let mut alert = row(new, number);
    if let Some(since) = new.similar_since {
        // Launches queue up at the number: of two at the same moment the second sees the first.
        let similar = alerts::list_similar(&mut *tx, &new.template.name, new.mode, since).await?;
        if !similar.is_empty() {
            return Err(Refusal::Similar);
        }
    }
    alerts::insert(tx, &alert).await?;
    let people = whom::freeze(tx, new, &alert, &whom, keys).await?;
    alert.recipients = i64::try_from(people).unwrap_or(i64::MAX);
    alerts::set_recipients(tx, alert.number, alert.recipients).await?;
    for text in &new.texts {
        alerts::insert_text(tx, alert.number, text).await?;
    }
    let from = alert.hold_until.max(new.begins_at);
    match &new.call_out {
        Some(settings) => begin_call_out(tx, &alert, settings, from).await?,
        None => insert_steps(tx, &alert, from).await?,
    }
    escalation::write_first(tx, &mut alert, keys, new.now).await?;
    let hashes: Vec<_> = new
        .texts
        .iter()
        .map(|text| {
            json!([
                text.says.word(),
                text.channel.word(),
                text.language.as_str(),
                text.sha256
            ])
        })
        .collect();
    let detail = json!({
        "id": alert.id,
        "mode": alert.mode.word(),
        "kind": alert.kind.word(),
        "follows": alert.follows,
        "template": alert.template,
        "version": alert.template_version,
        "template_hash": alert.template_hash,
        "groups": alert.audience.groups,
        "recipients": alert.recipients,
        "texts": hashes,
        "needed": new.call_out.map(|settings| settings.needed),
    });
    let subject = format!("alert {}", alert.number);
    audit::append(tx, new.now, &new.actor, "alert.launch", &subject, &detail).await?;
    Ok(alert)
}

/// When an alert of this severity with this plan begins to count its time, if it is launched now.
pub(super) fn begins_at(app: &App, severity: Severity, plan: &Plan) -> Timestamp {
    app.quiet_until(severity, &plan.channels())
        .unwrap_or_else(|| app.clock.now())
}

fn row(new: &New, number: AlertNumber) -> Alert {
    Alert {
        number,
        id: new.id,
        mode: new.mode,
        kind: new.template.kind,
        follows: new.follows.as_ref().map(|followed| followed.number),
        thread: new
            .follows
            .as_ref()
            .map_or(number, |followed| followed.thread),
        template: new.template.name.clone(),
        template_version: new.approval.version,
        template_hash: new.template.hash.clone(),
        // A correction must not queue up behind the mistake that it corrects.
        severity: new
            .follows
            .as_ref()
            .map_or(new.template.severity, |followed| {
                followed.severity.min(new.template.severity)
            }),
        purpose: new.template.purpose,
        title: sqlx::types::Json(new.template.title.clone()),
        variables: sqlx::types::Json(new.variables.clone()),
        options: sqlx::types::Json(new.template.options.clone()),
        plan: sqlx::types::Json(new.plan.clone()),
        audience: sqlx::types::Json(new.asked.clone()),
        state: AlertState::Running,
        launched_at: new.now,
        launched_by: new.actor.as_str().to_owned(),
        hold_until: new.now.after(new.hold),
        expires_at: new.begins_at.after(new.expires_in),
        closed_at: None,
        closed_by: None,
        recipients: 0,
        deliveries: 0,
    }
}

/// Asks the first people: as many as are needed, and as many more as the call-out is ahead.
async fn begin_call_out(
    tx: &mut Tx,
    alert: &Alert,
    settings: &Settings,
    from: Timestamp,
) -> Result<(), Error> {
    storage::call_out::insert(tx, alert.number, settings).await?;
    let first = i64::from(settings.needed) + i64::from(settings.ahead);
    escalation::call_out::ask(tx, alert, first, from).await
}

/// Writes the plan's steps, whose times count from `from`; the first is written and sent at once.
async fn insert_steps(tx: &mut Tx, alert: &Alert, from: Timestamp) -> Result<(), Error> {
    for (index, step) in (0_i32..).zip(&alert.plan.steps) {
        let row = StepRow {
            alert: alert.number,
            step: index,
            plan_step: index,
            through: alert.number.base() + alert.recipients,
            wave: None,
            says: Says::Message,
            due_at: if index == 0 {
                alert.launched_at
            } else {
                from.after(step.after())
            },
            state: StepState::Waiting,
            written_through: alert.number.base(),
            people: 0,
            deliveries: 0,
        };
        alerts::insert_step(tx, &row).await?;
    }
    Ok(())
}
