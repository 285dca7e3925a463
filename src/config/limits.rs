//! When people may be woken, and how fast one place may be reached.

use serde::Deserialize;

use crate::channel::Channel;
use crate::quiet_hours::QuietHours;

/// The hours in which what is not life-safety waits, as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// When they begin, as `22:00`, where the organisation is.
    pub from: String,
    /// When they end.
    pub until: String,
    /// The channels that wake people.
    #[serde(default = "waking")]
    pub channels: Vec<Channel>,
}

fn waking() -> Vec<Channel> {
    vec![Channel::Sms, Channel::Voice, Channel::Push]
}

impl Quiet {
    /// The hours; an error is a sentence without its key.
    pub fn hours(&self) -> Result<QuietHours, String> {
        QuietHours::new(&self.from, &self.until, &self.channels)
    }
}

/// A place that is slower than one message in a quarter of an hour is a mistake.
const LEAST_RATE: f64 = 0.001;

/// A place that many numbers or addresses lead to: a switchboard with few lines, a mail server of
/// the house. Whatever gateway leads there, it is reached at this rate by all servers together.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// What it is called.
    pub name: String,
    /// Beginnings of its numbers, in full: `+4144123` is every extension behind it.
    #[serde(default)]
    pub numbers: Vec<String>,
    /// Its mail domains, without those below them.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Messages a second at most; 0.5 is one in two seconds.
    pub rate_per_second: f64,
}

impl Destination {
    /// Whether that number or address leads there.
    pub fn has(&self, address: &str) -> bool {
        match address.rsplit_once('@') {
            Some((_, domain)) => self
                .domains
                .iter()
                .any(|one| one.eq_ignore_ascii_case(domain)),
            None => self.numbers.iter().any(|start| address.starts_with(start)),
        }
    }

    /// What is wrong with it, each naming its key.
    fn problems(&self) -> Vec<String> {
        let of = |key: &str, words: &str| format!("destination \"{}\": {key}: {words}", self.name);
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push("destination: name: it cannot be empty".to_owned());
        }
        if !(LEAST_RATE..=1e6).contains(&self.rate_per_second) {
            problems.push(of("rate_per_second", "write 0.001 or more, as in 5 or 0.5"));
        }
        if self.numbers.is_empty() && self.domains.is_empty() {
            problems.push(of("numbers", "name a number's beginning or a mail domain"));
        }
        let is_start = |start: &String| {
            start.strip_prefix('+').is_some_and(|digits| {
                digits.len() >= 2 && digits.bytes().all(|digit| digit.is_ascii_digit())
            })
        };
        if !self.numbers.iter().all(is_start) {
            problems.push(of(
                "numbers",
                "write each in full, as +4144123, without blanks",
            ));
        }
        if self
            .domains
            .iter()
            .any(|domain| domain.contains('@') || !domain.contains('.'))
        {
            problems.push(of("domains", "write each as clinic.example, without an @"));
        }
        problems
    }
}

/// What is wrong with all of them.
pub(super) fn problems(quiet: Option<&Quiet>, destinations: &[Destination]) -> Vec<String> {
    let quiet = quiet.and_then(|quiet| quiet.hours().err());
    let mut problems: Vec<String> = quiet
        .map(|words| format!("organisation.quiet_hours: {words}"))
        .into_iter()
        .chain(destinations.iter().flat_map(Destination::problems))
        .collect();
    let mut names: Vec<&str> = destinations.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair.first() == pair.last());
    let twice = twice.and_then(|pair| pair.first());
    problems.extend(twice.map(|name| format!("destination: two are called \"{name}\"")));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switchboard() -> Destination {
        Destination {
            name: "switchboard".to_owned(),
            numbers: vec!["+4144123".to_owned()],
            domains: vec!["clinic.example".to_owned()],
            rate_per_second: 5.0,
        }
    }

    #[test]
    fn every_extension_and_every_mailbox_leads_to_its_place() {
        let place = switchboard();
        assert!(place.has("+41441234567") && place.has("ana@Clinic.Example"));
        for other in [
            "+41791234567",
            "ana@ward.clinic.example",
            "ana@clinic.example.org",
        ] {
            assert!(!place.has(other), "{other}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let wrong = Destination {
            numbers: vec!["044 123".to_owned()],
            domains: vec!["@clinic".to_owned()],
            rate_per_second: 0.0,
            ..switchboard()
        };
        let words = problems(None, &[wrong]).join("\n");
        for key in ["rate_per_second:", "numbers:", "domains:"] {
            assert!(
                words.contains(&format!("destination \"switchboard\": {key}")),
                "{words}"
            );
        }
        for rate in [-1.0, 1e-9, f64::NAN, f64::INFINITY] {
            let odd = Destination {
                rate_per_second: rate,
                ..switchboard()
            };
            assert!(
                problems(None, &[odd])[0].contains("0.001 or more"),
                "{rate}"
            );
        }
        let nowhere = Destination {
            numbers: Vec::new(),
            domains: Vec::new(),
            ..switchboard()
        };
        assert!(problems(None, &[nowhere])[0].contains("name a number's beginning"));
        let twice = [switchboard(), switchboard()];
        assert_eq!(
            problems(None, &twice),
            ["destination: two are called \"switchboard\""]
        );
        let quiet = Quiet {
            from: "10 pm".to_owned(),
            until: "06:00".to_owned(),
            channels: waking(),
        };
        let words = problems(Some(&quiet), &[]);
        assert!(
            words[0].starts_with("organisation.quiet_hours: \"10 pm\" is no time"),
            "{words:?}"
        );
    }
}
