//! A house with its own folder and database, in which commands are run and a server is started.
#![expect(clippy::panic, reason = "a command that fails is a failed test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::postgres::{FreshDatabase, fresh_database};

/// How long anything may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Declares tests that are each run on both databases.
macro_rules! on_both {
    ($(fn $name:ident($house:ident: &House) $body:block)*) => {$(
        mod $name {
            use super::*;

            fn suite($house: &House) $body

            #[test]
            fn on_sqlite() {
                suite(&House::new());
            }

            #[test]
            fn on_postgres() {
                suite(&House::on_postgres());
            }
        }
    )*};
}

/// A folder in which nobody else works.
pub(crate) struct House {
    folder: tempfile::TempDir,
    database: Option<FreshDatabase>,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails the test unless the command ended so.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        self
    }

    /// Fails the test unless it failed with this in its one sentence.
    #[track_caller]
    pub(crate) fn fails(self, words: &str) {
        let ran = self.ends(1);
        assert!(ran.err.contains(words), "\"{words}\" is not in {ran:?}");
        assert!(
            ran.err.lines().all(|line| line.starts_with("muster: ")),
            "{ran:?}"
        );
    }

    /// Fails the test unless it was done; answers what it printed as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ends(0).out).unwrap()
    }

    /// Fails the test unless it was done; answers what it printed.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        self.ends(0).out
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            database: None,
        }
    }

    pub(crate) fn on_postgres() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        Self {
            database: Some(runtime.block_on(fresh_database())),
            ..Self::new()
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// The program, in the house's folder, with nothing of this machine's settings.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command
            .args(words)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MUSTER_") {
                command.env_remove(name);
            }
        }
        command.env("MUSTER_DATA_DIR", self.path("data"));
        if let Some(database) = &self.database {
            command.env("MUSTER_DATABASE", database.url());
        }
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        Ran::of(self.command(words).output().unwrap())
    }

    /// The same for a command that talks to a server at this address.
    pub(crate) fn run_at(&self, url: &str, token: &str, words: &[&str]) -> Ran {
        let mut command = self.command(words);
        command.env("MUSTER_URL", url).env("MUSTER_TOKEN", token);
        Ran::of(command.output().unwrap())
    }

    /// The same with something on its stdin.
    pub(crate) fn run_with(&self, words: &[&str], stdin: &str) -> Ran {
        let mut command = self.command(words);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(stdin.as_bytes())
            .unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }

    /// A token that may do everything.
    pub(crate) fn token(&self) -> String {
        let made = self.run(&[
            "token", "create", "--name", "test", "--scope", "admin", "--json",
        ]);
        made.json()["token"].as_str().unwrap().to_owned()
    }

    /// A server on a free port, ready to answer.
    pub(crate) fn serve(&self) -> Server {
        Server::start(self.command(&["serve"]).env("MUSTER_LISTEN", "127.0.0.1:0"))
    }
}

/// Reads a stream on a thread of its own, so that the program never waits for its reader.
fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A running server; killed when the test is over.
pub(crate) struct Server {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
    said: String,
    /// The first address that it printed.
    pub(crate) first: String,
    /// Where it is.
    pub(crate) url: String,
}

impl Server {
    /// Starts a server and waits until it says where it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (
            lines(child.stdout.take().unwrap()),
            lines(child.stderr.take().unwrap()),
        );
        let mut server = Self {
            child,
            out,
            err,
            said: String::new(),
            first: String::new(),
            url: String::new(),
        };
        let line = server.out_line("http://");
        let first = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap();
        server.url = reqwest::Url::parse(first)
            .unwrap()
            .origin()
            .ascii_serialization();
        first.clone_into(&mut server.first);
        server
    }

    /// The first line of stdout from here on with these words in it.
    pub(crate) fn out_line(&mut self, words: &str) -> String {
        find(&self.out, words, &mut self.said).unwrap_or_else(|| self.silent(words))
    }

    /// The same of stderr.
    pub(crate) fn err_line(&mut self, words: &str) -> String {
        find(&self.err, words, &mut self.said).unwrap_or_else(|| self.silent(words))
    }

    fn silent(&mut self, words: &str) -> String {
        self.said.extend(self.err.try_iter());
        panic!("the server did not say \"{words}\"; it said: {}", self.said)
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for its end and answers with its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let code = |server: &mut Self| server.child.try_wait().unwrap().map(|status| status.code());
        until("the server to end", || code(self))
    }

    /// Runs a command that talks to this server.
    pub(crate) fn run(&self, house: &House, token: &str, words: &[&str]) -> Ran {
        house.run_at(&self.url, token, words)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn find(lines: &Receiver<String>, words: &str, said: &mut String) -> Option<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line.contains(words) => return Some(line),
            Ok(line) => {
                said.push_str(&line);
                said.push('\n');
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// Asks again and again until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20)); // paces the questions
    }
}

/// What an address answers; nothing if there is no connection.
pub(crate) fn get(url: &str) -> Option<String> {
    let address = url.strip_prefix("http://")?;
    let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    let mut stream = std::net::TcpStream::connect(host).ok()?;
    let path = if path.is_empty() { "/" } else { path };
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
