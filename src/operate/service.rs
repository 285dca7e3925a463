//! The running service: starts its parts in order, and brings them to an end without losing anything.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tracing::{error, info, warn};

use super::{clock_watch, self_watch, template_watch};
use crate::app::App;
use crate::channel::{Configured, Failure, Scope};
use crate::storage::{DatabaseUrl, Reserve};
use crate::{callback, dispatch, storage, web};

/// How long the end may take: a little more than a lane waits for its gateway's answers.
const LONGEST_END: Duration = Duration::from_secs(18);

/// How long a gateway's check may take at the start.
const LONGEST_CHECK: Duration = Duration::from_secs(10);

/// Why nobody can listen at an address: a sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else does.
    #[error(
        "the address {0} is in use: another program listens there. Stop it, or choose another \
         address with `listen`"
    )]
    InUse(String),
    /// It is not this machine's, or this user may not.
    #[error("cannot listen on {0}: {1}")]
    Refused(String, io::Error),
}

/// Listens at `address:port`; port 0 takes a free one. Connections wait until [`start`].
pub async fn bind(listen: &str) -> Result<(TcpListener, SocketAddr), BindError> {
    let explain = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(listen.to_owned()),
        _ => BindError::Refused(listen.to_owned(), error),
    };
    let listener = TcpListener::bind(listen).await.map_err(explain)?;
    let address = listener.local_addr().map_err(explain)?;
    Ok((listener, address))
}

/// Starts sending, answering and watching. Everything runs in [`App`]'s tasks until it is stopped.
pub async fn start(app: &App, listener: TcpListener) -> Result<(), storage::Error> {
    let address = listener.local_addr().ok();
    set_room_aside(app).await;
    dispatch::start(app).await?;
    if app.has_sandbox() {
        let loopback = address.map(|address| format!("http://{}", reachable(address)));
        app.tasks
            .spawn(callback::run_sandbox(app.clone(), loopback));
    }
    for gateway in &app.gateways {
        app.tasks.spawn(check_gateway(app.clone(), gateway.clone()));
    }
    app.tasks.spawn(template_watch::run(app.clone()));
    app.tasks.spawn(clock_watch::run(app.clone()));
    app.tasks.spawn(self_watch::run(app.clone()));
    app.tasks.spawn(serve(app.clone(), listener));
    Ok(())
}

/// Keeps room on the disk of an embedded database for the answers that come when it is full.
async fn set_room_aside(app: &App) {
    let bytes = u64::from(app.config.operations.reserve_megabytes) << 20;
    let DatabaseUrl::Sqlite(database) = app.config.database_url() else {
        return;
    };
    if bytes == 0 {
        return;
    }
    let mut path = database.into_os_string();
    path.push(".reserve");
    let made = tokio::task::spawn_blocking(move || Reserve::set_aside(path.into(), bytes)).await;
    if let Ok(reserve) = made {
        app.db.keep_reserve(reserve);
    }
}

/// Where to connect from this machine to reach a listener there.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        std::net::IpAddr::V4(ip) if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn serve(app: App, listener: TcpListener) {
    if let Err(error) = web::serve(app.clone(), listener).await {
        error!(%error, "The web server broke down: the service comes to an end");
    }
    app.stopping.cancel();
}

/// One sentence if the gateway cannot be reached; the service stays up and keeps trying.
async fn check_gateway(app: App, gateway: Configured) {
    let name = &gateway.common.name;
    let checked = tokio::select! {
        () = app.stopping.cancelled() => return,
        checked = tokio::time::timeout(LONGEST_CHECK, gateway.gateway.check()) => checked,
    };
    let failure = match checked {
        Ok(Ok(())) => return info!(gateway.name = name, "The gateway {name} can be reached"),
        Ok(Err(failure)) => failure,
        Err(_elapsed) => Failure::try_again("It did not answer in 10 seconds."),
    };
    let is_ours = failure.scope == Scope::Configuration;
    app.health[name].failed(
        is_ours,
        &failure.reason,
        app.clock.elapsed(),
        app.clock.now(),
    );
    app.tell();
    let cause = failure
        .source
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    warn!(
        gateway.name = name,
        cause,
        "The gateway {name} cannot be used now: {} Muster stays up and keeps trying.",
        failure.reason
    );
}

/// How the service ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything that was under way is finished and recorded, or had its time.
    Finished,
    /// A second signal cut it short; the next start looks after what was under way.
    CutShort,
    /// The disk under the database failed, with the reason: whoever looks after the process must
    /// start it again.
    Broken(String),
}

/// Waits for a signal to end (SIGTERM, SIGINT, SIGHUP) or for the service to end by itself, then
/// finishes what is in flight, 15 seconds at most. A second signal ends that at once.
pub async fn run_until_signal(app: &App) -> io::Result<End> {
    let mut signals = Signals::new()?;
    tokio::select! {
        () = app.stopping.cancelled() => {}
        reason = app.db.broken() => return Ok(End::Broken(reason)),
        () = signals.next() => info!("Stopping: nothing new is sent, what is under way is finished"),
    }
    tokio::select! {
        () = app.stop() => info!("Stopped"),
        () = tokio::time::sleep(LONGEST_END) => {
            warn!("Stopped before everything was finished: the next start looks after the rest");
        }
        () = signals.next() => return Ok(End::CutShort),
    }
    Ok(End::Finished)
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn next(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_in_use_is_told_as_such() {
        let (_listener, address) = bind("127.0.0.1:0").await.unwrap();
        let error = bind(&address.to_string()).await.unwrap_err().to_string();
        assert!(
            error.contains(&address.to_string()) && error.contains("in use"),
            "{error}"
        );
    }

    #[test]
    fn everywhere_is_reached_here() {
        assert_eq!(
            reachable("0.0.0.0:80".parse().unwrap()).to_string(),
            "127.0.0.1:80"
        );
        assert_eq!(
            reachable("[::]:80".parse().unwrap()).to_string(),
            "[::1]:80"
        );
        assert_eq!(
            reachable("10.0.0.7:80".parse().unwrap()).to_string(),
            "10.0.0.7:80"
        );
    }
}
