//! Tells a monitoring outside the house, once a minute, that all is well. Silence is the alarm.

use std::time::Duration;

use reqwest::{Client, Proxy, Url};

use crate::channel::http_client::{Limits, careful};
use crate::channel::tls;
use crate::config::Operations;

/// Tries at most, so that one lost packet raises no alarm.
const TRIES: u32 = 3;
/// Between two of them.
const PAUSE: Duration = Duration::from_secs(2);

/// Where to tell it.
#[derive(Clone, Debug)]
pub(super) struct Heartbeat {
    client: Client,
    url: Url,
}

impl Heartbeat {
    /// None if nobody outside is to be told. The reason, if the configured address cannot be used.
    pub(super) fn open(operations: &Operations) -> Result<Option<Self>, String> {
        let Some(url) = &operations.heartbeat_url else {
            return Ok(None);
        };
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        let tls = tls::client_config(None).map_err(|error| error.message)?;
        let mut builder = careful(tls, Limits::default());
        if let Some(proxy) = &operations.heartbeat_proxy {
            builder = builder.proxy(Proxy::all(proxy).map_err(without_url)?);
        }
        let client = builder.build().map_err(without_url)?;
        Ok(Some(Self { client, url }))
    }

    /// Tells it. The address may hold a secret, so that no reason names it.
    pub(super) async fn ping(&self) -> Result<(), String> {
        let mut failed = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await; // paces the tries
            }
            match self.client.get(self.url.clone()).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => {
                    failed = format!("it answered with status {}", answer.status().as_u16());
                }
                Err(error) => failed = without_url(error),
            }
        }
        Err(failed)
    }
}

fn without_url(error: reqwest::Error) -> String {
    let error = error.without_url();
    match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
