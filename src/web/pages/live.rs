//! The part of a board that moves, by itself or as a stream: fetched by the page, or told by the
//! server when a fact changes.

mod call_out;

use std::convert::Infallible;
use std::time::Duration;

use askama::Template as _;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::Stream;

use crate::account::role::Act;
use crate::account::user::{self, User};
use crate::alert::words::{AlertKind, AlertState, Language, Mode};
use crate::app::App;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::dispatch::health::Health;
use crate::ids::RecipientId;
use crate::report::call_out::why_not_asked;
use crate::report::{figures, words};
use crate::storage;
use crate::storage::alerts::Alert;
use crate::storage::call_out::Standing;
use crate::storage::deliveries::DeliveryState;
use crate::storage::standing::{self, Delivery, Need, Needing};
use crate::web::form::Fields;
use crate::web::format::{self, Times};
use crate::web::pages::{PageError, board, quiet, show, written};
use crate::web::session::SignedIn;
use crate::web::view::board::{
    BoardLive, CallOutNumbers, GatewayLight, Hold, Need as NeedView, Numbers, PersonRow,
};
use crate::web::view::chart::{Chart, ChartPoint};
use crate::web::view::{Act as Button, Pages, Tone, Weight, counted};

/// People shown of each need.
const ROWS: usize = 50;
/// A board moves this long after its alert is over: late receipts and answers.
const MOVES_ON: Duration = Duration::from_mins(10);
/// The least time between two messages of a stream.
const PACE: Duration = Duration::from_secs(1);
/// The most time between two: the page is called stale after 15 seconds.
const REST: Duration = Duration::from_secs(5);
/// How long a stream lasts; the browser then asks again, and is asked again who it is.
const STREAM: Duration = Duration::from_mins(10);

/// `/alerts/ID/live` and `/alerts/ID/events`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/alerts/{id}/live", get(fragment))
        .route("/alerts/{id}/events", get(events))
}

/// Which people of one need are shown; of the others the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paging(Option<(Need, RecipientId)>);

impl Paging {
    /// Reads `need` and `after`; anything else is the beginning.
    pub fn read(fields: &Fields) -> Self {
        let need = fields.get("need").parse().ok();
        let after = fields.get("after").parse().ok().map(RecipientId);
        Self(need.zip(after))
    }

    /// The same as a query with its question mark; empty for the beginning.
    pub fn query(self) -> String {
        self.0.map_or(String::new(), |(need, after)| {
            format!("?need={need}&after={after}")
        })
    }
}

/// Whether anything can still change that a board shows.
pub fn still_moves(alert: &Alert, now: Timestamp) -> bool {
    alert.state == AlertState::Running
        || alert
            .closed_at
            .is_some_and(|closed| now.since(closed) < MOVES_ON)
}

async fn fragment(
    State(app): State<App>,
    by: SignedIn,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    by.require(Act::SeeBoards)?;
    let alert = board::find(&app, &id).await?;
    let paging = Paging::read(&Fields::parse(query.unwrap_or_default().as_bytes()));
    show(
        StatusCode::OK,
        &build(&app, &by.user, &alert, paging).await?,
    )
}

/// The same each time a fact changes, at most once a second.
async fn events(
    State(app): State<App>,
    by: SignedIn,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    by.require(Act::SeeBoards)?;
    let alert = board::find(&app, &id).await?;
    if !still_moves(&alert, app.clock.now()) {
        // Tells a browser not to ask again.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let paging = Paging::read(&Fields::parse(query.unwrap_or_default().as_bytes()));
    let watcher = Watcher {
        news: app.news(),
        ends: tokio::time::Instant::now() + STREAM,
        last: None,
        app,
        by: by.user,
        alert,
        paging,
    };
    // Proxies that collect a page before they hand it on would hold a stream back for ever.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    Ok((unbuffered, Sse::new(stream(watcher)).keep_alive(keep_alive)).into_response())
}

/// Someone who looks at a board.
struct Watcher {
    app: App,
    by: User,
    alert: Alert,
    paging: Paging,
    news: tokio::sync::watch::Receiver<u64>,
    ends: tokio::time::Instant,
    last: Option<tokio::time::Instant>,
}

fn stream(watcher: Watcher) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(watcher, |mut watcher| async move {
        let fragment = watcher.next().await?;
        // A carriage return cannot stand in an event.
        let event = Event::default()
            .event("board")
            .data(fragment.replace('\r', ""));
        Some((Ok(event), watcher))
    })
}

impl Watcher {
    /// The next fragment, when it is time for one; none at the end.
    async fn next(&mut self) -> Option<String> {
        if let Some(last) = self.last {
            let rest = if self.is_held() { PACE } else { REST };
            let stopping = self.app.stopping.clone();
            tokio::select! {
                () = stopping.cancelled() => return None,
                () = tokio::time::sleep_until(last + rest) => {}
                changed = self.news.changed() => {
                    changed.ok()?;
                    tokio::select! {
                        () = stopping.cancelled() => return None,
                        () = tokio::time::sleep_until(last + PACE) => {}
                    }
                }
            }
        }
        let now = tokio::time::Instant::now();
        self.last = Some(now);
        if now >= self.ends || self.app.stopping.is_cancelled() {
            return None;
        }
        self.news.borrow_and_update();
        self.fragment().await.ok().flatten()
    }

    async fn fragment(&mut self) -> Result<Option<String>, PageError> {
        let by = user::find(&self.app.db, self.by.id).await?;
        let Some(by) = by.filter(|by| by.may(Act::SeeBoards)) else {
            return Ok(None);
        };
        self.alert = crate::storage::alerts::get(&self.app.db, self.alert.number).await?;
        if !still_moves(&self.alert, self.app.clock.now()) {
            return Ok(None);
        }
        let live = build(&self.app, &by, &self.alert, self.paging).await?;
        Ok(Some(live.render()?))
    }

    fn is_held(&self) -> bool {
        self.alert.state == AlertState::Running && self.alert.hold_until > self.app.clock.now()
    }
}

/// Reads how an alert stands, for one person's eyes.
pub async fn build(
    app: &App,
    user: &User,
    alert: &Alert,
    paging: Paging,
) -> Result<BoardLive, PageError> {
    let now = app.clock.now();
    let times = Times::new(&app.config, now);
    let turns = storage::call_out::standing(&app.db, alert.number).await?;
    let turns = turns.as_ref();
    let needing = standing::list_needs(&app.db, alert.number, turns, paging.0, ROWS).await?;
    let ids: Vec<RecipientId> = needing.iter().map(|one| one.person.id).collect();
    let deliveries = standing::list_deliveries_of(&app.db, alert.number, &ids).await?;
    let mut numbers = numbers(alert, &needing);
    let wrote = written::need(app, user, alert, &times).await?;
    numbers.wrote = wrote.as_ref().map_or(0, |wrote| wrote.count);
    let hold = hold(user, alert, now);
    let (state, state_tone) = state(alert, now, &times);
    let language = app.config.organisation.language();
    let rows = Rows {
        user,
        alert,
        times: &times,
        deliveries: &deliveries,
        turns,
        language,
    };
    let call_out = call_out::numbers(alert, turns, &needing);
    Ok(BoardLive {
        mode: alert.mode.into(),
        updated: times.clock_and_zone(now),
        state,
        state_tone,
        quiet: match alert.state {
            AlertState::Running => quiet::words(app, alert.severity, &alert.plan),
            _ => None,
        },
        twice: format::count(standing::count_uncertain(&app.db, alert.number).await?.0),
        acts: if hold.is_some() {
            Vec::new()
        } else {
            acts(user, alert, &numbers, call_out.as_ref())
        },
        needs: if hold.is_some() {
            Vec::new()
        } else {
            with_words(rows.needs(&needing, paging), wrote)
        },
        gateways: lights(app, alert).await?,
        chart: chart(app, alert, now).await?,
        call_out,
        numbers,
        hold,
    })
}

/// Puts those who wrote behind those who need help.
fn with_words(mut needs: Vec<NeedView>, wrote: Option<NeedView>) -> Vec<NeedView> {
    let place = needs
        .iter()
        .take_while(|need| need.class == class(Need::Help))
        .count();
    needs.splice(place..place, wrote);
    needs
}

fn hold(user: &User, alert: &Alert, now: Timestamp) -> Option<Hold> {
    let left = alert.hold_until.since(now);
    if alert.state != AlertState::Running || left.is_zero() {
        return None;
    }
    Some(Hold {
        seconds: u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u32::MAX),
        stop_href: user
            .may(Act::FollowUp)
            .then(|| format!("/alerts/{}/stop", alert.id)),
        people: format::count(alert.recipients),
    })
}

fn state(alert: &Alert, now: Timestamp, times: &Times) -> (String, Tone) {
    let closed = alert.closed_at.unwrap_or(now);
    match alert.state {
        AlertState::Running => {
            let text = format!(
                "Running for {}. Ends by itself at {}.",
                format::span(now.since(alert.hold_until)),
                times.near_minute(alert.expires_at)
            );
            (text, Tone::Plain)
        }
        AlertState::Stopped => {
            let by = alert
                .closed_by
                .as_deref()
                .map(format::actor)
                .unwrap_or_default();
            let text = format!(
                "Stopped {} by {by}. Nothing more goes out; answers are still recorded.",
                times.near(closed)
            );
            (text, Tone::Careful)
        }
        AlertState::Ended => (
            format!(
                "Ended {}. Later answers are marked late.",
                times.near(closed)
            ),
            Tone::Good,
        ),
    }
}

/// The big numbers. A need that is paged past its end is counted as the rest.
fn numbers(alert: &Alert, needing: &[Needing]) -> Numbers {
    let of = |need: Need| {
        let first = needing.iter().find(|one| one.need == need);
        first.map_or(0, |one| format::count(one.people))
    };
    Numbers {
        recipients: format::count(alert.recipients),
        answered: [
            Need::Answered,
            Need::Help,
            Need::Negative,
            Need::Coming,
            Need::Standby,
        ]
        .map(of)
        .iter()
        .sum(),
        need_help: of(Need::Help),
        negative: of(Need::Negative),
        silent: of(Need::Silent),
        not_reached: of(Need::Unreached),
        wrote: 0,
    }
}

/// What can be done now, for whoever may.
fn acts(
    user: &User,
    alert: &Alert,
    numbers: &Numbers,
    call_out: Option<&CallOutNumbers>,
) -> Vec<Button> {
    if !user.may(Act::FollowUp) {
        return Vec::new();
    }
    let is_running = alert.state == AlertState::Running;
    let to = |label: String, path: &str| Button::go(label, format!("/alerts/{}/{path}", alert.id));
    let mut acts = Vec::new();
    if matches!(alert.kind, AlertKind::Alert | AlertKind::Update) {
        acts.push(to("Correct: false alarm".to_owned(), "correct").weight(Weight::Strong));
        acts.push(to("All clear".to_owned(), "all-clear"));
    }
    if is_running {
        acts.push(to("Update".to_owned(), "update"));
    }
    let is_filled = call_out.is_some_and(|call_out| call_out.is_filled);
    if is_running && numbers.silent > 0 && !is_filled {
        acts.push(to("Remind the silent".to_owned(), "remind"));
    }
    if is_running {
        acts.push(to("Stop".to_owned(), "stop"));
    }
    acts
}

/// Writes the rows of people.
struct Rows<'a> {
    user: &'a User,
    alert: &'a Alert,
    times: &'a Times,
    deliveries: &'a [Delivery],
    turns: Option<&'a Standing>,
    language: Language,
}

impl Rows<'_> {
    fn needs(&self, needing: &[Needing], paging: Paging) -> Vec<NeedView> {
        Need::ALL
            .iter()
            .filter_map(|need| {
                let of: Vec<&Needing> = needing.iter().filter(|one| one.need == *need).collect();
                let people = format::count(of.first()?.people);
                let is_paged = paging.0.is_some_and(|(paged, _)| paged == *need);
                Some(NeedView {
                    class: class(*need),
                    title: heading(*need).to_owned(),
                    count: people,
                    rows: of.iter().map(|one| self.row(one)).collect(),
                    pages: self.pages(*need, &of, people, is_paged),
                    folded: matches!(need, Need::Answered | Need::Unasked) && !is_paged,
                })
            })
            .collect()
    }

    fn pages(&self, need: Need, shown: &[&Needing], people: u64, is_paged: bool) -> Pages {
        let number = shown.len() as u64;
        if number >= people {
            return Pages::default();
        }
        let base = format!("/alerts/{}", self.alert.id);
        let anchor = format!("#need-{}", class(need));
        let last = shown.last().map(|one| one.person.id);
        let is_full = shown.len() >= ROWS;
        Pages {
            shown: format!("{number} of {people}"),
            previous: is_paged.then(|| format!("{base}{anchor}")),
            next: last
                .filter(|_| is_full)
                .map(|last| format!("{base}?need={need}&after={last}{anchor}")),
        }
    }

    fn row(&self, one: &Needing) -> PersonRow {
        let person = &one.person;
        let own: Vec<Delivery> = self
            .deliveries
            .iter()
            .filter(|d| d.recipient == person.id)
            .cloned()
            .collect();
        let href = format!("/alerts/{}/people/{}", self.alert.id, person.id);
        let mut happened = match (&person.answer, person.answered_at) {
            (Some(answer), Some(at)) => {
                let via = person.answer_via.map(words::via).unwrap_or_default();
                let place = call_out::place(self.turns, one);
                format!(
                    "{place}“{}” {} {via}.",
                    self.label(answer),
                    self.times.near(at)
                )
            }
            _ if one.need == Need::Unasked => why_not_asked(self.alert, self.turns, person.id)
                .map(|(why, _)| why)
                .unwrap_or_default(),
            _ => words::in_short(person.state, &own, &|at| self.times.near(at)),
        };
        let caller = person.calling_by.as_deref();
        if let (Some(caller), Some(at)) = (caller, person.calling_at) {
            let since = self.times.near(at);
            happened = format!(
                "{} is calling since {since}. {happened}",
                format::actor(caller)
            );
        }
        PersonRow {
            name: person.name.clone(),
            place: place(person),
            happened,
            act: self.act(one, &href),
            href,
        }
    }

    fn label<'b>(&'b self, key: &'b str) -> &'b str {
        let option = self.alert.options.iter().find(|option| option.key == key);
        option.map_or(key, |option| option.label_in(&self.language))
    }

    /// The one next act: to call whoever has not answered or needs help.
    fn act(&self, one: &Needing, href: &str) -> Option<Button> {
        let is_settled = matches!(
            one.need,
            Need::Answered | Need::Coming | Need::Standby | Need::Unasked
        );
        if is_settled || !self.user.may(Act::CallPeople) {
            return None;
        }
        match one.person.calling_by.as_deref() {
            Some(caller) if caller == self.user.actor().as_str() => {
                Some(Button::go("Mark answered", format!("{href}#mark")))
            }
            Some(_) => None,
            None if one.need == Need::Help => Some(Button::go("Call", href).weight(Weight::Strong)),
            None => {
                Some(Button::post("I am calling", format!("{href}/calling")).field("do", "claim"))
            }
        }
    }
}

fn class(need: Need) -> &'static str {
    need.word()
}

fn heading(need: Need) -> &'static str {
    match need {
        Need::Help => "Need help",
        Need::Negative => "Cannot come",
        Need::Silent => "Silent",
        Need::Unreached => "Not reached",
        Need::Answered => "Answered",
        Need::Coming => "Coming",
        Need::Standby => "Standby list",
        Need::Unasked => "Not asked",
    }
}

/// "Nurse, day unit, North": what is known of someone's place.
pub fn place(person: &standing::Person) -> String {
    let known: Vec<&str> = [&person.role, &person.unit, &person.site]
        .into_iter()
        .map(String::as_str)
        .filter(|word| !word.is_empty())
        .collect();
    if known.is_empty() {
        person.category.word().to_owned()
    } else {
        known.join(", ")
    }
}

/// How the gateways that carry this alert are doing.
async fn lights(app: &App, alert: &Alert) -> Result<Vec<GatewayLight>, PageError> {
    let counts = standing::count_deliveries(&app.db, alert.number).await?;
    let channels: Vec<Channel> = alert
        .plan
        .steps
        .iter()
        .flat_map(|step| step.channels.clone())
        .collect();
    let lights = app.gateways.iter().filter(|gateway| {
        channels.contains(&gateway.common.channel)
            && (alert.mode == Mode::Actual || gateway.common.exercises)
    });
    Ok(lights
        .map(|gateway| {
            let common = &gateway.common;
            let count = |wanted: &[DeliveryState]| -> u64 {
                let of = counts.iter().filter(|(channel, state, _)| {
                    *channel == common.channel && wanted.contains(state)
                });
                of.map(|(.., number)| format::count(*number)).sum()
            };
            let waiting = count(&[DeliveryState::Queued, DeliveryState::Sending]);
            let noun = words::noun(common.channel).to_lowercase();
            let waiting = match waiting {
                0 => "none waiting".to_owned(),
                number => format!("{} waiting", counted(number, &noun, &format!("{noun}s"))),
            };
            let facts = app.health.get(&common.name).map(Health::facts);
            let (tone, text) = match facts {
                Some(facts) if facts.is_down => {
                    let why = facts.last_failure.map(|(_, why)| why).unwrap_or_default();
                    (Tone::Wrong, format!("takes no messages: {why} {waiting}"))
                }
                _ => (Tone::Good, format!("works, {waiting}")),
            };
            GatewayLight {
                name: common.name.clone(),
                tone,
                text,
            }
        })
        .collect())
}

/// Reached and answered over time; none before anything happened.
async fn chart(app: &App, alert: &Alert, now: Timestamp) -> Result<Option<Chart>, PageError> {
    let times = standing::list_times(&app.db, alert.number).await?;
    let curve = figures::curve(alert.launched_at, &times);
    Ok(drawn(&curve, alert, now))
}

/// A curve as a drawing that ends soon after the last change, so that its beginning stays readable.
pub fn drawn(curve: &[figures::Point], alert: &Alert, now: Timestamp) -> Option<Chart> {
    let last = curve.last()?;
    let seconds = |millis: i64| format::count(millis) / 1000;
    let passed = now.since(alert.launched_at).as_secs();
    let until = passed.min((seconds(last.after_ms) * 5 / 4).max(60));
    let points: Vec<ChartPoint> = curve
        .iter()
        .map(|point| ChartPoint {
            seconds: seconds(point.after_ms),
            reached: format::count(point.reached),
            answered: format::count(point.answered),
        })
        .collect();
    Some(Chart::new(&points, format::count(alert.recipients), until))
}
