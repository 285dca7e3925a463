//! `muster demo`: a fictitious clinic to try everything on.

mod once;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;

use super::failure::{Failure, said};
use super::{Shared, logging, serve, terminal};
use crate::account::link;
use crate::app::{App, ServerLock};
use crate::audit::Actor;
use crate::clock::Clock;
use crate::config::LogFormat;
use crate::demo::house::{self, Pace};
use crate::demo::seed;
use crate::operate::service::{self, BindError};
use crate::storage::Access;

/// Where the demonstration listens unless told otherwise.
const USUAL_PORT: u16 = 8080;

/// How many ports behind the usual one are tried.
const MORE_PORTS: u16 = 20;

/// How long the sign-in link can be used.
const LINK_VALID: Duration = Duration::from_hours(12);

/// What is logged: not that its own templates are approved.
const LOGGED: &str = "warn,muster=info,muster::template_approval=warn";

#[derive(Args)]
pub(super) struct Demo {
    /// Where to listen; without it 127.0.0.1:8080 or the next free port
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Send one closure alert, let the simulated people answer, print the account and end
    #[arg(long)]
    once: bool,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_cause| "write an address and a port, as in 127.0.0.1:8080".to_owned())
}

impl Demo {
    pub(super) async fn run(&self, shared: &Shared) -> Result<(), Failure> {
        if self.once {
            return once::run(shared).await;
        }
        logging::start(LogFormat::Text, LOGGED)?;
        let (listener, address) = listen(self.listen).await?;
        let folder = shared.data_dir().unwrap_or_else(|| house::FOLDER.into());
        let (app, _lock) = open(&folder, address, Pace::Watched).await?;
        let manager = seed::seed(&app).await?;
        service::start(&app, listener).await?;
        let (now, by) = (app.clock.now(), Actor::system());
        let token = link::make_sign_in(&app.db, manager.id, LINK_VALID, now, &by).await?;
        let sign_in = format!("{}/sign-in/{token}", app.public_url);
        match announce(shared, &app, &folder, &sign_in) {
            Ok(()) | Err(Failure::NobodyListens) => {}
            Err(failure) => return Err(failure),
        }
        serve::run(&app).await
    }
}

/// Opens the demonstration's own data folder and nobody else's.
async fn open(
    folder: &Path,
    address: SocketAddr,
    pace: Pace,
) -> Result<(App, impl Sized + use<>), Failure> {
    house::claim(folder)?;
    let url = format!("http://{}", service::reachable(address));
    let listen = address.to_string();
    let config = house::config(folder.to_owned(), &listen, &url, pace);
    let lock = ServerLock::take(&config)?;
    house::leave_settings(folder, &listen, &url, pace)?;
    let app = App::open(config, Clock::system(), Access::Migrate).await?;
    Ok((app, lock))
}

/// Listens where it was told to, else at the usual port, else at the next free one.
async fn listen(asked: Option<SocketAddr>) -> Result<(TcpListener, SocketAddr), Failure> {
    if let Some(asked) = asked {
        return Ok(service::bind(&asked.to_string()).await?);
    }
    next_free(USUAL_PORT).await
}

async fn next_free(usual: u16) -> Result<(TcpListener, SocketAddr), Failure> {
    let last = usual.saturating_add(MORE_PORTS);
    for port in usual..=last {
        match service::bind(&format!("127.0.0.1:{port}")).await {
            Ok(bound) => {
                if port != usual {
                    terminal::remark(format!("Port {usual} is in use: taking {port}."));
                }
                return Ok(bound);
            }
            Err(BindError::InUse(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(said(format!(
        "the ports {usual} to {last} are all in use: name a free one with --listen"
    )))
}

fn announce(shared: &Shared, app: &App, folder: &Path, sign_in: &str) -> Result<(), Failure> {
    let url = &app.public_url;
    if shared.json {
        return terminal::json(&json!({
            "url": url, "sign_in_url": sign_in, "sandbox_url": format!("{url}/sandbox"),
            "data_dir": folder,
        }));
    }
    terminal::say(format!(
        "{} does not exist, and nothing leaves this machine: its 40 staff, 120 patients and 8 \
         vendors\nand authorities are simulated. Send them something, and watch them answer.\n",
        app.config.organisation.name
    ))?;
    terminal::say(format!("Sign in: {sign_in}"))?;
    terminal::say(format!("Phones:  {url}/sandbox"))?;
    terminal::say(format!(
        "\nThe link works once; the next start prints another. The data is in {}: delete it to \
         begin anew.\nCtrl-C ends it.",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_passed_over() {
        // Somewhere below the ports that the system hands out by itself.
        let taken = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let usual = taken % 10_000 + 10_000;
        let (_first, first) = next_free(usual).await.unwrap();
        let (_second, second) = next_free(first.port()).await.unwrap();
        assert!(second.port() > first.port());
    }
}
