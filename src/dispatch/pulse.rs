//! Counts the turns of everything that must turn for messages to go out, so that what is stuck is
//! noticed from outside.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// A part of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part<'a> {
    /// Carries out the plans.
    Escalation,
    /// Finds what dead servers left.
    Recovery,
    /// Sends through the gateway of that name.
    Lane(&'a str),
    /// Asks the gateway of that name.
    Asking(&'a str),
}

/// How often each part has finished a turn without a failure.
#[derive(Debug)]
pub struct Pulse {
    escalation: AtomicU64,
    recovery: AtomicU64,
    lanes: BTreeMap<String, AtomicU64>,
    /// Zero where nobody asks: not every gateway can be asked.
    askings: BTreeMap<String, AtomicU64>,
    note: watch::Sender<()>,
}

impl Pulse {
    /// No turns yet, of lanes with these names.
    pub fn of(gateways: impl IntoIterator<Item = String>) -> Self {
        let lanes = gateways.into_iter().map(|name| (name, AtomicU64::new(0)));
        let lanes: BTreeMap<_, _> = lanes.collect();
        let askings = lanes.keys().map(|name| (name.clone(), AtomicU64::new(0)));
        Self {
            askings: askings.collect(),
            escalation: AtomicU64::new(0),
            recovery: AtomicU64::new(0),
            lanes,
            note: watch::Sender::new(()),
        }
    }

    /// A part finished a turn. Each does at least once a second, even when there is nothing to do.
    pub fn note(&self, part: Part<'_>) {
        let count = match part {
            Part::Escalation => Some(&self.escalation),
            Part::Recovery => Some(&self.recovery),
            Part::Lane(name) => self.lanes.get(name),
            Part::Asking(name) => self.askings.get(name),
        };
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
            self.note.send_replace(());
        }
    }

    /// From here on the gateway of that name is asked, and that must turn too.
    pub fn begin_asking(&self, gateway: &str) {
        if let Some(count) = self.askings.get(gateway) {
            count.fetch_max(1, Ordering::Relaxed);
        }
    }

    /// Waits until every part has finished a turn after this was asked. Otherwise names, in words,
    /// those that have not.
    pub async fn next(&self, within: Duration) -> Result<(), Vec<String>> {
        let mut news = self.note.subscribe();
        let asked = self.counts();
        let mut late: Vec<String> = asked.iter().map(|(part, _)| words(*part)).collect();
        let all_turned = async {
            while !late.is_empty() && news.changed().await.is_ok() {
                let now = self.counts();
                let still = asked.iter().filter(|then| now.contains(then));
                late = still.map(|(part, _)| words(*part)).collect();
            }
        };
        // The time is over, or not: what counts is who is late.
        drop(tokio::time::timeout(within, all_turned).await);
        if late.is_empty() { Ok(()) } else { Err(late) }
    }

    fn counts(&self) -> Vec<(Part<'_>, u64)> {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let lanes = self.lanes.iter();
        let askings = self.askings.iter();
        let askings = askings.map(|(name, count)| (Part::Asking(name), read(count)));
        [
            (Part::Escalation, read(&self.escalation)),
            (Part::Recovery, read(&self.recovery)),
        ]
        .into_iter()
        .chain(lanes.map(|(name, count)| (Part::Lane(name), read(count))))
        .chain(askings.filter(|(_, count)| *count > 0))
        .collect()
    }
}

fn words(part: Part<'_>) -> String {
    match part {
        Part::Escalation => "the carrying out of plans".to_owned(),
        Part::Recovery => "the look for messages in doubt".to_owned(),
        Part::Lane(name) => format!("the lane of the gateway {name}"),
        Part::Asking(name) => format!("the asking of the gateway {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_cycle_is_a_turn_of_every_part_and_whoever_is_late_is_named() {
        let pulse = Pulse::of(["sms".to_owned(), "mail".to_owned()]);
        pulse.note(Part::Lane("sms"));
        let asked = async {
            tokio::task::yield_now().await;
            for part in [Part::Escalation, Part::Recovery, Part::Lane("sms")] {
                pulse.note(part);
            }
        };
        let (late, ()) = tokio::join!(pulse.next(SHORT), asked);
        assert_eq!(late.unwrap_err(), ["the lane of the gateway mail"]);
    }

    #[tokio::test]
    async fn a_gateway_that_is_asked_must_be_asked_and_one_that_is_not_need_not() {
        let pulse = Pulse::of(["carrier".to_owned(), "mail".to_owned()]);
        pulse.begin_asking("carrier");
        let asked = async {
            tokio::task::yield_now().await;
            for part in [Part::Escalation, Part::Recovery] {
                pulse.note(part);
            }
            pulse.note(Part::Lane("carrier"));
            pulse.note(Part::Lane("mail"));
        };
        let (late, ()) = tokio::join!(pulse.next(SHORT), asked);
        assert_eq!(late.unwrap_err(), ["the asking of the gateway carrier"]);
    }

    #[tokio::test]
    async fn turns_from_before_the_question_do_not_count() {
        let pulse = Pulse::of([]);
        pulse.note(Part::Escalation);
        pulse.note(Part::Recovery);
        assert_eq!(pulse.next(SHORT).await.unwrap_err().len(), 2);
        let both = async {
            tokio::task::yield_now().await;
            pulse.note(Part::Escalation);
            pulse.note(Part::Recovery);
        };
        let long = Duration::from_mins(1);
        assert_eq!(tokio::join!(pulse.next(long), both).0, Ok(()));
    }
}
