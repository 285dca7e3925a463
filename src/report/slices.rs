//! The audience cut into parts: how many people of each group, site or gateway were reached.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::alert::words::word_enum;
use crate::storage::alerts::Alert;
use crate::storage::report::{self as rows, Kin, Part};
use crate::storage::{Db, Error};

word_enum! {
    /// By what an audience is cut.
    By {
        /// The groups that the launch named, as they were then. Whoever was in several counts in each.
        Group = "group",
        /// Staff, vendors, authorities, patients.
        Category = "category",
        /// Where people work; empty for none given.
        Site = "site",
        /// The unit; empty for none given.
        Unit = "unit",
        /// What people read.
        Language = "language",
        /// Those to whom a message went on it. Whoever got several counts on each.
        Channel = "channel",
        /// Those whose message it had last. Whoever got several counts at each.
        Gateway = "gateway",
    }
}

/// A part of the audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slice {
    /// By what.
    pub by: By,
    /// Which.
    pub name: String,
    /// How many people.
    pub people: i64,
    /// How many of them were reached; on a channel or at a gateway, by it.
    pub reached: i64,
    /// How many of them answered; on a channel or at a gateway, its message.
    pub answered: i64,
}

/// Every part of an alert's audience.
pub(super) async fn of(db: &Db, alert: &Alert) -> Result<Vec<Slice>, Error> {
    let kin = rows::by_kin(db, alert.number).await?;
    let mut slices = groups(alert, rows::by_group(db, alert.number).await?, &kin);
    for by in [By::Category, By::Site, By::Unit, By::Language] {
        slices.extend(added_up(by, &kin));
    }
    let channels = rows::by_channel(db, alert.number).await?;
    slices.extend(listed(By::Channel, channels));
    let gateways = rows::by_gateway(db, alert.number).await?;
    slices.extend(listed(By::Gateway, gateways));
    Ok(slices)
}

/// The groups; of an audience that was one group, everybody.
fn groups(alert: &Alert, parts: Vec<Part>, kin: &[Kin]) -> Vec<Slice> {
    match (alert.audience.groups.as_slice(), alert.audience.contacts) {
        ([only], 0) => {
            let sum = |count: fn(&Kin) -> i64| kin.iter().map(count).sum();
            let all = (
                only.clone(),
                sum(|one| one.people),
                sum(|one| one.reached),
                sum(|one| one.answered),
            );
            listed(By::Group, vec![all])
        }
        _ => listed(By::Group, parts),
    }
}

fn listed(by: By, parts: Vec<Part>) -> Vec<Slice> {
    let slice = |(name, people, reached, answered)| Slice {
        by,
        name,
        people,
        reached,
        answered,
    };
    parts.into_iter().map(slice).collect()
}

/// The people who have this in common, whatever else they have not.
fn added_up(by: By, kin: &[Kin]) -> Vec<Slice> {
    let mut sums: BTreeMap<&str, (i64, i64, i64)> = BTreeMap::new();
    for one in kin {
        let name = match by {
            By::Category => &one.category,
            By::Site => &one.site,
            By::Unit => &one.unit,
            _ => &one.language,
        };
        let sum = sums.entry(name).or_default();
        sum.0 += one.people;
        sum.1 += one.reached;
        sum.2 += one.answered;
    }
    let parts = sums
        .into_iter()
        .map(|(name, (people, reached, answered))| (name.to_owned(), people, reached, answered));
    listed(by, parts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kin(site: &str, language: &str, people: i64) -> Kin {
        Kin {
            category: "staff".to_owned(),
            site: site.to_owned(),
            unit: String::new(),
            language: language.to_owned(),
            people,
            reached: people - 1,
            answered: 1,
        }
    }

    #[test]
    fn every_cut_has_everybody_once() {
        let kin = [
            kin("north", "en", 5),
            kin("north", "es", 2),
            kin("", "en", 3),
        ];
        for by in [By::Category, By::Site, By::Unit, By::Language] {
            let people: i64 = added_up(by, &kin).iter().map(|slice| slice.people).sum();
            assert_eq!(people, 10, "{by}");
        }
        let sites = added_up(By::Site, &kin);
        let sites: Vec<_> = sites
            .iter()
            .map(|one| (one.name.as_str(), one.people, one.reached, one.answered))
            .collect();
        assert_eq!(sites, [("", 3, 2, 1), ("north", 7, 5, 2)]);
    }
}
