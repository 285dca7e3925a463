//! Makes one alert of one launch, even if the database breaks off in the middle of it.

use std::time::Duration;

use tracing::warn;

use super::launch::{self, LaunchRequest, Launched, RequestKey};
use crate::alert::Refusal;
use crate::app::App;
use crate::ids::AlertId;
use crate::storage::Error;
use crate::storage::alerts::{self, Alert};

/// How long after its beginning a launch is tried again. With the wait for a connection, whoever
/// presses Send knows after ten seconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two tries.
const RETRY: Duration = Duration::from_millis(100);

/// Launches a new alert.
///
/// The same key with the same request answers with the alert that it made first. A launch during
/// which a database server breaks off is tried again for a moment: the alert's id is made before the
/// first try, so that there is one such alert at most. [`Error::InDoubt`] if nobody knows in the end.
pub async fn launch(app: &App, request: LaunchRequest) -> Result<Launched, Refusal> {
    let id = AlertId::new();
    let begun = app.clock.elapsed();
    let mut was_in_doubt = false;
    loop {
        let cause = match launch::launch_as(app, request.clone(), id).await {
            Err(Refusal::Storage(Error::Conflict)) => {
                return found(app, request.key.as_ref(), id).await;
            }
            Err(Refusal::Storage(cause)) if app.db.is_shared() => cause,
            other if !was_in_doubt || other.is_ok() => return other,
            // It may be the earlier try that is in the way of this one.
            other => return found_or(app, id, other).await,
        };
        if matches!(cause, Error::InDoubt(_)) {
            was_in_doubt = true;
            if let Ok(alert) = alerts::get_by_id(&app.db, id).await {
                return Ok(launched(app, alert));
            }
        }
        // Where no connection could be had in time, the time is over.
        let is_worth_it = matches!(cause, Error::InDoubt(_) | Error::Unavailable(_))
            && app.clock.elapsed().saturating_sub(begun) < PATIENCE;
        if !is_worth_it {
            return Err(Refusal::Storage(worst(cause, was_in_doubt)));
        }
        warn!(%cause, "The database broke off during a launch; trying again");
        tokio::time::sleep(RETRY).await; // paces the tries
    }
}

/// What is said in the end: an earlier try that may have been saved is not forgotten.
fn worst(cause: Error, was_in_doubt: bool) -> Error {
    match cause {
        Error::Unavailable(cause) if was_in_doubt => Error::InDoubt(cause),
        Error::NotSaved(words) if was_in_doubt => Error::in_doubt(words),
        cause => cause,
    }
}

/// The alert that an earlier try with this id made after all, or a faster request with this key.
async fn found(app: &App, key: Option<&RequestKey>, id: AlertId) -> Result<Launched, Refusal> {
    match alerts::get_by_id(&app.db, id).await {
        Ok(alert) => Ok(launched(app, alert)),
        Err(Error::NotFound) => launch::replay(app, key)
            .await?
            .ok_or(Refusal::Storage(Error::Conflict)),
        // Something is there; only what, nobody can say now.
        Err(cause) => Err(Refusal::Storage(worst(cause, true))),
    }
}

/// The alert of that id, or what was said instead.
async fn found_or(
    app: &App,
    id: AlertId,
    said: Result<Launched, Refusal>,
) -> Result<Launched, Refusal> {
    match alerts::get_by_id(&app.db, id).await {
        Ok(alert) => Ok(launched(app, alert)),
        Err(_) => said,
    }
}

fn launched(app: &App, alert: Alert) -> Launched {
    launch::announce(app, &alert);
    Launched {
        alert,
        is_replay: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_saved_is_never_called_not_saved() {
        let away = || Error::NotSaved("no answer".to_owned());
        assert!(matches!(worst(away(), false), Error::NotSaved(_)));
        assert!(matches!(worst(away(), true), Error::InDoubt(_)));
    }
}
