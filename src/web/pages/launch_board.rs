//! The launch boards: "What has happened?", answered with one tap on a tile.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};

use crate::account::role::Act;
use crate::alert::words::{AlertKind, Mode};
use crate::alert::{Refusal, whom};
use crate::app::App;
use crate::clock::Timestamp;
use crate::dispatch::health::Health;
use crate::response::AnswerClass;
use crate::storage::deliveries;
use crate::storage::{alerts, approvals, audience, groups, standing};
use crate::template::{Level, Template, VariableKind, check};
use crate::web::format::{self, Times, sentence};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::launch::{FirstStep, LaunchBoard, RefusedTile, RunningAlert, Tile};
use crate::web::view::{self, Link, Notice, Section, Severity, Tone, counted};

/// Choices shown on a tile.
const CHOICES: usize = 4;
/// A message that is due for longer than this is stuck.
const STUCK: std::time::Duration = std::time::Duration::from_mins(2);

/// `/live` and `/drill`.
pub fn router() -> Router<App> {
    let of_mode = |mode: Mode| get(board).layer(Extension(mode));
    Router::new()
        .route("/live", of_mode(Mode::Actual))
        .route("/drill", of_mode(Mode::Exercise))
}

async fn board(
    State(app): State<App>,
    Extension(mode): Extension<Mode>,
    by: SignedIn,
) -> Result<Response, PageError> {
    by.require(Act::LaunchAlert)?;
    let shown_mode = view::Mode::from(mode);
    let other = shown_mode.other();
    let (ribbon, link) = match shown_mode {
        view::Mode::Live => ("Real messages to real people.", "Practise instead"),
        view::Mode::Drill => ("An exercise: every message says so.", "To LIVE alerts"),
    };
    let page = frame(&app, &by.user, "What has happened?", Section::Send)
        .in_mode(shown_mode, format!("{ribbon} Nothing has been sent yet."))
        .ribbon_link(Link::new(link, format!("/{}", other.path())));
    let (tiles, refused) = tiles(&app, &by, mode).await?;
    show(
        StatusCode::OK,
        &LaunchBoard {
            page,
            mode: shown_mode,
            readiness: readiness(&app, mode).await?,
            running: running(&app, mode).await?,
            first_step: first_step(&by, &tiles, !refused.is_empty()),
            tiles,
            refused,
        },
    )
}

/// Whether it would work, in one sentence.
async fn readiness(app: &App, mode: Mode) -> Result<Notice, PageError> {
    let now = app.clock.now();
    let gateways: Vec<_> = app
        .gateways
        .iter()
        .filter(|gateway| mode == Mode::Actual || gateway.common.exercises)
        .collect();
    if gateways.is_empty() {
        let text = match mode {
            Mode::Actual => "No gateway is configured: nothing can be sent.",
            Mode::Exercise => {
                "No gateway carries drills: an administrator must set “exercises = true” for one in \
                 the configuration."
            }
        };
        return Ok(Notice::new(Tone::Wrong, text));
    }
    for gateway in &gateways {
        let facts = app.health.get(&gateway.common.name).map(Health::facts);
        if let Some(facts) = facts.filter(|facts| facts.is_down) {
            let why = facts
                .last_failure
                .map(|(_, why)| sentence(&why))
                .unwrap_or_default();
            let text = format!(
                "The gateway {} takes no messages. {why} Messages wait and are tried again; phone \
                 people if it cannot wait.",
                gateway.common.name
            );
            return Ok(Notice::new(Tone::Wrong, text));
        }
    }
    let backlog = deliveries::backlog(&app.db, now, &app.quiet_channels()).await?;
    let waiting: u64 = backlog.iter().map(|one| format::count(one.waiting)).sum();
    let oldest = backlog.iter().filter_map(|one| one.oldest).min();
    let lag = oldest.map(|oldest| now.since(oldest)).unwrap_or_default();
    let queue = match waiting {
        0 => "nothing is waiting".to_owned(),
        _ => format!(
            "{} waiting, the oldest for {}",
            counted(waiting, "message is", "messages are"),
            format::span(lag)
        ),
    };
    let drill = alerts::last_drill(&app.db).await?;
    let drill = match drill {
        None => "no drill yet".to_owned(),
        Some(at) => last_drill(now, at),
    };
    let number = u64::try_from(gateways.len()).unwrap_or(u64::MAX);
    let works = counted(number, "gateway works", "gateways work");
    let tone = if lag > STUCK {
        Tone::Careful
    } else {
        Tone::Good
    };
    Ok(Notice::new(
        tone,
        format!("Ready: {works}, {queue}, {drill}."),
    ))
}

fn last_drill(now: Timestamp, at: Timestamp) -> String {
    match now.since(at).as_secs() / 86_400 {
        0 => "last drill today".to_owned(),
        days => format!("last drill {} ago", counted(days, "day", "days")),
    }
}

/// Alerts of this mode that are running.
async fn running(app: &App, mode: Mode) -> Result<Vec<RunningAlert>, PageError> {
    let times = Times::new(&app.config, app.clock.now());
    let language = app.config.organisation.language();
    let mut running = Vec::new();
    for alert in alerts::list_running(&app.db).await? {
        if alert.mode != mode {
            continue;
        }
        let answers = standing::count_answers(&app.db, alert.number).await?;
        let count = |wanted: &dyn Fn(AnswerClass) -> bool| -> u64 {
            let of = answers.iter().filter(|(_, class, _)| wanted(*class));
            of.map(|(.., people)| format::count(*people)).sum()
        };
        running.push(RunningAlert {
            title: alert.title_in(&language).to_owned(),
            href: format!("/alerts/{}", alert.id),
            severity: Severity::of(alert.kind, alert.severity),
            started: format!("started {}", times.near(alert.launched_at)),
            people: format::count(alert.recipients),
            answered: count(&|_| true),
            need_help: count(&|class| class == AnswerClass::Help),
        });
    }
    Ok(running)
}

/// What can be sent, worst first, and what cannot, with the reason.
async fn tiles(
    app: &App,
    by: &SignedIn,
    mode: Mode,
) -> Result<(Vec<Tile>, Vec<RefusedTile>), PageError> {
    let shelf = app.shelf();
    let language = app.config.organisation.language();
    let approvals = approvals::list(&app.db).await?;
    let mut reach = Audiences::new(app).await?;
    let mut templates: Vec<&Template> = shelf
        .templates
        .iter()
        .filter(|one| one.kind == AlertKind::Alert)
        .collect();
    templates.sort_by_key(|one| (one.severity, one.title_in(&language).to_owned()));
    let mut tiles = Vec::new();
    let mut refused = Vec::new();
    for template in templates {
        let severity = Severity::of(template.kind, template.severity);
        let title = template.title_in(&language).to_owned();
        let of_template: Vec<_> = approvals
            .iter()
            .filter(|one| one.name == template.name)
            .collect();
        let broken = check(template)
            .into_iter()
            .find(|finding| finding.level == Level::Error);
        let reason = if let Some(finding) = broken {
            Some(format!("{}: {}", finding.place, finding.message))
        } else if of_template.is_empty() {
            Some("Nobody has approved it yet.".to_owned())
        } else if of_template.iter().all(|one| one.hash != template.hash) {
            Some("It was changed after it was approved: someone must read the change.".to_owned())
        } else {
            None
        };
        if let Some(reason) = reason {
            let href = by
                .user
                .may(Act::SeeTemplates)
                .then(|| format!("/templates/{}", template.name));
            refused.push(RefusedTile {
                title,
                severity,
                reason: sentence(&reason),
                href,
            });
            continue;
        }
        let (audience, people) = reach.of(app, &template.audience).await?;
        let href = format!("/{}/{}", mode.path(), template.name);
        tiles.push(Tile {
            title,
            severity,
            hint: template.hint_in(&language).to_owned(),
            audience,
            people,
            choices: choices(template, &href),
            href,
        });
    }
    for problem in &shelf.problems {
        let is_new = !refused.iter().any(|tile| tile.title == problem.template);
        if is_new {
            refused.push(RefusedTile {
                title: problem.template.clone(),
                severity: Severity::Information,
                reason: sentence(&format!("{}: {}", problem.file, problem.message)),
                href: None,
            });
        }
    }
    Ok((tiles, refused))
}

/// The first choices of the only blank that must be filled.
fn choices(template: &Template, href: &str) -> Vec<Link> {
    let mut required = template
        .variables
        .iter()
        .filter(|variable| variable.required && variable.kind != VariableKind::Person);
    let (Some(only), None) = (required.next(), required.next()) else {
        return Vec::new();
    };
    let link = |value: &String| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        Link::new(
            value,
            format!("{href}?{}", query.append_pair(&only.name, value).finish()),
        )
    };
    only.choices
        .iter()
        .take(CHOICES)
        .map(|choice| link(&choice.value))
        .collect()
}

/// The audiences of the tiles, each counted once however many tiles share it.
struct Audiences {
    titles: BTreeMap<String, String>,
    counted: BTreeMap<Vec<String>, u64>,
}

impl Audiences {
    async fn new(app: &App) -> Result<Self, PageError> {
        let groups = groups::list(&app.db).await?;
        let titles = groups
            .into_iter()
            .map(|group| (group.name, group.title))
            .collect();
        Ok(Self {
            titles,
            counted: BTreeMap::new(),
        })
    }

    /// The groups in words, and how many people are in them; nobody if one of them is missing.
    async fn of(&mut self, app: &App, groups: &[String]) -> Result<(String, u64), PageError> {
        if groups.is_empty() {
            return Ok(("You choose who".to_owned(), 0));
        }
        let title = |name: &String| match self.titles.get(name) {
            Some(title) => title.clone(),
            None => format!("{name} (no such group)"),
        };
        let words = format::listed(&groups.iter().map(title).collect::<Vec<_>>());
        if let Some(people) = self.counted.get(groups) {
            return Ok((words, *people));
        }
        let people = match whom::selection(app, groups, &[]).await {
            Ok(selection) => {
                let reach = audience::reach(&app.db, &selection).await?;
                reach.iter().map(|one| format::count(one.people)).sum()
            }
            Err(Refusal::Storage(error)) => return Err(error.into()),
            Err(_) => 0,
        };
        self.counted.insert(groups.to_vec(), people);
        Ok((words, people))
    }
}

/// What must be done before anything can be sent.
fn first_step(by: &SignedIn, tiles: &[Tile], has_refused: bool) -> Option<FirstStep> {
    let step = |heading: &str, text: &str, link: Option<Link>| FirstStep {
        heading: heading.to_owned(),
        text: text.to_owned(),
        link,
    };
    if tiles.is_empty() && has_refused {
        let text =
            "An approver reads the templates once and approves them. Only then can they be sent.";
        return Some(step(
            "No message is approved yet.",
            text,
            Some(Link::new("Read the templates", "/templates")),
        ));
    }
    if tiles.is_empty() {
        let text = "Put message templates into the folder “message-templates” and start again.";
        return Some(step("There are no messages.", text, None));
    }
    if tiles.iter().all(|tile| tile.people == 0) {
        let may = by.user.may(Act::EditDirectory);
        let text = if may {
            "Import your people from a spreadsheet first: it takes a few minutes."
        } else {
            "Someone with the role “directory admin” must import your people first."
        };
        let link = may.then(|| Link::new("Import people", "/people/import"));
        return Some(step("There is nobody to alert yet.", text, link));
    }
    None
}
