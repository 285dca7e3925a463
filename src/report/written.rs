//! What people wrote to an alert that is no answer: somebody may be trapped, and only a person can
//! read that.

use std::fmt;

use serde::Serialize;

use crate::app::App;
use crate::channel::Address;
use crate::clock::Timestamp;
use crate::ids::{AlertNumber, RecipientId, ReplyId};
use crate::response::LATEST;
use crate::storage::Error;
use crate::storage::alerts::Alert;
use crate::storage::replies::{self, Span};

/// Strays that are listed; older ones than the newest so many are not.
const STRAYS: i64 = 50;

/// Something that a person wrote. Its Debug form shows no name and no words.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// When it came.
    pub at: Timestamp,
    /// Who wrote it: their place in the alert.
    pub recipient: RecipientId,
    /// Their name, as it was at launch.
    pub name: String,
    /// What they wrote.
    pub text: String,
    /// Whether an answer of theirs came after it, or someone marked one.
    pub settled: bool,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written")
            .field("at", &self.at)
            .field("recipient", &self.recipient)
            .finish_non_exhaustive()
    }
}

/// Everything that the people of an alert wrote, oldest first.
pub async fn of_alert(app: &App, alert: &Alert) -> Result<Vec<Written>, Error> {
    let base = alert.number.base();
    let last = RecipientId(base + alert.recipients);
    between(app, alert, RecipientId(base), last).await
}

/// The same of the recipients from `first` to `last`.
pub async fn between(
    app: &App,
    alert: &Alert,
    first: RecipientId,
    last: RecipientId,
) -> Result<Vec<Written>, Error> {
    let span = Span {
        from: alert.launched_at,
        to: alert
            .closed_at
            .map_or(Timestamp(i64::MAX), |at| at.after(LATEST)),
        reach: reach(),
    };
    let rows = replies::list_between(&app.db, span, first, last).await?;
    let written = rows.into_iter().map(|row| Written {
        at: row.at,
        recipient: row.recipient,
        name: row.name,
        text: open(app, row.id, &row.sealed).1,
        settled: row.is_settled,
    });
    Ok(written.collect())
}

/// Something that came from nobody in a running alert. Its Debug form shows no name and no words.
#[derive(Clone, PartialEq, Eq)]
pub struct Stray {
    /// When it came.
    pub at: Timestamp,
    /// The number it came from.
    pub from: Address,
    /// What it says.
    pub text: String,
    /// Who wrote it, if an alert that is over had been sent to that number.
    pub writer: Option<Writer>,
}

impl fmt::Debug for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stray")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Someone in an alert that is over.
#[derive(Clone, PartialEq, Eq)]
pub struct Writer {
    /// The alert.
    pub alert: AlertNumber,
    /// Their place in it.
    pub recipient: RecipientId,
    /// Their name, as it was at its launch.
    pub name: String,
}

/// What came in the last three days from nobody in a running alert, and that nobody has dealt with:
/// the newest first.
pub async fn strays(app: &App) -> Result<Vec<Stray>, Error> {
    let now = app.clock.now();
    let span = Span {
        from: Timestamp(now.0 - reach()),
        to: now,
        reach: reach(),
    };
    let rows = replies::list_stray(&app.db, span, STRAYS).await?;
    let strays = rows.into_iter().map(|row| {
        let (from, text) = open(app, row.id, &row.sealed);
        let writer = row.alert.zip(row.recipient).zip(row.name);
        Stray {
            at: row.at,
            from: Address::new(from),
            text,
            writer: writer.map(|((alert, recipient), name)| Writer {
                alert,
                recipient,
                name,
            }),
        }
    });
    Ok(strays.collect())
}

fn reach() -> i64 {
    i64::try_from(LATEST.as_millis()).unwrap_or(i64::MAX)
}

/// Number and words. What does not open is said, not left out: that something came is known.
fn open(app: &App, id: ReplyId, sealed: &[u8]) -> (String, String) {
    let clear = app.keys.open_text(id.0.as_bytes(), sealed);
    let clear =
        clear.unwrap_or_else(|_| "\n(this message cannot be opened with the key)".to_owned());
    let (from, text) = clear.split_once('\n').unwrap_or_default();
    (from.to_owned(), text.trim().to_owned())
}
