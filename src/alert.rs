//! The trigger: launches an approved message to an audience, and stops or follows up what runs.
//!
//! [`draft`] answers "what exactly would go out, and to whom?" without changing anything; the check
//! page shows it. [`launch()`] does it: one transaction that freezes the audience, the texts and the
//! plan, and is answered after it is on disk. [`follow_up`] corrects, updates, gives the all-clear
//! or stops.

pub mod draft;
pub mod follow_up;
pub mod launch;
mod once;
pub mod refusal;
pub mod whom;
pub mod words;

pub use launch::{LaunchRequest, Launched};
pub use once::launch;
pub use refusal::Refusal;
