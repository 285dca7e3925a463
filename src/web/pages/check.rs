//! The check page: exactly what would be said to whom, and the one button that sends it.
//!
//! `GET /live/NAME` (and `/drill/NAME`) shows it, the query holding what is filled in so far;
//! `POST` to the same address launches, but only what was read: see [`super::reading`].

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::account::role::Act;
use crate::alert::launch::{self, LaunchRequest};
use crate::alert::words::Mode;
use crate::alert::{Refusal, draft};
use crate::app::App;
use crate::clock::Timestamp;
use crate::storage::{alerts, approvals, contacts, groups};
use crate::template::{Template, Variable, VariableKind, values};
use crate::web::form::Fields;
use crate::web::format::{self, Times, sentence};
use crate::web::pages::asked::{self, Asked};
use crate::web::pages::reading::{self, Reading};
use crate::web::pages::{PageError, draft_view, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::check::{Blank, Check, CheckLive};
use crate::web::view::{self, Choice, Link, Notice, Section, Severity, Tone, people};

/// The form's name for the tick. Has a hyphen, which no blank of a template can have.
const TICK: &str = "has-read";

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
        composed_at: Some(read.composed_at),
        actor: by.actor(),
        key: Some(key),
    };
    match launch::launch(&app, request).await {
        Ok(launched) => Ok(Redirect::to(&format!("/alerts/{}", launched.alert.id)).into_response()),
        Err(Refusal::Storage(error)) => Err(error.into()),
        Err(refusal) => {
            let text = format!("{} Nothing was sent.", sentence(&refusal.to_string()));
            again(&place, &asked, false, vec![Notice::new(Tone::Wrong, text)]).await
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
    problems.extend(running(place, now).await?);
    let mode = place.mode;
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
        None => facts.extend(super::preview::cost_and_time(place.app, mode, &look.shown)),
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
        hold_seconds: place.app.config.hold_seconds,
    })
}

/// What is going on already and should make one think twice.
async fn running(place: &Place<'_>, now: Timestamp) -> Result<Vec<Notice>, PageError> {
    let times = Times::new(&place.app.config, now);
    let language = place.app.config.organisation.language();
    let running = alerts::list_running(&place.app.db).await?;
    let worrying = running.iter().filter(|alert| match place.mode {
        Mode::Actual => alert.mode == Mode::Actual && alert.template == place.template.name,
        Mode::Exercise => alert.mode == Mode::Actual,
    });
    Ok(worrying
        .take(3)
        .map(|alert| {
            let title = alert.title_in(&language);
            let since = times.near(alert.launched_at);
            let text = match place.mode {
                Mode::Actual => format!("“{title}” is running already, since {since}."),
                Mode::Exercise => {
                    format!("A LIVE alert is running since {since}: “{title}”. A drill may confuse people.")
                }
            };
            let link = Some(Link::new("See its board", format!("/alerts/{}", alert.id)));
            Notice { tone: Tone::Careful, text, link }
        })
        .collect())
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
        blanks: call_out_blanks(template, asked)
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

/// Numbers of people that a call-out proposes, and spans for thinking, in seconds.
const NUMBERS: [u32; 5] = [1, 2, 3, 5, 10];
const SPANS: [u64; 4] = [60, 300, 600, 1800];

/// What a call-out asks first: how many, and how long each one may think.
fn call_out_blanks(template: &Template, asked: &Asked) -> Vec<Blank> {
    let Some(usual) = &template.call_out else {
        return Vec::new();
    };
    let number = |number: u32| {
        let value = number.to_string();
        let chosen = value == asked.needed;
        Choice::new(value, people(number.into())).chosen(chosen)
    };
    let everyone = Choice::new(asked::EVERYONE, "Everyone at once, however many come")
        .chosen(asked.needed == asked::EVERYONE);
    let choices: Vec<Choice> = NUMBERS.into_iter().map(number).chain([everyone]).collect();
    let is_choice = choices.iter().any(|choice| choice.chosen);
    let needed = Blank {
        name: asked::NEEDED.to_owned(),
        label: draft_view::HOW_MANY.to_owned(),
        hint: "People are asked in turn until so many have said yes.".to_owned(),
        typed: if is_choice {
            String::new()
        } else {
            asked.needed.clone()
        },
        choices,
        may_type: true,
        longest: 5,
        ..Blank::default()
    };
    let chosen = asked
        .answer_within
        .unwrap_or(usual.answer_within_seconds.into());
    let mut spans = SPANS.to_vec();
    if !spans.contains(&chosen) {
        spans.push(chosen);
        spans.sort_unstable();
    }
    let span = |seconds: u64| {
        let label = format!(
            "after {}",
            format::span(std::time::Duration::from_secs(seconds))
        );
        Choice::new(seconds.to_string(), label).chosen(seconds == chosen)
    };
    let within = Blank {
        name: asked::WITHIN.to_owned(),
        label: "When is the next one asked, if there is no answer?".to_owned(),
        choices: spans.into_iter().map(span).collect(),
        optional: true,
        ..Blank::default()
    };
    match asked.call_out() {
        Some(_) => vec![needed, within],
        None => vec![needed],
    }
}

/// The template's blanks as form fields: those that must be filled first, pick-lists before text.
pub fn blanks(
    template: &Template,
    given: &std::collections::BTreeMap<String, String>,
    language: &crate::alert::words::Language,
) -> Vec<Blank> {
    let wrong = values::resolve(template, given, language)
        .err()
        .unwrap_or_default();
    let mut blanks: Vec<Blank> = template
        .variables
        .iter()
        .filter(|variable| variable.kind != VariableKind::Person)
        .map(|variable| {
            let value = given.get(&variable.name).map_or("", String::as_str);
            let error = wrong.iter().find(|problem| problem.name == variable.name);
            Blank {
                // What is still empty is asked for, not complained about.
                error: error
                    .filter(|_| !value.is_empty())
                    .map(|problem| sentence(&problem.message))
                    .unwrap_or_default(),
                ..blank(variable, value, language)
            }
        })
        .collect();
    blanks.sort_by_key(|blank| (blank.optional, blank.choices.is_empty()));
    blanks
}

fn blank(variable: &Variable, value: &str, language: &crate::alert::words::Language) -> Blank {
    let is_choice = variable.choices.iter().any(|choice| choice.value == value);
    let nothing = value.is_empty() && !variable.required;
    let choices = variable.choices.iter().map(|choice| {
        let is_default = nothing && variable.default.as_deref() == Some(&choice.value);
        Choice::new(&choice.value, &choice.value).chosen(choice.value == value || is_default)
    });
    let longest = match variable.kind {
        VariableKind::Text => variable.max_length.unwrap_or(values::DEFAULT_MAX_LENGTH),
        _ => 0,
    };
    Blank {
        name: variable.name.clone(),
        label: variable.label_in(language).to_owned(),
        hint: match variable.kind {
            VariableKind::Time => "24 hours, like 14:30".to_owned(),
            VariableKind::Date => "year, month, day, like 2027-03-04".to_owned(),
            _ => String::new(),
        },
        error: String::new(),
        choices: choices.collect(),
        may_type: variable.kind != VariableKind::Choice,
        typed: if is_choice {
            String::new()
        } else {
            value.to_owned()
        },
        example: variable.example.clone(),
        longest: u32::try_from(longest).unwrap_or_default(),
        optional: !variable.required,
    }
}
