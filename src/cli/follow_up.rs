//! `muster stop`, `correct`, `all-clear`, `update`, `remind`: acts on an alert through a running server.

use clap::Args;
use serde_json::json;

use super::client::Server;
use super::failure::Failure;
use super::send::{self, pair, variables};
use super::{Shared, status, terminal};
use crate::keys::random_token;

#[derive(Args)]
pub(super) struct Stop {
    /// The alert's id or number, or "last": the newest that follows no other
    alert: String,
    #[command(flatten)]
    server: Server,
}

#[derive(Args)]
pub(super) struct Remind {
    /// The alert's id or number, or "last": the newest that follows no other
    alert: String,
    /// The same key with the same request is the same reminder, however often it is sent
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    server: Server,
}

#[derive(Args)]
pub(super) struct FollowUp {
    /// The alert's id or number, or "last": the newest that follows no other
    alert: String,
    /// The follow-up's blanks
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., value_parser = pair)]
    set: Vec<(String, String)>,
    /// Wait until no message is waiting or under way, then say how everyone stands
    #[arg(long)]
    wait: bool,
    /// The same key with the same request is the same follow-up, however often it is sent
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    server: Server,
}

impl Stop {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let client = self.server.client()?;
        let id = status::find(&client, &self.alert).await?;
        let stopped = client.stop(id).await?;
        if shared.json {
            return terminal::json(&stopped);
        }
        terminal::say(match stopped["called_off"].as_i64() {
            Some(messages) => format!(
                "Stopped: {messages} messages had not left, and will not. Answers still count."
            ),
            None => "Stopped: what had not left stays. Answers still count.".to_owned(),
        })
    }
}

impl Remind {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let client = self.server.client()?;
        let id = status::find(&client, &self.alert).await?;
        let path = format!("/api/v1/alerts/{id}/remind");
        let key = self.key.clone().unwrap_or_else(random_token);
        let reminded = client.act(&path, &json!({}), &key).await?;
        if shared.json {
            return terminal::json(&reminded);
        }
        terminal::say("Everyone who has not answered gets the message again.")
    }
}

impl FollowUp {
    /// Sends what the word says: `correct`, `all-clear` or `update`.
    pub(super) async fn run(&self, act: &str, shared: &Shared) -> Result<(), Failure> {
        let body = json!({ "variables": variables(&self.set)? });
        let client = self.server.client()?;
        let id = status::find(&client, &self.alert).await?;
        let path = format!("/api/v1/alerts/{id}/{act}");
        let key = self.key.clone().unwrap_or_else(random_token);
        let launched = client.act(&path, &body, &key).await?;
        if launched["state"] == "stopped" && !shared.json {
            return terminal::say("Stopped before anybody was told. Nobody is written to.");
        }
        send::tell(shared, &client, &launched, self.wait).await
    }
}
