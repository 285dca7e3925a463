//! F24 and F26: very many people, very many answers at once, and an end in the middle of sending.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use muster::alert::follow_up::{self, FollowUpRequest};
use muster::alert::words::AlertKind;
use muster::audit::Actor;
use muster::channel::{Failure, Message};
use muster::directory::contact::PointKind;
use muster::directory::{apply, import, table};
use muster::dispatch::lane::{Lane, Turn};
use muster::response::{self, Answered};
use muster::storage::alerts::Alert;
use muster::storage::standing::{self, PersonState};

use crate::house::{House, Order, mobile, request};
use crate::on_both;

const PEOPLE: i64 = 10_000;
const ANSWERS: usize = 500;

/// Ten thousand people with a mobile phone each, as an import brings them.
async fn import_everyone(house: &House) {
    let mut table = String::from("name,mobile,groups\n");
    for number in 0..PEOPLE {
        writeln!(table, "Person {number:05},+4179{number:07},everyone").unwrap();
    }
    house.group("everyone", &[]).await;
    let organisation = &house.app.config.organisation;
    let read = table::read(table.as_bytes()).unwrap();
    let parsed = import::parse(&read, &organisation.region, &organisation.language()).unwrap();
    let (db, keys, now) = (&house.app.db, &house.app.keys, house.app.clock.now());
    apply::apply_import(
        db,
        keys,
        parsed,
        apply::Absent::Stay,
        "hash",
        now,
        &Actor::system(),
    )
    .await
    .unwrap();
}

fn token(message: &Message) -> String {
    message.link.rsplit('/').next().unwrap().to_owned()
}

fn numbers(messages: &[Message]) -> BTreeSet<String> {
    messages
        .iter()
        .map(|message| message.to.reveal().to_owned())
        .collect()
}

fn all_clear(alert: &Alert) -> FollowUpRequest {
    FollowUpRequest {
        alert: alert.id,
        kind: AlertKind::AllClear,
        template: None,
        variables: [].into(),
        hold: Duration::ZERO,
        composed_at: None,
        actor: Actor::user("manager"),
    }
}

/// People with a mobile phone and nothing else.
async fn phones(house: &House, count: u32) {
    let mut people = Vec::new();
    for number in 0..count {
        let mobile = mobile(number);
        people.push(house.person(&mobile, &[(PointKind::Mobile, &mobile)]).await);
    }
    house.group("everyone", &people).await;
}

/// Hands two batches over: what became of the first is written down, that of the second is not yet.
async fn send_some(house: &House) -> Lane {
    let mut lane = house.lanes().swap_remove(0);
    for _ in 0..2 {
        assert_eq!(lane.turn().await.unwrap(), Turn::Worked);
        lane.drain().await;
    }
    lane
}

async fn go_on(house: &House, mut lane: Lane) {
    while lane.turn().await.unwrap() == Turn::Worked {
        lane.drain().await;
    }
    house.settle().await;
}

on_both! {
    async fn f24_five_hundred_answers_in_five_seconds_among_ten_thousand_people_are_all_recorded(house: House) {
        import_everyone(&house).await;
        let alert = house.launch(house.evacuation()).await;
        assert_eq!(alert.recipients, PEOPLE);
        house.settle().await;
        let sent = house.sms.taken();
        assert_eq!(i64::try_from(sent.len()).unwrap(), PEOPLE);

        let begun = Instant::now();
        let mut answers = tokio::task::JoinSet::new();
        for (place, token) in (0_u32..).zip(sent.iter().take(ANSWERS).map(token)) {
            let app = house.app.clone();
            answers.spawn(async move {
                // Paces them: one every ten milliseconds.
                tokio::time::sleep(Duration::from_millis(10) * place).await;
                let asked = Instant::now();
                let answered = response::link(&app, &token, "safe", None).await.unwrap().answered;
                assert!(matches!(answered, Answered::Recorded(_)));
                asked.elapsed()
            });
        }
        let db = &house.app.db;
        let mut spans: Vec<Duration> = Vec::new();
        let mut boards = Vec::new();
        while let Some(span) = answers.join_next().await {
            spans.push(span.unwrap());
            if spans.len() % 100 == 1 {
                // The board, while answers come in: everyone is counted once at every moment.
                let asked = Instant::now();
                let counts = standing::count(db, alert.number).await.unwrap();
                assert_eq!(counts.iter().map(|(_, people)| people).sum::<i64>(), PEOPLE);
                standing::list_needs(db, alert.number, None, None, 50).await.unwrap();
                boards.push(asked.elapsed());
            }
        }
        let all = begun.elapsed();
        spans.sort_unstable();
        boards.sort_unstable();
        println!(
            "F24: {ANSWERS} answers in {all:?}, p50 {:?}, p99 {:?}; the board at worst {:?}",
            spans[ANSWERS / 2], spans[ANSWERS * 99 / 100], boards.last().unwrap()
        );
        assert_eq!(house.counts(&alert).await[&PersonState::Acknowledged], 500);
    }

    async fn f26_an_all_clear_while_sending_goes_to_exactly_those_whom_the_gateway_may_have_told(house: House) {
        phones(&house, 90).await;
        // One refused for good was told nothing; of one without an answer nobody knows, so it counts.
        house.sms.next(Order::Refuse(Failure::person("no such number")));
        house.sms.next(Order::Refuse(Failure::unknown("the line broke")));
        let alert = house.launch(request("closure", &[("reason", "burst pipe")])).await;
        let lane = send_some(&house).await;
        let mut told = numbers(&house.sms.taken());
        assert!((10..80).contains(&told.len()), "the middle of sending: {}", told.len());
        let doubtful: Vec<String> = house.people(&alert).await.into_iter()
            .filter(|person| person.state == PersonState::InDoubt).map(|person| person.name).collect();
        assert_eq!(doubtful.len(), 1);
        told.extend(doubtful);

        let before = house.sms.taken().len();
        follow_up::follow_up(&house.app, all_clear(&alert)).await.unwrap();
        go_on(&house, lane).await;
        let sent = house.sms.taken();
        assert!(sent[before..].iter().all(|message| message.text.contains("ALL CLEAR")));
        assert_eq!(numbers(&sent[before..]), told, "the gateway's book and the follow-up's audience");
        let counts = house.counts(&alert).await;
        assert!(!counts.contains_key(&PersonState::Queued), "nothing more leaves: {counts:?}");
    }

    async fn f26_what_was_not_sent_when_it_was_stopped_is_never_sent(house: House) {
        phones(&house, 70).await;
        let alert = house.launch(house.evacuation()).await;
        let lane = send_some(&house).await;
        let sent = house.sms.taken().len();
        assert!(sent < 70);
        follow_up::stop(&house.app, alert.id, Actor::user("manager")).await.unwrap();
        go_on(&house, lane).await;
        house.pass(3600).await;
        assert_eq!(house.sms.taken().len(), sent);
        let counts = house.counts(&alert).await;
        let sent = i64::try_from(sent).unwrap();
        assert_eq!(
            counts,
            [(PersonState::Accepted, sent), (PersonState::Excluded, 70 - sent)].into()
        );
    }
}
