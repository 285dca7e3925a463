//! PostgreSQL servers of a test's own, which it may stop, kill and replace.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::node::PATIENCE;
use crate::support::ports::free_port;

/// A server. Stopped and deleted when dropped.
#[derive(Debug)]
pub(super) struct Server {
    folder: TempDir,
    /// Where it listens.
    pub(super) port: u16,
    settings: String,
}

/// How it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Clients are sent away, and what is in memory is written.
    Fast,
    /// As at a power cut, but orderly.
    Immediate,
    /// The postmaster is killed (SIGKILL).
    Kill,
}

impl Server {
    /// An empty server. Durability against power cuts is switched off: only processes die here.
    pub(super) fn start(settings: &str) -> Self {
        let server = Self::prepare(settings);
        program(
            "initdb",
            &[
                "-D",
                &server.data(),
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "--no-instructions",
            ],
        );
        server.open_replication();
        server.start_again();
        server
    }

    /// A folder and a port for a server whose files are still to come.
    pub(super) fn prepare(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        belong_to_postgres(folder.path());
        Self {
            folder,
            port: free_port(),
            settings: settings.to_owned(),
        }
    }

    /// Lets everyone in from everywhere: it lives for a minute.
    fn open_replication(&self) {
        let rules = "local all all trust\nhost all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\n";
        std::fs::write(Path::new(&self.data()).join("pg_hba.conf"), rules).unwrap();
    }

    /// Its data folder.
    pub(super) fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Its folder, where its socket is too.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its database's address.
    pub(super) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// What `pg_ctl start` is to hand to it.
    pub(super) fn options(&self) -> String {
        format!(
            "-p {} -c unix_socket_directories={} -c fsync=off -c shared_buffers=32MB -c max_connections=120 {}",
            self.port,
            self.folder.path().display(),
            self.settings
        )
    }

    /// Starts it again on its files.
    pub(super) fn start_again(&self) {
        let log = self.folder.path().join("log").display().to_string();
        let deadline = Instant::now() + PATIENCE;
        // The children of a postmaster that was killed hold its files for a moment.
        loop {
            let data = self.data();
            let started = as_postgres(
                "pg_ctl",
                &[
                    "-D",
                    &data,
                    "-w",
                    "-l",
                    &log,
                    "-o",
                    &self.options(),
                    "start",
                ],
            );
            if started.status.success() {
                return;
            }
            let written = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(
                Instant::now() < deadline,
                "PostgreSQL does not start:\n{written}"
            );
            std::thread::sleep(Duration::from_millis(100)); // paces the attempts
        }
    }

    /// Stops it.
    pub(super) fn stop(&self, how: Stop) {
        let mode = match how {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
            Stop::Kill => {
                let file = Path::new(&self.data()).join("postmaster.pid");
                let text = std::fs::read_to_string(file).unwrap();
                let id = text.lines().next().unwrap();
                assert!(
                    Command::new("kill")
                        .args(["-KILL", id])
                        .status()
                        .unwrap()
                        .success()
                );
                return;
            }
        };
        program("pg_ctl", &["-D", &self.data(), "-m", mode, "-w", "stop"]);
    }

    /// The one word that a statement answers with.
    pub(super) async fn ask(&self, sql: &'static str) -> String {
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        sqlx::query_scalar(sql)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been stopped or killed already.
        drop(as_postgres(
            "pg_ctl",
            &["-D", &self.data(), "-m", "immediate", "stop"],
        ));
    }
}

/// The folder of PostgreSQL's own programs, the newest version's.
pub(super) fn programs() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed by scripts/test")
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    versions.sort();
    versions
        .pop()
        .expect("PostgreSQL is installed by scripts/test")
}

/// Runs one of PostgreSQL's programs, which must succeed.
fn program(name: &str, arguments: &[&str]) {
    let output = as_postgres(name, arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {arguments:?}: {told}");
}

/// PostgreSQL refuses to run as root: there it runs as the user its package made.
fn as_postgres(name: &str, arguments: &[&str]) -> Output {
    let program = programs().join(name);
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // What it starts must not keep a pipe of ours open.
    let log = tempfile::NamedTempFile::new().unwrap();
    let status = command
        .args(arguments)
        .current_dir("/")
        .stdout(std::process::Stdio::null())
        .stderr(log.reopen().unwrap())
        .status()
        .unwrap();
    Output {
        status,
        stdout: Vec::new(),
        stderr: std::fs::read(log.path()).unwrap(),
    }
}

/// Whether the tests may do what only root may.
pub(super) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Gives a folder to the user that PostgreSQL runs as.
pub(super) fn belong_to_postgres(folder: &Path) {
    if is_root() {
        let given = Command::new("chown")
            .arg("postgres")
            .arg(folder)
            .status()
            .unwrap();
        assert!(given.success());
    }
}
