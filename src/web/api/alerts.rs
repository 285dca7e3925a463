//! Alerts as the API shows them: listed, and one with all its counts.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::{Query, id};
use super::page::{self, Page, PageQuery};
use crate::account::token::Need;
use crate::alert::words::{self, AlertKind, AlertState, Severity};
use crate::app::App;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::ids::{AlertId, AlertNumber};
use crate::report::{self, call_out::CallOutFigures};
use crate::storage;
use crate::storage::alerts::{self, Alert};
use crate::storage::deliveries::DeliveryState;
use crate::storage::standing::PersonState;
use crate::web::problem::Problem;
use crate::web::token::Bearer;

/// Whether an alert is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Real messages to real people.
    Live,
    /// An exercise: every text begins and ends with the word.
    Drill,
}

impl From<words::Mode> for Mode {
    fn from(mode: words::Mode) -> Self {
        match mode {
            words::Mode::Actual => Self::Live,
            words::Mode::Exercise => Self::Drill,
        }
    }
}

impl From<Mode> for words::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Live => Self::Actual,
            Mode::Drill => Self::Exercise,
        }
    }
}

/// An alert in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AlertSummary {
    /// What the API calls it.
    pub id: AlertId,
    /// What people call it: "alert 17".
    pub number: AlertNumber,
    /// Its board, for people.
    pub url: String,
    /// Live or drill.
    pub mode: Mode,
    /// What it is to the alert that it follows.
    pub kind: AlertKind,
    /// How it stands.
    pub state: AlertState,
    /// The template's name.
    pub template: String,
    /// What people call the template, in the house's language.
    pub title: String,
    /// How bad it is, in CAP's words.
    pub severity: Severity,
    /// When the launch was on disk (RFC 3339).
    #[schema(format = DateTime)]
    pub launched_at: String,
    /// Who launched it.
    pub launched_by: String,
    /// Nothing goes out after this moment (RFC 3339).
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was stopped or ended (RFC 3339); null while it runs.
    #[schema(format = DateTime)]
    pub closed_at: Option<String>,
    /// People in its audience.
    pub recipients: i64,
    /// The alert that it follows.
    pub follows: Option<AlertId>,
    /// The first alert of its thread: itself, if it follows none.
    pub thread: AlertId,
}

/// An alert with how its people and messages stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AlertDetail {
    /// What a list shows too.
    #[serde(flatten)]
    pub alert: AlertSummary,
    /// People by how they stand; each is counted once.
    pub counts: Counts,
    /// Messages by channel and state: `{"sms": {"delivered": 12}}`.
    pub deliveries: BTreeMap<Channel, BTreeMap<DeliveryState, i64>>,
    /// People by their latest answer, the alert's every answer listed: `{"safe": 12, "help": 0}`.
    pub answers: BTreeMap<String, i64>,
    /// How it stands as a call-out; null if everyone was told at once.
    pub call_out: Option<CallOutBody>,
    /// Quiet hours now hold back what it has still to send on some of its channels: until then (RFC 3339).
    /// Null outside the quiet hours, for an alert that is over, and for life-safety, which never waits.
    #[schema(format = DateTime)]
    pub quiet_until: Option<String>,
    /// The variables as they were given.
    pub variables: BTreeMap<String, String>,
    /// Later alerts of its thread, oldest first: its updates, correction, all-clear.
    pub follow_ups: Vec<FollowUp>,
}

/// How an alert stands as a call-out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallOutBody {
    /// People of its audience.
    #[serde(flatten)]
    pub figures: CallOutFigures,
    /// Since when enough have said yes (RFC 3339); null while places are open.
    #[schema(format = DateTime)]
    pub filled_at: Option<String>,
}

/// A later alert of the same thread.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FollowUp {
    /// What the API calls it.
    pub id: AlertId,
    /// What people call it.
    pub number: AlertNumber,
    /// Update, correction or all-clear.
    pub kind: AlertKind,
    /// How it stands.
    pub state: AlertState,
    /// When the launch was on disk (RFC 3339).
    #[schema(format = DateTime)]
    pub launched_at: String,
}

/// People by how they stand. All but `recipients` add up to `recipients`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    /// Everyone in the audience.
    pub recipients: i64,
    /// They answered.
    pub acknowledged: i64,
    /// A message arrived on a phone or in a mailbox; no answer yet.
    pub delivered: i64,
    /// A gateway took a message; nobody confirmed that it arrived.
    pub accepted: i64,
    /// A message is being handed over.
    pub sending: i64,
    /// A message waits to be sent.
    pub queued: i64,
    /// A message may or may not have gone out.
    pub in_doubt: i64,
    /// Every message failed.
    pub failed: i64,
    /// There is no way to reach them.
    pub unreachable: i64,
    /// Nothing was sent to them on purpose.
    pub excluded: i64,
}

impl Counts {
    fn of(counts: &BTreeMap<PersonState, i64>) -> Self {
        let count = |state| counts.get(&state).copied().unwrap_or_default();
        Self {
            recipients: counts.values().sum(),
            acknowledged: count(PersonState::Acknowledged),
            delivered: count(PersonState::Delivered),
            accepted: count(PersonState::Accepted),
            sending: count(PersonState::Sending),
            queued: count(PersonState::Queued),
            in_doubt: count(PersonState::InDoubt),
            failed: count(PersonState::Failed),
            unreachable: count(PersonState::Unreachable),
            excluded: count(PersonState::Excluded),
        }
    }
}

/// RFC 3339 in UTC, to the millisecond: how the API writes every time.
pub fn time(at: Timestamp) -> String {
    at.to_string()
}

/// The board of an alert, for people.
pub fn url(app: &App, id: AlertId) -> String {
    format!("{}/alerts/{id}", app.public_url)
}

/// Every alert, the newest first. A token that may only send some templates sees the alerts of
/// those.
#[utoipa::path(
    get, path = "/api/v1/alerts", tag = "alerts", operation_id = "list_alerts",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of alerts", body = Page<AlertSummary>),
        (status = 403, description = "The token lacks the scope `read`"),
        (status = 422, description = "A parameter is wrong"),
    )
)]
pub async fn list(
    State(app): State<App>,
    bearer: Bearer,
    query: Result<Query<PageQuery>, Problem>,
) -> Result<Json<Page<AlertSummary>>, Problem> {
    bearer.require_some_alerts()?;
    let Query(query) = query?;
    let limit = page::limit(query.limit)?;
    let before = match &query.cursor {
        None => AlertNumber(i64::MAX),
        Some(cursor) => {
            let number = AlertNumber(cursor.parse().map_err(|_cause| page::unknown_cursor())?);
            match alerts::get(&app.db, number).await {
                Err(storage::Error::NotFound) => return Err(page::unknown_cursor()),
                other => other?.number,
            }
        }
    };
    let wanted = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let mut rows = alerts::list(&app.db, before, wanted).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|alert| alert.number.to_string());
    let mut known = Known::of(&rows);
    let mut items = Vec::with_capacity(rows.len());
    for alert in &rows {
        if may_read(&app, &bearer, alert).await? {
            items.push(known.summary(&app, alert).await?);
        }
    }
    Ok(Json(Page { items, next }))
}

/// One alert with how its people and messages stand at this moment.
#[utoipa::path(
    get, path = "/api/v1/alerts/{id}", tag = "alerts", operation_id = "get_alert",
    params(("id" = String, Path, format = Uuid, description = "The alert's id")),
    responses(
        (status = 200, description = "The alert", body = AlertDetail),
        (status = 403, description = "The token may not read this alert"),
        (status = 404, description = "There is no such alert"),
    )
)]
pub async fn get(
    State(app): State<App>,
    bearer: Bearer,
    Path(alert): Path<String>,
) -> Result<Json<AlertDetail>, Problem> {
    let alert = readable(&app, &bearer, &alert).await?;
    detail(&app, &alert).await.map(Json)
}

/// An alert with its counts.
async fn detail(app: &App, alert: &Alert) -> Result<AlertDetail, Problem> {
    let language = app.config.organisation.language();
    let answers = report::answers(&app.db, alert, &language).await?;
    let standing = storage::call_out::standing(&app.db, alert.number).await?;
    let thread = alerts::list_thread(&app.db, alert.thread).await?;
    let follow_ups = thread
        .iter()
        .filter(|other| other.number > alert.number)
        .map(|other| FollowUp {
            id: other.id,
            number: other.number,
            kind: other.kind,
            state: other.state,
            launched_at: time(other.launched_at),
        });
    Ok(AlertDetail {
        counts: Counts::of(&report::counts(&app.db, alert).await?),
        deliveries: report::deliveries(&app.db, alert).await?,
        answers: answers
            .into_iter()
            .map(|answer| (answer.key, answer.people))
            .collect(),
        call_out: standing.map(|standing| CallOutBody {
            figures: CallOutFigures::of(alert, &standing),
            filled_at: standing.call_out.filled_at.map(time),
        }),
        quiet_until: match alert.state {
            AlertState::Running => app.quiet_until(alert.severity, &alert.plan.channels()),
            AlertState::Stopped | AlertState::Ended => None,
        }
        .map(time),
        variables: alert.variables.0.clone(),
        follow_ups: follow_ups.collect(),
        alert: Known::of(&thread).summary(app, alert).await?,
    })
}

/// The alert that the address names, if the token may read it.
pub(super) async fn readable(app: &App, bearer: &Bearer, alert: &str) -> Result<Alert, Problem> {
    bearer.require_some_alerts()?;
    let alert = find(app, alert).await?;
    if may_read(app, bearer, &alert).await? {
        Ok(alert)
    } else {
        Err(Problem::scope(Need::ReadAlert(&alert.template).to_string()))
    }
}

/// The alert that the address names, if the token may act on it.
pub(super) async fn governable(app: &App, bearer: &Bearer, alert: &str) -> Result<Alert, Problem> {
    bearer.require_some_sending()?;
    let alert = find(app, alert).await?;
    let first = first_template(app, &alert).await?;
    bearer.require(&Need::Send(&first))?;
    Ok(alert)
}

async fn find(app: &App, alert: &str) -> Result<Alert, Problem> {
    const MISSING: &str = "there is no such alert";
    let id: AlertId = id(alert, MISSING)?;
    match alerts::get_by_id(&app.db, id).await {
        Err(storage::Error::NotFound) => Err(Problem::not_found(MISSING)),
        other => Ok(other?),
    }
}

/// A correction belongs to whoever may send what it corrects.
async fn first_template(app: &App, alert: &Alert) -> Result<String, Problem> {
    if alert.thread == alert.number {
        return Ok(alert.template.clone());
    }
    Ok(alerts::get(&app.db, alert.thread).await?.template)
}

async fn may_read(app: &App, bearer: &Bearer, alert: &Alert) -> Result<bool, Problem> {
    if bearer.allows(&Need::Read) || bearer.allows(&Need::ReadAlert(&alert.template)) {
        return Ok(true);
    }
    Ok(bearer.allows(&Need::ReadAlert(&first_template(app, alert).await?)))
}

/// The outside ids of alerts that others refer to by number.
pub(super) struct Known(HashMap<AlertNumber, AlertId>);

impl Known {
    pub(super) fn of(alerts: &[Alert]) -> Self {
        Self(
            alerts
                .iter()
                .map(|alert| (alert.number, alert.id))
                .collect(),
        )
    }

    async fn id(&mut self, app: &App, number: AlertNumber) -> Result<AlertId, Problem> {
        if let Some(id) = self.0.get(&number) {
            return Ok(*id);
        }
        let id = alerts::get(&app.db, number).await?.id;
        self.0.insert(number, id);
        Ok(id)
    }

    async fn summary(&mut self, app: &App, alert: &Alert) -> Result<AlertSummary, Problem> {
        let follows = match alert.follows {
            Some(number) => Some(self.id(app, number).await?),
            None => None,
        };
        Ok(AlertSummary {
            id: alert.id,
            number: alert.number,
            url: url(app, alert.id),
            mode: alert.mode.into(),
            kind: alert.kind,
            state: alert.state,
            template: alert.template.clone(),
            title: alert
                .title_in(&app.config.organisation.language())
                .to_owned(),
            severity: alert.severity,
            launched_at: time(alert.launched_at),
            launched_by: alert.launched_by.clone(),
            expires_at: time(alert.expires_at),
            closed_at: alert.closed_at.map(time),
            recipients: alert.recipients,
            follows,
            thread: self.id(app, alert.thread).await?,
        })
    }
}
