//! `muster status`: how an alert stands, once or until it is over.

use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::Value;
use uuid::Uuid;

use super::client::{Client, Server, id_of};
use super::failure::{Failure, said};
use super::{Shared, progress, terminal};
use crate::alert::words::AlertKind;
use crate::report::text::{percent, state_in_words};
use crate::storage::standing::PersonState;

/// How often a running alert is asked for.
const EVERY: Duration = Duration::from_millis(500);

/// Failed questions in a row behind which the wait is given up; each has its own tries.
const PATIENCE: u32 = 5;

#[derive(Args)]
pub(super) struct Status {
    /// The alert's id or number, or "last": the newest that follows no other
    alert: String,
    /// Go on until the alert is over and nothing is under way
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    server: Server,
}

impl Status {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let client = self.server.client()?;
        let id = find(&client, &self.alert).await?;
        if self.watch {
            return watch(shared, &client, id, is_over).await;
        }
        show(shared, &client.alert(id).await?)
    }
}

/// The id of an alert that is named by its id, its number, or "last": the newest that follows no
/// other, for a stop of an update would let the alert go on.
pub(super) async fn find(client: &Client, wanted: &str) -> Result<Uuid, Failure> {
    if let Ok(id) = wanted.parse() {
        return Ok(id);
    }
    let number: Option<i64> = wanted.trim_start_matches('#').parse().ok();
    if number.is_none() && wanted != "last" {
        return Err(Failure::Usage(format!(
            "\"{wanted}\" is neither an alert's id nor its number, nor \"last\""
        )));
    }
    let is_it = |alert: &&Value| match number {
        Some(_) => alert["number"].as_i64() == number,
        None => alert["kind"] == AlertKind::Alert.word(),
    };
    let mut cursor = String::new();
    loop {
        let page = client.alerts(&cursor).await?;
        let found = page["items"].as_array().into_iter().flatten().find(is_it);
        if let Some(id) = found.and_then(id_of) {
            return Ok(id);
        }
        match &page["next"] {
            Value::Null => break,
            Value::String(next) => cursor = format!("&cursor={}", encoded(next)),
            next => cursor = format!("&cursor={next}"),
        }
    }
    Err(said(match number {
        Some(number) => format!("there is no alert {number}"),
        None => "there is no alert yet".to_owned(),
    }))
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Waits until no message of a launched alert waits or is under way, then says how everyone stands.
pub(super) async fn wait(shared: &Shared, client: &Client, id: Uuid) -> Result<(), Failure> {
    let waited = watch(shared, client, id, is_settled).await;
    waited.map_err(|failure| match failure {
        Failure::Said(text) => said(format!(
            "{text}\nthe alert goes on without this command: `muster status {id}` says how it stands"
        )),
        other => other,
    })
}

fn count(alert: &Value, state: &str) -> i64 {
    alert["counts"][state].as_i64().unwrap_or_default()
}

fn is_settled(alert: &Value) -> bool {
    count(alert, "queued") == 0 && count(alert, "sending") == 0
}

fn is_over(alert: &Value) -> bool {
    alert["state"].as_str() != Some("running") && is_settled(alert)
}

/// Asks again and again until `is_done`; a bar on a terminal, a line whenever something changed
/// elsewhere.
async fn watch(
    shared: &Shared,
    client: &Client,
    id: Uuid,
    is_done: fn(&Value) -> bool,
) -> Result<(), Failure> {
    let bar = progress::bar(0);
    let mut last = String::new();
    let mut failures = 0;
    loop {
        match client.alert(id).await {
            Ok(alert) => {
                failures = 0;
                show_progress(&bar, &alert);
                if is_done(&alert) {
                    bar.finish_and_clear();
                    return show(shared, &alert);
                }
                let line = one_line(&alert);
                if bar.is_hidden() && !shared.json && line != last {
                    terminal::say(&line)?;
                    last = line;
                }
            }
            // The messages go on without us.
            Err(Failure::Said(_)) if failures < PATIENCE => failures += 1,
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(EVERY).await; // paces the questions
    }
}

fn show_progress(bar: &ProgressBar, alert: &Value) {
    let people = count(alert, "recipients");
    let done = people - count(alert, "queued") - count(alert, "sending");
    bar.set_length(u64::try_from(people).unwrap_or_default());
    bar.set_position(u64::try_from(done).unwrap_or_default());
    bar.set_message(one_line(alert));
}

fn one_line(alert: &Value) -> String {
    let people = count(alert, "recipients");
    let parts = PersonState::ALL.iter().filter_map(|state| {
        let people = count(alert, state.word());
        (people > 0).then(|| format!("{people} {}", state_in_words(*state)))
    });
    let parts: Vec<String> = parts.collect();
    let figures = &alert["call_out"];
    let coming = match (figures["coming"].as_i64(), figures["needed"].as_i64()) {
        (Some(coming), Some(needed)) => format!("{coming} of {needed} coming; "),
        _ => String::new(),
    };
    format!("{coming}{} of {people}", parts.join(", "))
}

/// How a call-out stands, a line each; nothing for every other alert.
fn call_out(alert: &Value) -> Vec<String> {
    let figures = &alert["call_out"];
    if !figures.is_object() {
        return Vec::new();
    }
    let number = |key: &str| figures[key].as_i64().unwrap_or_default();
    let (coming, needed) = (number("coming"), number("needed"));
    let filled = match number("still_needed") {
        0 => "filled".to_owned(),
        more => format!("{more} still needed"),
    };
    vec![
        format!("  {coming:>6}         coming of {needed} needed: {filled}"),
        format!("  {:>6}         on the standby list", number("standby")),
        format!(
            "  {:>6}         asked, {} cannot come, {} not asked",
            number("asked"),
            number("declined"),
            number("not_asked")
        ),
    ]
}

/// How an alert stands, in words or as JSON.
pub(super) fn show(shared: &Shared, alert: &Value) -> Result<(), Failure> {
    if shared.json {
        return terminal::json(alert);
    }
    let text = |key: &str| alert[key].as_str().unwrap_or_default();
    terminal::say(format!(
        "{} alert {}: {} ({}), {}",
        text("mode").to_uppercase(),
        alert["number"],
        text("title"),
        text("template"),
        text("state")
    ))?;
    for line in call_out(alert) {
        terminal::say(line)?;
    }
    let people = count(alert, "recipients");
    for state in PersonState::ALL {
        let some = count(alert, state.word());
        if some > 0 {
            terminal::say(format!(
                "  {some:>6}  {:>5}  {}",
                percent(some, people),
                state_in_words(*state)
            ))?;
        }
    }
    terminal::say(format!("  {people:>6}         in all"))?;
    for (answer, given) in alert["answers"].as_object().into_iter().flatten() {
        let given = given.as_i64().unwrap_or_default();
        if given > 0 {
            terminal::say(format!("  {given:>6}         answered \"{answer}\""))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alert_is_settled_when_nothing_waits_and_over_when_it_is_stopped_too() {
        let alert = |state: &str, queued: i64| json!({ "state": state, "counts": { "recipients": 3, "queued": queued, "sending": 0 } });
        assert!(!is_settled(&alert("running", 1)));
        assert!(is_settled(&alert("running", 0)));
        assert!(!is_over(&alert("running", 0)));
        assert!(is_over(&alert("stopped", 0)));
    }

    #[test]
    fn a_call_out_says_how_many_come_and_how_many_are_still_needed() {
        let alert = json!({ "call_out": {
            "needed": 5, "coming": 3, "still_needed": 2, "standby": 0, "asked": 9, "declined": 4,
            "not_asked": 15
        } });
        let lines = call_out(&alert);
        assert_eq!(
            lines[0].trim(),
            "3         coming of 5 needed: 2 still needed"
        );
        assert_eq!(
            lines[2].trim(),
            "9         asked, 4 cannot come, 15 not asked"
        );
        assert!(call_out(&json!({ "call_out": null })).is_empty());
    }

    #[test]
    fn only_states_with_people_are_told() {
        let alert = json!({ "counts": { "recipients": 3, "acknowledged": 2, "failed": 1 } });
        assert_eq!(one_line(&alert), "2 answered, 1 failed of 3");
    }
}
