//! The hours in which nobody's phone rings for anything but life-safety. Pure.
//!
//! What is not life-safety waits for their end on the channels that wake people; a mailbox does not.
//! A routine alert that is launched within them counts its plan and its time from their end, so that
//! nobody is given up or asked next for a message that has not rung yet.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use crate::channel::Channel;
use crate::clock::Timestamp;

/// From when until when, where the organisation is, and on which channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    until: Time,
    channels: Vec<Channel>,
}

impl QuietHours {
    /// `from` and `until` as `22:00`. An error is a sentence without its key.
    pub fn new(from: &str, until: &str, channels: &[Channel]) -> Result<Self, String> {
        let hours = Self {
            from: time(from)?,
            until: time(until)?,
            channels: channels.to_vec(),
        };
        if hours.from == hours.until {
            return Err("from and until are the same time: there would be no hour".to_owned());
        }
        if hours.channels.is_empty() {
            return Err("channels is empty: name at least one, or leave it away".to_owned());
        }
        Ok(hours)
    }

    /// When they are over, if it is quiet now. Where the clocks are changed that night they begin and
    /// end by the clock on the wall.
    pub fn until(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local: Zoned = now.to_jiff().to_zoned(zone.clone());
        let time = local.time();
        let (is_late, is_early) = (time >= self.from, time < self.until);
        let days = match self.from < self.until {
            true if is_late && is_early => 0,
            false if is_early => 0,
            false if is_late => 1,
            _ => return None,
        };
        let day = local.date().saturating_add(Span::new().days(days));
        let end = day.to_datetime(self.until).to_zoned(zone.clone()).ok()?;
        Some(Timestamp(end.timestamp().as_millisecond()))
    }

    /// Whether this channel wakes people.
    pub fn holds(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }

    /// The channels that wake people.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }
}

fn time(text: &str) -> Result<Time, String> {
    text.parse()
        .map_err(|_cause| format!("\"{text}\" is no time of the day: write it as 22:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night() -> QuietHours {
        QuietHours::new("22:00", "06:30", &[Channel::Sms]).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        let moment: jiff::Timestamp = text.parse().unwrap();
        Timestamp(moment.as_millisecond())
    }

    fn zurich() -> TimeZone {
        TimeZone::get("Europe/Zurich").unwrap()
    }

    #[test]
    fn a_night_goes_over_midnight_and_ends_in_the_morning() {
        let until = |text| night().until(at(text), &zurich());
        assert_eq!(until("2026-11-22T20:59:59Z"), None);
        let morning = Some(at("2026-11-23T05:30:00Z"));
        assert_eq!(until("2026-11-22T21:00:00Z"), morning);
        assert_eq!(until("2026-11-23T05:29:59Z"), morning);
        assert_eq!(until("2026-11-23T05:30:00Z"), None);
    }

    #[test]
    fn a_rest_at_noon_is_within_one_day() {
        let noon = QuietHours::new("12:00", "14:00", &[Channel::Sms]).unwrap();
        let until = |text| noon.until(at(text), &TimeZone::UTC);
        assert_eq!(until("2026-11-22T11:59:59Z"), None);
        let end = Some(at("2026-11-22T14:00:00Z"));
        assert_eq!(until("2026-11-22T13:00:00Z"), end);
        assert_eq!(until("2026-11-22T14:00:00Z"), None);
    }

    #[test]
    fn the_night_when_the_clocks_change_ends_by_the_clock_on_the_wall() {
        let until = |text| night().until(at(text), &zurich());
        // Summer time begins on 2026-03-29 at 02:00 and ends on 2026-10-25 at 03:00.
        let spring = Some(at("2026-03-29T04:30:00Z"));
        assert_eq!(until("2026-03-28T21:30:00Z"), spring);
        let autumn = Some(at("2026-10-25T05:30:00Z"));
        assert_eq!(until("2026-10-24T20:30:00Z"), autumn);
    }

    #[test]
    fn what_is_no_time_or_no_span_is_refused_in_words() {
        let wrong =
            |from, until, channels: &[Channel]| QuietHours::new(from, until, channels).unwrap_err();
        assert!(wrong("25:00", "06:00", &[Channel::Sms]).contains("\"25:00\" is no time"));
        assert!(wrong("22:00", "six", &[Channel::Sms]).contains("\"six\" is no time"));
        assert!(wrong("22:00", "22:00", &[Channel::Sms]).contains("the same time"));
        assert!(wrong("22:00", "06:00", &[]).contains("channels is empty"));
    }
}
