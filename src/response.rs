//! What people answer.

pub mod option;

pub use option::{AnswerClass, AnswerOption};
