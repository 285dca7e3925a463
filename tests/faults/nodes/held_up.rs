//! F17 and F18: transactions that come to no end, of a server that was cut off or sleeps, hold nobody up.

use std::time::Duration;

use muster::alert::follow_up;
use muster::audit::Actor;
use muster::directory::contact::PointKind;
use muster::response::{self, Answered};
use muster::storage::{Db, Error, alerts};
use tokio::sync::mpsc;

use crate::house::House;

/// Begins a transaction that takes the alert's row, if one is named, and never goes on.
fn begin_and_sleep(db: &Db, alert: Option<muster::ids::AlertNumber>, begun: mpsc::Sender<()>) {
    let db = db.clone();
    tokio::spawn(async move {
        let held: Result<(), Error> = db
            .write("test.sleep", move |tx| {
                Box::pin(async move {
                    if let Some(alert) = alert {
                        alerts::lock_running(tx, alert).await?;
                    }
                    begun.send(()).await.unwrap();
                    std::future::pending().await
                })
            })
            .await;
        held
    });
}

#[tokio::test]
async fn f17_a_lock_of_a_server_that_was_cut_off_is_freed_before_its_lease_is_over() {
    let house = House::on_postgres().await;
    house.crowd(1).await;
    let alert = house.launch(house.evacuation()).await;
    let (say, mut begun) = mpsc::channel(1);
    begin_and_sleep(&house.app.db, Some(alert.number), say);
    begun.recv().await.unwrap();
    let other = house.restarted().await;
    let stop = follow_up::stop(&other.app, alert.id, Actor::user("manager"));
    let stopped = tokio::time::timeout(Duration::from_secs(15), stop).await;
    stopped
        .expect("a stop does not wait for a sleeper")
        .unwrap();
}

#[tokio::test]
async fn f24_answers_are_taken_while_every_other_connection_is_busy() {
    let house = House::on_postgres().await;
    let person = house
        .person("Ana", &[(PointKind::Mobile, "+41790000001")])
        .await;
    house.group("everyone", &[person]).await;
    house.launch(house.evacuation()).await;
    house.settle().await;
    let link = house.sms.taken()[0].link.clone();
    let token = link.rsplit_once('/').unwrap().1;
    let (say, mut begun) = mpsc::channel(16);
    for _ in 0..16 {
        begin_and_sleep(&house.app.db, None, say.clone());
    }
    for _ in 0..16 {
        begun.recv().await.unwrap();
    }
    let answer = response::link(&house.app, token, "safe", None);
    let answered = tokio::time::timeout(Duration::from_secs(5), answer).await;
    let answered = answered.expect("an answer has a connection").unwrap();
    assert!(matches!(answered, Answered::Recorded(_)), "{answered:?}");
}
