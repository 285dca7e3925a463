//! F22 to F26 and F28: what people do wrong, twice, late or all at once. F25, a restored backup, waits
//! for backups.

mod call_lists;
mod crowds;
mod poison;
mod twice;
