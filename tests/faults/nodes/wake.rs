//! LISTEN and NOTIFY: what happens on one server wakes the others at once.

use std::time::{Duration, Instant};

use muster::app::App;
use muster::dispatch::neighbours;
use tokio::sync::watch;

use crate::house::House;

/// How long a word may take before the test fails; the servers of these tests look at no database.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two servers on one database: the first speaks, the second listens and has begun to.
async fn speaker_and_listener() -> (House, House) {
    let speaker = House::on_postgres().await;
    let listener = speaker.restarted().await;
    let mut work = listener.app.work();
    let boot = |app: &App| *app.boot.get().unwrap();
    tokio::spawn(neighbours::speak(speaker.app.clone(), boot(&speaker.app)));
    tokio::spawn(neighbours::listen(
        listener.app.clone(),
        boot(&listener.app),
    ));
    next(&mut work).await;
    (speaker, listener)
}

async fn next(counter: &mut watch::Receiver<u64>) {
    tokio::time::timeout(PATIENCE, counter.changed())
        .await
        .expect("nothing was heard")
        .unwrap();
}

#[tokio::test]
async fn a_launch_on_one_server_wakes_the_others() {
    let (speaker, listener) = speaker_and_listener().await;
    speaker.crowd(1).await;
    let mut work = listener.app.work();
    speaker.launch(speaker.evacuation()).await;
    next(&mut work).await;
    speaker.close().await;
}

#[tokio::test]
async fn news_on_one_server_reach_the_boards_of_the_others_and_wake_no_dispatcher() {
    let (speaker, listener) = speaker_and_listener().await;
    let (mut news, work) = (listener.app.news(), listener.app.work());
    speaker.app.tell();
    next(&mut news).await;
    assert!(!work.has_changed().unwrap());
    speaker.close().await;
}

#[tokio::test]
async fn a_thousand_facts_are_few_words() {
    let (speaker, _listener) = speaker_and_listener().await;
    let mut ear = speaker.app.db.listen().await.unwrap().unwrap();
    let begun = Instant::now();
    for _ in 0..1000 {
        speaker.app.tell();
        tokio::time::sleep(Duration::from_micros(200)).await; // a busy server
    }
    speaker.app.wake();
    let mut words = 0;
    while !ear.hear().await.unwrap().unwrap().ends_with("work") {
        words += 1;
    }
    let most = begun.elapsed().as_millis() / 50 + 1;
    assert!(
        words >= 2 && words <= most,
        "{words} words where {most} are enough"
    );
    speaker.close().await;
}

#[tokio::test]
async fn who_loses_the_connection_listens_again() {
    let (speaker, listener) = speaker_and_listener().await;
    let (mut work, mut news) = (listener.app.work(), listener.app.news());
    let (ended,): (i64,) = speaker
        .app
        .db
        .sql_for(
            "SELECT 0",
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'LISTEN%'",
        )
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(ended, 1);
    next(&mut work).await;
    news.mark_unchanged();
    speaker.app.tell();
    next(&mut news).await;
    speaker.close().await;
}

#[tokio::test]
async fn where_there_is_one_server_nobody_listens() {
    let house = House::on_sqlite().await;
    house.app.db.say("1 work").await.unwrap();
    assert!(house.app.db.listen().await.unwrap().is_none());
    house.close().await;
}
