//! The alert's own words, turned into the page's.

use crate::alert::words;

use super::{Mode, Severity};

impl From<words::Mode> for Mode {
    fn from(mode: words::Mode) -> Self {
        match mode {
            words::Mode::Actual => Self::Live,
            words::Mode::Exercise => Self::Drill,
        }
    }
}

impl Severity {
    /// The word for an alert of this kind and CAP severity: an all-clear and a correction are
    /// SAFE whatever they follow.
    pub fn of(kind: words::AlertKind, severity: words::Severity) -> Self {
        match (kind, severity) {
            (words::AlertKind::AllClear | words::AlertKind::Correction, _) => Self::Safe,
            (_, words::Severity::Extreme | words::Severity::Severe) => Self::Danger,
            (_, words::Severity::Moderate) => Self::Caution,
            (_, words::Severity::Minor) => Self::Information,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_all_clear_of_a_fire_is_safe_and_its_update_is_danger() {
        let fire = words::Severity::Extreme;
        assert_eq!(
            Severity::of(words::AlertKind::AllClear, fire),
            Severity::Safe
        );
        assert_eq!(
            Severity::of(words::AlertKind::Update, fire),
            Severity::Danger
        );
    }
}
