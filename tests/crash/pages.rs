//! The board and the report say of every alert how many messages may have arrived twice, and of whom.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::Value;

use crate::compare::{Claim, Message};
use crate::muster::Muster;
use crate::support::environment::http_client;

/// Someone who has signed in to look at boards.
struct Auditor<'m> {
    muster: &'m Muster,
    cookie: String,
}

impl<'m> Auditor<'m> {
    async fn sign_in(muster: &'m Muster) -> Self {
        let arguments = [
            "user", "add", "noor", "--name", "Noor", "--role", "auditor", "--link",
        ];
        let made = muster.json(&arguments).await;
        let link = made["sign_in_url"].as_str().unwrap();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let entered = client.post(link).send().await.unwrap();
        let cookie = entered.headers()[SET_COOKIE].to_str().unwrap();
        Self {
            muster,
            cookie: cookie.split(';').next().unwrap().to_owned(),
        }
    }

    async fn page(&self, path: &str) -> String {
        let request = http_client()
            .get(self.muster.url(path))
            .header(COOKIE, &self.cookie);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        answer.text().await.unwrap()
    }
}

/// Fails unless board and report say the same as the API.
pub async fn agree(muster: &Muster, alerts: &[String], claims: &BTreeMap<Message, Claim>) {
    let auditor = Auditor::sign_in(muster).await;
    for (alert, id) in alerts.iter().enumerate() {
        let marked: Vec<&Message> = claims
            .iter()
            .filter(|(message, claim)| message.alert == alert && claim.marked)
            .map(|(message, _)| message)
            .collect();
        let sentence = match marked.len() {
            1 => "1 message may have arrived twice.".to_owned(),
            number => format!("{number} messages may have arrived twice."),
        };
        for page in [format!("/alerts/{id}"), format!("/reports/{id}")] {
            let says = auditor.page(&page).await.contains(&sentence);
            assert_eq!(says, !marked.is_empty(), "{page}: {sentence}");
        }
        let json = auditor.page(&format!("/reports/{id}.json")).await;
        let report: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(report["possible_duplicates"], marked.len(), "{id}");
        let people: BTreeSet<&str> = marked
            .iter()
            .map(|message| message.person.as_str())
            .collect();
        let table = auditor.page(&format!("/reports/{id}.csv")).await;
        assert_eq!(
            in_table(&table),
            people.into_iter().map(str::to_owned).collect(),
            "{id}"
        );
    }
}

/// Of whom the table says that something may have come twice.
fn in_table(table: &str) -> BTreeSet<String> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (name, twice) = (column("name"), column("possible_duplicate"));
    reader
        .records()
        .map(Result::unwrap)
        .filter(|row| &row[twice] == "yes")
        .map(|row| row[name].to_owned())
        .collect()
}
