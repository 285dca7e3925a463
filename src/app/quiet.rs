//! What the quiet hours hold back now.

use super::App;
use crate::alert::words::Severity;
use crate::channel::Channel;
use crate::clock::Timestamp;

impl App {
    /// Until when a message of this severity waits on one of these channels, if it is quiet now.
    pub fn quiet_until(&self, severity: Severity, channels: &[Channel]) -> Option<Timestamp> {
        let quiet = self.quiet.as_ref().filter(|_| !severity.is_life_safety())?;
        if !channels.iter().any(|channel| quiet.holds(*channel)) {
            return None;
        }
        quiet.until(self.clock.now(), &self.config.organisation.zone())
    }

    /// Whether nothing but life-safety may go out on this channel now.
    pub fn is_quiet(&self, channel: Channel) -> bool {
        self.quiet_until(Severity::Moderate, &[channel]).is_some()
    }

    /// The channels on which nothing but life-safety may go out now.
    pub fn quiet_channels(&self) -> Vec<Channel> {
        let quiet = |channel: &&Channel| self.is_quiet(**channel);
        Channel::ALL.iter().filter(quiet).copied().collect()
    }
}
