//! `muster send`: launches an approved message through a running server.

use clap::Args;
use serde_json::{Map, Value, json};

use super::client::{Client, Server, id_of};
use super::failure::Failure;
use super::{Shared, status, terminal};
use crate::ids::ContactId;
use crate::keys::random_token;

#[derive(Args)]
#[command(group(clap::ArgGroup::new("mode").required(true).args(["live", "drill"])))]
#[command(group(clap::ArgGroup::new("whom").required(true).multiple(true).args(["to", "contact"])))]
pub(super) struct Send {
    /// The template's name, as `muster templates list` shows it
    template: String,
    /// Groups, by name: several with spaces or commas, behind the template
    #[arg(long, value_name = "GROUP", num_args = 1.., value_delimiter = ',')]
    to: Vec<String>,
    /// People, by id: several with commas
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = contact)]
    contact: Vec<ContactId>,
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
    /// Ask people in turn until so many have said yes, instead of everyone at once
    #[arg(long, value_name = "NUMBER")]
    needed: Option<u32>,
    /// Of a call-out: after this without an answer the next one is asked too: 90s, 10m
    #[arg(long, value_name = "TIME", value_parser = seconds, requires = "needed")]
    answer_within: Option<u64>,
    /// Of a call-out: how many more than are needed are asked at a time
    #[arg(long, value_name = "NUMBER", requires = "needed")]
    ahead: Option<u32>,
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
        _ => Err(
            "write KEY=VALUE, as in reason=\"burst pipe\"; the template or the alert comes before --set"
                .to_owned(),
        ),
    }
}

fn contact(text: &str) -> Result<ContactId, String> {
    text.parse().map_err(|_cause| {
        "write a person's id, as the address of the person's page ends in it".to_owned()
    })
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

/// Pairs as the API takes them; a blank that is filled twice is refused.
pub(super) fn variables(pairs: &[(String, String)]) -> Result<Value, Failure> {
    let mut variables = Map::new();
    for (key, value) in pairs {
        if variables
            .insert(key.clone(), value.clone().into())
            .is_some()
        {
            return Err(Failure::Usage(format!(
                "--set fills \"{key}\" twice: keep one of the two"
            )));
        }
    }
    Ok(Value::Object(variables))
}

impl Send {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let body = self.body()?;
        let client = self.server.client()?;
        let key = self.key.clone().unwrap_or_else(random_token);
        let launched = client.act("/api/v1/alerts", &body, &key).await?;
        tell(shared, &client, &launched, self.wait).await
    }

    fn body(&self) -> Result<Value, Failure> {
        let mut body = json!({
            "template": self.template,
            "mode": if self.live { "live" } else { "drill" },
            "audience": { "groups": self.to, "contacts": self.contact },
            "variables": variables(&self.set)?,
        });
        if let Some(plan) = &self.plan {
            body["plan"] = json!(plan);
        }
        if let Some(seconds) = self.expires_in {
            body["expires_in"] = json!(seconds);
        }
        if let Some(needed) = self.needed {
            body["needed"] = json!(needed);
        }
        if let Some(seconds) = self.answer_within {
            body["answer_within"] = json!(seconds);
        }
        if let Some(ahead) = self.ahead {
            body["ahead"] = json!(ahead);
        }
        Ok(body)
    }
}

/// Says what was launched and, if it is to wait, how everyone stands in the end. In JSON that is one
/// value: the alert as it stands has everything that the launch said.
pub(super) async fn tell(
    shared: &Shared,
    client: &Client,
    launched: &Value,
    waits: bool,
) -> Result<(), Failure> {
    if !(waits && shared.json) {
        announce(shared, launched)?;
    }
    match id_of(launched).filter(|_| waits) {
        Some(id) => status::wait(shared, client, id).await,
        None => Ok(()),
    }
}

fn announce(shared: &Shared, launched: &Value) -> Result<(), Failure> {
    if shared.json {
        return terminal::json(launched);
    }
    let text = |key: &str| launched[key].as_str().unwrap_or_default();
    let people = launched["recipients"].as_i64().unwrap_or_default();
    terminal::say(format!(
        "{} alert {} goes to {}",
        text("mode").to_uppercase(),
        launched["number"],
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
