//! `muster stop`, `correct`, `all-clear`, `update`, `remind`: acts on an alert through a running server.

use clap::Args;
use serde_json::{Value, json};

use super::client::Server;
use super::failure::Failure;
use super::send::{announce, pair, variables};
use super::{Shared, status, terminal};

#[derive(Args)]
pub(super) struct Stop {
    /// The alert's id or number, or "last"
    alert: String,
    #[command(flatten)]
    server: Server,
}

#[derive(Args)]
pub(super) struct FollowUp {
    /// The alert's id or number, or "last"
    alert: String,
    /// The follow-up's blanks
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., value_parser = pair)]
    set: Vec<(String, String)>,
    /// Wait until no message is waiting or under way, then say how everyone stands
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    server: Server,
}

impl Stop {
    /// Does what the word says: `stop` or `remind`.
    pub(super) async fn run(&self, act: &str, shared: &Shared) -> Result<(), Failure> {
        let client = self.server.client()?;
        let id = status::find(&client, &self.alert).await?;
        let done = client
            .post(&format!("/api/v1/alerts/{id}/{act}"), &json!({}), None)
            .await?;
        if shared.json {
            return terminal::json(&done);
        }
        terminal::say(match (act, done["called_off"].as_i64()) {
            ("stop", Some(messages)) => {
                format!(
                    "Stopped: {messages} messages had not left, and will not. Answers still count."
                )
            }
            ("stop", None) => "Stopped: what had not left stays. Answers still count.".to_owned(),
            _ => "Everyone who has not answered gets the message again.".to_owned(),
        })
    }
}

impl FollowUp {
    /// Sends what the word says: `correct`, `all-clear` or `update`.
    pub(super) async fn run(&self, act: &str, shared: &Shared) -> Result<(), Failure> {
        let client = self.server.client()?;
        let id = status::find(&client, &self.alert).await?;
        let body = json!({ "variables": variables(&self.set) });
        let path = format!("/api/v1/alerts/{id}/{act}");
        let launched: Value = client.post(&path, &body, None).await?;
        announce(shared, &client, &launched).await?;
        if self.wait {
            status::wait(shared, &client, launched["id"].as_str().unwrap_or_default()).await?;
        }
        Ok(())
    }
}
