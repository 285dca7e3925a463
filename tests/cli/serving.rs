//! Starts the service where something is in its way, and ends it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use crate::house::{House, Server, get, until};

on_both! {
    fn a_server_starts_with_nothing_configured_and_ends_in_peace(house: &House) {
        let mut server = house.serve();
        let set_up = server.out_line("Set up: http://");
        let link = set_up.strip_prefix("Set up: ").unwrap();
        assert!(get(link).unwrap().starts_with("HTTP/1.1 200"), "{link}");
        assert!(get(&format!("{}/readyz", server.url)).unwrap().starts_with("HTTP/1.1 200"));
        // Beside the running server:
        house.run(&["audit", "check"]).ends(0);
        house.write("staff.csv", "name,mobile\nAna,+12025550101\n");
        house.run(&["contacts", "import", "staff.csv"]).ends(0);
        server.signal("-TERM");
        assert_eq!(server.wait(), Some(0));
        house.run(&["migrate"]).ends(0);
    }
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_and_the_first_stays_up() {
    let house = House::new();
    let server = house.serve();
    let mut second = house.command(&["serve"]);
    let second = second.env("MUSTER_LISTEN", "127.0.0.1:0").output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("another Muster server is using"), "{said}");
    house.run(&["migrate"]).fails("another Muster server");
    assert!(
        get(&format!("{}/livez", server.url))
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );
}

#[test]
fn a_port_in_use_is_named() {
    let house = House::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    house.write("muster.toml", format!("listen = \"{address}\"\n"));
    house
        .run(&["serve"])
        .fails(&format!("the address {address} is in use"));
}

#[test]
fn an_unknown_key_keeps_the_server_from_starting_and_is_named() {
    let house = House::new();
    house.write("muster.toml", "[organisation]\nnmae = \"Riverside\"\n");
    house.run(&["serve"]).fails("nmae");
    let mut command = house.command(&["serve"]);
    let output = command
        .env("MUSTER_LISTNE", "127.0.0.1:0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let house = House::new();
    house.write("file", "this is no folder");
    house
        .run(&["serve", "--data", "file/data"])
        .fails("file/data");
    house
        .run(&[
            "token",
            "create",
            "--name",
            "x",
            "--scope",
            "read",
            "--data",
            "file/data",
        ])
        .fails("file/data");
}

#[test]
fn a_database_with_another_key_is_refused() {
    let house = House::new();
    house.token();
    std::fs::remove_file(house.path("data/muster.key")).unwrap();
    house.run(&["serve"]).fails("key");
    assert!(
        !house.path("data/muster.key").exists(),
        "a new key would hide the loss of the old one"
    );
}

#[test]
fn an_unreachable_gateway_is_one_sentence_and_the_server_stays_up() {
    let house = House::new();
    house.write(
        "muster.toml",
        "[[gateway]]\nname = \"mail\"\nchannel = \"email\"\nkind = \"smtp\"\n\
        host = \"127.0.0.1\"\nport = 1\ntls = \"none\"\nfrom = \"a@clinic.example\"\n",
    );
    let mut server = house.serve();
    let warning = server.err_line("The gateway mail cannot be used now");
    assert!(
        warning.contains("WARN") && warning.contains("stays up"),
        "{warning}"
    );
    assert!(
        get(&format!("{}/livez", server.url))
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );
}

#[test]
fn a_server_whose_output_nobody_reads_stays_up() {
    let house = House::new();
    let port = crate::support::ports::free_port();
    let mut command = house.command(&["serve"]);
    command.env("MUSTER_LISTEN", format!("127.0.0.1:{port}"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    let url = format!("http://127.0.0.1:{port}/livez");
    until("the server to answer", || get(&url));
    // Its log lines meet a closed pipe from here on.
    for _ in 0..3 {
        assert!(get(&url).unwrap().starts_with("HTTP/1.1 200"));
    }
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn many_commands_may_meet_at_the_first_start() {
    let house = House::new();
    let mut server_command = house.command(&["serve"]);
    server_command.env("MUSTER_LISTEN", "127.0.0.1:0");
    let commands: Vec<_> = (0..4)
        .map(|number| {
            let name = format!("script {number}");
            let words = ["token", "create", "--name", &name, "--scope", "read"];
            let mut command = house.command(&words);
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let server = Server::start(&mut server_command);
    for command in commands {
        let output = command.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(get(&format!("{}/livez", server.url)).is_some());
    assert_eq!(house.run(&["token", "list"]).text().lines().count(), 4);
}

/// A gateway that takes a message and says nothing yet; the connection that it waits on.
fn slow_gateway(house: &House) -> TcpListener {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = gateway.local_addr().unwrap();
    house.write(
        "muster.toml",
        format!(
            "[[gateway]]\nname = \"slow\"\nchannel = \"sms\"\nkind = \"http\"\n\
             url = \"http://{address}/send\"\n"
        ),
    );
    house.write(
        "staff.csv",
        "name,mobile,groups\nAna,+12025550101,all-staff\n",
    );
    house.run(&["contacts", "import", "staff.csv"]).ends(0);
    house.run(&["templates", "approve", "closure"]).ends(0);
    gateway
}

const SEND: [&str; 6] = [
    "send",
    "closure",
    "--to",
    "all-staff",
    "--set=reason=x",
    "--live",
];

/// The connection on which the message came; a mere look whether somebody listens is let go.
fn message(gateway: &TcpListener) -> TcpStream {
    loop {
        let (mut connection, _) = gateway.accept().unwrap();
        let mut request = [0; 4096];
        let length = connection.read(&mut request).unwrap();
        if request[..length].starts_with(b"POST") {
            return connection;
        }
    }
}

#[test]
fn what_is_in_flight_at_the_end_is_finished_and_recorded() {
    let house = House::new();
    let gateway = slow_gateway(&house);
    let token = house.token();
    let mut server = house.serve();
    server.run(&house, &token, &SEND).ends(0);
    let mut connection = message(&gateway);
    server.signal("-TERM");
    server.err_line("Stopping");
    connection
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .unwrap();
    assert_eq!(server.wait(), Some(0));
    let server = house.serve();
    let alert = server
        .run(&house, &token, &["status", "last", "--json"])
        .json();
    assert_eq!(alert["counts"]["accepted"], 1, "{alert}");
}

#[test]
fn a_second_signal_does_not_wait_for_what_is_in_flight() {
    let house = House::new();
    let gateway = slow_gateway(&house);
    let token = house.token();
    let mut server = house.serve();
    server.run(&house, &token, &SEND).ends(0);
    let _connection = message(&gateway);
    server.signal("-TERM");
    server.err_line("Stopping");
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(1));
    // Nobody knows whether that message went out: the next start says so.
    let server = house.serve();
    let alert = server
        .run(&house, &token, &["status", "last", "--json"])
        .json();
    assert_eq!(alert["counts"]["in_doubt"], 1, "{alert}");
}
