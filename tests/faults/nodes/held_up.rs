//! F17 and F18: transactions that come to no end, of a server that was cut off or sleeps, hold nobody up.

use std::time::{Duration, Instant};

use muster::alert::follow_up;
use muster::audit::Actor;
use muster::directory::contact::PointKind;
use muster::dispatch::recovery;
use muster::escalation;
use muster::response::{self, Answered};
use muster::storage::{Db, Error, alerts};
use tokio::sync::mpsc;

use crate::house::{House, Order};

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

/// Until when a server is taken to be alive, by the database.
async fn lease_until(house: &House) -> i64 {
    let (until,): (i64,) = house
        .app
        .db
        .sql("SELECT lease_until FROM boot WHERE id = $1")
        .bind(house.boot())
        .fetch_one()
        .await
        .unwrap();
    until
}

#[tokio::test]
async fn f17_a_server_keeps_its_lease_while_its_look_for_the_dead_waits() {
    let dead = House::on_postgres().await;
    dead.crowd(1).await;
    let living = dead.restarted().await;
    dead.launch(dead.evacuation()).await;
    escalation::turn(&dead.app).await.unwrap();
    dead.sms.next(Order::Hang);
    let mut lane = dead.lanes().remove(0);
    lane.turn().await.unwrap();
    while dead.sms.taken().is_empty() {
        tokio::task::yield_now().await;
    }
    // Whoever holds the row of the message that was being sent keeps every look waiting.
    let (say, mut begun) = mpsc::channel(1);
    let db = dead.app.db.clone();
    tokio::spawn(async move {
        db.write("test.hold", |tx| {
            Box::pin(async move {
                tx.sql("UPDATE delivery SET reason = 'held'")
                    .execute()
                    .await?;
                say.send(()).await.unwrap();
                std::future::pending::<Result<(), Error>>().await
            })
        })
        .await
    });
    begun.recv().await.unwrap();
    let (app, boot) = (living.app.clone(), living.boot());
    let looks = tokio::spawn(recovery::run(app.clone(), boot));
    let keeps = tokio::spawn(recovery::keep_lease(app, boot));
    let deadline = Instant::now() + Duration::from_secs(8);
    while !living.is_anyone_waiting().await {
        assert!(Instant::now() < deadline, "the look does not wait");
        tokio::time::sleep(Duration::from_millis(20)).await; // paces the question
    }
    let before = lease_until(&living).await;
    while lease_until(&living).await <= before {
        assert!(Instant::now() < deadline, "the lease is not renewed");
        tokio::time::sleep(Duration::from_millis(20)).await; // paces the question
    }
    assert!(
        living.is_anyone_waiting().await,
        "and all that time the look waits"
    );
    drop((looks, keeps));
    std::mem::forget(lane);
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
    let given = answered.expect("an answer has a connection").unwrap();
    let answered = given.answered;
    assert!(matches!(answered, Answered::Recorded(_)), "{answered:?}");
}
