//! Who lives in the simulated clinic, and by which providers they are reached.

use std::collections::BTreeMap;

use muster::alert::words::{Category, Language};
use muster::audit::Actor;
use muster::channel::{Address, Channel};
use muster::directory::contact::{self, ContactDraft, PointDraft, PointKind};
use muster::directory::group::{self, GroupDraft};
use muster::keys::Keys;
use muster::storage::Db;

use crate::dice::Dice;
use crate::gateway::Provider;
use crate::world::{START, approve};

/// Everyone, and their addresses.
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    pub addresses: Vec<String>,
}

impl Crowd {
    /// One to eight people; some share a phone, some have no address at all.
    pub async fn move_in(db: &Db, dice: &mut Dice) -> Self {
        approve(db).await;
        let keys = Keys::derive(&[7; 32]);
        let mut addresses = Vec::new();
        let mut members = Vec::new();
        for number in 0..=dice.below(8) {
            let mut points = Vec::new();
            if dice.percent(85) {
                let shared = usize::from(number > 0 && dice.percent(20));
                let mobile = format!("+4179{:07}", number - shared);
                points.push((PointKind::Mobile, mobile));
            }
            if dice.percent(60) {
                points.push((PointKind::Email, format!("p{number}@clinic.example")));
            }
            addresses.extend(points.iter().map(|(_, address)| address.clone()));
            let draft = draft(number, &points, dice);
            let made = contact::create(db, &keys, draft, START, &Actor::system()).await;
            members.push(made.unwrap().id);
        }
        let everyone = GroupDraft {
            title: "everyone".to_owned(),
            name: Some("everyone".to_owned()),
            members: Some(members),
            parts: None,
            rules: None,
        };
        group::create(db, everyone, START, &Actor::system())
            .await
            .unwrap();
        addresses.sort_unstable();
        addresses.dedup();
        Self { addresses }
    }

    /// Some numbers do not exist: a provider will never take a message to them.
    pub fn mark_dead_numbers(&self, dice: &mut Dice, providers: &mut [Provider]) {
        for address in &self.addresses {
            for provider in &mut *providers {
                if dice.percent(5) {
                    provider.dead.push(address.clone());
                }
            }
        }
    }
}

fn draft(number: usize, points: &[(PointKind, String)], dice: &mut Dice) -> ContactDraft {
    let categories = [Category::Staff, Category::Patient];
    let point = |(kind, address): &(PointKind, String)| PointDraft {
        kind: *kind,
        address: Address::new(address.as_str()),
        extension: String::new(),
    };
    ContactDraft {
        external_id: None,
        name: format!("Person {number}"),
        language: Language("en".to_owned()),
        category: categories[dice.below(categories.len())],
        role: String::new(),
        site: String::new(),
        unit: String::new(),
        tags: Vec::new(),
        fields: BTreeMap::new(),
        groups: Vec::new(),
        points: points.iter().map(point).collect(),
        manager_id: None,
    }
}

/// One or two providers for texts, and one for mails.
pub fn providers(dice: &mut Dice) -> Vec<Provider> {
    let mut providers = vec![
        Provider::new("first", Channel::Sms, 10),
        Provider::new("mail", Channel::Email, 10),
    ];
    if dice.percent(60) {
        let priority = if dice.percent(50) { 10 } else { 20 };
        providers.push(Provider::new("second", Channel::Sms, priority));
    }
    for provider in &mut providers {
        provider.common.slots = 1 + dice.below(4);
        provider.common.exercises = dice.percent(70);
        provider.common.weight = dice.percent(30).then(|| [1, 2, 3][dice.below(3)]);
        provider.common.daily_cap = dice.percent(10).then_some(3);
    }
    providers
}
