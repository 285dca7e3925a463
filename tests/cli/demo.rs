//! Runs the demonstration, unattended and for someone who watches.

use std::time::{Duration, Instant};

use crate::house::{House, Server, get};

#[test]
fn unattended_it_ends_within_forty_seconds_with_everyone_explained() {
    let house = House::new();
    let started = Instant::now();
    let ran = house
        .command(&["demo", "--once"])
        .env_remove("MUSTER_DATA_DIR")
        .output()
        .unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{out}");
    assert!(
        started.elapsed() < Duration::from_secs(40),
        "{:?}",
        started.elapsed()
    );
    for words in [
        "160 people",
        "answered \"I have read this\"",
        "Not reached",
        "Every promise is kept",
    ] {
        assert!(out.contains(words), "{words} is not in {out}");
    }
    assert!(
        !house.path("muster-demo-data").exists(),
        "an unattended run leaves nothing behind"
    );
}

#[test]
fn its_json_is_one_value_and_its_folder_can_be_audited_afterwards() {
    let house = House::new();
    let told = house.run(&["demo", "--once", "--json"]).json();
    assert_eq!(told["clean"], true);
    let counts = told["report"]["counts"].as_object().unwrap();
    let people: i64 = counts.values().map(|count| count.as_i64().unwrap()).sum();
    assert_eq!(people, 160);
    assert!(counts["acknowledged"].as_i64().unwrap() > 60, "{counts:?}");
    assert!(counts["unreachable"].as_i64().unwrap() >= 2, "{counts:?}");
    assert_eq!(told["report"]["state"], "stopped");
    house.run(&["audit", "check"]).ends(0);
    assert_eq!(house.run(&["token", "list"]).text(), "");
}

#[test]
fn it_prints_a_link_that_opens_and_ends_on_a_signal() {
    let house = House::new();
    let mut server = Server::start(&mut house.command(&["demo", "--listen", "127.0.0.1:0"]));
    assert!(server.first.contains("/sign-in/"), "{}", server.first);
    assert!(get(&server.first).unwrap().starts_with("HTTP/1.1 200"));
    let phones = server.out_line("Phones:");
    let phones = phones.split_whitespace().last().unwrap().to_owned();
    assert!(phones.ends_with("/sandbox"));
    server.signal("-INT");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_folder_with_real_people_is_refused() {
    let house = House::new();
    house.token();
    house.run(&["demo", "--once"]).fails("not a demonstration");
    house.run(&["demo"]).fails("not a demonstration");
}
