//! People phone people: who is still to be called, what callers say, and what came of each call.
//!
//! The machines go first. Whoever stays silent is put on the alert's call list, by a step of the plan
//! or by hand ([`calling::call_the_silent`]); whoever answers, by whatever way, leaves it at once. A
//! caller has a link ([`link`]) and no account: it shows one part of the list, and nothing else. What
//! is said on the phone is the approved text ([`script`]).

pub mod calling;
pub mod link;
pub mod script;

use crate::alert::Refusal;
use crate::audit::Actor;
use crate::storage;
use crate::storage::calls::Whose;

/// Someone who calls, and the part of the list that is theirs.
#[derive(Clone, Debug)]
pub struct Caller {
    /// How the audit chain and other callers name them.
    pub actor: Actor,
    /// Whom they may call.
    pub whose: Whose,
}

/// Why something with a call was not done. Nothing was written down.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// The person is not on this part of the list.
    #[error("this person is not on your list")]
    NotOnTheList,
    /// The same form was sent twice, or someone else was faster.
    #[error("the call to this person was noted already, so nothing was noted again")]
    NotedAlready,
    /// Someone else is on the phone to them.
    #[error("somebody else is calling this person now: take the next one")]
    TakenByAnother,
    /// The person has answered in the meantime.
    #[error("this person has answered in the meantime: there is no need to call")]
    Answered,
    /// A label that says nothing, or too much.
    #[error("write who gets the link, in 1 to 60 characters")]
    Label,
    /// The alert refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<storage::Error> for NotDone {
    fn from(error: storage::Error) -> Self {
        Self::Refused(error.into())
    }
}
