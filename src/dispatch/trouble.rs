//! Tells the people who look after the service that a gateway does not work, by another gateway.
//!
//! Once for each trouble, whichever server sees it first. What they are told names the gateway and
//! the reason, and no person.

use std::time::Duration;

use serde_json::json;
use tracing::{error, warn};

use super::health::Facts;
use crate::alert::words::Mode;
use crate::app::App;
use crate::audit::{self, Actor};
use crate::channel::{Address, Channel, Configured, Message};
use crate::clock::Timestamp;
use crate::ids::DeliveryId;
use crate::storage::{Error, troubles};

/// How often there is a look at the gateways.
const TICK: Duration = Duration::from_secs(5);
/// How long a gateway may be down before it is worth a message; a refused account is at once.
const DOWN_FOR: Duration = Duration::from_mins(2);
/// How long a server that began to tell has for it, before another one does.
const TELLING: Duration = Duration::from_mins(1);
/// Between two messages about one gateway, however often it comes and goes.
const PEACE: Duration = Duration::from_mins(30);

/// Since when a gateway has been in a trouble that people should be told of; none if in none.
pub fn worth_telling(facts: &Facts, now: Timestamp) -> Option<Timestamp> {
    let since = facts.down_since?;
    (facts.is_refused || now.since(since) >= DOWN_FOR).then_some(since)
}

/// Runs until the service stops.
pub async fn run(app: App) {
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(TICK) => {} // paces the look
        }
        if let Err(error) = turn(&app).await {
            error!(%error, "The people in charge could not be told of a gateway's trouble");
        }
    }
}

/// One look at every gateway.
pub async fn turn(app: &App) -> Result<(), Error> {
    if app.config.operations.notify.is_empty() {
        return Ok(());
    }
    for gateway in &app.gateways {
        let name = &gateway.common.name;
        let (facts, now) = (app.health[name].facts(), app.clock.now());
        match (worth_telling(&facts, now), facts.last_accepted) {
            (Some(since), _) => tell(app, gateway, &facts, since, now).await?,
            (None, Some(at)) => over(app, name, at).await?,
            (None, None) => {}
        }
    }
    Ok(())
}

async fn over(app: &App, gateway: &str, at: Timestamp) -> Result<(), Error> {
    if !troubles::is_open(&app.db, gateway, at).await? {
        return Ok(());
    }
    let gateway = gateway.to_owned();
    app.db
        .write("trouble.over", move |tx| {
            Box::pin(async move { troubles::over(tx, &gateway, at).await })
        })
        .await
}

async fn tell(
    app: &App,
    gateway: &Configured,
    facts: &Facts,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    let name = gateway.common.name.clone();
    if !troubles::is_untold(&app.db, &name, now.before(TELLING), now.before(PEACE)).await? {
        return Ok(());
    }
    let is_ours = app
        .db
        .write("trouble.take", move |tx| {
            Box::pin(async move {
                let (stale, peace) = (now.before(TELLING), now.before(PEACE));
                troubles::take(tx, &name, since, now, stale, peace).await
            })
        })
        .await?;
    if !is_ours {
        return Ok(());
    }
    let reason = facts
        .last_failure
        .clone()
        .map_or_else(String::new, |(_, why)| why);
    let mut told = 0;
    for (index, address) in app.config.operations.notify.iter().enumerate() {
        let message = notice(app, gateway, address, &reason, since, index);
        told += usize::from(hand_over(app, gateway, &message).await);
    }
    if told == 0 {
        warn!(
            gateway.name = gateway.common.name,
            "Nobody could be told that a gateway does not work: no other gateway took the message"
        );
        return Ok(());
    }
    let name = gateway.common.name.clone();
    app.db
        .write("trouble.told", move |tx| {
            Box::pin(async move {
                let detail = json!({ "reason": reason, "told": told });
                let subject = format!("gateway {name}");
                audit::append(
                    tx,
                    now,
                    &Actor::system(),
                    "gateway.trouble",
                    &subject,
                    &detail,
                )
                .await?;
                troubles::told(tx, &name, now).await
            })
        })
        .await
}

/// Tries each working gateway that can reach the address, but not the one in trouble.
async fn hand_over(app: &App, troubled: &Configured, message: &Message) -> bool {
    let channel = channel_of(message.to.reveal());
    for way in &app.gateways {
        let name = &way.common.name;
        if way.common.channel != channel
            || *name == troubled.common.name
            || app.health[name].is_down()
        {
            continue;
        }
        match way.gateway.send(message).await {
            Ok(_) => return true,
            Err(failure) => warn!(
                gateway.name = name,
                reason = failure.reason,
                "A message to the people in charge was not taken"
            ),
        }
    }
    false
}

fn channel_of(address: &str) -> Channel {
    if address.contains('@') {
        Channel::Email
    } else {
        Channel::Sms
    }
}

/// What one address is told.
fn notice(
    app: &App,
    gateway: &Configured,
    address: &str,
    reason: &str,
    since: Timestamp,
    index: usize,
) -> Message {
    let house = &app.config.organisation;
    let name = &gateway.common.name;
    let time = since
        .to_jiff()
        .to_zoned(house.zone())
        .strftime("%H:%M")
        .to_string();
    let text = format!(
        "{}: Muster's gateway {name} has not worked since {time}. {reason} What it should send \
         waits, or goes another way.",
        house.name
    );
    // Not a delivery: a name of its own, below those that are.
    let delivery = DeliveryId(-since.0 - i64::try_from(index).unwrap_or(0));
    Message {
        delivery,
        attempt: 1,
        mode: Mode::Actual,
        to: Address::new(address),
        language: house.language(),
        subject: Some(format!("Muster: the gateway {name} does not work")),
        text,
        html: None,
        link: app.public_url.clone(),
        status_url: format!(
            "{}/callbacks/{name}/status?ref={delivery}.1",
            app.public_url
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_account_is_told_at_once_and_a_silence_after_two_minutes() {
        let now = Timestamp(1_000_000);
        let down = |seconds, is_refused| Facts {
            down_since: Some(now.before(Duration::from_secs(seconds))),
            is_refused,
            ..Facts::default()
        };
        assert!(worth_telling(&down(0, true), now).is_some());
        assert!(worth_telling(&down(119, false), now).is_none());
        assert!(worth_telling(&down(120, false), now).is_some());
        assert!(worth_telling(&Facts::default(), now).is_none());
    }
}
