//! That a call-out never has too many in, never asks too many, and tells nobody twice.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(10_000_000);

fn settings(needed: u32, ahead: u32) -> Settings {
    Settings {
        needed,
        answer_within: Duration::from_mins(10),
        ahead,
    }
}

fn asked(id: i64, reply: Reply) -> Asked {
    Asked {
        recipient: RecipientId(id),
        asked_at: NOW,
        reply,
        told: None,
    }
}

fn yes(id: i64, turn: i64) -> Asked {
    asked(id, Reply::Yes { turn })
}

#[test]
fn as_many_are_asked_as_are_needed_and_one_more_for_each_that_will_not_come() {
    let ask = |people: &[Asked]| decide(&settings(3, 0), people, 100, NOW).ask;
    assert_eq!(ask(&[]), 3);
    let silent = |id| asked(id, Reply::Silent);
    assert_eq!(ask(&[silent(1), silent(2), silent(3)]), 0);
    assert_eq!(ask(&[silent(1), asked(2, Reply::No), silent(3)]), 1);
    assert_eq!(ask(&[silent(1), asked(2, Reply::Lost), yes(3, 1)]), 1);
    assert_eq!(ask(&[yes(1, 1), yes(2, 2), yes(3, 3)]), 0);
    assert_eq!(decide(&settings(3, 2), &[], 100, NOW).ask, 5);
    assert_eq!(
        decide(&settings(3, 0), &[], 2, NOW).ask,
        2,
        "there are no more"
    );
}

#[test]
fn whoever_thinks_for_too_long_no_longer_keeps_the_next_from_being_asked() {
    let silent = asked(1, Reply::Silent);
    let at = |span| decide(&settings(1, 0), &[silent], 9, NOW.after(span)).ask;
    assert_eq!(at(Duration::from_millis(599_999)), 0);
    assert_eq!(at(Duration::from_mins(10)), 1);
}

#[test]
fn once_it_is_filled_the_others_hear_it_once_and_whoever_said_no_does_not() {
    let mut people = vec![
        yes(1, 1),
        asked(2, Reply::Silent),
        yes(3, 2),
        asked(4, Reply::No),
        asked(5, Reply::Lost),
    ];
    let decision = decide(&settings(1, 0), &people, 9, NOW);
    assert_eq!(decision.filled, [RecipientId(2), RecipientId(3)]);
    assert_eq!((decision.ask, decision.needed.len()), (0, 0));
    people[1].told = Some(Told::Filled);
    people[2].told = Some(Told::Filled);
    assert!(decide(&settings(1, 0), &people, 9, NOW).is_nothing());
}

#[test]
fn the_first_of_the_standby_list_is_told_when_a_place_becomes_free() {
    let standby = |id, turn| Asked {
        told: Some(Told::Standby),
        ..yes(id, turn)
    };
    let withdrew = asked(1, Reply::No);
    let decision = decide(
        &settings(1, 0),
        &[withdrew, standby(3, 7), standby(2, 9)],
        9,
        NOW,
    );
    assert_eq!(decision.needed, [RecipientId(3)]);
    assert_eq!(decision.filled, [RecipientId(2)]);
    assert_eq!(decision.ask, 0);
}

#[test]
fn a_place_is_counted_from_the_last_that_is_needed() {
    assert_eq!(Place::behind(4, 5), Place::In);
    assert_eq!(Place::behind(5, 5), Place::Standby(1));
    assert_eq!(Place::behind(7, 5), Place::Standby(3));
}

#[test]
fn who_was_asked_longest_ago_comes_first_and_a_lot_decides_between_equals() {
    let id = |n: u128| ContactId(uuid::Uuid::from_u128(n));
    let candidate = |n, last_asked: Option<i64>, times| Candidate {
        contact_id: id(n),
        last_asked: last_asked.map(Timestamp),
        times,
    };
    let people = vec![
        candidate(1, Some(20), 1),
        candidate(2, None, 0),
        candidate(3, Some(10), 9),
        candidate(4, Some(20), 3),
    ];
    let alert = AlertId(uuid::Uuid::from_u128(7));
    assert_eq!(fair_order(people, alert), [id(2), id(3), id(1), id(4)]);

    let equals: Vec<Candidate> = (0..50).map(|n| candidate(n, None, 0)).collect();
    let order = fair_order(equals.clone(), alert);
    let mut reversed = equals.clone();
    reversed.reverse();
    assert_eq!(
        fair_order(reversed, alert),
        order,
        "the same lot for the same alert"
    );
    let other = AlertId(uuid::Uuid::from_u128(8));
    assert_ne!(
        fair_order(equals, other),
        order,
        "another lot for another alert"
    );
}

/// Something that happens to a call-out.
#[derive(Clone, Debug)]
enum Happens {
    Says(usize, bool),
    IsLost(usize),
    Passes(u64),
    Turns,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (any::<usize>(), any::<bool>()).prop_map(|(who, yes)| Happens::Says(who, yes)),
        1 => any::<usize>().prop_map(Happens::IsLost),
        1 => (1_u64..400).prop_map(Happens::Passes),
        3 => Just(Happens::Turns),
    ]
}

/// The call-out as the database would keep it.
struct Kept {
    settings: Settings,
    audience: u64,
    asked: Vec<Asked>,
    turn: i64,
    now: Timestamp,
}

impl Kept {
    fn within(&self) -> BTreeSet<RecipientId> {
        let mut yes: Vec<(i64, RecipientId)> = self
            .asked
            .iter()
            .filter_map(|one| match one.reply {
                Reply::Yes { turn } => Some((turn, one.recipient)),
                _ => None,
            })
            .collect();
        yes.sort_unstable();
        let needed = self.settings.needed as usize;
        yes.into_iter().take(needed).map(|(_, who)| who).collect()
    }

    fn carry_on(&mut self) {
        let unasked = self.audience - self.asked.len() as u64;
        let decision = decide(&self.settings, &self.asked, unasked, self.now);
        let within = self.within();
        for who in &decision.needed {
            assert!(within.contains(who), "only who is in is told to come");
        }
        for who in &decision.filled {
            assert!(
                !within.contains(who),
                "nobody who is in is told not to come"
            );
        }
        for one in &mut self.asked {
            if decision.needed.contains(&one.recipient) {
                one.told = Some(Told::Needed);
            } else if decision.filled.contains(&one.recipient) {
                one.told = Some(Told::Filled);
            }
        }
        for _ in 0..decision.ask {
            let id = i64::try_from(self.asked.len()).unwrap();
            self.asked.push(Asked {
                asked_at: self.now,
                ..asked(id, Reply::Silent)
            });
        }
        let unasked = self.audience - self.asked.len() as u64;
        let again = decide(&self.settings, &self.asked, unasked, self.now);
        assert!(again.is_nothing(), "what is done is done: {again:?}");
    }

    fn take(&mut self, happens: &Happens) {
        let before = self.within();
        match happens {
            Happens::Turns => self.carry_on(),
            Happens::Passes(seconds) => self.now = self.now.after(Duration::from_secs(*seconds)),
            Happens::IsLost(who) if !self.asked.is_empty() => {
                let who = who % self.asked.len();
                if self.asked[who].reply == Reply::Silent {
                    self.asked[who].reply = Reply::Lost;
                }
            }
            Happens::Says(who, true) if !self.asked.is_empty() => {
                let who = who % self.asked.len();
                if !matches!(self.asked[who].reply, Reply::Yes { .. }) {
                    self.turn += 1;
                    self.asked[who].reply = Reply::Yes { turn: self.turn };
                }
                assert!(before.is_subset(&self.within()), "whoever is in stays in");
            }
            Happens::Says(who, false) if !self.asked.is_empty() => {
                let who = who % self.asked.len();
                self.asked[who].reply = Reply::No;
            }
            _ => {}
        }
        assert!(self.within().len() <= self.settings.needed as usize);
    }
}

proptest! {
    #[test]
    fn whatever_happens_nobody_is_told_wrongly_and_it_is_filled_if_it_can_be(
        needed in 1_u32..6, ahead in 0_u32..3, audience in 0_u64..30,
        story in prop::collection::vec(happens(), 0..120),
    ) {
        let mut kept = Kept {
            settings: settings(needed, ahead), audience, asked: Vec::new(), turn: 0, now: NOW,
        };
        for one in &story {
            kept.take(one);
        }
        // From now on everyone who can says yes: then it is filled, or everyone was asked.
        for _ in 0..=audience {
            kept.carry_on();
            for who in 0..kept.asked.len() {
                if kept.asked[who].reply == Reply::Silent {
                    kept.take(&Happens::Says(who, true));
                }
            }
        }
        let is_filled = kept.within().len() == needed as usize;
        prop_assert!(is_filled || kept.asked.len() as u64 == audience);
        // And everyone knows it: those who are in were last told to come, or nothing.
        for one in &kept.asked {
            let is_in = kept.within().contains(&one.recipient);
            let wrongly = matches!(one.told, Some(Told::Filled | Told::Standby));
            prop_assert!(!(is_in && wrongly), "{one:?}");
        }
    }
}
