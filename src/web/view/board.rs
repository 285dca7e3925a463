//! The board of one alert: what is known now, and whom to help next.

use askama::Template;

use super::chart::{Bar, Chart};
use super::{Act, Fact, Frame, Link, Mode, Pages, Severity, Tone, counted, people};

/// `/alerts/ID`.
#[derive(Clone, Debug, Template)]
#[template(path = "board.html")]
pub struct Board {
    /// What surrounds the page, in the alert's mode; the ribbon names the alert and its start.
    pub page: Frame,
    /// The alert's name.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where the moving part is fetched from: `/alerts/ID/live` with the page's own query.
    pub live_href: String,
    /// Where the server tells of changes by itself.
    pub events_href: String,
    /// Seconds between two fetches while the server's own telling is interrupted; none once the
    /// alert has ended, so that nothing moves any more.
    pub refresh_seconds: Option<u32>,
    /// The alert's facts: reference, who sent it, to whom, when it expires.
    pub facts: Vec<Fact>,
    /// What was said, as sent in the most used channel and language.
    pub text: String,
    /// Alerts before and after this one: what it corrects, updates, or is called off by.
    pub thread: Vec<Link>,
    /// Call list, report, download.
    pub links: Vec<Link>,
    /// The moving part.
    pub live: BoardLive,
}

/// The part of the board that moves; also `/alerts/ID/live` on its own.
#[derive(Clone, Debug, Template)]
#[template(path = "board_live.html")]
pub struct BoardLive {
    /// LIVE or DRILL.
    pub mode: Mode,
    /// While the message is being held back: how long still and how to stop it.
    pub hold: Option<Hold>,
    /// When these numbers were read: "14:05:31".
    pub updated: String,
    /// How the alert stands, in a sentence: "Running for 3 min 24 s. Ends by itself at 18:00."
    pub state: String,
    /// How that is meant; `Good` for ended, `Careful` for stopped.
    pub state_tone: Tone,
    /// Why messages wait and until when: "Quiet hours until 06:30: text messages wait until then."
    pub quiet: Option<String>,
    /// Messages that were sent again although they may have gone out before.
    pub twice: u64,
    /// The big numbers.
    pub numbers: Numbers,
    /// The big numbers of a call-out, instead.
    pub call_out: Option<CallOutNumbers>,
    /// What can be done now, the most urgent first; empty for whoever may only look.
    pub acts: Vec<Act>,
    /// The people, by what they need; groups without anybody are left out.
    pub needs: Vec<Need>,
    /// The gateways in use.
    pub gateways: Vec<GatewayLight>,
    /// Reached and answered over time; none before anything happened.
    pub chart: Option<Chart>,
}

impl BoardLive {
    /// "3 messages may have arrived twice."
    fn doubt(&self) -> Option<String> {
        let messages = counted(self.twice, "message", "messages");
        (self.twice > 0).then(|| format!("{messages} may have arrived twice."))
    }
}

/// A message that is still held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Whole seconds left.
    pub seconds: u32,
    /// Where "Stop" posts to; none for whoever may only look.
    pub stop_href: Option<String>,
    /// How many people it would go to.
    pub people: u64,
}

impl Hold {
    /// "LIVE alert to 143 people. Nothing has left yet."
    pub fn what(&self, mode: Mode) -> String {
        let what = match mode {
            Mode::Live => "LIVE alert",
            Mode::Drill => "DRILL",
        };
        format!("{what} to {}. Nothing has left yet.", people(self.people))
    }
}

/// People, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Everybody in the audience.
    pub recipients: u64,
    /// Answered anything, those who need help included.
    pub answered: u64,
    /// Of those who answered: need help.
    pub need_help: u64,
    /// Of those who answered: cannot come.
    pub negative: u64,
    /// Reached as far as is known, or still being tried, and silent.
    pub silent: u64,
    /// Could not be reached: failed, unreachable or excluded.
    pub not_reached: u64,
    /// Wrote something that is no answer and that nobody has dealt with; counted above too.
    pub wrote: u64,
}

/// People of a call-out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOutNumbers {
    /// "3 of 5 are coming, 2 more are needed: 9 asked so far, 15 not yet."
    pub sentence: String,
    /// Whether enough have said yes.
    pub is_filled: bool,
    /// How many must say yes.
    pub needed: u64,
    /// How many of them are in.
    pub coming: u64,
    /// How many places are open.
    pub still_needed: u64,
    /// Said yes after it was filled.
    pub standby: u64,
    /// Were asked.
    pub asked: u64,
    /// Were asked, as far as is known, and are silent.
    pub silent: u64,
    /// Cannot come.
    pub negative: u64,
    /// Need help themselves.
    pub need_help: u64,
    /// Were asked in vain.
    pub not_reached: u64,
    /// Were not asked.
    pub unasked: u64,
}

impl CallOutNumbers {
    /// The bar under the numbers: those who were asked.
    pub fn bar(&self) -> Bar {
        Bar::new(&[
            ("answered", "coming", self.coming),
            ("standby", "standby list", self.standby),
            ("negative", "cannot come", self.negative),
            ("help", "need help", self.need_help),
            ("silent", "silent", self.silent),
            ("unreached", "not reached", self.not_reached),
        ])
    }

    /// The same in a sentence, for screen readers and titles.
    pub fn summary(&self) -> String {
        format!(
            "{} {} cannot come, {} silent, {} not reached.",
            self.sentence, self.negative, self.silent, self.not_reached
        )
    }
}

impl Numbers {
    /// The bar under the numbers.
    pub fn bar(&self) -> Bar {
        let fine = self.answered.saturating_sub(self.need_help + self.negative);
        Bar::new(&[
            ("answered", "answered", fine),
            ("negative", "cannot come", self.negative),
            ("help", "need help", self.need_help),
            ("silent", "silent", self.silent),
            ("unreached", "not reached", self.not_reached),
        ])
    }

    /// The same in a sentence, for screen readers and titles.
    pub fn summary(&self) -> String {
        let wrote = match self.wrote {
            0 => String::new(),
            wrote => format!(" {} wrote something that is no answer.", people(wrote)),
        };
        format!(
            "{} of {} answered, {} need help, {} silent, {} not reached.{wrote}",
            self.answered,
            people(self.recipients),
            self.need_help,
            self.silent,
            self.not_reached
        )
    }
}

/// People who need the same next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// `help`, `wrote`, `negative`, `silent`, `unreached` or `answered`: gives the edge its colour.
    pub class: &'static str,
    /// "Need help first".
    pub title: String,
    /// How many there are in all.
    pub count: u64,
    /// The people shown.
    pub rows: Vec<PersonRow>,
    /// Where the reader is, when not all are shown.
    pub pages: Pages,
    /// Whether the list is folded at first: for those who need nothing.
    pub folded: bool,
}

/// One person on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// The person's name.
    pub name: String,
    /// The person in this alert: `/alerts/ID/people/CONTACT`.
    pub href: String,
    /// "Nurse, building B".
    pub place: String,
    /// What happened, in words: "Text delivered 14:02:31. Call ringing."
    pub happened: String,
    /// The one next act; none when there is nothing to do.
    pub act: Option<Act>,
}

/// How one gateway is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayLight {
    /// Its name.
    pub name: String,
    /// How it is.
    pub tone: Tone,
    /// "131 taken, none waiting".
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_counts_everybody_once() {
        let numbers = Numbers {
            recipients: 143,
            answered: 121,
            need_help: 3,
            negative: 5,
            silent: 16,
            not_reached: 6,
            wrote: 2,
        };
        assert!(
            numbers
                .summary()
                .ends_with("2 people wrote something that is no answer.")
        );

        let words = numbers.bar().words;

        assert_eq!(
            words,
            "answered: 113, cannot come: 5, need help: 3, silent: 16, not reached: 6"
        );
    }
}
