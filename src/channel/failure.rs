//! Says what went wrong with one attempt, in the three ways that decide what happens next.

use std::fmt;

use crate::alert::words::word_enum;

word_enum! {
    /// Whether the message may have gone out all the same.
    Certainty {
        /// It did not go out: no byte of it left, or the gateway said no.
        Certain = "certain",
        /// Bytes left and no clear answer came back: it may have been sent.
        Ambiguous = "ambiguous",
    }
}

word_enum! {
    /// Whether trying again can help.
    Duration {
        /// It may work in a moment.
        Temporary = "temporary",
        /// It will fail in the same way again.
        Permanent = "permanent",
    }
}

word_enum! {
    /// Whose trouble it is.
    Scope {
        /// This person's number or address: other people are not concerned.
        Person = "person",
        /// The gateway is down, slow or full: everyone's messages through it are concerned.
        Gateway = "gateway",
        /// Our account or settings are refused: stop hammering and tell an administrator.
        Configuration = "configuration",
    }
}

/// Why one attempt did not end with an acceptance.
#[derive(Debug)]
pub struct Failure {
    /// May it have gone out?
    pub certainty: Certainty,
    /// Can trying again help?
    pub duration: Duration,
    /// Whose trouble is it?
    pub scope: Scope,
    /// A plain sentence for the person view, without the address: "The number does not exist."
    pub reason: String,
    /// The gateway's own wish, capped at 60 s by the dispatcher.
    pub retry_after: Option<std::time::Duration>,
    /// The cause, for the log: no address, no text, no secret.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Failure {
    fn new(
        certainty: Certainty,
        duration: Duration,
        scope: Scope,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            certainty,
            duration,
            scope,
            reason: reason.into(),
            retry_after: None,
            source: None,
        }
    }

    /// The gateway cannot take it now; no byte of it went out.
    pub fn try_again(reason: impl Into<String>) -> Self {
        Self::new(
            Certainty::Certain,
            Duration::Temporary,
            Scope::Gateway,
            reason,
        )
    }

    /// Bytes left and no clear answer came: nobody knows.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::new(
            Certainty::Ambiguous,
            Duration::Temporary,
            Scope::Gateway,
            reason,
        )
    }

    /// This person cannot be reached there.
    pub fn person(reason: impl Into<String>) -> Self {
        Self::new(
            Certainty::Certain,
            Duration::Permanent,
            Scope::Person,
            reason,
        )
    }

    /// This person cannot be reached there at the moment.
    pub fn person_for_now(reason: impl Into<String>) -> Self {
        Self::new(
            Certainty::Certain,
            Duration::Temporary,
            Scope::Person,
            reason,
        )
    }

    /// This gateway has no way to this person, now or later; another gateway may have one.
    pub fn no_way(reason: impl Into<String>) -> Self {
        Self::new(
            Certainty::Certain,
            Duration::Permanent,
            Scope::Gateway,
            reason,
        )
    }

    /// Our account or settings are refused. The message waits: an administrator may mend it in time.
    pub fn refused_us(reason: impl Into<String>) -> Self {
        Self::new(
            Certainty::Certain,
            Duration::Temporary,
            Scope::Configuration,
            reason,
        )
    }

    /// Whether the same gateway will say the same again.
    pub fn is_permanent(&self) -> bool {
        self.duration == Duration::Permanent
    }

    /// With the gateway's own wish for when to come back.
    #[must_use]
    pub fn after(mut self, wait: Option<std::time::Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// With the cause, for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
