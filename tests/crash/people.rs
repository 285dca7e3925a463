//! The people whom the alerts reach: some answer by the link of their text, again and again until
//! the page says "Recorded".

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Client;

use crate::book::{Desk, Entry, Reader};
use crate::campaign;
use crate::compare::Copy;
use crate::muster::Muster;
use crate::support::environment::http_client;

/// One person in so many answers.
const ANSWERS: usize = 20;

/// Everyone who has received anything.
pub struct People {
    book: Reader,
    copies: Vec<Copy>,
    /// Distinct messages of each alert.
    heard: BTreeMap<usize, BTreeSet<(String, String)>>,
    /// Who wants to answer, and where.
    wishes: BTreeMap<(usize, String), String>,
    recorded: BTreeSet<(usize, String)>,
    client: Client,
    server: String,
}

impl People {
    /// Nobody has heard of anything yet.
    pub fn new(muster: &Muster, book: Reader) -> Self {
        Self {
            book,
            copies: Vec::new(),
            heard: BTreeMap::new(),
            wishes: BTreeMap::new(),
            recorded: BTreeSet::new(),
            client: http_client(),
            server: muster.url(""),
        }
    }

    /// Everything in the book so far.
    pub fn copies(&mut self) -> &[Copy] {
        self.listen();
        &self.copies
    }

    /// Who was told that the answer is recorded.
    pub fn recorded(&self) -> &BTreeSet<(usize, String)> {
        &self.recorded
    }

    /// How many messages of that alert have come, copies not counted.
    pub fn heard_of(&mut self, alert: usize) -> usize {
        self.listen();
        self.heard.get(&alert).map_or(0, BTreeSet::len)
    }

    fn listen(&mut self) {
        for entry in self.book.news() {
            let copy = campaign::copy_of(&entry);
            let message = &copy.message;
            self.heard
                .entry(message.alert)
                .or_default()
                .insert((message.person.clone(), message.channel.clone()));
            let who = (message.alert, message.person.clone());
            let number: usize = message.person[7..].parse().unwrap();
            let answers = (number + message.alert).is_multiple_of(ANSWERS);
            if answers && entry.desk == Desk::Asked && !self.recorded.contains(&who) {
                let link = self.link(&entry);
                self.wishes.entry(who).or_insert(link);
            }
            self.copies.push(copy);
        }
    }

    fn link(&self, entry: &Entry) -> String {
        let (_, rest) = entry.text.split_once("/a/").expect("a text has its link");
        let token: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
        format!("{}/a/{token}", self.server)
    }

    /// Each of those who want to answer tries once; one who is not heard tries again the next time.
    pub async fn answer(&mut self) {
        self.listen();
        for (who, link) in self.wishes.clone() {
            if !self.is_recorded(&link).await {
                // The server is away; the others would find it so too.
                return;
            }
            self.wishes.remove(&who);
            self.recorded.insert(who);
        }
    }

    async fn is_recorded(&self, link: &str) -> bool {
        let sent = self.client.post(link).form(&[("o", "safe")]).send().await;
        let Ok(answer) = sent else { return false };
        let status = answer.status();
        let Ok(page) = answer.text().await else {
            return false;
        };
        assert!(
            !status.is_client_error(),
            "an answer was refused: {status} {page}"
        );
        status.is_success() && page.contains("Recorded:")
    }

    /// Waits until everyone who wants to answer is recorded.
    pub async fn settle(&mut self) {
        self.answer().await;
        while !self.wishes.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await; // paces the people
            self.answer().await;
        }
    }
}
