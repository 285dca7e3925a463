//! Decides what follows a failed attempt. Pure: the schedule is data.

use std::time::Duration;

use crate::channel::{Certainty, Failure, Scope};
use crate::clock::Timestamp;
use crate::ids::DeliveryId;

/// Seconds before the second, third… try on channels where seconds count.
const FAST: &[u64] = &[2, 5, 15, 30, 60];
/// The most we let a gateway's own wish for a pause hold up a message.
pub const LONGEST_WISH: Duration = Duration::from_mins(1);
/// How long a message in doubt waits for a receipt before it is decided about.
pub const AWAIT_RECEIPT: Duration = Duration::from_secs(10);

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try again at this time.
    Retry(Timestamp),
    /// The alert's time will be over before it could be tried again.
    Expire,
    /// Never.
    GiveUp,
    /// Nobody knows whether it went out: decide at this time.
    Doubt(Timestamp),
}

/// Tries beyond one for each other gateway, where one of them never takes the message.
const MORE: usize = 2;

/// What was tried.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    /// Which message.
    pub delivery: DeliveryId,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// How many other gateways of its channel could try instead.
    pub others: usize,
}

/// What follows a failure at `now`. What this gateway will never take, another one may: they are asked
/// before the message is given up, also one that does not work for some seconds.
pub fn after(failure: &Failure, tried: Tried, now: Timestamp, expires_at: Timestamp) -> Next {
    let Tried {
        delivery,
        attempt,
        others,
    } = tried;
    if failure.certainty == Certainty::Ambiguous {
        return Next::Doubt(now.after(AWAIT_RECEIPT));
    }
    let mut pause = pause(delivery, attempt);
    if failure.duration == crate::channel::Duration::Permanent {
        let tries = usize::try_from(attempt).unwrap_or(usize::MAX);
        // Some tries may have come back to this one, or have failed otherwise: a few more are given, at
        // the usual pauses, before nobody is left to ask.
        if failure.scope == Scope::Person || others == 0 || tries > others + MORE {
            return Next::GiveUp;
        }
        if tries <= others {
            pause = Duration::ZERO;
        }
    }
    // A pause that a gateway asks for is its own: another one need not wait for it.
    let wish = failure
        .retry_after
        .filter(|_| others == 0 || failure.scope == Scope::Person);
    let pause = match wish {
        Some(wish) => pause.max(wish.min(LONGEST_WISH)),
        // Our own account is refused: hammering does not mend it.
        None if failure.scope == Scope::Configuration => pause.max(Duration::from_secs(5)),
        None => pause,
    };
    let at = now.after(pause);
    if at < expires_at {
        Next::Retry(at)
    } else {
        Next::Expire
    }
}

/// The pause after try number `attempt`, within a fifth of the schedule's, always the same for the
/// same delivery and try: a thousand messages that failed together do not come back together.
fn pause(delivery: DeliveryId, attempt: u32) -> Duration {
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let seconds = FAST.get(index).or(FAST.last()).copied().unwrap_or(60);
    let mixed = (delivery.0.unsigned_abs() ^ u64::from(attempt) << 17)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        >> 40;
    let permille = 800 + mixed % 401;
    Duration::from_millis(seconds * permille)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_000_000);
    const LATER: Timestamp = Timestamp(100_000_000);

    fn next(failure: &Failure, attempt: u32) -> Next {
        after(failure, tried(attempt, 0), NOW, LATER)
    }

    fn tried(attempt: u32, others: usize) -> Tried {
        Tried {
            delivery: DeliveryId(7),
            attempt,
            others,
        }
    }

    #[test]
    fn what_one_gateway_never_takes_the_others_are_asked_for_at_once_and_then_with_patience() {
        let failure = Failure::no_way("not routable");
        assert_eq!(after(&failure, tried(1, 2), NOW, LATER), Next::Retry(NOW));
        assert_eq!(after(&failure, tried(2, 2), NOW, LATER), Next::Retry(NOW));
        let patient = after(&failure, tried(3, 2), NOW, LATER);
        assert!(
            matches!(patient, Next::Retry(at) if at > NOW),
            "one may have been down: {patient:?}"
        );
        assert_eq!(after(&failure, tried(5, 2), NOW, LATER), Next::GiveUp);
        assert_eq!(after(&failure, tried(1, 0), NOW, LATER), Next::GiveUp);
    }

    #[test]
    fn a_person_who_does_not_exist_is_not_tried_again() {
        assert_eq!(next(&Failure::person("no such number"), 1), Next::GiveUp);
    }

    #[test]
    fn an_unknown_outcome_waits_for_a_receipt() {
        assert_eq!(
            next(&Failure::unknown("no answer"), 1),
            Next::Doubt(NOW.after(AWAIT_RECEIPT))
        );
    }

    #[test]
    fn the_gateways_wish_is_honoured_up_to_a_minute() {
        let busy = |seconds| Failure::try_again("busy").after(Some(Duration::from_secs(seconds)));
        assert_eq!(
            next(&busy(20), 1),
            Next::Retry(NOW.after(Duration::from_secs(20)))
        );
        assert_eq!(next(&busy(9000), 1), Next::Retry(NOW.after(LONGEST_WISH)));
    }

    #[test]
    fn another_gateway_does_not_wait_for_the_pause_that_one_asks_for() {
        let busy = Failure::try_again("busy").after(Some(Duration::from_secs(20)));
        let Next::Retry(at) = after(&busy, tried(1, 1), NOW, LATER) else {
            unreachable!("it is temporary")
        };
        assert!(at < NOW.after(Duration::from_secs(4)));
    }

    #[test]
    fn nothing_is_tried_after_the_alerts_time() {
        let soon = NOW.after(Duration::from_secs(1));
        assert_eq!(
            after(&Failure::try_again("busy"), tried(1, 1), NOW, soon),
            Next::Expire
        );
    }

    /// Every failure that a channel can report.
    fn failures() -> impl Strategy<Value = Failure> {
        use crate::channel::Duration as Lasting;
        use proptest::sample::select;

        let wish = proptest::option::of((0_u64..100_000).prop_map(Duration::from_millis));
        let kinds = (
            select(Certainty::ALL),
            select(Lasting::ALL),
            select(Scope::ALL),
        );
        (kinds, wish).prop_map(|((certainty, duration, scope), wish)| {
            let mut failure = Failure::try_again("it failed").after(wish);
            (failure.certainty, failure.duration, failure.scope) = (certainty, duration, scope);
            failure
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn whatever_failed_is_tried_again_soon_and_in_time_or_not_at_all(
            failure in failures(),
            attempt in 1_u32..40,
            others in 0_usize..3,
            left in -1_000_i64..200_000,
        ) {
            let expires_at = Timestamp(NOW.0 + left);
            let next = after(&failure, tried(attempt, others), NOW, expires_at);
            let is_unknown = failure.certainty == Certainty::Ambiguous;
            prop_assert_eq!(is_unknown, matches!(next, Next::Doubt(_)), "only what nobody knows is in doubt");
            match next {
                Next::Retry(at) => {
                    prop_assert!(NOW <= at && at < expires_at);
                    prop_assert!(at <= NOW.after(Duration::from_secs(72)), "nobody waits longer");
                    // Where another gateway may try, only the one that wishes rests.
                    let is_kept = others == 0 || failure.scope == Scope::Person;
                    let wish = failure.retry_after.filter(|_| is_kept).unwrap_or_default();
                    prop_assert!(at >= NOW.after(wish.min(LONGEST_WISH)), "a wish is kept");
                }
                Next::Expire => prop_assert!(expires_at <= NOW.after(Duration::from_secs(72))),
                Next::GiveUp => prop_assert!(failure.is_permanent()),
                Next::Doubt(at) => prop_assert_eq!(at, NOW.after(AWAIT_RECEIPT)),
            }
        }

        #[test]
        fn what_lasts_ends_soon_after_each_other_gateway_could_be_asked(
            is_of_person in any::<bool>(),
            others in 0_usize..4,
        ) {
            let failure = if is_of_person { Failure::person("never") } else { Failure::no_way("never") };
            let tries = (1..=20).take_while(|attempt| {
                after(&failure, tried(*attempt, others), NOW, LATER) != Next::GiveUp
            });
            let is_alone = failure.scope == Scope::Person || others == 0;
            let more = if is_alone { 0 } else { others + MORE };
            prop_assert_eq!(tries.count(), more);
        }

        #[test]
        fn a_pause_is_within_a_fifth_of_the_schedule(delivery in any::<i64>(), attempt in 1_u32..9) {
            let index = usize::try_from(attempt - 1).unwrap().min(FAST.len() - 1);
            let millis = u64::try_from(pause(DeliveryId(delivery), attempt).as_millis()).unwrap();
            prop_assert!((FAST[index] * 800..=FAST[index] * 1200).contains(&millis));
        }
    }
}
