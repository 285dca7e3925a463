//! Tells the other servers on the same database at once that there is work or news, and hears it
//! from them.
//!
//! A word is said after the commit that it speaks of, and at most once in 50 ms however much
//! happens: a NOTIFY inside a transaction makes all transactions that do the same commit one after
//! the other, in the whole database. Whatever is not heard, because a server died between its commit
//! and the word or a connection was lost, is found by the look at the database each second.

use std::time::Duration;

use tracing::{debug, info, warn};

use crate::app::{App, Said};
use crate::ids::BootId;
use crate::storage::Error;

/// Between two words of one server.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two attempts to listen.
const RETRY: Duration = Duration::from_secs(1);

/// What is said to the others: there may be something to send, or only something to show.
const WORK: &str = "work";
const NEWS: &str = "news";

/// Says what happens here. Runs until the service stops.
pub async fn speak(app: App, boot: BootId) {
    let mut said = app.said();
    let mut told = Said::default();
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            changed = said.changed() => if changed.is_err() { return },
        }
        let now = *said.borrow_and_update();
        let what = if now.work == told.work { NEWS } else { WORK };
        told = now;
        if let Err(error) = app.db.say(&format!("{} {what}", boot.0)).await {
            debug!(%error, "The other servers were not told; they look for themselves each second");
        }
        tokio::time::sleep(PAUSE).await; // lets what happens meanwhile be one word
    }
}

/// Hears what happens elsewhere. Runs until the service stops.
pub async fn listen(app: App, boot: BootId) {
    let mut is_deaf = false;
    loop {
        let heard = tokio::select! {
            () = app.stopping.cancelled() => return,
            heard = listen_once(&app, boot, &mut is_deaf) => heard,
        };
        let Err(error) = heard else { continue };
        if !is_deaf {
            warn!(%error, "The other servers are not heard for now; the database is asked each second");
        }
        is_deaf = true;
        tokio::time::sleep(RETRY).await; // paces the attempts
    }
}

/// Listens on one connection for as long as it is good.
async fn listen_once(app: &App, boot: BootId, is_deaf: &mut bool) -> Result<(), Error> {
    let Some(mut ear) = app.db.listen().await? else {
        app.stopping.cancelled().await;
        return Ok(());
    };
    if std::mem::take(is_deaf) {
        info!("The other servers are heard again");
    }
    // Something may have happened while nobody listened.
    app.hear_work();
    while let Some(word) = ear.hear().await? {
        match understand(&word, boot) {
            Some(WORK) => app.hear_work(),
            Some(_) => app.hear_news(),
            None => {}
        }
    }
    Ok(())
}

/// What another server says; none if it is our own voice, or no word of ours.
fn understand(word: &str, boot: BootId) -> Option<&str> {
    let (speaker, what) = word.split_once(' ')?;
    let speaker: i64 = speaker.parse().ok()?;
    (speaker != boot.0).then_some(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_listens_to_themselves() {
        assert_eq!(understand("7 work", BootId(7)), None);
        assert_eq!(understand("8 work", BootId(7)), Some(WORK));
        assert_eq!(understand("a word of nobody's", BootId(7)), None);
    }
}
