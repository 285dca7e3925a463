//! The board of one alert: what is known now, and whom to help next.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::account::role::Act;
use crate::alert::Refusal;
use crate::alert::words::{AlertKind, Language};
use crate::app::App;
use crate::channel::Channel;
use crate::ids::{AlertId, AlertNumber};
use crate::storage::alerts::{self, Alert};
use crate::storage::{self, groups};
use crate::template::fields;
use crate::template::message::Filled;
use crate::web::form::Fields;
use crate::web::format::{self, Times};
use crate::web::pages::live::{self, Paging};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::board::Board;
use crate::web::view::{Fact, Link, Section, Severity, people};

/// `/alerts/ID`.
pub fn router() -> Router<App> {
    Router::new().route("/alerts/{id}", get(page))
}

/// The alert that an address names, by its id or by its number.
pub async fn find(app: &App, id: &str) -> Result<Alert, PageError> {
    let found = if let Ok(id) = id.parse::<AlertId>() {
        alerts::get_by_id(&app.db, id).await
    } else if let Ok(number) = id.parse::<i64>() {
        alerts::get(&app.db, AlertNumber(number)).await
    } else {
        Err(storage::Error::NotFound)
    };
    match found {
        Err(storage::Error::NotFound) => Err(Refusal::UnknownAlert.into()),
        other => Ok(other?),
    }
}

async fn page(
    State(app): State<App>,
    by: SignedIn,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    by.require(Act::SeeBoards)?;
    let alert = find(&app, &id).await?;
    let query = query.unwrap_or_default();
    let paging = Paging::read(&Fields::parse(query.as_bytes()));
    let now = app.clock.now();
    let times = Times::new(&app.config, now);
    let language = app.config.organisation.language();
    let live = live::build(&app, &by.user, &alert, paging).await?;
    let title = title(&alert, &language);
    let page = frame(&app, &by.user, &title, Section::Alerts).in_mode(
        alert.mode.into(),
        ribbon(&alert, &times, live.hold.is_some()),
    );
    let base = format!("/alerts/{}", alert.id);
    let refresh_seconds = live::still_moves(&alert, now).then_some(2);
    let suffix = paging.query();
    show(
        StatusCode::OK,
        &Board {
            page,
            title,
            severity: Severity::of(alert.kind, alert.severity),
            live_href: format!("{base}/live{suffix}"),
            events_href: format!("{base}/events{suffix}"),
            refresh_seconds,
            facts: facts(&app, &alert, &times).await?,
            text: said(&app, &alert).await?,
            thread: thread(&app, &alert, &times, &language).await?,
            links: vec![
                Link::new("Call list", format!("{base}/calls")),
                Link::new("Report", format!("/reports/{}", alert.id)),
            ],
            live,
        },
    )
}

/// The alert's name; a follow-up says what it is about by its number.
pub fn title(alert: &Alert, language: &Language) -> String {
    let title = alert.title_in(language);
    match alert.follows {
        Some(followed) => format!("{title} (to alert {followed})"),
        None => title.to_owned(),
    }
}

fn ribbon(alert: &Alert, times: &Times, is_held: bool) -> String {
    if is_held {
        return "Nothing has been sent yet.".to_owned();
    }
    format!(
        "Alert {}, sent {}.",
        alert.number,
        times.near(alert.hold_until)
    )
}

/// What the alert was launched with.
async fn facts(app: &App, alert: &Alert, times: &Times) -> Result<Vec<Fact>, PageError> {
    let by = format::actor(&alert.launched_by);
    let mut whom = Vec::new();
    for group in groups::list_named(&app.db, &alert.audience.groups).await? {
        whom.push(group.title);
    }
    let picked = u64::try_from(alert.audience.contacts).unwrap_or_default();
    if picked > 0 {
        whom.push(format!("{} picked one by one", people(picked)));
    }
    let number = people(format::count(alert.recipients));
    let whom = match whom.as_slice() {
        [] if alert.follows.is_some() => format!("{number}, those who were contacted before"),
        [] => number,
        _ => format!("{number}: {}", format::listed(&whom)),
    };
    Ok(vec![
        Fact::new("Reference", format!("alert {}", alert.number)),
        Fact::new(
            "Launched",
            format!("{} by {by}", times.moment(alert.launched_at)),
        ),
        Fact::new("To", whom),
        Fact::new(
            "Template",
            format!("{}, version {}", alert.template, alert.template_version),
        ),
        Fact::new("Ends by itself", times.moment(alert.expires_at)),
    ])
}

/// The text as sent, on the channel that most people get; what is each person's own is left open.
async fn said(app: &App, alert: &Alert) -> Result<String, PageError> {
    let texts = alerts::list_texts(&app.db, alert.number).await?;
    let text = texts
        .iter()
        .find(|text| text.channel == Channel::Sms)
        .or(texts.first());
    let Some(text) = text else {
        return Ok(String::new());
    };
    let filled: Filled = serde_json::from_str(&text.filled)
        .map_err(|_| storage::Error::Broken("a text of an alert is no text"))?;
    let link = format!("{}/a/…", app.public_url);
    let spliced = filled.splice(text.channel, &|field| {
        let own = if field == fields::LINK {
            link.clone()
        } else {
            format!("({field})")
        };
        Some(own.into())
    });
    Ok(spliced.text)
}

/// The other alerts of the thread.
pub async fn thread(
    app: &App,
    alert: &Alert,
    times: &Times,
    language: &Language,
) -> Result<Vec<Link>, PageError> {
    let thread = alerts::list_thread(&app.db, alert.thread).await?;
    Ok(thread
        .iter()
        .filter(|other| other.number != alert.number)
        .map(|other| {
            let what = match other.kind {
                AlertKind::Alert => "Alert",
                AlertKind::Update => "Update",
                AlertKind::Correction => "Correction",
                AlertKind::AllClear => "All clear",
            };
            let label = format!(
                "{what} {}, {}: {}",
                other.number,
                times.near(other.launched_at),
                other.title_in(language)
            );
            Link::new(label, format!("/alerts/{}", other.id))
        })
        .collect())
}
