//! Decides what each simulated person does with a message, by chance that can be repeated. Pure.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::channel::sandbox::settings::{People, Settings};
use crate::channel::{Address, ReceiptStatus};
use crate::ids::DeliveryId;
use crate::response::option::AnswerClass;

/// What someone is like, message after message: whose line is dead stays dead, and who reads
/// their messages mostly reads them.
#[derive(Clone, Debug, PartialEq)]
pub struct Persona {
    /// The gateway refuses the address if this is below `refuse_rate`.
    pub existence: f64,
    /// Messages do not arrive if this is below `undeliverable_rate`.
    pub reception: f64,
    /// How likely they are to answer, compared with everyone: 0 least, 1 most, 0.5 average.
    pub attention: f64,
    /// How slow they are: 0 answers at once, 1 takes their time.
    pub slowness: f64,
    /// How they prefer to answer where there is a choice.
    pub via: Via,
}

impl Persona {
    /// The person at that address.
    pub fn of(seed: u64, address: &Address) -> Self {
        let dice = Dice::new(&[&seed.to_be_bytes(), address.reveal().as_bytes()]);
        Self {
            existence: dice.roll(0),
            reception: dice.roll(1),
            attention: dice.roll(2),
            slowness: dice.roll(3),
            // Most people tap; a third type the digit.
            via: if dice.roll(4) < 0.66 {
                Via::Link
            } else {
                Via::Reply
            },
        }
    }

    /// The chance that this person answers, such that the average over all people is `rate`.
    fn answers(&self, rate: f64) -> f64 {
        let spread = rate.min(1.0 - rate);
        rate + spread * (2.0 * self.attention - 1.0)
    }
}

/// How an answer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// By the link in the message: they press a button of the answer page.
    Link,
    /// By the channel itself: an SMS with a digit, a key on a call.
    Reply,
}

/// What kind of answer someone gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What they want to say. A message that offers no such answer gets its first one.
    pub class: AnswerClass,
    /// Chooses among several answers of that class ("in 15", "in 30 minutes").
    pub draw: u32,
}

/// An answer to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How long after the message was accepted.
    pub after: Duration,
    /// How it comes back, where the channel leaves a choice.
    pub via: Via,
    /// What it says.
    pub choice: Choice,
}

/// What becomes of one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// How many first attempts the gateway turns away for the moment; [`u32::MAX`] = all.
    pub busy_attempts: u32,
    /// Whether the gateway refuses the address for good.
    pub refused: bool,
    /// The receipt and how long after acceptance it comes; none = it never comes.
    pub receipt: Option<(Duration, ReceiptStatus)>,
    /// The answer; none = the person stays silent.
    pub answer: Option<Answer>,
}

/// How soon a receipt comes when nothing has to look alive.
const PROMPT_RECEIPT: Duration = Duration::from_millis(50);

/// What becomes of `delivery` to `address`: always the same for the same settings.
pub fn fate(settings: &Settings, delivery: DeliveryId, address: &Address) -> Fate {
    let persona = Persona::of(settings.seed, address);
    let dice = Dice::new(&[
        &settings.seed.to_be_bytes(),
        address.reveal().as_bytes(),
        &delivery.0.to_be_bytes(),
    ]);
    let lost = persona.reception < settings.undeliverable_rate;
    let answer = if lost {
        None
    } else {
        answer(settings, &persona, &dice)
    };
    let receipt = (dice.roll(1) >= settings.no_receipt_rate).then(|| {
        let status = if lost {
            ReceiptStatus::Failed
        } else {
            ReceiptStatus::Delivered
        };
        // Nobody answers before the phone has rung.
        let latest = answer.map_or(Duration::MAX, |answer| answer.after);
        (receipt_after(settings, &dice).min(latest), status)
    });
    Fate {
        busy_attempts: busy_attempts(settings, &dice),
        refused: persona.existence < settings.refuse_rate,
        receipt,
        answer,
    }
}

fn answer(settings: &Settings, persona: &Persona, dice: &Dice) -> Option<Answer> {
    if dice.roll(0) >= persona.answers(settings.answer_rate) {
        return None;
    }
    // The product of two even draws crowds towards the fast end and has a long tail, as real
    // answers do.
    let span = settings
        .slowest_answer
        .saturating_sub(settings.fastest_answer);
    let after = settings.fastest_answer + span.mul_f64(persona.slowness * dice.roll(2));
    let kind = dice.roll(3);
    let class = if kind < settings.help_rate {
        AnswerClass::Help
    } else if kind < settings.help_rate + settings.negative_rate {
        AnswerClass::Negative
    } else {
        AnswerClass::Positive
    };
    Some(Answer {
        after,
        via: persona.via,
        choice: Choice {
            class,
            draw: dice.draw(4),
        },
    })
}

fn receipt_after(settings: &Settings, dice: &Dice) -> Duration {
    match settings.people {
        People::Silent => PROMPT_RECEIPT,
        People::Lifelike => {
            let draw = dice.roll(5);
            Duration::from_millis(150) + Duration::from_millis(2_350).mul_f64(draw * draw)
        }
    }
}

fn busy_attempts(settings: &Settings, dice: &Dice) -> u32 {
    if settings.busy_rate >= 1.0 {
        return u32::MAX;
    }
    // Each attempt has its own draw; a limit keeps a rate near 1 from counting for ever.
    (0..100)
        .find(|attempt| dice.roll(100 + attempt) >= settings.busy_rate)
        .unwrap_or(100)
}

/// Chance without a state: the same question always gets the same answer.
struct Dice(u64);

impl Dice {
    fn new(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(first))
    }

    /// An even draw from all 32-bit numbers; `question` is which one.
    fn draw(&self, question: u32) -> u32 {
        // SplitMix64: its output is even although its inputs are neighbours.
        let step = u64::from(question)
            .wrapping_add(1)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0.wrapping_add(step);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let mut upper = [0; 4];
        upper.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes()[..4]);
        u32::from_be_bytes(upper)
    }

    /// An even draw from 0 up to, not including, 1.
    fn roll(&self, question: u32) -> f64 {
        f64::from(self.draw(question)) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests;
