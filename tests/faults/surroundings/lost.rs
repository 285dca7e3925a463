//! F14 and F21: the database is gone, damaged or another program's, or another server has it.

use std::path::{Path, PathBuf};

use sqlx::{Connection as _, Executor as _, SqliteConnection};

use super::program::{PATIENCE, PHONES, Server, evacuation, get, prepare, wait_until_sent};
use crate::muster::{Muster, Store};

/// An installation on SQLite that has sent an alert and is stopped.
async fn used() -> (Muster, PathBuf) {
    let muster = Muster::install(Store::Sqlite, PHONES).await;
    let server = Server::start(&muster, "", &[]).await;
    prepare(&muster, 200).await;
    let (_, alert) = muster.post("/api/v1/alerts", &evacuation()).await;
    wait_until_sent(&muster, alert["id"].as_str().unwrap(), 200).await;
    server.stop().await;
    let database = muster.folder().join("data/muster.db");
    (muster, database)
}

/// The server does not start, says these words, and leaves the file as it is.
async fn refuses(muster: &Muster, database: &Path, words: &str) {
    let before = std::fs::read(database).ok();
    let refused = tokio::time::timeout(PATIENCE, muster.run(&["serve"])).await;
    let (code, _, said) = refused.expect("it does not start");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(words), "{said}");
    assert!(
        std::fs::read(database).ok() == before,
        "the file was touched"
    );
}

#[tokio::test]
async fn f14_a_database_that_is_gone_or_empty_is_told_and_none_is_made_in_its_place() {
    let (muster, database) = used().await;
    let copy = std::fs::read(&database).unwrap();
    std::fs::remove_file(&database).unwrap();
    refuses(&muster, &database, "is gone or empty").await;
    for command in [
        &["audit", "check"][..],
        &["token", "create", "--name", "x", "--scope", "read"],
    ] {
        let (code, _, said) = muster.run(command).await;
        assert_eq!(code, 1);
        assert!(
            said.contains("is gone or empty") && said.contains("newest copy"),
            "{said}"
        );
    }
    assert!(!database.exists());
    std::fs::write(&database, "").unwrap();
    refuses(&muster, &database, "is gone or empty").await;
    // As the sentence says: with the copy it starts again.
    std::fs::write(&database, copy).unwrap();
    muster.audit().await;
    let server = Server::start(&muster, "", &[]).await;
    assert_eq!(get(&format!("{}/healthz/engine", server.url)).await.0, 200);
    server.stop().await;
}

#[tokio::test]
async fn f14_a_damaged_page_is_found_at_the_start() {
    let (muster, database) = used().await;
    let whole = std::fs::read(&database).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 50, "{pages}");
    // The schema's first page, one in the middle, and a file cut in half.
    for page in [0, pages / 2, pages - 5] {
        let mut damaged = whole.clone();
        damaged[page * 4096..page * 4096 + 200].fill(0xa5);
        std::fs::write(&database, damaged).unwrap();
        refuses(&muster, &database, "is damaged").await;
    }
    std::fs::write(&database, &whole[..pages / 2 * 4096]).unwrap();
    refuses(&muster, &database, "is damaged").await;
    std::fs::write(&database, whole).unwrap();
    muster.audit().await;
}

#[tokio::test]
async fn f14_a_file_that_is_something_else_is_not_touched() {
    let muster = Muster::install(Store::Sqlite, PHONES).await;
    let database = muster.folder().join("data/muster.db");
    std::fs::remove_file(&database).unwrap();
    std::fs::write(&database, "Minutes of the safety committee\n".repeat(500)).unwrap();
    refuses(&muster, &database, "is damaged or no database").await;

    std::fs::remove_file(&database).unwrap();
    let url = format!("sqlite://{}?mode=rwc", database.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    other
        .execute("CREATE TABLE recipes (name TEXT)")
        .await
        .unwrap();
    other.close().await.unwrap();
    refuses(&muster, &database, "another program's database").await;
}

#[tokio::test]
async fn f21_a_second_server_on_the_same_file_is_refused_and_the_first_goes_on() {
    let mut muster = Muster::install(Store::Sqlite, PHONES).await;
    muster.serve().await;
    prepare(&muster, 20).await;
    let listen = format!("127.0.0.1:{}", crate::support::ports::free_port());
    let mut second = Server::spawn(&muster, "", &[("MUSTER_LISTEN", &listen)]);
    assert_eq!(second.ended().await.code(), Some(1));
    assert!(
        muster.log().contains("another Muster server is using"),
        "{}",
        muster.log()
    );
    let (_, alert) = muster.post("/api/v1/alerts", &evacuation()).await;
    wait_until_sent(&muster, alert["id"].as_str().unwrap(), 20).await;
    muster.audit().await;
}

#[tokio::test]
async fn f21_a_second_server_on_the_same_postgres_helps_and_nobody_is_told_twice() {
    let mut muster = Muster::install(Store::Postgres, PHONES).await;
    muster.serve().await;
    prepare(&muster, 200).await;
    let listen = format!("127.0.0.1:{}", crate::support::ports::free_port());
    let second = Server::start(&muster, "", &[("MUSTER_LISTEN", &listen)]).await;
    let (_, alert) = muster.post("/api/v1/alerts", &evacuation()).await;
    let alert = alert["id"].as_str().unwrap();
    wait_until_sent(&muster, alert, 200).await;
    assert_eq!(get(&format!("{}/healthz/engine", second.url)).await.0, 200);
    let mut taken = 0.0;
    for url in [muster.url(""), second.url.clone()] {
        let text = get(&format!("{url}/metrics")).await.1;
        let lines = text
            .lines()
            .filter(|line| line.starts_with("muster_gateway_accepted_total"));
        taken += lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum::<f64>();
    }
    assert!(
        (taken - 400.0).abs() < 0.5,
        "one text and one mail each, by both together: {taken}"
    );
    second.stop().await;
    muster.audit().await;
}
