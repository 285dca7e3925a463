//! How a call-out stands: who was asked, who is in, who stands by.

use std::collections::{BTreeMap, BTreeSet};

use super::{CallOut, find};
use crate::call_out::Place;
use crate::ids::{AlertNumber, RecipientId};
use crate::response::AnswerClass;
use crate::storage::{Db, Error};

/// How a call-out stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The call-out.
    pub call_out: CallOut,
    /// Who said yes, in the order of their turns.
    pub yes: Vec<RecipientId>,
    /// Everyone who was asked, those among them.
    pub asked: BTreeSet<RecipientId>,
    /// How many of them said that they cannot come, or need help themselves.
    pub declined: i64,
}

impl Standing {
    /// Where someone stands among those who said yes; none if they did not.
    pub fn place(&self, recipient: RecipientId) -> Option<Place> {
        let before = self.yes.iter().position(|one| *one == recipient)?;
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        Some(Place::behind(before, self.call_out.needed.into()))
    }

    /// Where everyone stands who said yes.
    pub fn places(&self) -> BTreeMap<RecipientId, Place> {
        let needed = self.call_out.needed.into();
        let places = (0..).zip(&self.yes);
        places
            .map(|(before, one)| (*one, Place::behind(before, needed)))
            .collect()
    }

    /// How many are in.
    pub fn coming(&self) -> i64 {
        let yes = i64::try_from(self.yes.len()).unwrap_or(i64::MAX);
        yes.min(self.call_out.needed.into())
    }

    /// How many stand by.
    pub fn standby(&self) -> i64 {
        i64::try_from(self.yes.len()).unwrap_or(i64::MAX) - self.coming()
    }

    /// How many places are open.
    pub fn still_needed(&self) -> i64 {
        i64::from(self.call_out.needed) - self.coming()
    }

    /// How many were asked.
    pub fn asked(&self) -> i64 {
        i64::try_from(self.asked.len()).unwrap_or(i64::MAX)
    }
}

/// How an alert stands as a call-out; none for every other alert.
pub async fn standing(db: &Db, alert: AlertNumber) -> Result<Option<Standing>, Error> {
    let Some(call_out) = find(db, alert).await? else {
        return Ok(None);
    };
    let rows: Vec<(RecipientId, Option<i64>, Option<AnswerClass>)> = db
        .sql(
            "SELECT asked.recipient, asked.turn, recipient.answer_class
             FROM asked JOIN recipient ON recipient.id = asked.recipient
             WHERE asked.alert = $1 ORDER BY asked.turn, asked.recipient",
        )
        .bind(alert)
        .fetch_all()
        .await?;
    let has_declined = |class: &Option<AnswerClass>| {
        matches!(class, Some(AnswerClass::Negative | AnswerClass::Help))
    };
    let declined = rows
        .iter()
        .filter(|(_, _, class)| has_declined(class))
        .count();
    Ok(Some(Standing {
        call_out,
        declined: i64::try_from(declined).unwrap_or(i64::MAX),
        yes: rows
            .iter()
            .filter(|(_, turn, _)| turn.is_some())
            .map(|(recipient, ..)| *recipient)
            .collect(),
        asked: rows.into_iter().map(|(recipient, ..)| recipient).collect(),
    }))
}
