//! F19: the process has no files left to open, or the code of one message breaks.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpStream;

use super::program::{
    PATIENCE, Server, answer, errors, evacuation, links, prepare, wait_until_sent,
};
use crate::house::Order;
use crate::muster::{Muster, Store};
use crate::on_both;

on_both! {
    async fn f19_a_panic_over_one_message_is_that_messages_trouble_only(house: House) {
        use muster::channel::Channel;
        house.crowd(40).await;
        house.sms.next(Order::Panic);
        let alert = house.launch(house.evacuation()).await;
        house.settle().await;
        assert_eq!(house.sms.taken().len(), 39, "the others are told");
        // Nobody knows how far that one got: it is asked about, then sent again and marked.
        house.pass(11).await;
        assert_eq!(house.sms.copies().len(), 40);
        let mut marked = 0;
        for person in &house.people(&alert).await {
            let deliveries = house.deliveries(person).await;
            let sms = deliveries.iter().find(|one| one.channel == Channel::Sms).unwrap();
            marked += usize::from(sms.possible_duplicate);
        }
        assert_eq!(marked, 1);
    }
}

/// How many messages were taken.
async fn sent(muster: &Muster) -> i64 {
    let sql = "SELECT count(*) FROM delivery WHERE state IN ('accepted', 'sent', 'delivered')";
    muster.count(sql).await
}

/// With 64 files for everything, more visitors come than there are files.
async fn a_crowd_at_the_door_takes_no_file_from_sending(store: Store) {
    let phones = "[[gateway]]\nname = \"phones\"\nchannel = \"sms\"\nkind = \"sandbox\"\n\
        people = \"silent\"\nrate_per_second = 20\n";
    let muster = Muster::install(store, phones).await;
    let server = Server::start(&muster, "ulimit -n 64", &[]).await;
    prepare(&muster, 60).await;
    let (status, alert) = muster.post("/api/v1/alerts", &evacuation()).await;
    assert_eq!(status, 202, "{alert}");
    let address = server.url.strip_prefix("http://").unwrap();
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(address).await.unwrap());
    }
    // Sending goes on although nobody else gets in: the database is asked, the server cannot be.
    let deadline = Instant::now() + PATIENCE;
    while sent(&muster).await <= 40 {
        assert!(Instant::now() < deadline, "sending stands still");
        tokio::time::sleep(Duration::from_millis(50)).await; // paces the question
    }
    drop(crowd);
    let alert = alert["id"].as_str().unwrap();
    wait_until_sent(&muster, alert, 60).await;
    for link in links(&muster).await {
        answer(&link, "safe").await.unwrap();
    }
    let shown = muster.get(&format!("/api/v1/alerts/{alert}")).await;
    assert_eq!(shown["counts"]["acknowledged"], json!(60));
    assert_eq!(errors(&muster.log()), Vec::<&str>::new());
    server.stop().await;
    muster.audit().await;
}

#[tokio::test]
async fn f19_a_crowd_at_the_door_takes_no_file_from_sending_on_sqlite() {
    a_crowd_at_the_door_takes_no_file_from_sending(Store::Sqlite).await;
}

#[tokio::test]
async fn f19_a_crowd_at_the_door_takes_no_file_from_sending_on_postgres() {
    a_crowd_at_the_door_takes_no_file_from_sending(Store::Postgres).await;
}
