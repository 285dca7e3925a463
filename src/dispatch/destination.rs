//! Keeps messages to one place at that place's rate: a switchboard with twenty lines drops what comes
//! on the twenty-first, whichever gateways it comes by.
//!
//! Looked at right after a claim, in its transaction: what the place cannot take yet goes back as if it
//! had not been claimed, due when its turn comes. The place's row of instants is the database's, so all
//! servers share it. This limit is the place's own; an emergency does not lift it, because what is
//! dropped warns nobody.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::app::Parts;
use crate::clock::Timestamp;
use crate::config::Destination;
use crate::ids::BootId;
use crate::storage::deliveries::{self, Claimed, ROUTINE};
use crate::storage::{Error, Tx, pace};

/// Instants are this much further apart than the rate says, in hundredths: it covers what begins a
/// little after its instant, and [`CATCH_UP`].
const SLACK: f64 = 12.0;
/// No turn is promised further ahead, in microseconds: a clock may have been set back since.
const LONGEST_PROMISE: i64 = 24 * 3600 * 1_000_000;
/// Instants that passed unused less than this ago, in microseconds, may still be used: lanes look only
/// every few milliseconds.
const CATCH_UP: i64 = 40_000;

/// What became of a claim.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// What may go now.
    pub(super) may_go: Vec<Claimed>,
    /// When the first of what was put back has its turn, by our steady clock.
    pub(super) next_turn: Option<Duration>,
}

/// Of what was just claimed, keeps what may go now, and puts back the rest: of a place's messages the
/// most urgent go first.
pub(super) async fn hold_back(
    tx: &mut Tx,
    app: &Parts,
    boot: BootId,
    mut claimed: Vec<Claimed>,
    now: Timestamp,
) -> Result<Sorted, Error> {
    let mut sorted = Sorted::default();
    if app.config.destinations.is_empty() || claimed.is_empty() {
        sorted.may_go = claimed;
        return Ok(sorted);
    }
    claimed.sort_by_key(|one| one.urgency);
    let mut back = Vec::new();
    // By name: lanes that lock several rows lock them in one order.
    let mut places: BTreeMap<&str, (&Destination, Vec<Claimed>)> = BTreeMap::new();
    for one in claimed {
        match destination(app, &one) {
            Some(place) => {
                let entry = places.entry(&place.name).or_insert((place, Vec::new()));
                entry.1.push(one);
            }
            None => sorted.may_go.push(one),
        }
    }
    for (name, (place, waiting)) in places {
        let row = format!("destination/{name}");
        let mut pace = pace::lock(tx, &row, now).await?;
        let spacing = spacing(place.rate_per_second);
        let (count, next_at) = take(spacing, pace.next_at, pace.now, waiting.len());
        // Promised turns follow each other, so that what waits is not taken up again and again; danger
        // does not queue up behind them.
        let mut promised = pace.taken.clamp(next_at, pace.now + LONGEST_PROMISE);
        let mut soon = next_at;
        let mut waiting = waiting.into_iter();
        sorted
            .may_go
            .extend(waiting.by_ref().take(count).map(|one| Claimed {
                is_paced: true,
                ..one
            }));
        for one in waiting {
            let turn = if one.urgency < ROUTINE {
                &mut soon
            } else {
                &mut promised
            };
            // One millisecond late rather than early: then its turn has come.
            let millis = (*turn - pace.now).div_euclid(1000) + 1;
            *turn += spacing;
            let wait = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
            let due_at = now.after(wait);
            let at = app.clock.elapsed() + wait;
            sorted.next_turn = Some(sorted.next_turn.map_or(at, |next| next.min(at)));
            back.push((one.id, due_at));
        }
        (pace.next_at, pace.taken) = (next_at, promised);
        pace::advance(tx, &row, &pace).await?;
    }
    if !back.is_empty() {
        deliveries::give_back(tx, boot, &back).await?;
    }
    Ok(sorted)
}

/// The place that a message goes to, if it is one of those with a rate.
fn destination<'a>(app: &'a Parts, claimed: &Claimed) -> Option<&'a Destination> {
    let sealed = app
        .keys
        .open_text(claimed.point_id.0.as_bytes(), &claimed.address);
    // One that cannot be unsealed goes nowhere: its attempt says so.
    let address = sealed.ok()?;
    let places = &app.config.destinations;
    places.iter().find(|place| place.has(&address))
}

/// Microseconds between two messages.
fn spacing(per_second: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a rate below one a century is none"
    )]
    let spacing = (1e4 * (100.0 + SLACK) / per_second).ceil() as i64;
    spacing.max(1)
}

/// How many of `want` may go at `now`, and the next instant that nobody has taken, when that was
/// `next_at` before. One further ahead than a message's turn comes from a clock that was set back.
fn take(spacing: i64, next_at: i64, now: i64, want: usize) -> (usize, i64) {
    let first = next_at.clamp(now - CATCH_UP.min(spacing), now + spacing);
    let passed = if first > now {
        0
    } else {
        (now - first) / spacing + 1
    };
    let count = usize::try_from(passed).unwrap_or(0).min(want);
    let taken = i64::try_from(count).unwrap_or(0);
    (count, first + spacing * taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn one_goes_at_once_and_the_next_a_turn_later() {
        let spacing = spacing(10.0);
        let (count, next) = take(spacing, 0, SECOND, 5);
        assert_eq!(count, 1);
        assert_eq!(take(spacing, next, SECOND, 4).0, 0);
        assert_eq!(take(spacing, next, next, 4).0, 1);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_close_a_place() {
        let spacing = spacing(1.0);
        let (count, next) = take(spacing, 3600 * SECOND, SECOND, 1);
        assert_eq!((count, next), (0, SECOND + spacing));
    }

    proptest! {
        #[test]
        fn no_second_has_more_than_the_rate(
            rate in prop_oneof![1_u32..60, Just(200), Just(1000)],
            looks in prop::collection::vec((0_i64..60_000, 1_usize..300, 0_i64..30_000), 50..300),
        ) {
            let spacing = spacing(f64::from(rate));
            let (mut now, mut next_at, mut begun) = (7 * SECOND, 0, Vec::new());
            for (pause, want, late) in looks {
                now += pause;
                let (count, next) = take(spacing, next_at, now, want);
                next_at = next;
                begun.extend(std::iter::repeat_n(now + late, count));
            }
            begun.sort_unstable();
            for (index, from) in begun.iter().enumerate() {
                let within = begun[index..].iter().take_while(|at| **at < from + SECOND).count();
                prop_assert!(within <= usize::try_from(rate).unwrap(), "{within} at {rate}");
            }
        }
    }
}
