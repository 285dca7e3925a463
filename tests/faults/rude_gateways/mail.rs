//! F27: mail servers that greylist, close down in the middle, lose their answer, refuse one of many,
//! or hide that they can encrypt.

use std::collections::BTreeMap;

use muster::channel::Channel;

use super::open;
use crate::house::House;
use crate::on_both;
use crate::support::rude_smtp::{Manners, RudeSmtp};

/// The house with a rude mail server, and its own gateway for texts.
async fn with_mail(house: &House, manners: Manners, more: &str) -> (House, RudeSmtp) {
    let server = RudeSmtp::start(manners).await;
    let table = format!(
        "name = \"mail\"\nchannel = \"email\"\nkind = \"smtp\"\nexercises = true\n\
         host = \"127.0.0.1\"\nport = {}\nfrom = \"alerts@clinic.example\"\n{more}",
        server.port()
    );
    let sms = house.app.gateway("sms").unwrap().clone();
    (house.with_gateways(vec![sms, open(house, &table)]), server)
}

const PLAIN: &str = "tls = \"none\"";

/// How the mails of an alert stand.
async fn mails(house: &House, alert: &muster::storage::alerts::Alert) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for person in house.people(alert).await {
        for words in house.delivery_words(&person, Channel::Email).await {
            *counts.entry(words).or_insert(0) += 1;
        }
    }
    counts
}

fn all(count: usize) -> BTreeMap<String, usize> {
    [("accepted".to_owned(), count)].into()
}

on_both! {
    async fn f27_greylisted_mail_is_tried_again_and_everyone_gets_one(house: House) {
        house.crowd(12).await;
        let manners = Manners { greylists: true, ..Manners::default() };
        let (house, server) = with_mail(&house, manners, PLAIN).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(server.taken().len(), 0);
        for _ in 0..20 {
            house.pass(6).await;
        }
        assert_eq!(mails(&house, &alert).await, all(12));
        assert_eq!(server.taken().len(), 12);
        assert!(server.taken().iter().all(|mail| mail.to.len() == 1), "one mail for each person");
        assert_eq!(house.sms.taken().len(), 12);
    }

    async fn f27_a_server_that_closes_down_in_the_middle_of_a_list_loses_nobody(house: House) {
        house.crowd(15).await;
        let manners = Manners { closes_after: Some(3), ..Manners::default() };
        let (house, server) = with_mail(&house, manners, &format!("{PLAIN}\nslots = 2")).await;
        let alert = house.launch(house.evacuation()).await;
        for _ in 0..20 {
            house.pass(6).await;
        }
        assert_eq!(mails(&house, &alert).await, all(15));
        assert_eq!(server.taken().len(), 15, "nobody got it twice");
    }

    async fn f27_a_lost_250_is_in_doubt_and_the_copy_has_the_same_message_id(house: House) {
        house.crowd(3).await;
        let unlucky = "p1@clinic.example".to_owned();
        let manners = Manners { loses_250_for: vec![unlucky.clone()], ..Manners::default() };
        let (house, server) = with_mail(&house, manners, PLAIN).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let doubt = "in_doubt (The connection to the mail server broke after the message had left.)";
        assert_eq!(mails(&house, &alert).await, [("accepted".to_owned(), 2), (doubt.to_owned(), 1)].into());
        house.pass(11).await;
        assert_eq!(mails(&house, &alert).await, all(3));
        let copies: Vec<_> = server.taken().into_iter().filter(|mail| mail.to.contains(&unlucky)).collect();
        assert_eq!(copies.len(), 2);
        assert!(!copies[0].message_id().is_empty());
        assert_eq!(copies[0].content, copies[1].content, "mail programs may show it once");
        for person in house.people(&alert).await {
            let mail = &house.deliveries(&person).await[0];
            assert_eq!(mail.possible_duplicate, person.name == "Person 00001", "{}", person.name);
        }
    }

    async fn f27_one_refused_recipient_does_not_hold_up_the_others(house: House) {
        house.crowd(5).await;
        let manners = Manners {
            refuses: vec![
                ("p1@clinic.example", "550 5.1.1 no such mailbox"),
                ("p3@clinic.example", "552 5.2.2 mailbox full"),
            ],
            ..Manners::default()
        };
        let (house, server) = with_mail(&house, manners, PLAIN).await;
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        let expected = [
            ("accepted".to_owned(), 3),
            ("failed (The mailbox does not exist.)".to_owned(), 1),
            ("failed (The mailbox is full.)".to_owned(), 1),
        ];
        assert_eq!(mails(&house, &alert).await, expected.into());
        assert_eq!(server.taken().len(), 3);
        assert!(!house.app.health["mail"].is_down());
    }

    async fn f27_a_server_whose_starttls_was_stripped_gets_no_mail_in_clear(house: House) {
        house.crowd(3).await;
        let (house, server) = with_mail(&house, Manners::default(), "tls = \"starttls\"").await;
        let alert = house.launch(house.evacuation()).await;
        for _ in 0..5 {
            house.pass(6).await;
        }
        assert!(server.heard().iter().all(|word| word == "EHLO"), "{:?}", server.heard());
        let waiting = "queued (The mail server does not offer STARTTLS.)";
        let states = mails(&house, &alert).await;
        assert!(states.contains_key(waiting), "{states:?}");
        assert!(states.keys().all(|words| words.starts_with("queued")), "{states:?}");
        assert_eq!(house.sms.taken().len(), 3, "the other channel does not wait");
    }
}
