//! How a call-out stands, in numbers and in words.

use serde::Serialize;

use crate::alert::words::AlertState;
use crate::call_out::Place;
use crate::clock::Timestamp;
use crate::ids::RecipientId;
use crate::storage::alerts::Alert;
use crate::storage::call_out::Standing;

/// How a call-out stands: people of its audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CallOutFigures {
    /// How many must say yes.
    pub needed: i64,
    /// How many of them are in.
    pub coming: i64,
    /// How many places are open.
    pub still_needed: i64,
    /// How many said yes after it was filled.
    pub standby: i64,
    /// How many were asked.
    pub asked: i64,
    /// How many were asked and cannot come.
    pub declined: i64,
    /// How many were not asked: it is filled, or their turn has not come.
    pub not_asked: i64,
    /// Seconds without an answer after which the next one is asked too.
    pub answer_within: i64,
    /// How many more than are needed are asked at a time.
    pub ahead: i64,
}

/// The same with the moment from which on enough had said yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CallOutAccount {
    /// The figures.
    #[serde(flatten)]
    pub figures: CallOutFigures,
    /// Since when it is filled; none while places are open.
    pub filled_at: Option<Timestamp>,
}

impl CallOutAccount {
    /// Counts a call-out.
    pub fn of(alert: &Alert, standing: &Standing) -> Self {
        Self {
            figures: CallOutFigures::of(alert, standing),
            filled_at: standing.call_out.filled_at,
        }
    }
}

impl CallOutFigures {
    /// Counts a call-out.
    pub fn of(alert: &Alert, standing: &Standing) -> Self {
        Self {
            needed: standing.call_out.needed.into(),
            coming: standing.coming(),
            still_needed: standing.still_needed(),
            standby: standing.standby(),
            asked: standing.asked(),
            declined: standing.declined,
            not_asked: (alert.recipients - standing.asked()).max(0),
            answer_within: standing.call_out.answer_within.into(),
            ahead: standing.call_out.ahead.into(),
        }
    }

    /// "Filled: 5 of 5 are coming, 2 stand by.", "3 of 5 are coming, 2 more are needed. 8 were asked."
    pub fn in_words(&self) -> String {
        let (coming, needed) = (self.coming, self.needed);
        let are = if coming == 1 { "is" } else { "are" };
        let standby = match self.standby {
            0 => String::new(),
            1 => ", 1 stands by".to_owned(),
            standby => format!(", {standby} stand by"),
        };
        if self.still_needed == 0 {
            return format!("Filled: {coming} of {needed} {are} coming{standby}.");
        }
        let more = match self.still_needed {
            1 => "1 more is needed".to_owned(),
            more => format!("{more} more are needed"),
        };
        let asked = if self.not_asked == 0 {
            "everyone was asked".to_owned()
        } else {
            format!("{} asked so far, {} not yet", self.asked, self.not_asked)
        };
        format!("{coming} of {needed} {are} coming, {more}: {asked}.")
    }
}

/// Why nothing was said to someone whom a call-out has not asked, and what to do about it; none for
/// those whom it has, and in every other alert.
pub fn why_not_asked(
    alert: &Alert,
    standing: Option<&Standing>,
    person: RecipientId,
) -> Option<(String, &'static str)> {
    let standing = standing.filter(|standing| !standing.asked.contains(&person))?;
    let (why, fix) = if standing.call_out.filled_at.is_some() {
        (
            "Not needed: enough others said yes.",
            "Nothing: they are not needed.",
        )
    } else if alert.state == AlertState::Running {
        (
            "Not asked yet: people are asked in turn.",
            "Wait until it is their turn, or call them.",
        )
    } else {
        (
            "Not asked: it was over before their turn.",
            "Nothing: it is over.",
        )
    };
    Some((why.to_owned(), fix))
}

/// "is coming", "is number 2 on the standby list".
pub fn place_in_words(place: Place) -> String {
    match place {
        Place::In => "Coming".to_owned(),
        Place::Standby(number) => format!("Number {number} on the standby list"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(coming: i64, standby: i64, asked: i64) -> CallOutFigures {
        CallOutFigures {
            needed: 5,
            coming,
            still_needed: 5 - coming,
            standby,
            asked,
            declined: 0,
            not_asked: 24 - asked,
            answer_within: 600,
            ahead: 0,
        }
    }

    #[test]
    fn how_it_stands_reads_as_people_say_it() {
        assert_eq!(
            figures(3, 0, 9).in_words(),
            "3 of 5 are coming, 2 more are needed: 9 asked so far, 15 not yet."
        );
        assert_eq!(
            figures(1, 0, 24).in_words(),
            "1 of 5 is coming, 4 more are needed: everyone was asked."
        );
        assert_eq!(
            figures(5, 1, 9).in_words(),
            "Filled: 5 of 5 are coming, 1 stands by."
        );
    }
}
