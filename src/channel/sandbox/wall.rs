//! Groups what the simulated people received by phone and mailbox, for the wall that shows them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::channel::sandbox::message::{SandboxMessage, Sent};
use crate::channel::sandbox::phones::Phones;
use crate::channel::{Address, Channel};

/// How many messages one phone shows: its newest.
const MESSAGES_A_PHONE: usize = 20;

/// One simulated phone or mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Its number or address. Its `reveal()` may be shown in full: nobody has it.
    pub address: Address,
    /// The channels it was reached on, each once, in the order of [`Channel::ALL`].
    pub channels: Vec<Channel>,
    /// Its newest messages, the newest last; never empty.
    pub messages: Vec<Arc<SandboxMessage>>,
    /// What its person did last, the newest last.
    pub sent: Vec<Sent>,
}

impl Phones {
    /// The `limit` phones that were written to last, the latest first.
    pub fn wall(&self, limit: usize) -> Vec<Phone> {
        self.read(|messages, sent| group(messages, sent, limit))
    }
}

fn group(
    messages: &VecDeque<Arc<SandboxMessage>>,
    sent: &VecDeque<Sent>,
    limit: usize,
) -> Vec<Phone> {
    let mut phones: Vec<Phone> = Vec::new();
    let mut places: HashMap<&Address, usize> = HashMap::new();
    for message in messages.iter().rev() {
        let place = match places.get(&message.to) {
            Some(place) => *place,
            None if phones.len() < limit => {
                places.insert(&message.to, phones.len());
                phones.push(Phone::at(message.to.clone()));
                phones.len() - 1
            }
            None => continue,
        };
        let phone = &mut phones[place];
        if !phone.channels.contains(&message.channel) {
            phone.channels.push(message.channel);
        }
        if phone.messages.len() < MESSAGES_A_PHONE {
            phone.messages.push(Arc::clone(message));
        }
    }
    for deed in sent.iter().rev() {
        let phone = places.get(&deed.from).map(|place| &mut phones[*place]);
        if let Some(phone) = phone.filter(|phone| phone.sent.len() < MESSAGES_A_PHONE) {
            phone.sent.push(deed.clone());
        }
    }
    for phone in &mut phones {
        phone.channels.sort_unstable();
        phone.messages.reverse();
        phone.sent.reverse();
    }
    phones
}

impl Phone {
    fn at(address: Address) -> Self {
        Self {
            address,
            channels: Vec::new(),
            messages: Vec::new(),
            sent: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::sandbox::tests::{message, phones_with};

    #[test]
    fn a_wall_without_messages_is_empty() {
        assert!(phones_with(10, &[]).wall(5).is_empty());
    }

    #[test]
    fn the_phone_written_to_last_comes_first_and_its_newest_message_last() {
        let phones = phones_with(
            10,
            &[
                (Channel::Sms, message(1, "+12025550101")),
                (Channel::Email, message(2, "ana@clinic.example")),
                (Channel::Voice, message(3, "+12025550101")),
            ],
        );
        let wall = phones.wall(5);
        assert_eq!(wall.len(), 2);
        assert_eq!(wall[0].address.reveal(), "+12025550101");
        assert_eq!(wall[0].channels, [Channel::Sms, Channel::Voice]);
        let serials: Vec<u64> = wall[0]
            .messages
            .iter()
            .map(|message| message.serial)
            .collect();
        assert_eq!(serials, [1, 3]);
        assert_eq!(wall[1].channels, [Channel::Email]);
    }

    #[test]
    fn only_the_latest_phones_and_their_newest_messages_are_shown() {
        let to_one = (1..=30).map(|n| (Channel::Sms, message(n, "+12025550101")));
        let to_other = (Channel::Sms, message(31, "+12025550102"));
        let all: Vec<_> = std::iter::once(to_other).chain(to_one).collect();
        let wall = phones_with(100, &all).wall(1);
        assert_eq!(wall.len(), 1);
        assert_eq!(wall[0].messages.len(), MESSAGES_A_PHONE);
        assert_eq!(wall[0].messages.last().unwrap().serial, 31);
    }

    #[tokio::test]
    async fn what_people_did_stands_on_their_own_phone_in_order() {
        let phones = phones_with(
            10,
            &[
                (Channel::Sms, message(1, "+12025550101")),
                (Channel::Sms, message(2, "+12025550102")),
            ],
        );
        phones.reply(1, "2").unwrap();
        phones.tap(1, 0).unwrap();
        let mut events = phones.events().unwrap();
        for _ in 0..4 {
            events.next().await;
        }
        let wall = phones.wall(5);
        let texts = |place: usize| -> Vec<Option<&str>> {
            wall[place]
                .sent
                .iter()
                .map(|sent| sent.text.as_deref())
                .collect()
        };
        assert!(texts(0).is_empty(), "the other phone did nothing");
        assert_eq!(texts(1), [Some("2"), None]);
    }
}
