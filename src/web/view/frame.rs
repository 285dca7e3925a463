//! What surrounds every page: the organisation, where one may go, and the ribbon of the mode.

use crate::web::assets;

use super::{Link, Mode, Notice};

/// The parts of the console, for the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The launch boards and the check pages.
    Send,
    /// Alerts, boards and reports.
    Alerts,
    /// People, groups and imports.
    People,
    /// Templates.
    Templates,
    /// Who may sign in, and the tokens of scripts.
    Accounts,
    /// The log of acts.
    Log,
    /// The simulated phones.
    Phones,
    /// A page that is part of none: an error.
    Nowhere,
}

/// What the signed-in person's roles open. Everything else is left out of the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each ability is independent of the others"
)]
pub struct Abilities {
    /// May launch alerts.
    pub send: bool,
    /// May see boards and reports.
    pub alerts: bool,
    /// May see the directory.
    pub people: bool,
    /// May see templates.
    pub templates: bool,
    /// May manage accounts and tokens.
    pub accounts: bool,
    /// May read the log of acts.
    pub log: bool,
    /// A sandbox gateway is configured.
    pub phones: bool,
}

impl Abilities {
    /// Everything: for a system administrator who has every role.
    pub const ALL: Self = Self {
        send: true,
        alerts: true,
        people: true,
        templates: true,
        accounts: true,
        log: true,
        phones: true,
    };
}

/// One entry of the navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NavEntry {
    /// Where it goes and what it is called.
    pub link: Link,
    /// Whether this page is part of it.
    pub current: bool,
}

/// What surrounds a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The organisation's name, at the top of every page.
    pub organisation: String,
    /// The page's own name, for the tab. The mode's word is put before it.
    pub title: String,
    /// The mode, where one applies.
    pub mode: Option<Mode>,
    /// What the ribbon says after the mode's word. Shown only with a mode.
    pub ribbon: String,
    /// A link at the ribbon's end, such as the way to the other launch board.
    pub ribbon_link: Option<Link>,
    /// Where this person may go; empty before sign-in.
    pub nav: Vec<NavEntry>,
    /// The name of whoever is signed in; none hides the way out.
    pub signed_in_as: Option<String>,
    /// Sentences above the content: results of the last act, things to know.
    pub notices: Vec<Notice>,
}

impl Frame {
    /// A page without a mode, navigation or notices: sign-in, errors, a caller's page.
    pub fn new(organisation: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            organisation: organisation.into(),
            title: title.into(),
            mode: None,
            ribbon: String::new(),
            ribbon_link: None,
            nav: Vec::new(),
            signed_in_as: None,
            notices: Vec::new(),
        }
    }

    /// The same with the navigation that `abilities` open, at `current`, for `name`.
    #[must_use]
    pub fn signed_in(
        mut self,
        name: impl Into<String>,
        abilities: Abilities,
        current: Section,
    ) -> Self {
        let entries = [
            (abilities.send, Section::Send, "Send", "/live"),
            (abilities.alerts, Section::Alerts, "Alerts", "/alerts"),
            (abilities.people, Section::People, "People", "/people"),
            (
                abilities.templates,
                Section::Templates,
                "Templates",
                "/templates",
            ),
            (
                abilities.accounts,
                Section::Accounts,
                "Accounts",
                "/accounts",
            ),
            (abilities.log, Section::Log, "Log", "/log"),
            (abilities.phones, Section::Phones, "Phones", "/sandbox"),
        ];
        self.nav = entries
            .into_iter()
            .filter(|(allowed, ..)| *allowed)
            .map(|(_, section, label, href)| NavEntry {
                link: Link::new(label, href),
                current: section == current,
            })
            .collect();
        self.signed_in_as = Some(name.into());
        self
    }

    /// The same in a mode, with what its ribbon says.
    #[must_use]
    pub fn in_mode(self, mode: Mode, ribbon: impl Into<String>) -> Self {
        Self {
            mode: Some(mode),
            ribbon: ribbon.into(),
            ..self
        }
    }

    /// The same with a link at the ribbon's end.
    #[must_use]
    pub fn ribbon_link(self, link: Link) -> Self {
        Self {
            ribbon_link: Some(link),
            ..self
        }
    }

    /// The same with one more sentence above the content.
    #[must_use]
    pub fn notice(mut self, notice: Notice) -> Self {
        self.notices.push(notice);
        self
    }

    /// The tab's title: `DRILL: Check: Clinic closed · Riverside Clinic`.
    pub fn tab(&self) -> String {
        let mode = self
            .mode
            .map(|mode| format!("{}: ", mode.word()))
            .unwrap_or_default();
        format!("{mode}{} · {}", self.title, self.organisation)
    }

    /// The body's class: `live`, `drill` or `plain`.
    pub fn class(&self) -> &'static str {
        self.mode.map_or("plain", Mode::path)
    }

    /// The favicon of the mode, so that two tabs cannot be mistaken for each other.
    pub fn favicon(&self) -> String {
        assets::url(match self.mode {
            Some(Mode::Live) => "favicon-live.svg",
            Some(Mode::Drill) => "favicon-drill.svg",
            None => "favicon.svg",
        })
    }

    /// The address of an asset, with its version.
    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_navigation_leaves_out_what_the_role_may_not_do() {
        let abilities = Abilities {
            send: true,
            alerts: true,
            ..Abilities::default()
        };

        let frame = Frame::new("Clinic", "Alerts").signed_in("Rosa", abilities, Section::Alerts);

        let labels: Vec<_> = frame
            .nav
            .iter()
            .map(|entry| entry.link.label.as_str())
            .collect();
        assert_eq!(labels, ["Send", "Alerts"]);
        assert!(frame.nav[1].current && !frame.nav[0].current);
    }

    #[test]
    fn the_mode_comes_first_in_the_tab() {
        let frame = Frame::new("Clinic", "Check: Fire").in_mode(Mode::Drill, "nothing sent");

        assert_eq!(frame.tab(), "DRILL: Check: Fire · Clinic");
        assert_eq!(frame.class(), "drill");
    }
}
