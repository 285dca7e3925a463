//! The demonstration: a fictitious clinic whose people live in this process and answer by themselves.
//!
//! It is the real service with simulated phones ([`house`]), filled with people who do not exist
//! ([`people`], [`seed`]).

pub mod house;
pub mod people;
pub mod seed;
