//! Decides a call-out: who is in, who stands by, whom to ask next, whom to tell. Pure.
//!
//! A call-out needs a number of people and asks no more of them than it must. As many are asked at
//! first as are needed; for each *no*, for each message that reached nobody, and for each one who
//! stays silent for too long, the next is asked. A yes gives a *turn*: the smallest turns are in, as
//! many as are needed, and the rest is the standby list. Whoever is in stays in, because turns are
//! given one after the other; when one of them withdraws, the first of the standby list moves up.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::alert::words::word_enum;
use crate::clock::Timestamp;
use crate::ids::{AlertId, ContactId, RecipientId};

/// Asks of the past that count for the order of the next: those of a quarter of a year.
pub const REMEMBERED: Duration = Duration::from_hours(90 * 24);

/// Without an answer for so long, the next one is asked too, unless it is said otherwise.
pub const ANSWER_WITHIN: Duration = Duration::from_mins(10);

word_enum! {
    /// Which of an alert's texts a message is.
    Says {
        /// What the alert is about. The only one of an alert that is no call-out.
        Message = "message",
        /// Enough have said yes, thank you.
        Filled = "filled",
        /// Someone of the standby list is needed after all.
        Needed = "needed",
    }
}

impl Says {
    /// What a call-out says later, beside the message itself.
    pub const LATER: [Self; 2] = [Self::Filled, Self::Needed];
}

word_enum! {
    /// What someone last heard of their place.
    Told {
        /// That they are on the standby list, on the answer page.
        Standby = "standby",
        /// That it is filled, by a message.
        Filled = "filled",
        /// That they are needed after all, by a message.
        Needed = "needed",
    }
}

/// What a call-out is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many people must say yes.
    pub needed: u32,
    /// Who has not answered for so long no longer keeps the next one from being asked.
    pub answer_within: Duration,
    /// How many more than are needed are asked at a time.
    pub ahead: u32,
}

impl Settings {
    /// What is wrong with it, as a sentence.
    pub fn problem(&self) -> Option<&'static str> {
        let seconds = self.answer_within.as_secs();
        if !(1..=10_000).contains(&self.needed) {
            Some("needed must be between 1 and 10000 people")
        } else if !(10..=86_400).contains(&seconds) {
            Some("answer_within must be between 10 seconds and 24 hours, in seconds: 10 to 86400")
        } else if self.ahead > 1000 {
            Some("ahead must be 1000 people at most")
        } else {
            None
        }
    }
}

/// What a launch asks for; what it leaves open is as the template says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How many people must say yes.
    pub needed: u32,
    /// As in [`Settings`].
    pub answer_within: Option<Duration>,
    /// As in [`Settings`].
    pub ahead: Option<u32>,
}

/// What one who was asked has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reply {
    /// Nothing yet, or nothing that a machine may not have said. A message has reached them, or may.
    Silent,
    /// Nothing, and no message can have reached them.
    Lost,
    /// Yes; the smallest turns are in.
    Yes {
        /// Given one after the other, never twice.
        turn: i64,
    },
    /// No, or that they need help themselves.
    No,
}

/// Someone who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub recipient: RecipientId,
    /// Since when they may think.
    pub asked_at: Timestamp,
    /// What they said.
    pub reply: Reply,
    /// What they last heard of their place.
    pub told: Option<Told>,
}

/// What is to be done now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// How many more people to ask, the next in order.
    pub ask: u64,
    /// Who is to hear that it is filled.
    pub filled: Vec<RecipientId>,
    /// Who was told that they are not needed, and is.
    pub needed: Vec<RecipientId>,
}

impl Decision {
    /// Whether there is nothing to do.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Where someone who said yes stands among all who did: `ahead_of_them` have a smaller turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// They are one of those who are needed.
    In,
    /// They are on the standby list, at this place, from 1.
    Standby(i64),
}

impl Place {
    /// The place of one whom `ahead_of_them` others came before.
    pub fn behind(ahead_of_them: i64, needed: i64) -> Self {
        if ahead_of_them < needed {
            Self::In
        } else {
            Self::Standby(ahead_of_them - needed + 1)
        }
    }
}

/// What is to be done at `now`. `unasked` people of the audience have not been asked.
///
/// Whoever may still answer in time keeps one more from being asked; everyone may still say yes
/// later, for as long as the alert runs.
pub fn decide(settings: &Settings, asked: &[Asked], unasked: u64, now: Timestamp) -> Decision {
    let mut yes: Vec<(i64, &Asked)> = asked
        .iter()
        .filter_map(|one| match one.reply {
            Reply::Yes { turn } => Some((turn, one)),
            _ => None,
        })
        .collect();
    yes.sort_by_key(|(turn, one)| (*turn, one.recipient));
    let needed = usize::try_from(settings.needed).unwrap_or(usize::MAX);
    let (within, standby) = yes.split_at(needed.min(yes.len()));
    let missing = needed - within.len();
    let open = asked
        .iter()
        .filter(|one| one.reply == Reply::Silent)
        .filter(|one| now.since(one.asked_at) < settings.answer_within)
        .count();
    let wanted = match missing {
        0 => 0,
        _ => (missing + settings.ahead as usize).saturating_sub(open),
    };
    let silent = asked.iter().filter(|one| one.reply == Reply::Silent);
    let rest = standby.iter().map(|(_, one)| *one).chain(silent);
    let mut filled: Vec<RecipientId> = rest
        .filter(|one| missing == 0 && one.told != Some(Told::Filled))
        .map(|one| one.recipient)
        .collect();
    filled.sort_unstable();
    Decision {
        ask: unasked.min(wanted as u64),
        filled,
        needed: within
            .iter()
            .filter(|(_, one)| matches!(one.told, Some(Told::Standby | Told::Filled)))
            .map(|(_, one)| one.recipient)
            .collect(),
    }
}

/// Someone of the audience, and how often earlier call-outs asked them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Candidate {
    /// Who.
    pub contact_id: ContactId,
    /// When they were last asked; none if that is too long ago to count.
    pub last_asked: Option<Timestamp>,
    /// How often they were asked in that time.
    pub times: i64,
}

/// The order in which people are asked: who was asked longest ago, or never, comes first; then who
/// was asked least often; then by lot, which is drawn anew for each alert and the same whenever one
/// looks at it. Nobody comes first for their name.
pub fn fair_order(mut candidates: Vec<Candidate>, alert: AlertId) -> Vec<ContactId> {
    candidates.sort_by_cached_key(|one| (one.last_asked, one.times, lot(alert, one.contact_id)));
    candidates.into_iter().map(|one| one.contact_id).collect()
}

fn lot(alert: AlertId, contact: ContactId) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(alert.0.as_bytes());
    hash.update(contact.0.as_bytes());
    hash.finalize().into()
}

/// What a template says of its call-outs. It has a text for each of [`Says::LATER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateCallOut {
    /// How many the launch page proposes; none: it asks.
    #[serde(default)]
    pub needed: Option<u32>,
    /// Seconds that someone may think before the next is asked too.
    #[serde(default = "TemplateCallOut::answer_within")]
    pub answer_within_seconds: u32,
    /// How many more than needed are asked at a time.
    #[serde(default)]
    pub ahead: u32,
}

impl TemplateCallOut {
    fn answer_within() -> u32 {
        u32::try_from(ANSWER_WITHIN.as_secs()).unwrap_or(u32::MAX)
    }

    /// A launch's wish with what it leaves open filled in.
    pub fn settings(&self, wanted: &Wanted) -> Settings {
        let usual = Duration::from_secs(self.answer_within_seconds.into());
        Settings {
            needed: wanted.needed,
            answer_within: wanted.answer_within.unwrap_or(usual),
            ahead: wanted.ahead.unwrap_or(self.ahead),
        }
    }
}

#[cfg(test)]
mod tests;
