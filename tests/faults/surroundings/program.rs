//! The real server under conditions that its own rig does not make: other limits, another clock,
//! another disk.
#![expect(
    clippy::panic,
    reason = "a server that does not start is a failed test"
)]

use std::fs::File;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::environment::http_client;
use crate::muster::Muster;

/// How long a fact may take to become true.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// Simulated phones that say nothing by themselves.
pub(super) const PHONES: &str = "[[gateway]]\nname = \"phones\"\nchannel = \"sms\"\nkind = \"sandbox\"\n\
    people = \"silent\"\n[[gateway]]\nname = \"mailboxes\"\nchannel = \"email\"\nkind = \"sandbox\"\n\
    people = \"silent\"\n";

/// A running server; killed when dropped.
pub(super) struct Server {
    child: Child,
    /// Where it listens.
    pub(super) url: String,
}

impl Server {
    /// Starts the installation's server with these variables, after these words of a shell, and waits
    /// until it is ready.
    pub(super) async fn start(muster: &Muster, before: &str, variables: &[(&str, &str)]) -> Self {
        let mut server = Self::spawn(muster, before, variables);
        let deadline = Instant::now() + PATIENCE;
        let client = http_client();
        loop {
            let ready = client.get(format!("{}/readyz", server.url)).send().await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                return server;
            }
            let ended = server.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "the server does not start: {ended:?}\n{}",
                muster.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await; // paces the question
        }
    }

    /// The same without waiting, for a server that may refuse to start.
    pub(super) fn spawn(muster: &Muster, before: &str, variables: &[(&str, &str)]) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(muster.folder().join("server.log"))
            .unwrap();
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{before}\nexec \"$0\" --config muster.toml serve"))
            .arg(env!("CARGO_BIN_EXE_muster"))
            .current_dir(muster.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        let mut url = muster.url("");
        for (name, value) in variables {
            command.env(name, value);
            if *name == "MUSTER_LISTEN" {
                url = format!("http://{value}");
            }
        }
        let child = command.spawn().unwrap();
        Self { child, url }
    }

    /// Waits until it has ended by itself.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends by itself").unwrap()
    }

    /// Ends it as a supervisor does, and waits.
    pub(super) async fn stop(mut self) {
        let id = self.child.id().expect("it runs").to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(told.unwrap().success());
        assert!(self.ended().await.success());
    }

    /// Waits until a figure of `/metrics` is as wanted. Its name comes with its labels.
    pub(super) async fn figure(&self, name: &str, is: impl Fn(f64) -> bool) -> f64 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = get(&format!("{}/metrics", self.url)).await.1;
            let found = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            if let Some(figure) = found
                .and_then(|text| text.parse().ok())
                .filter(|one| is(*one))
            {
                return figure;
            }
            assert!(
                Instant::now() < deadline,
                "{name} never came true: {found:?}\n{text}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await; // paces the question
        }
    }
}

/// Reads an address. Answers status and text.
pub(super) async fn get(url: &str) -> (u16, String) {
    let answer = http_client().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// An installation with so many people, each with a mobile phone, in the group "everyone", and every
/// message approved.
pub(super) async fn prepare(muster: &Muster, people: usize) {
    let mut file = "name,mobile,email,groups\n".to_owned();
    for number in 0..people {
        file.push_str(&format!(
            "Person {number:04},+4179{:07},p{number}@clinic.example,everyone\n",
            1_000_000 + number
        ));
    }
    muster.import(&file).await;
    muster.approve_all().await;
}

/// A request for an evacuation of everyone, live, at once.
pub(super) fn evacuation() -> Value {
    json!({
        "template": "evacuation", "mode": "live", "audience": { "groups": ["everyone"] },
        "variables": { "hazard": "FIRE" }, "plan": "all-at-once",
    })
}

/// Waits until an alert has so many messages that a gateway took.
pub(super) async fn wait_until_sent(muster: &Muster, alert: &str, people: u64) {
    muster
        .wait_for(alert, "everyone is sent to", |shown| {
            let counts = &shown["counts"];
            let sum = |names: &[&str]| -> u64 {
                names.iter().filter_map(|name| counts[*name].as_u64()).sum()
            };
            sum(&["accepted", "delivered", "acknowledged"]) == people
        })
        .await;
}

/// The answer links in the texts that the simulated phones received.
pub(super) async fn links(muster: &Muster) -> Vec<String> {
    let received = muster.get("/api/v1/sandbox/messages?limit=500").await;
    let texts = received["items"].as_array().unwrap().iter();
    let links = texts
        .filter(|one| one["channel"] == "sms")
        .filter_map(|one| {
            let token = one["link"].as_str()?.rsplit("/a/").next()?;
            Some(muster.url(&format!("/a/{token}")))
        });
    links.collect()
}

/// Answers by link. Says whether the page said that it is recorded.
pub(super) async fn answer(link: &str, option: &str) -> Result<(), String> {
    let form = [("o", option)];
    let sent = http_client().post(link).form(&form).send().await;
    match sent {
        Err(error) => Err(error.to_string()),
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!(
            "{}: {}",
            answer.status(),
            answer.text().await.unwrap()
        )),
    }
}

/// The lines of a log that nobody should have to read.
pub(super) fn errors(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains("ERROR")).collect()
}

/// Fails the test with the words of a program that failed.
pub(super) fn must(program: &str, arguments: &[&str]) {
    let output = std::process::Command::new(program).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!(
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!("{program} cannot be run: {error}"),
    }
}
