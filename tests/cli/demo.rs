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
fn commands_on_its_folder_take_its_own_settings_and_nobody_elses() {
    let house = House::new();
    house.write(
        "muster.toml",
        "database = \"postgres://x@127.0.0.1:1/x\"\nlisten = \"127.0.0.1:1\"\n\
         [[gateway]]\nname = \"demo-sms\"\nchannel = \"sms\"\nkind = \"sandbox\"\n",
    );
    let server = Server::start(&mut house.command(&["demo", "--listen", "127.0.0.1:0"]));
    let run = |words: &[&str]| {
        let mut command = house.command(words);
        command
            .env("MUSTER_LISTEN", "127.0.0.1:2")
            .env("MUSTER_DATABASE", "sqlite:other.db");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let token: serde_json::Value = serde_json::from_str(&run(&[
        "token", "create", "--name", "x", "--scope", "admin", "--json",
    ]))
    .unwrap();
    let drill = [
        "send",
        "closure",
        "--to",
        "all-staff",
        "--drill",
        "--set",
        "reason=x",
    ];
    server
        .run(&house, token["token"].as_str().unwrap(), &drill)
        .ends(0);
    run(&["audit", "check"]);
    assert!(run(&["doctor"]).contains("gateway demo-email"));
    let added = run(&[
        "user", "add", "ana", "--name", "Ana", "--role", "sender", "--link",
    ]);
    let link = format!("Sign in: {}/sign-in/", server.url);
    assert!(added.contains(&link), "{link} is not in {added}");
    // Whoever names a file means it.
    let named = house.run(&["audit", "check", "--config", "muster.toml"]);
    named.fails("127.0.0.1:1");
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
