//! Looks every minute whether the service keeps its promises, and says so only then.
//!
//! The look is that of `muster audit check` over the alerts that may still change, and a whole cycle
//! of the engine. What is wrong stands in the log, on every page, in the metrics; and the heartbeat
//! that a monitoring outside waits for stays away, as it does while the disk is full or a clock is off.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tracing::{error, info, warn};

use super::heartbeat::Heartbeat;
use crate::app::App;
use crate::audit::check::{self, Checked};

/// How often.
const EVERY: Duration = Duration::from_mins(1);
/// How long the look at the database may take: one that takes longer is a finding itself.
const LONGEST_LOOK: Duration = Duration::from_secs(20);
/// How long a whole cycle of the engine may take; each of its parts turns once a second.
const CYCLE: Duration = Duration::from_secs(8);
/// A look older than this says nothing any more.
const STALE: Duration = Duration::from_secs(90);
/// How long an alert is still looked at after its end: late receipts, the last messages under way.
const RECENT: Duration = Duration::from_mins(15);

/// What one look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// When, by the steady clock of the service.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    /// Each invariant, if the database could be asked.
    pub checked: Vec<Checked>,
    /// What is wrong, each a sentence for whoever looks after the service. Empty: all is well.
    pub problems: Vec<String>,
}

/// What the service knows of itself; shared by pages and metrics.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    begun: Option<Duration>,
    last: Option<Look>,
    told: Option<Duration>,
}

impl Watch {
    fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn begin(&self, now: Duration) {
        self.with(|known| known.begun = known.begun.or(Some(now)));
    }

    fn note(&self, look: Look) {
        self.with(|known| known.last = Some(look));
    }

    fn told(&self, now: Duration) {
        self.with(|known| known.told = Some(now));
    }

    /// What was found last.
    pub fn last(&self) -> Option<Look> {
        self.with(|known| known.last.clone())
    }

    /// When the monitoring outside was last told that all is well.
    pub fn last_told(&self) -> Option<Duration> {
        self.with(|known| known.told)
    }

    /// When the service last looked at itself, or began to watch.
    pub fn last_look_or_start(&self) -> Option<Duration> {
        self.with(|known| known.last.as_ref().map(|look| look.at).or(known.begun))
    }

    /// When the monitoring outside was last told, or the service began to watch.
    pub fn last_told_or_start(&self) -> Option<Duration> {
        self.with(|known| known.told.or(known.begun))
    }

    /// What is wrong now: what the last look found, or that there was none for too long. Empty where
    /// nobody watches.
    pub fn problems(&self, now: Duration) -> Vec<String> {
        self.with(|known| {
            let last = known.last.as_ref().map(|look| look.at);
            match last.or(known.begun) {
                Some(at) if now.saturating_sub(at) > STALE => vec![format!(
                    "Muster has not been able to check itself for {} minutes: see that the database \
                     answers, and look at the log.",
                    now.saturating_sub(at).as_secs() / 60
                )],
                _ => known.last.iter().flat_map(|look| look.problems.clone()).collect(),
            }
        })
    }
}

/// Runs until the service stops.
pub(super) async fn run(app: App) {
    let heartbeat = Heartbeat::open(&app.config.operations).unwrap_or_else(|why| {
        error!(
            why,
            "The heartbeat cannot be sent: see operations.heartbeat_url"
        );
        None
    });
    app.watch.begin(app.clock.elapsed());
    let mut minutes = tokio::time::interval(EVERY);
    minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = minutes.tick() => {}
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = turn_with(&app, heartbeat.as_ref()) => {}
        }
    }
}

/// One look, and the heartbeat if all is well.
pub async fn turn(app: &App) {
    let heartbeat = Heartbeat::open(&app.config.operations).unwrap_or_default();
    turn_with(app, heartbeat.as_ref()).await;
}

async fn turn_with(app: &App, heartbeat: Option<&Heartbeat>) {
    let look = look(app).await;
    for problem in &look.problems {
        error!(problem, "The service does not keep its promises: {problem}");
    }
    let was_well = app.watch.last().is_none_or(|last| last.problems.is_empty());
    let is_well = look.problems.is_empty();
    if is_well && !was_well {
        info!("The service keeps its promises again");
    }
    app.watch.note(look);
    if is_well != was_well {
        app.tell();
    }
    let problems = super::problems(app);
    if let Some(heartbeat) = heartbeat {
        if !problems.is_empty() {
            let problems = problems.join(" ");
            return warn!(
                problems,
                "The heartbeat stays away, because not all is well"
            );
        }
        match heartbeat.ping().await {
            Ok(()) => app.watch.told(app.clock.elapsed()),
            Err(why) => warn!(why, "All is well, but the heartbeat did not get through"),
        }
    }
}

async fn look(app: &App) -> Look {
    let begun = app.clock.elapsed();
    let now = app.clock.now();
    let cycle = app.pulse.next(CYCLE);
    let checks = tokio::time::timeout(LONGEST_LOOK, check::recent(&app.db, now, RECENT));
    let (cycle, checks) = tokio::join!(cycle, checks);
    let mut problems = Vec::new();
    let checked = match checks {
        Ok(Ok(checked)) => checked,
        Ok(Err(error)) => {
            problems.push(format!("The database could not be checked: {error}."));
            Vec::new()
        }
        Err(_elapsed) => {
            problems.push("The database did not answer the checks within 20 seconds.".to_owned());
            Vec::new()
        }
    };
    let broken = checked.iter().filter(|one| !one.holds());
    problems.extend(broken.map(|one| {
        format!(
            "A promise is broken ({}, {}×): “{}”. Run “muster audit check” and look at the alerts.",
            one.name, one.violations, one.title
        )
    }));
    if let Err(late) = cycle {
        problems.push(format!(
            "Sending is stuck: {} did not finish a turn within 8 seconds. Look at the log, and start \
             Muster again if it does not recover.",
            late.join(", ")
        ));
    }
    let at = app.clock.elapsed();
    Look {
        at,
        took: at.saturating_sub(begun),
        checked,
        problems,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: u64) -> Duration {
        Duration::from_mins(minutes)
    }

    #[test]
    fn nothing_is_said_where_nobody_watches() {
        assert_eq!(
            Watch::default().problems(minutes(500)),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_has_never_been_grows_old_from_the_start() {
        let watch = Watch::default();
        assert_eq!(watch.last_told_or_start(), None);
        watch.begin(minutes(1));
        assert_eq!(watch.last_told_or_start(), Some(minutes(1)));
        assert_eq!(watch.last_look_or_start(), Some(minutes(1)));
        watch.told(minutes(3));
        assert_eq!(watch.last_told_or_start(), Some(minutes(3)));
    }

    #[test]
    fn a_look_that_does_not_come_is_a_problem_after_a_minute_and_a_half() {
        let watch = Watch::default();
        watch.begin(minutes(1));
        assert_eq!(watch.problems(minutes(2)).len(), 0);
        assert!(watch.problems(minutes(4))[0].contains("for 3 minutes"));
        let at = minutes(4);
        watch.note(Look {
            at,
            ..Look::default()
        });
        assert_eq!(watch.problems(minutes(5)).len(), 0);
        assert_eq!(watch.problems(minutes(6)).len(), 1);
    }
}
