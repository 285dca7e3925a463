//! Opens the database that is meant, and nothing else: not one that is not there, not one that another
//! server is using, not one without its key.

use std::fs::{Permissions, create_dir, read_dir, remove_file, set_permissions};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Url;

use crate::house::{House, Server};
use crate::support::environment::variable;

const READING: [&[&str]; 7] = [
    &["audit", "check"],
    &["audit", "verify"],
    &["contacts", "export"],
    &["templates", "list"],
    &["token", "list"],
    &["token", "revoke", "x"],
    &["user", "list"],
];

on_both! {
    fn a_command_that_reads_refuses_where_there_is_no_database_and_makes_nothing(house: &House) {
        for words in READING {
            house.run(words).fails("there is no Muster database in");
        }
        assert!(!house.path("data").exists());
        create_dir(house.path("data")).unwrap();
        for words in READING {
            house.run(words).fails("there is no Muster database in");
        }
        assert_eq!(read_dir(house.path("data")).unwrap().count(), 0);
    }

    fn a_lost_key_is_told_as_lost_and_no_other_is_made(house: &House) {
        house.token();
        remove_file(house.path("data/muster.key")).unwrap();
        for words in [&["serve"][..], &["audit", "check"], &["user", "list"]] {
            let mut command = house.command(words);
            let output = command.env("MUSTER_LISTEN", "127.0.0.1:0").output().unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains("muster.key is missing") && told.contains("restore it"), "{told}");
        }
        assert!(!house.path("data/muster.key").exists());
    }
}

#[test]
fn a_data_folder_that_is_a_file_is_told_as_such() {
    let house = House::new();
    house.write("file", "this is no folder");
    for folder in ["file", "file/data"] {
        house
            .run(&["init", "--data", folder])
            .fails("file is a file");
    }
    house
        .run(&["audit", "check", "--data", "file"])
        .fails("there is no Muster database in file");
}

/// A server with a data folder of its own on the database that everyone here shares.
fn with_folder(house: &House, words: &[&str], folder: &str) -> Command {
    let mut command = house.command(words);
    command
        .env("MUSTER_DATA_DIR", house.path(folder))
        .env("MUSTER_DATABASE", "sqlite:shared.db")
        .env("MUSTER_KEY_FILE", house.path("shared.key"))
        .env("MUSTER_LISTEN", "127.0.0.1:0");
    command
}

#[test]
fn a_second_server_on_the_same_file_is_refused_whatever_its_data_folder() {
    let house = House::new();
    let _first = Server::start(&mut with_folder(&house, &["serve"], "one"));
    std::os::unix::fs::symlink(house.path("shared.db"), house.path("link.db")).unwrap();
    for words in ["serve", "migrate"] {
        let mut same = with_folder(&house, &[words], "two");
        let mut linked = with_folder(&house, &[words], "two");
        linked.env("MUSTER_DATABASE", "sqlite:link.db");
        for command in [&mut same, &mut linked] {
            let output = command.output().unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{words}: {told}");
            assert!(told.contains("another Muster server is using"), "{told}");
        }
    }
    let beside = with_folder(&house, &["user", "list"], "two").output();
    assert!(beside.unwrap().status.success());
}

#[test]
fn a_database_is_its_owners_only_wherever_it_is() {
    let house = House::new();
    create_dir(house.path("data")).unwrap();
    set_permissions(house.path("data"), Permissions::from_mode(0o755)).unwrap();
    let _server = house.serve();
    house
        .command(&["migrate"])
        .env("MUSTER_DATABASE", "sqlite:elsewhere.db")
        .output()
        .unwrap();
    for name in ["data/muster.db", "data/muster.db-wal", "elsewhere.db"] {
        let facts = std::fs::metadata(house.path(name)).unwrap();
        assert_eq!(facts.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let warns = || house.run(&["doctor"]).out.contains("chmod 600");
    assert!(!warns());
    set_permissions(house.path("data/muster.db"), Permissions::from_mode(0o640)).unwrap();
    assert!(warns());
}

#[test]
fn a_postgresql_that_cannot_be_used_is_told_quickly_and_exactly() {
    let house = House::new();
    let server = variable("MUSTER_TEST_POSTGRES");
    let address = Url::parse(&server).unwrap();
    let place = format!(
        "{}:{}",
        address.host_str().unwrap(),
        address.port().unwrap()
    );
    let nobody = server.replace("postgres@", "no_such_user@");
    let (before, _) = server.rsplit_once('/').unwrap();
    let nowhere = format!("{before}/no_such_database");
    let gone = "postgres://muster:hidden@127.0.0.1:1/muster".to_owned();
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = format!("postgres://muster@{}/muster", web.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut connection in web.incoming().map_while(Result::ok) {
            // The command may have gone.
            connection
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .ok();
        }
    });
    for (database, words) in [
        (other, "does not speak as a PostgreSQL server".to_owned()),
        (nobody, format!("{place} refuses the user \"no_such_user\"")),
        (
            nowhere,
            format!("{place} has no database \"no_such_database\""),
        ),
        (gone, "cannot be reached at 127.0.0.1:1".to_owned()),
    ] {
        let started = Instant::now();
        let mut command = house.command(&["migrate"]);
        let output = command.env("MUSTER_DATABASE", database).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(&words), "\"{words}\" is not in {told}");
        assert!(!told.contains("hidden"), "{told}");
        assert!(started.elapsed() < Duration::from_secs(8), "{told}");
    }
}
