//! `muster demo --once`: one closure alert from launch to account, with nobody at the keyboard.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tokio::time::Instant;

use super::open;
use crate::alert::words::Mode;
use crate::alert::{LaunchRequest, follow_up, launch};
use crate::app::App;
use crate::audit::{self as acts, Actor};
use crate::cli::failure::{Failure, said};
use crate::cli::{Shared, audit, logging, terminal};
use crate::config::LogFormat;
use crate::demo::house::{PLAN, Pace};
use crate::demo::seed;
use crate::keys::random_token;
use crate::operate::service;
use crate::report::{self, Report};
use crate::response::AnswerClass;
use crate::storage::alerts::Alert;
use crate::storage::standing::{self, PersonState};

/// How often the board is drawn.
const FRAME: Duration = Duration::from_millis(250);

/// How often a line is printed where no terminal can draw a board.
const LINE: Duration = Duration::from_secs(2);

/// The alert is stopped then at the latest.
const LONGEST: Duration = Duration::from_secs(25);

/// Not before the last step of the plan has begun.
const SHORTEST: Duration = Duration::from_secs(17);

/// The alert is stopped when nothing has moved for so long.
const QUIET: Duration = Duration::from_secs(3);

/// How long what is under way may take after the stop.
const SETTLING: Duration = Duration::from_secs(6);

pub(super) async fn run(shared: &Shared) -> Result<(), Failure> {
    logging::start(LogFormat::Text, "error")?;
    let named = shared.data_dir();
    let own = named.is_none().then(own_folder);
    let folder = named.or_else(|| own.clone()).unwrap_or_default();
    let done = tokio::select! {
        done = play(shared, &folder) => done,
        _ = tokio::signal::ctrl_c() => Err(said("the demonstration was broken off")),
    };
    if let Some(own) = own
        && let Err(error) = std::fs::remove_dir_all(&own)
    {
        terminal::remark(format!("{} could not be removed: {error}", own.display()));
    }
    done
}

/// A folder that nobody else has, removed afterwards.
fn own_folder() -> PathBuf {
    std::env::temp_dir().join(format!("muster-demo-{}", random_token()))
}

async fn play(shared: &Shared, folder: &Path) -> Result<(), Failure> {
    let (listener, address) = service::bind("127.0.0.1:0").await?;
    let (app, _lock) = open(folder, address, Pace::Unattended).await?;
    seed::seed(&app).await?;
    service::start(&app, listener).await?;
    let done = alert_and_account(shared, &app).await;
    app.stop().await;
    done
}

async fn alert_and_account(shared: &Shared, app: &App) -> Result<(), Failure> {
    let alert = send(app).await?;
    let board = Board::new(&alert, shared.json);
    board.note(&format!(
        "{} alert {} \"{}\" goes to {}; the silent are reminded, then listed for calls.",
        alert.mode.shown(),
        alert.number,
        alert.title_in(&app.config.organisation.language()),
        report::text::people(alert.recipients)
    ))?;
    watch(app, &alert, &board).await?;
    follow_up::stop(app, alert.id, manager()).await?;
    settle(app, &alert, &board).await?;
    board.bar.finish_and_clear();
    account(shared, app, &alert).await
}

fn manager() -> Actor {
    Actor::user(seed::MANAGER)
}

async fn send(app: &App) -> Result<Alert, Failure> {
    let request = LaunchRequest {
        template: "closure".to_owned(),
        mode: Mode::Actual,
        groups: vec!["all-staff".to_owned(), "todays-patients".to_owned()],
        contacts: Vec::new(),
        variables: [("reason".to_owned(), "burst pipe".to_owned())].into(),
        plan: Some(PLAN.to_owned()),
        expires_in: None,
        call_out: None,
        hold: Duration::ZERO,
        warn_of_similar: false,
        composed_at: None,
        actor: manager(),
        key: None,
    };
    Ok(launch(app, request).await?.alert)
}

/// How the alert stands at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    people: BTreeMap<PersonState, i64>,
    help: i64,
}

impl Standing {
    async fn of(app: &App, alert: &Alert) -> Result<Self, Failure> {
        let answers = standing::count_answers(&app.db, alert.number).await?;
        let help = answers
            .iter()
            .filter(|(_, class, _)| *class == AnswerClass::Help);
        Ok(Self {
            people: report::counts(&app.db, alert).await?,
            help: help.map(|(.., people)| people).sum(),
        })
    }

    fn sum(&self, states: &[PersonState]) -> i64 {
        states
            .iter()
            .filter_map(|state| self.people.get(state))
            .sum()
    }

    fn answered(&self) -> i64 {
        self.sum(&[PersonState::Acknowledged])
    }

    fn on_the_way(&self) -> i64 {
        self.sum(&[PersonState::Queued, PersonState::Sending])
    }

    /// The board's four numbers and what is under way.
    fn in_words(&self) -> String {
        use PersonState::{Accepted, Delivered, Excluded, Failed, InDoubt, Unreachable};
        format!(
            "answered {}  need help {}  silent {}  not reached {}  on the way {}",
            self.answered(),
            self.help,
            self.sum(&[Delivered, Accepted]),
            self.sum(&[Failed, Unreachable, Excluded, InDoubt]),
            self.on_the_way()
        )
    }
}

/// Where the alert's course is shown: one block that is redrawn, or a line now and then.
struct Board {
    bar: ProgressBar,
    is_json: bool,
    started: Instant,
}

impl Board {
    fn new(alert: &Alert, is_json: bool) -> Self {
        let template = "{bar:40.green/dim} {pos} of {len} people answered  {elapsed}\n{msg}";
        let style = ProgressStyle::with_template(template)
            .expect("the template is fixed")
            .progress_chars("━━─");
        let people = u64::try_from(alert.recipients).unwrap_or_default();
        let bar = ProgressBar::with_draw_target(Some(people), ProgressDrawTarget::stderr());
        Self {
            bar: bar.with_style(style),
            is_json,
            started: Instant::now(),
        }
    }

    /// Says something once. JSON on stdout is left alone.
    fn note(&self, words: &str) -> Result<(), Failure> {
        if self.is_json {
            terminal::remark(words);
            return Ok(());
        }
        self.bar.suspend(|| terminal::say(words))
    }

    fn draw(&self, standing: &Standing) {
        self.bar
            .set_position(u64::try_from(standing.answered()).unwrap_or_default());
        self.bar.set_message(standing.in_words());
    }

    fn line(&self, standing: &Standing) -> Result<(), Failure> {
        let seconds = self.started.elapsed().as_secs();
        self.note(&format!("{seconds:>3} s  {}", standing.in_words()))
    }
}

/// Shows how it goes until nothing moves any more, or long enough.
async fn watch(app: &App, alert: &Alert, board: &Board) -> Result<(), Failure> {
    let mut last = Standing::of(app, alert).await?;
    let mut moved = Instant::now();
    let mut next_line = board.started;
    loop {
        let now = Standing::of(app, alert).await?;
        if now != last {
            moved = Instant::now();
        }
        board.draw(&now);
        if board.bar.is_hidden() && Instant::now() >= next_line {
            board.line(&now)?;
            next_line += LINE;
        }
        let elapsed = board.started.elapsed();
        let is_quiet = moved.elapsed() >= QUIET && now.on_the_way() == 0;
        if elapsed >= LONGEST || (elapsed >= SHORTEST && is_quiet) {
            return Ok(());
        }
        last = now;
        tokio::time::sleep(FRAME).await; // paces the board
    }
}

/// Waits until nothing is on the wire any more.
async fn settle(app: &App, alert: &Alert, board: &Board) -> Result<(), Failure> {
    let deadline = Instant::now() + SETTLING;
    loop {
        let now = Standing::of(app, alert).await?;
        board.draw(&now);
        if now.on_the_way() == 0 || Instant::now() >= deadline {
            return Ok(());
        }
        tokio::time::sleep(FRAME).await; // paces the board
    }
}

/// Prints the account and the verdict; fails unless everyone is explained and every promise kept.
async fn account(shared: &Shared, app: &App, alert: &Alert) -> Result<(), Failure> {
    let alert = follow_up::find(app, alert.id).await?;
    let report = Report::build(app, &alert).await?;
    let checked = audit::checked(app).await?;
    let chain = acts::verify(&app.db).await?;
    let left = Standing::of(app, &alert).await?.on_the_way();
    let is_clean = audit::is_clean(&checked) && chain.problems.is_empty() && left == 0;
    if shared.json {
        terminal::json(&json!({
            "clean": is_clean, "report": report, "invariants": checked, "chain": chain,
        }))?;
    } else {
        terminal::say(format!("\n{}", report.to_text()))?;
        audit::show(&checked)?;
        audit::show_chain(&chain)?;
    }
    match left {
        0 if is_clean => Ok(()),
        0 => Err(Failure::Shown),
        _ => Err(said(format!(
            "{left} people are not explained: their messages are still under way"
        ))),
    }
}
