//! What a command believes of whatever answers it, and what it says of an act that may be done.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use crate::house::{House, Ran};

const ALERT: &str = "0190a2b4-7c1e-7000-8000-00000000000a";

const SEND: [&str; 5] = ["send", "closure", "--to", "all-staff", "--live"];

/// Something that listens where a command looks for Muster.
struct Stranger {
    url: String,
    requests: Receiver<String>,
}

impl Stranger {
    /// Answers with one text after the other, then with the last one for ever; an empty one hangs up.
    fn new(answers: &[String]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        let mut answers = answers.to_vec();
        answers.reverse();
        std::thread::spawn(move || {
            for mut connection in listener.incoming().map_while(Result::ok) {
                if sender.send(request(&mut connection)).is_err() {
                    return;
                }
                let last = answers.last().cloned().unwrap_or_default();
                let answer = answers.pop().unwrap_or_default();
                if answers.is_empty() {
                    answers.push(last);
                }
                // The command may have gone.
                connection.write_all(answer.as_bytes()).ok();
            }
        });
        Self { url, requests }
    }

    fn run(&self, house: &House, words: &[&str]) -> Ran {
        house.run_at(&self.url, "muster_x", words)
    }

    /// The keys of all requests so far.
    fn keys(&self) -> Vec<String> {
        let key = |request: String| {
            let line = request
                .lines()
                .find(|line| line.to_ascii_lowercase().starts_with("idempotency-key:"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        self.requests.try_iter().filter_map(key).collect()
    }
}

/// A request with its body, so that closing the connection cuts nothing off.
fn request(connection: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut part = [0; 4096];
    loop {
        let length = connection.read(&mut part).unwrap_or_default();
        text.push_str(&String::from_utf8_lossy(&part[..length]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if length == 0 {
                return text;
            }
            continue;
        };
        let wanted = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        });
        if length == 0 || body.len() >= wanted.unwrap_or(0) {
            return text;
        }
    }
}

fn answer(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

fn json(status: &str, body: &str) -> String {
    answer(status, "application/json", body)
}

#[test]
fn a_page_of_something_else_is_no_success() {
    let house = House::new();
    let page = answer("200 OK", "text/html", "<html><title>Welcome</title></html>");
    for words in [
        &SEND[..],
        &["stop", ALERT],
        &["remind", ALERT],
        &["update", ALERT],
        &["all-clear", ALERT],
        &["status", ALERT],
        &["status", "last"],
    ] {
        for page in [&page, &json("200 OK", "{}"), &json("200 OK", "[]")] {
            let ran = Stranger::new(std::slice::from_ref(page))
                .run(&house, words)
                .ends(1);
            assert!(
                ran.err
                    .contains("there is no Muster server at this address"),
                "{words:?}: {ran:?}"
            );
            assert_eq!(ran.out, "", "{words:?}");
        }
    }
}

#[test]
fn an_answer_about_another_alert_is_no_success() {
    let house = House::new();
    let other = json(
        "200 OK",
        r#"{"id":"0190a2b4-7c1e-7000-8000-00000000000b","called_off":3,"counts":{}}"#,
    );
    for words in [["stop", ALERT], ["status", ALERT]] {
        Stranger::new(std::slice::from_ref(&other))
            .run(&house, &words)
            .fails("there is no Muster server at this address");
    }
}

#[test]
fn an_address_that_leads_elsewhere_says_where() {
    let house = House::new();
    let moved = "HTTP/1.1 301 Moved Permanently\r\nLocation: https://muster.example/\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n";
    Stranger::new(&[moved.to_owned()])
        .run(&house, &SEND)
        .fails("https://muster.example/");
}

#[test]
fn an_act_that_may_be_done_names_the_key_to_repeat_it_with() {
    let house = House::new();
    let hangs_up = String::new();
    let not_now = json(
        "503 Service Unavailable",
        r#"{"title":"Not now","detail":"the database cannot be used at the moment"}"#,
    );
    let defect = json(
        "500 Internal Server Error",
        r#"{"title":"The server failed"}"#,
    );
    let half = "HTTP/1.1 202 Accepted\r\nContent-Length: 900\r\n\r\n{\"id\"".to_owned();
    for (words, end) in [
        (&SEND[..], &hangs_up),
        (&SEND[..], &not_now),
        (&SEND[..], &defect),
        (&SEND[..], &half),
        (&["update", ALERT], &hangs_up),
        (&["remind", ALERT], &not_now),
    ] {
        let stranger = Stranger::new(std::slice::from_ref(end));
        let ran = stranger.run(&house, words).ends(1);
        let keys = stranger.keys();
        assert!(ran.err.contains("is not known"), "{words:?}: {ran:?}");
        assert!(
            ran.err.contains(&format!("--key {} does it once", keys[0])),
            "{words:?}: {ran:?}"
        );
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }
    let stopped = Stranger::new(&[hangs_up]).run(&house, &["stop", ALERT]);
    stopped.fails(&format!("`muster status {ALERT}` says how it stands"));
}

#[test]
fn an_act_that_was_refused_or_never_heard_is_not_in_doubt() {
    let house = House::new();
    let refused = json(
        "422 Unprocessable Entity",
        r#"{"title":"No","detail":"the template is not approved"}"#,
    );
    let refused = Stranger::new(&[refused]).run(&house, &SEND).ends(1);
    assert_eq!(refused.err, "muster: the template is not approved\n");
    let unheard = house.run_at("http://127.0.0.1:1", "x", &SEND).ends(1);
    assert!(!unheard.err.contains("not known"), "{unheard:?}");
}

#[test]
fn a_try_that_may_have_been_heard_stays_in_doubt_whatever_comes_after_it() {
    let house = House::new();
    let refused = json("401 Unauthorized", r#"{"detail":"the token is closed"}"#);
    let ran = Stranger::new(&[String::new(), refused]).run(&house, &SEND);
    ran.fails("is not known");
}

#[test]
fn every_act_that_sends_brings_a_key() {
    let house = House::new();
    let done = json(
        "202 Accepted",
        &format!(r#"{{"id":"{ALERT}","number":3,"mode":"live","recipients":2,"url":"u"}}"#),
    );
    let stranger = Stranger::new(&[done]);
    for act in ["update", "correct", "all-clear", "remind"] {
        stranger.run(&house, &[act, ALERT]).ends(0);
        stranger.run(&house, &[act, ALERT]).ends(0);
        let keys = stranger.keys();
        assert_eq!(keys.len(), 2, "{act}");
        assert!(keys[0].len() >= 20 && keys[0] != keys[1], "{keys:?}");
        stranger.run(&house, &[act, ALERT, "--key", "k1"]).ends(0);
        assert_eq!(stranger.keys(), ["k1"], "{act}");
    }
}
