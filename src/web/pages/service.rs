//! How the service itself is: what is wrong, the gateways, the minute's look at the promises.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tracing::info;

use crate::account::role::Act;
use crate::app::App;
use crate::audit;
use crate::operate;
use crate::storage::Error;
use crate::web::format::{self, Times, sentence};
use crate::web::pages::{PageError, frame, show};
use crate::web::session::SignedIn;
use crate::web::view::service::Service;
use crate::web::view::{Act as Button, Fact, Notice, Section, Tone};

/// `/service`, and the yes to a clock that has jumped.
pub fn router() -> Router<App> {
    Router::new()
        .route("/service", get(page))
        .route("/service/clock", post(settle))
}

async fn page(State(app): State<App>, by: SignedIn) -> Result<Response, PageError> {
    by.require(Act::SeeSystem)?;
    let problems = operate::problems(&app);
    let state = if problems.is_empty() {
        let text = "All is well, as far as Muster can tell.";
        vec![Notice::new(Tone::Good, text)]
    } else {
        let wrong = |text| Notice::new(Tone::Wrong, text);
        problems.into_iter().map(wrong).collect()
    };
    let offered = app.clock.offered();
    let offered = offered.filter(|_| by.user.may(Act::ManageAccounts));
    let mut frame = frame(&app, &by.user, "Service", Section::Nowhere);
    // The page says it all itself.
    frame.notices.clear();
    show(
        StatusCode::OK,
        &Service {
            page: frame,
            state,
            settle: offered.map(|time| {
                let time = Times::new(&app.config, app.clock.now()).moment(time);
                Button::post(
                    format!("The clock is right: it is {time}"),
                    "/service/clock",
                )
            }),
            gateways: gateways(&app),
            facts: facts(&app),
            promises: promises(&app),
        },
    )
}

/// A person says that the time is right: what was due until then begins and ends now. Beside a database
/// that several servers share only its jump can be right, not a clock of our own that differs from it.
async fn settle(State(app): State<App>, by: SignedIn) -> Result<Response, PageError> {
    by.require(Act::ManageAccounts)?;
    if app.clock.offered().is_some() {
        let off = app.clock.off();
        let (now, actor) = (app.clock.now(), by.actor());
        app.db
            .write("clock.settle", move |tx| {
                Box::pin(async move {
                    let detail = serde_json::json!({ "off_ms": off });
                    audit::append(tx, now, &actor, "clock.settle", "clock", &detail).await?;
                    Ok::<_, Error>(())
                })
            })
            .await?;
        app.clock.settle();
        app.wake();
        info!(off_ms = off, "A person said that the clock is right");
    }
    Ok(Redirect::to("/service").into_response())
}

fn gateways(app: &App) -> Vec<Fact> {
    let times = Times::new(&app.config, app.clock.now());
    let fact = |gateway: &crate::channel::Configured| {
        let name = &gateway.common.name;
        let facts = app.health[name].facts();
        let taken = match facts.last_accepted {
            Some(at) => format!("{} taken, the last {}", facts.accepted, times.near(at)),
            None => "nothing taken since the start".to_owned(),
        };
        let value = match (facts.is_down, facts.last_failure) {
            (true, Some((at, why))) => {
                format!(
                    "takes no messages since {}. {}",
                    times.near(at),
                    sentence(&why)
                )
            }
            (true, None) => "takes no messages".to_owned(),
            (false, _) => format!("works: {taken}"),
        };
        Fact::new(name, value)
    };
    app.gateways.iter().map(fact).collect()
}

fn facts(app: &App) -> Vec<Fact> {
    let now = app.clock.elapsed();
    let ago = |at: std::time::Duration| format!("{} ago", format::span(now.saturating_sub(at)));
    let look = app.watch.last();
    let checked = look.map_or_else(|| "not yet".to_owned(), |look| ago(look.at));
    let told = match (&app.config.operations.heartbeat_url, app.watch.last_told()) {
        (None, _) => "nobody outside is told: set operations.heartbeat_url".to_owned(),
        (Some(_), None) => "not yet".to_owned(),
        (Some(_), Some(at)) => ago(at),
    };
    let mut facts = vec![
        Fact::new("Last look at itself", checked),
        Fact::new("Monitoring outside told", told),
    ];
    if let Some(reserve) = app.db.reserve() {
        let free = reserve
            .free()
            .map_or_else(String::new, |free| format!(", {} MB free", free >> 20));
        let word = if reserve.is_low() { "full" } else { "in order" };
        facts.push(Fact::new("Disk", format!("{word}{free}")));
    }
    if app.db.is_shared() {
        let held = app.lease.holds(now);
        let word = if held { "yes" } else { "no: others do" };
        facts.push(Fact::new("This server sends", word));
    }
    facts
}

fn promises(app: &App) -> Vec<Fact> {
    let checked = app.watch.last().unwrap_or_default().checked;
    let fact = |one: &audit::check::Checked| {
        let value = match one.violations {
            0 => format!("kept, {} looked at", one.rows),
            broken => format!("BROKEN {broken}×"),
        };
        Fact::new(one.title, value)
    };
    checked.iter().map(fact).collect()
}
