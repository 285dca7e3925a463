//! F1 to F10 and F27: gateways that refuse, hang, lie or fall silent, through the real adapters and
//! the real engine. Time is the test's, but for the time limits of exchanges, which are a twentieth
//! of the usual.

mod asked;
mod mail;
mod people;
mod receipts;
mod refusals;
mod wires;

use muster::channel::kinds::{self, Opening};
use muster::channel::sandbox::Phones;
use muster::channel::{Channel, Configured};
use muster::storage::standing::Delivery;

use crate::house::House;

/// The usual limit of a whole HTTP exchange is 10 s: here it is half a second.
const HURRY: u32 = 20;

/// Opens a gateway of these settings, as the configuration would.
fn open(house: &House, table: &str) -> Configured {
    let opening = Opening {
        public_url: house.app.public_url.clone(),
        organisation: "Riverside Clinic".to_owned(),
        instance: "k3xq".to_owned(),
        clock: house.app.clock.clone(),
        sandbox: Phones::new(house.app.clock.clone()),
        hurry: HURRY,
    };
    kinds::open(&table.parse().unwrap(), &opening).unwrap()
}

/// The house with these gateways for texts and its own for mail.
fn with_sms(house: &House, tables: &[String]) -> House {
    let mail = house.app.gateway("email").unwrap().clone();
    let mut gateways: Vec<_> = tables.iter().map(|table| open(house, table)).collect();
    gateways.push(mail);
    house.with_gateways(gateways)
}

/// Settings of a gateway of kind `http` that names each message.
fn http(name: &str, port: u16, priority: u32, more: &str) -> String {
    format!(
        "name = \"{name}\"\nchannel = \"sms\"\nkind = \"http\"\nexercises = true\n\
         priority = {priority}\nmessage_id = \"/id\"\ncallback_token = \"secret\"\n\
         url = \"http://127.0.0.1:{port}/send\"\n{more}"
    )
}

/// Settings of a gateway of kind `twilio`.
fn twilio(port: u16, more: &str) -> String {
    format!(
        "name = \"twilio\"\nchannel = \"sms\"\nkind = \"twilio\"\nexercises = true\n\
         base_url = \"http://127.0.0.1:{port}\"\nfrom = \"+15005550006\"\n\
         account_sid = \"{}\"\nauth_token = \"{}\"\n{more}",
        crate::support::twilio::ACCOUNT_SID,
        crate::support::twilio::AUTH_TOKEN
    )
}

/// Settings of a gateway of kind `kannel`.
fn kannel(port: u16) -> String {
    format!(
        "name = \"kannel\"\nchannel = \"sms\"\nkind = \"kannel\"\nexercises = true\n\
         username = \"muster\"\npassword = \"secret\"\nurl = \"http://127.0.0.1:{port}/\""
    )
}

/// Every message by text of an alert, in the order of its people.
async fn texts(house: &House, alert: &muster::storage::alerts::Alert) -> Vec<Delivery> {
    let mut all = Vec::new();
    for person in house.people(alert).await {
        let deliveries = house.deliveries(&person).await;
        all.extend(
            deliveries
                .into_iter()
                .filter(|one| one.channel == Channel::Sms),
        );
    }
    all
}

/// How many of them stand how: "accepted", "accepted, perhaps twice".
async fn words(house: &House, alert: &muster::storage::alerts::Alert) -> Vec<(String, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for one in texts(house, alert).await {
        let twice = if one.possible_duplicate {
            ", perhaps twice"
        } else {
            ""
        };
        *counts.entry(format!("{}{twice}", one.state)).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}
