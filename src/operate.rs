//! Keeps the service running, watches over it, and says how it is.

pub mod clock_watch;
pub mod doctor;
mod heartbeat;
pub mod metrics;
pub mod self_watch;
pub mod servers;
pub mod service;
mod template_watch;

use crate::app::App;

/// Everything that is wrong with the service now, each a sentence for whoever looks after it.
pub fn problems(app: &App) -> Vec<String> {
    let mut problems = app.watch.problems(app.clock.elapsed());
    problems.extend(clock_watch::problem(app));
    if app
        .db
        .reserve()
        .is_some_and(crate::storage::Reserve::is_low)
    {
        problems.push(
            "The server’s disk is full: no new alert can be launched until someone frees some room. \
             Answers are still taken, and running alerts go on."
                .to_owned(),
        );
    }
    problems
}
