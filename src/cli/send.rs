//! `muster send`: launches an approved message through a running server.

use clap::Args;
use serde_json::{Map, Value, json};

use super::client::{Client, Server};
use super::failure::Failure;
use super::{Shared, status, terminal};
use crate::keys::random_token;

#[derive(Args)]
#[command(group(clap::ArgGroup::new("mode").required(true).args(["live", "drill"])))]
#[command(group(clap::ArgGroup::new("whom").required(true).multiple(true).args(["to", "contact"])))]
pub(super) struct Send {
    /// The template's name, as `muster templates list` shows it
    template: String,
    /// Groups, by name
    #[arg(long, value_name = "GROUP", num_args = 1.., value_delimiter = ',')]
    to: Vec<String>,
    /// People, by id
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    contact: Vec<String>,
    /// The message's blanks
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., value_parser = pair)]
    set: Vec<(String, String)>,
    /// This is real: send it to the people
    #[arg(long)]
    live: bool,
    /// This is an exercise: every text says so
    #[arg(long)]
    drill: bool,
    /// A plan by name, instead of the template's own
    #[arg(long)]
    plan: Option<String>,
    /// After this nothing more goes out: 45s, 30m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    expires_in: Option<u64>,
    /// Wait until no message is waiting or under way, then say how everyone stands
    #[arg(long)]
    wait: bool,
    /// The same key with the same request is the same alert, however often it is sent
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    server: Server,
}

/// Reads `reason=burst pipe`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write KEY=VALUE, as in reason=\"burst pipe\"".to_owned()),
    }
}

/// Reads `90`, `90s`, `30m`, `2h`, `1d` as seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || "write a time such as 45s, 30m, 2h or 1d".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let each = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(each))
        .ok_or_else(wrong)
}

/// Pairs as the API takes them.
pub(super) fn variables(pairs: &[(String, String)]) -> Value {
    let pairs = pairs
        .iter()
        .map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    Value::Object(pairs.collect::<Map<_, _>>())
}

impl Send {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let client = self.server.client()?;
        let key = self.key.clone().unwrap_or_else(random_token);
        let sent = client
            .post("/api/v1/alerts", &self.body(), Some(&key))
            .await;
        let launched = sent.map_err(|failure| match failure {
            Failure::Said(text) if text.contains("in time") => Failure::Said(format!(
                "{text}\nwhether the alert was launched is not known: the same command with --key \
                 {key} launches it at most once"
            )),
            other => other,
        })?;
        announce(shared, &client, &launched).await?;
        if self.wait {
            let id = launched["id"].as_str().unwrap_or_default();
            status::wait(shared, &client, id).await?;
        }
        Ok(())
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "template": self.template,
            "mode": if self.live { "live" } else { "drill" },
            "audience": { "groups": self.to, "contacts": self.contact },
            "variables": variables(&self.set),
        });
        if let Some(plan) = &self.plan {
            body["plan"] = json!(plan);
        }
        if let Some(seconds) = self.expires_in {
            body["expires_in"] = json!(seconds);
        }
        body
    }
}

/// Says what was launched; its number is asked for where the answer has none.
pub(super) async fn announce(
    shared: &Shared,
    client: &Client,
    launched: &Value,
) -> Result<(), Failure> {
    if shared.json {
        return terminal::json(launched);
    }
    let text = |key: &str| launched[key].as_str().unwrap_or_default().to_owned();
    let mut number = launched["number"].clone();
    if number.is_null() {
        let alert = client.get(&format!("/api/v1/alerts/{}", text("id"))).await;
        number = alert
            .map(|alert| alert["number"].clone())
            .unwrap_or_default();
    }
    let people = launched["recipients"].as_i64().unwrap_or_default();
    let number = number
        .as_i64()
        .map_or_else(String::new, |number| format!(" {number}"));
    terminal::say(format!(
        "{} alert{number} goes to {}",
        text("mode").to_uppercase(),
        crate::report::text::people(people)
    ))?;
    terminal::say(format!("  id   {}\n  url  {}", text("id"), text("url")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them() {
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("30m"), Ok(1800));
        assert_eq!(seconds("2h"), Ok(7200));
        assert_eq!(seconds("1d"), Ok(86_400));
        assert!(seconds("soon").is_err() && seconds("2w").is_err() && seconds("").is_err());
        assert!(seconds("99999999999999999999d").is_err());
    }

    #[test]
    fn a_value_may_hold_the_sign_that_splits_it() {
        assert_eq!(
            pair("reason=a=b"),
            Ok(("reason".to_owned(), "a=b".to_owned()))
        );
        assert_eq!(pair("until="), Ok(("until".to_owned(), String::new())));
        assert!(pair("reason").is_err() && pair("=x").is_err());
    }
}
