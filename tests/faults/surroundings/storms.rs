//! F9: receipts pour in while an alert is launched and people answer.

use std::time::{Duration, Instant};

use super::program::{
    PATIENCE, PHONES, Server, answer, evacuation, links, prepare, wait_until_sent,
};
use crate::environment::http_client;
use crate::muster::{Muster, Store};

/// Receipts a second.
const STORM: u32 = 500;
/// People who answer in it.
const PEOPLE: usize = 100;

async fn answers_are_kept_at_once_while_receipts_pour_in(store: Store) {
    let modem = "[[gateway]]\nname = \"modem\"\nchannel = \"sms\"\nkind = \"kannel\"\npriority = 90\n\
        url = \"http://127.0.0.1:9/cgi-bin/sendsms\"\nusername = \"m\"\npassword = \"s\"\n\
        from = \"13013\"\ncallback_token = \"modem-secret\"\n";
    let muster = Muster::install(store, &format!("{PHONES}{modem}")).await;
    let server = Server::start(&muster, "", &[]).await;
    prepare(&muster, PEOPLE).await;
    let (_, alert) = muster.post("/api/v1/alerts", &evacuation()).await;
    let alert = alert["id"].as_str().unwrap();
    wait_until_sent(&muster, alert, PEOPLE as u64).await;
    let links = links(&muster).await;

    let stop = tokio_util::sync::CancellationToken::new();
    let storm = tokio::spawn(pour(server.url.clone(), stop.clone()));
    // It rages before anybody does anything in it.
    taken(&muster, 100).await;
    let begun = Instant::now();
    let (status, second) = muster.post("/api/v1/alerts", &evacuation()).await;
    let launched = begun.elapsed();
    assert_eq!(status, 202, "{second}");
    assert!(launched < Duration::from_secs(5), "{launched:?}");
    wait_until_sent(&muster, second["id"].as_str().unwrap(), PEOPLE as u64).await;
    let mut waits = Vec::new();
    for link in &links {
        let begun = Instant::now();
        answer(link, "safe").await.unwrap();
        waits.push(begun.elapsed());
    }
    stop.cancel();
    let (receipts, took) = storm.await.unwrap();
    let rate = f64::from(receipts) / took.as_secs_f64();
    waits.sort_unstable();
    let slowest = waits[waits.len() * 99 / 100 - 1];
    println!("{receipts} receipts, {rate:.0}/s; the slowest of 99 % of answers took {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "{waits:?}");
    let shown = muster.get(&format!("/api/v1/alerts/{alert}")).await;
    assert_eq!(shown["counts"]["acknowledged"], PEOPLE);
    // Whoever was told "taken" can rely on it: each is kept, and none twice.
    assert!(receipts > 100, "it was a storm: {receipts}");
    taken(&muster, i64::from(receipts)).await;
    server.stop().await;
    assert_eq!(kept(&muster).await, i64::from(receipts));
    muster.audit().await;
}

/// How many of them are kept.
async fn kept(muster: &Muster) -> i64 {
    let sql = "SELECT count(*) FROM receipt WHERE gateway = 'modem'";
    muster.count(sql).await
}

/// Waits until so many are.
async fn taken(muster: &Muster, receipts: i64) {
    let deadline = Instant::now() + PATIENCE;
    while kept(muster).await < receipts {
        assert!(Instant::now() < deadline, "never {receipts} receipts");
        tokio::time::sleep(Duration::from_millis(20)).await; // paces the question
    }
}

/// Posts receipts for messages that nobody knows yet, evenly, until told to stop. Answers how many
/// were taken, and in what time.
async fn pour(url: String, stop: tokio_util::sync::CancellationToken) -> (u32, Duration) {
    let client = http_client();
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_secs(1) / STORM);
    let mut under_way = tokio::task::JoinSet::new();
    for number in 0_u32.. {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = beat.tick() => {}
        }
        let path = format!(
            "/callbacks/modem/status?token=modem-secret&type=8&ref={}",
            number + 1
        );
        let request = client.get(format!("{url}{path}"));
        under_way.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let mut taken = 0;
    while let Some(status) = under_way.join_next().await {
        assert_eq!(status.unwrap(), 200);
        taken += 1;
    }
    (taken, begun.elapsed())
}

#[tokio::test]
async fn f09_answers_are_kept_at_once_while_receipts_pour_in_on_sqlite() {
    answers_are_kept_at_once_while_receipts_pour_in(Store::Sqlite).await;
}

#[tokio::test]
async fn f09_answers_are_kept_at_once_while_receipts_pour_in_on_postgres() {
    answers_are_kept_at_once_while_receipts_pour_in(Store::Postgres).await;
}
