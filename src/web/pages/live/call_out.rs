//! What a board says of a call-out: how many come, who stands by, whose turn it was not.

use crate::report::call_out::{CallOutFigures, place_in_words};
use crate::storage::alerts::Alert;
use crate::storage::call_out::Standing;
use crate::storage::standing::{Need, Needing};
use crate::web::format;
use crate::web::view::board::CallOutNumbers;

/// The big numbers; none for an alert that told everyone at once.
pub(super) fn numbers(
    alert: &Alert,
    standing: Option<&Standing>,
    needing: &[Needing],
) -> Option<CallOutNumbers> {
    let figures = CallOutFigures::of(alert, standing?);
    let of = |need: Need| {
        let first = needing.iter().find(|one| one.need == need);
        first.map_or(0, |one| format::count(one.people))
    };
    Some(CallOutNumbers {
        sentence: figures.in_words(),
        is_filled: figures.still_needed == 0,
        needed: format::count(figures.needed),
        coming: format::count(figures.coming),
        still_needed: format::count(figures.still_needed),
        standby: format::count(figures.standby),
        asked: format::count(figures.asked),
        silent: of(Need::Silent),
        negative: of(Need::Negative),
        need_help: of(Need::Help),
        not_reached: of(Need::Unreached),
        unasked: of(Need::Unasked),
    })
}

/// What stands before what happened to someone: their place, if they said yes.
pub(super) fn place(standing: Option<&Standing>, one: &Needing) -> String {
    match standing.and_then(|standing| standing.place(one.person.id)) {
        Some(place) => format!("{}. ", place_in_words(place)),
        None => String::new(),
    }
}
