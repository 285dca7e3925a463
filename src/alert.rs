//! The trigger: launches an approved message to an audience, and stops or follows up what runs.

pub mod words;
