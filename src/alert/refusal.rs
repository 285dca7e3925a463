//! Why an alert is not launched: nothing was sent, and the sentence says what to do.

use crate::alert::words::Mode;
use crate::channel::Channel;
use crate::ids::ContactId;
use crate::storage;
use crate::template::values::VariableProblem;

/// A launch, or an act on a running alert, that was refused. Nothing of it was done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No such template.
    #[error("there is no template \"{0}\"")]
    UnknownTemplate(String),
    /// The template's files are wrong.
    #[error("the template \"{template}\" is broken: {problem}")]
    BrokenTemplate {
        /// Its name.
        template: String,
        /// The first thing that is wrong.
        problem: String,
    },
    /// Nobody approved it.
    #[error("the template \"{0}\" is not approved: an approver must read it and approve it first")]
    Unapproved(String),
    /// Somebody approved another version.
    #[error(
        "the template \"{0}\" was changed after its approval: an approver must read the change and approve it"
    )]
    ChangedAfterApproval(String),
    /// It begins a thread, or it does not.
    #[error("the template \"{template}\" is {is}: {hint}")]
    WrongKind {
        /// Its name.
        template: String,
        /// What it is for.
        is: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
    /// Variables that are missing, unknown or malformed: all of them at once.
    #[error("{}", sentences(.0))]
    Variables(Vec<VariableProblem>),
    /// A text could not be made although the template was checked.
    #[error("{0}")]
    Unfilled(String),
    /// Groups that do not exist.
    #[error("there is no group {}", quoted(.0))]
    UnknownGroups(Vec<String>),
    /// Picked people who do not exist or were archived.
    #[error("{}", crate::directory::nobody_has(.0))]
    UnknownContacts(Vec<ContactId>),
    /// Nobody was asked for.
    #[error("no group and no contact was named: say who is to be told")]
    NoAudience,
    /// Groups without people.
    #[error("the audience is empty: {} has nobody in it", quoted(.0))]
    EmptyAudience(Vec<String>),
    /// A follow-up that nobody would get.
    #[error("nobody was contacted by this alert, so there is nobody to tell")]
    NobodyContacted,
    /// More or fewer people than the template is meant for.
    #[error(
        "the audience has {people} people and the template \"{template}\" is meant for {min} to {max}: \
         check the groups"
    )]
    OutsideExpected {
        /// The template's name.
        template: String,
        /// How many it would be.
        people: u64,
        /// The fewest it is meant for.
        min: u64,
        /// The most it is meant for.
        max: u64,
    },
    /// Recipients without a value that the text needs for each.
    #[error(
        "{people} of the recipients have no \"{field}\" in the directory, {example} among them: add it or leave them out"
    )]
    MissingField {
        /// The field.
        field: String,
        /// How many lack it.
        people: usize,
        /// One of them.
        example: String,
    },
    /// No such plan.
    #[error("there is no plan \"{0}\"")]
    UnknownPlan(String),
    /// No gateway that may carry it.
    #[error("no gateway can carry this {}: it needs {}", mode.shown(), listed(.channels))]
    NoGateway {
        /// Live or drill.
        mode: Mode,
        /// What the template is written for.
        channels: Vec<Channel>,
    },
    /// An expiry that is none.
    #[error("expires_in must be between 1 second and 30 days, in seconds: 1 to 2592000")]
    Expiry,
    /// A call-out of a template that has no words for its end.
    #[error(
        "the template \"{0}\" is not written for a call-out: it has no [call_out] and no texts for \
         \"filled\" and \"needed\""
    )]
    NoCallOut(String),
    /// Numbers of a call-out that are out of range.
    #[error("{0}")]
    CallOut(&'static str),
    /// A reminder of a call-out that nobody else need answer.
    #[error("enough people have said yes already, so nobody needs to be reminded")]
    Filled,
    /// Someone sent the same while this was looked at.
    #[error(
        "someone has sent the same alert in the meantime: look at it, and send yours only if it is about something else"
    )]
    Similar,
    /// The idempotency key belongs to another request.
    #[error("this idempotency key was used for another request: use a new key for a new alert")]
    KeyReused,
    /// The alert is over.
    #[error("the alert is already over")]
    NotRunning,
    /// An answer that the alert does not offer.
    #[error("\"{answer}\" is no answer to this alert; its answers are: {known}")]
    UnknownAnswer {
        /// What was given.
        answer: String,
        /// What could be.
        known: String,
    },
    /// Someone who is not in the alert's audience.
    #[error("this person is not among the alert's recipients")]
    UnknownRecipient,
    /// No such alert.
    #[error("there is no such alert")]
    UnknownAlert,
    /// The disk is full, or about to be.
    #[error(
        "the server's disk is full: no new alert can be launched until someone frees some room there. \
         Answers are still taken, and running alerts go on"
    )]
    NoSpace,
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal {
    /// Whether the server is at fault rather than the request.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::NoSpace)
    }

    /// The part of the request that is refused: a field of the API's launch, or a variable's name.
    pub fn field(&self) -> Option<String> {
        let field = match self {
            Self::UnknownTemplate(_)
            | Self::BrokenTemplate { .. }
            | Self::Unapproved(_)
            | Self::ChangedAfterApproval(_)
            | Self::WrongKind { .. } => "template",
            Self::Variables(problems) => {
                return Some(format!(
                    "variables.{}",
                    problems.first().map_or("", |p| &p.name)
                ));
            }
            Self::Unfilled(_) | Self::MissingField { .. } => "variables",
            Self::UnknownGroups(_) | Self::EmptyAudience(_) => "audience.groups",
            Self::UnknownContacts(_) => "audience.contacts",
            Self::NoAudience | Self::OutsideExpected { .. } | Self::NobodyContacted => "audience",
            Self::UnknownPlan(_) => "plan",
            Self::NoGateway { .. } => "mode",
            Self::Expiry => "expires_in",
            Self::NoCallOut(_) => "needed",
            Self::CallOut(problem) => problem.split(' ').next().unwrap_or_default(),
            Self::KeyReused => "Idempotency-Key",
            Self::UnknownAnswer { .. } => "answer",
            Self::UnknownRecipient => "recipient",
            Self::NotRunning
            | Self::Similar
            | Self::Filled
            | Self::UnknownAlert
            | Self::NoSpace
            | Self::Storage(_) => return None,
        };
        Some(field.to_owned())
    }
}

fn sentences(problems: &[VariableProblem]) -> String {
    problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

fn listed(channels: &[Channel]) -> String {
    channels
        .iter()
        .map(|channel| channel.word())
        .collect::<Vec<_>>()
        .join(" or ")
}
