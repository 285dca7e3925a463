//! Counts wrong links by where they come from, so that nobody can guess at speed.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Wrong links that one network may open in a minute.
const ALLOWED: u32 = 30;
/// The minute.
const WINDOW: Duration = Duration::from_mins(1);
/// Networks that are remembered. When more come at once, the count begins again for all: a guesser
/// gains one more minute's worth, and the memory stays bounded.
const REMEMBERED: usize = 10_000;

/// The wrong links of the last minute, by network. In memory: a restart forgives.
#[derive(Debug, Default)]
pub(super) struct Misses(Mutex<HashMap<IpAddr, Window>>);

#[derive(Debug)]
struct Window {
    begun: Duration,
    count: u32,
}

impl Misses {
    /// Takes note of a wrong link at `now`. False when this network has opened too many.
    pub(super) fn note(&self, from: IpAddr, now: Duration) -> bool {
        let mut networks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let network = network(from);
        if networks.len() >= REMEMBERED && !networks.contains_key(&network) {
            networks.retain(|_, window| now.saturating_sub(window.begun) < WINDOW);
            if networks.len() >= REMEMBERED {
                networks.clear();
            }
        }
        let window = networks.entry(network).or_insert(Window {
            begun: now,
            count: 0,
        });
        if now.saturating_sub(window.begun) >= WINDOW {
            *window = Window {
                begun: now,
                count: 0,
            };
        }
        window.count = window.count.saturating_add(1);
        window.count <= ALLOWED
    }
}

/// What one caller can have for the asking: 256 addresses of version 4, a whole /56 of version 6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 72)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_thirty_first_wrong_link_of_a_minute_is_one_too_many() {
        let misses = Misses::default();
        let second = Duration::from_secs(1);
        assert!((0..30).all(|_| misses.note(address("192.0.2.1"), second)));
        assert!(
            !misses.note(address("192.0.2.99"), second),
            "the same network"
        );
        assert!(
            misses.note(address("198.51.100.1"), second),
            "another network"
        );
        assert!(
            misses.note(address("192.0.2.1"), second + WINDOW),
            "a minute later"
        );
    }

    #[test]
    fn a_caller_with_many_addresses_of_version_6_is_one_network() {
        assert_eq!(
            network(address("2001:db8:1:100::1")),
            network(address("2001:db8:1:1ff::2"))
        );
        assert_ne!(
            network(address("2001:db8:1:100::1")),
            network(address("2001:db8:1:200::1"))
        );
        assert_eq!(network(address("::ffff:192.0.2.7")), address("192.0.2.0"));
    }

    #[test]
    fn the_memory_of_networks_is_bounded() {
        let misses = Misses::default();
        for number in 0..=u32::try_from(REMEMBERED).unwrap() {
            misses.note(IpAddr::from((number << 8).to_be_bytes()), Duration::ZERO);
        }
        assert!(misses.0.lock().unwrap().len() <= REMEMBERED);
    }
}
