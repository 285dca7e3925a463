//! The check page: exactly what would be said to whom, and the one button that sends it.
//!
//! `GET /live/NAME` (and `/drill/NAME`) shows it, the query holding what is filled in so far;
//! `POST` to the same address launches, but only what was read: see [`super::reading`].

mod blanks;
mod going_on;

pub use blanks::blanks;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::account::role::Act;
use crate::alert::launch::{self, LaunchRequest};
use crate::alert::words::Mode;
use crate::alert::{self, Refusal, draft};
use crate::app::App;
use crate::storage::{alerts, approvals, contacts, groups};
use crate::template::Template;
use crate::web::form::Fields;
use crate::web::format::{self, Times, sentence};
use crate::web::pages::asked::{self, Asked};
use crate::web::pages::preview::cost_and_time;
use crate::web::pages::proof::{self, Proven};
use crate::web::pages::reading::{self, Reading};
use crate::web::pages::{PageError, draft_view, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::check::{Check, CheckLive};
use crate::web::view::{self, Choice, Link, Notice, Section, Severity, Tone, people};

/// The form's name for the tick. Has a hyphen, which no blank of a template can have.
const TICK: &str = "has-read";

/// The same alert again so soon is more likely the same event than another.
const MOMENT: std::time::Duration = std::time::Duration::from_mins(2);

/// The check pages of live alerts and of drills.
pub fn router() -> Router<App> {
    Router::new()
        .nest("/live", of_mode(Mode::Actual))
        .nest("/drill", of_mode(Mode::Exercise))
}

fn of_mode(mode: Mode) -> Router<App> {
    Router::new()
        .route("/{name}", get(page).post(send))
        .route("/{name}/preview", get(preview))
        .layer(Extension(mode))
}

/// The page of one template in one mode, for one person.
struct Place<'a> {
    app: &'a App,
    by: &'a SignedIn,
    mode: Mode,
    template: Template,
}

impl Place<'_> {
    fn path(&self) -> String {
        format!("/{}/{}", self.mode.path(), self.template.name)
    }

    /// What a signed reading of this page is about.
    fn about(&self) -> String {
        format!("{} {}", self.mode.path(), self.template.name)
    }
}

fn place<'a>(
    app: &'a App,
    by: &'a SignedIn,
    mode: Mode,
    name: &str,
) -> Result<Place<'a>, PageError> {
    by.require(Act::LaunchAlert)?;
    let template = draft::readable_template(app, name)?;
    Ok(Place {
        app,
        by,
        mode,
        template,
    })
}

async fn page(
    State(app): State<App>,
    by: SignedIn,
    Extension(mode): Extension<Mode>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let place = place(&app, &by, mode, &name)?;
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let asked = Asked::read(&place.template, &fields);
    let live = live(&place, &asked, false, Vec::new()).await?;
    show(StatusCode::OK, &whole(&place, &asked, live).await?)
}

async fn preview(
    State(app): State<App>,
    by: SignedIn,
    Extension(mode): Extension<Mode>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let place = place(&app, &by, mode, &name)?;
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let asked = Asked::read(&place.template, &fields);
    show(
        StatusCode::OK,
        &live(&place, &asked, false, Vec::new()).await?,
    )
}

/// Launches exactly what was read, once; anything else shows the page again and sends nothing.
async fn send(
    State(app): State<App>,
    by: SignedIn,
    Extension(mode): Extension<Mode>,
    Path(name): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, PageError> {
    let place = place(&app, &by, mode, &name)?;
    let asked = Asked::read(&place.template, &fields);
    let word = fields.get(reading::FIELD);
    let reader = by.user.id;
    let read = Reading::open(&app, reader, &place.about(), &asked.canonical(), word);
    if let Some(sent) = already_sent(&app, &by, word).await? {
        // The same page pressed again leads to its alert; a changed one says that it was used.
        return match read {
            Some(_) => Ok(Redirect::to(&sent.href).into_response()),
            None => again(&place, &asked, true, vec![used(sent)]).await,
        };
    }
    let Some(read) = read.filter(|read| !read.is_stale(app.clock.now())) else {
        return again(&place, &asked, true, Vec::new()).await;
    };
    let now = draft_view::look(&app, place.mode, &place.template, &asked, read.composed_at).await?;
    if now.people != read.people || place.template.hash != read.template_hash {
        return again(&place, &asked, true, Vec::new()).await;
    }
    if fields.get(TICK) != "yes" {
        let text =
            "Tick the sentence above the button first, to say that you read it. Nothing was sent.";
        return again(
            &place,
            &asked,
            false,
            vec![Notice::new(Tone::Careful, text)],
        )
        .await;
    }
    let cookies = match proof::take(&app, &headers, &by, &fields, word.as_bytes()).await? {
        Proven::Yes(cookies) => cookies,
        Proven::No(why) => return again(&place, &asked, false, vec![why]).await,
    };
    let key = read.key(reader, &place.about(), &asked.canonical());
    let request = LaunchRequest {
        template: place.template.name.clone(),
        mode: place.mode,
        groups: asked.groups.clone(),
        contacts: asked.contacts.clone(),
        variables: asked.variables.clone(),
        plan: None,
        expires_in: None,
        call_out: asked.call_out(),
        hold: std::time::Duration::from_secs(app.config.hold_seconds.into()),
        warn_of_similar: true,
        composed_at: Some(read.composed_at),
        actor: by.actor(),
        key: Some(key),
    };
    match alert::launch(&app, request).await {
        Ok(launched) => {
            let board = format!("/alerts/{}", launched.alert.id);
            Ok((cookies, Redirect::to(&board)).into_response())
        }
        Err(Refusal::Storage(error)) => Err(error.into()),
        Err(refusal) => {
            let text = format!("{} Nothing was sent.", sentence(&refusal.to_string()));
            let page = again(&place, &asked, false, vec![Notice::new(Tone::Wrong, text)]).await?;
            Ok((cookies, page).into_response())
        }
    }
}

/// The alert that this page's button has made before.
async fn already_sent(
    app: &App,
    by: &SignedIn,
    word: &str,
) -> Result<Option<Link>, crate::storage::Error> {
    let Some(nonce) = Reading::nonce_of(word) else {
        return Ok(None);
    };
    let kept = alerts::find_launch(&app.db, &reading::scope(by.user.id), nonce).await?;
    Ok(kept.map(|kept| Link::new("See that alert", format!("/alerts/{}", kept.alert_id))))
}

fn used(sent: Link) -> Notice {
    let text = "You have already sent an alert from this page. Below is another one, which has not \
                been sent.";
    Notice {
        tone: Tone::Careful,
        text: text.to_owned(),
        link: Some(sent),
    }
}

async fn again(
    place: &Place<'_>,
    asked: &Asked,
    changed: bool,
    notices: Vec<Notice>,
) -> Result<Response, PageError> {
    let live = live(place, asked, changed, notices).await?;
    show(
        StatusCode::UNPROCESSABLE_ENTITY,
        &whole(place, asked, live).await?,
    )
}

/// The part of the page that follows the form, with its signed reading.
async fn live(
    place: &Place<'_>,
    asked: &Asked,
    changed: bool,
    notices: Vec<Notice>,
) -> Result<CheckLive, PageError> {
    let now = place.app.clock.now();
    let look = draft_view::look(place.app, place.mode, &place.template, asked, now).await?;
    let read = Reading::new(now, look.people, &place.template.hash);
    let word = read.seal(
        place.app,
        place.by.user.id,
        &place.about(),
        &asked.canonical(),
    );
    let mut problems = notices;
    problems.extend(look.problems);
    let no_room = launch::refuse_without_room(place.app).err();
    problems.extend(no_room.map(|full| Notice::new(Tone::Wrong, sentence(&full.to_string()))));
    let (name, since) = (&place.template.name, now.before(MOMENT));
    let just_sent = alerts::list_similar(&place.app.db, name, place.mode, since).await?;
    problems.extend(
        just_sent
            .iter()
            .map(|alert| going_on::sent_a_moment_ago(place, alert, now)),
    );
    problems.extend(going_on::running(place, &just_sent, now).await?);
    let (mode, severity) = (place.mode, place.template.severity);
    let mut facts = vec![view::Fact::new("People", look.people_in_words)];
    match &look.call_out {
        Some(call_out) => {
            let first = look.people.min((call_out.needed + call_out.ahead).into());
            facts.push(view::Fact::new("Needed", people(call_out.needed.into())));
            facts.push(view::Fact::new(
                "Asked first",
                format!("{}: who was asked longest ago", people(first)),
            ));
        }
        None => facts.extend(cost_and_time(place.app, mode, severity, &look.shown)),
    }
    facts.push(view::Fact::new("Ends by itself", look.ends));
    Ok(CheckLive {
        mode: mode.into(),
        changed,
        problems,
        missing: look.missing,
        previews: look.shown.into_iter().map(|one| one.preview).collect(),
        facts,
        plan: look.plan,
        cannot: look.cannot,
        people: look.people,
        needed: look.call_out.map(|call_out| call_out.needed.into()),
        fingerprint: word,
        proof: proof::field(place.app, place.by).await?,
        hold_seconds: place.app.config.hold_seconds,
    })
}

async fn whole(place: &Place<'_>, asked: &Asked, live: CheckLive) -> Result<Check, PageError> {
    let app = place.app;
    let template = &place.template;
    let language = app.config.organisation.language();
    let title = template.title_in(&language).to_owned();
    let mode = view::Mode::from(place.mode);
    let page = frame(
        app,
        &place.by.user,
        format!("Check: {title}"),
        Section::Send,
    )
    .in_mode(mode, "Nothing has been sent yet.");
    let groups = groups::list(&app.db).await?;
    let choices: Vec<Choice> = groups
        .iter()
        .map(|group| {
            Choice::new(&group.name, &group.title)
                .hint(people(format::count(group.people)))
                .chosen(asked.groups.contains(&group.name))
        })
        .collect();
    let mut picked = Vec::new();
    for id in &asked.contacts {
        if let Some(contact) = contacts::find(&app.db, *id).await? {
            picked.push(Choice::new(id.to_string(), contact.name).chosen(true));
        }
    }
    let chosen = choices.iter().chain(&picked).filter(|choice| choice.chosen);
    let chosen: Vec<&str> = chosen.map(|choice| choice.label.as_str()).collect();
    Ok(Check {
        page,
        mode,
        title,
        severity: Severity::of(template.kind, template.severity),
        approved: approved(app, template).await?,
        action: place.path(),
        preview_href: format!("{}/preview", place.path()),
        back: format!("/{}", place.mode.path()),
        hidden: vec![(asked::CHOSEN.to_owned(), "yes".to_owned())],
        blanks: blanks::of_call_out(template, asked)
            .into_iter()
            .chain(blanks(template, &asked.variables, &language))
            .collect(),
        groups_name: asked::GROUP.to_owned(),
        groups_in_words: if chosen.is_empty() {
            "nobody".to_owned()
        } else {
            format::listed(&chosen)
        },
        groups: choices,
        contacts_name: asked::CONTACT.to_owned(),
        contacts: picked,
        live,
    })
}

/// Who approved which version when; empty for a template that nobody approved.
async fn approved(app: &App, template: &Template) -> Result<String, PageError> {
    let Some(approval) = approvals::find(&app.db, &template.name, &template.hash).await? else {
        return Ok(String::new());
    };
    let times = Times::new(&app.config, app.clock.now());
    Ok(format!(
        "Approved by {}, version {}, {}.",
        format::actor(&approval.approved_by),
        approval.version,
        times.day(approval.approved_at)
    ))
}
