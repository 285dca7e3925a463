//! What the simulated people promise: repeatable, and on average as the settings say.

use super::*;

const PEOPLE: u32 = 20_000;

fn number(n: u32) -> Address {
    Address::new(format!("+1202555{n:05}"))
}

fn fates(settings: &Settings) -> impl Iterator<Item = Fate> {
    (0..PEOPLE).map(|n| fate(settings, DeliveryId(i64::from(n)), &number(n)))
}

/// The share of all people, and whether it is within 1.5 points of what was asked for.
fn is_about(count: usize, of: usize, rate: f64) -> bool {
    let share = f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(of).unwrap());
    (share - rate).abs() < 0.015
}

#[test]
fn the_same_delivery_always_has_the_same_fate() {
    let settings = Settings::lifelike();
    assert_eq!(
        fates(&settings).collect::<Vec<_>>(),
        fates(&settings).collect::<Vec<_>>()
    );
}

#[test]
fn another_seed_is_another_day() {
    let settings = Settings::lifelike();
    let other = Settings {
        seed: 2,
        ..settings.clone()
    };
    let differing = fates(&settings)
        .zip(fates(&other))
        .filter(|(a, b)| a != b)
        .count();
    assert!(differing > 15_000, "only {differing} differ");
}

#[test]
fn one_persons_two_messages_are_two_chances() {
    let settings = Settings {
        answer_rate: 0.5,
        ..Settings::lifelike()
    };
    let person = number(3);
    let answered = (0..1_000)
        .filter(|n| fate(&settings, DeliveryId(*n), &person).answer.is_some())
        .count();
    assert!((1..1_000).contains(&answered), "{answered} of 1000");
}

#[test]
fn as_many_answer_as_the_rate_says_at_every_rate() {
    for rate in [0.0, 0.1, 0.5, 0.72, 1.0] {
        let settings = Settings {
            answer_rate: rate,
            undeliverable_rate: 0.0,
            ..Settings::lifelike()
        };
        let answered = fates(&settings)
            .filter(|fate| fate.answer.is_some())
            .count();
        assert!(
            is_about(answered, 20_000, rate),
            "{answered} answered at {rate}"
        );
    }
}

#[test]
fn help_and_refusals_are_shares_of_the_answers() {
    let settings = Settings {
        help_rate: 0.1,
        negative_rate: 0.3,
        answer_rate: 1.0,
        ..Settings::lifelike()
    };
    let classes: Vec<AnswerClass> = fates(&settings)
        .filter_map(|fate| Some(fate.answer?.choice.class))
        .collect();
    let count = |wanted| classes.iter().filter(|class| **class == wanted).count();
    assert!(is_about(count(AnswerClass::Help), classes.len(), 0.1));
    assert!(is_about(count(AnswerClass::Negative), classes.len(), 0.3));
}

#[test]
fn answers_come_between_the_fastest_and_the_slowest_and_mostly_early() {
    let settings = Settings::lifelike();
    let after: Vec<Duration> = fates(&settings)
        .filter_map(|fate| Some(fate.answer?.after))
        .collect();
    assert!(
        after
            .iter()
            .all(|t| *t >= settings.fastest_answer && *t <= settings.slowest_answer)
    );
    let middle = (settings.fastest_answer + settings.slowest_answer) / 2;
    let early = after.iter().filter(|t| **t < middle).count();
    assert!(early > after.len() * 3 / 4, "{early} of {}", after.len());
    assert!(early < after.len(), "there is a tail");
}

#[test]
fn nobody_answers_before_it_is_delivered_nor_when_it_never_was() {
    let settings = Settings {
        undeliverable_rate: 0.3,
        fastest_answer: Duration::ZERO,
        ..Settings::lifelike()
    };
    for fate in fates(&settings) {
        if let (Some((receipt, _)), Some(answer)) = (fate.receipt, fate.answer) {
            assert!(receipt <= answer.after);
        }
        let failed = fate
            .receipt
            .is_some_and(|(_, status)| status == ReceiptStatus::Failed);
        assert!(!(failed && fate.answer.is_some()));
    }
}

#[test]
fn a_dead_line_stays_dead() {
    let settings = Settings {
        undeliverable_rate: 0.5,
        no_receipt_rate: 0.0,
        ..Settings::lifelike()
    };
    for n in 0..50 {
        let statuses: Vec<_> = (0..5)
            .map(|delivery| {
                fate(&settings, DeliveryId(delivery), &number(n))
                    .receipt
                    .unwrap()
                    .1
            })
            .collect();
        assert!(statuses.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn faults_are_as_frequent_as_asked_for() {
    let settings = Settings {
        refuse_rate: 0.2,
        no_receipt_rate: 0.4,
        undeliverable_rate: 0.1,
        busy_rate: 0.25,
        ..Settings::default()
    };
    let fates: Vec<Fate> = fates(&settings).collect();
    let count = |wanted: &dyn Fn(&Fate) -> bool| fates.iter().filter(|fate| wanted(fate)).count();
    assert!(is_about(count(&|fate| fate.refused), fates.len(), 0.2));
    assert!(is_about(
        count(&|fate| fate.receipt.is_none()),
        fates.len(),
        0.4
    ));
    assert!(is_about(
        count(&|fate| fate.busy_attempts >= 1),
        fates.len(),
        0.25
    ));
    assert!(is_about(
        count(&|fate| fate.busy_attempts >= 2),
        fates.len(),
        0.0625
    ));
    let failed = count(&|fate| matches!(fate.receipt, Some((_, ReceiptStatus::Failed))));
    assert!(
        is_about(failed, fates.len(), 0.06),
        "a tenth of those with receipts"
    );
}

#[test]
fn a_gateway_that_is_always_busy_never_gives_in() {
    let settings = Settings {
        busy_rate: 1.0,
        ..Settings::default()
    };
    assert_eq!(
        fate(&settings, DeliveryId(1), &number(1)).busy_attempts,
        u32::MAX
    );
}

#[test]
fn silent_people_get_their_messages_and_say_nothing() {
    let settings = Settings::default();
    assert!(fates(&settings).all(|fate| fate
        == Fate {
            busy_attempts: 0,
            refused: false,
            receipt: Some((PROMPT_RECEIPT, ReceiptStatus::Delivered)),
            answer: None,
        }));
}
