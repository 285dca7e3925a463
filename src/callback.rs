//! Brings what gateways post to us into receipts and answers, after the gateway's own check that it
//! was the gateway that posted it. The simulated phones' receipts and answers take the same way.

use tracing::{info, warn};

use crate::app::App;
use crate::channel::sandbox::{SandboxEvent, TapError, TapRunner};
use crate::channel::{Callback, CallbackError};
use crate::storage::Error;
use crate::{receipt, response};

/// Why a callback changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallbackFailure {
    /// There is no such gateway.
    #[error("there is no such gateway")]
    UnknownGateway,
    /// It is not believed or not understood.
    #[error(transparent)]
    Refused(#[from] CallbackError),
    /// It could not be kept: the gateway should send it again.
    #[error(transparent)]
    Storage(#[from] Error),
}

/// Takes in receipts.
pub async fn status(app: &App, gateway: &str, callback: &Callback) -> Result<(), CallbackFailure> {
    let configured = app
        .gateway(gateway)
        .ok_or(CallbackFailure::UnknownGateway)?;
    let said = configured
        .gateway
        .receipt(callback)
        .inspect_err(|error| note(app, gateway, error))?;
    receipt::record(app, gateway, said).await?;
    Ok(())
}

/// Takes in a message that someone sent.
pub async fn inbound(app: &App, gateway: &str, callback: &Callback) -> Result<(), CallbackFailure> {
    let configured = app
        .gateway(gateway)
        .ok_or(CallbackFailure::UnknownGateway)?;
    let message = configured
        .gateway
        .inbound(callback)
        .inspect_err(|error| note(app, gateway, error))?;
    response::inbound(app, gateway, message).await?;
    Ok(())
}

fn note(app: &App, gateway: &str, error: &CallbackError) {
    if let (CallbackError::Forged, Some(health)) = (error, app.health.get(gateway)) {
        health.forged();
    }
    warn!(gateway.name = gateway, %error, "Refused a callback");
}

/// Carries what the simulated people do to where real people's acts go, until the service stops.
/// `loopback` is where this server listens: their taps go there whatever the public address is.
pub async fn run_sandbox(app: App, loopback: Option<String>) {
    let Some(mut events) = app.phones.events() else {
        return;
    };
    let runner = match TapRunner::new(&app.public_url, loopback.as_deref()) {
        Ok(runner) => std::sync::Arc::new(runner),
        Err(error) => {
            warn!(%error, "The simulated people cannot answer");
            return;
        }
    };
    loop {
        let event = tokio::select! {
            () = app.stopping.cancelled() => return,
            event = events.next() => event,
        };
        let done = match event {
            SandboxEvent::Receipt { gateway, receipt } => {
                receipt::record(&app, &gateway, vec![receipt]).await
            }
            SandboxEvent::Reply { gateway, inbound } => {
                response::inbound(&app, &gateway, inbound).await.map(|_| ())
            }
            SandboxEvent::Tap { link, wish, .. } => {
                let runner = std::sync::Arc::clone(&runner);
                app.tasks.spawn(async move {
                    match runner.tap(&link, wish).await {
                        Ok(()) | Err(TapError::NothingToPress) => {}
                        Err(error) => info!(%error, "A simulated person could not answer"),
                    }
                });
                Ok(())
            }
        };
        if let Err(error) = done {
            warn!(%error, "What a simulated person did could not be recorded");
        }
    }
}
