//! A PostgreSQL server to measure on: the one in `MUSTER_TEST_POSTGRES`, or a throw-away one with
//! PostgreSQL's own default settings, which are durable.

use std::io::{Read as _, Seek as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    /// The folder of a server of our own, stopped when this is dropped.
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    programs: PathBuf,
    data: PathBuf,
}

const MISSING: &str = "there is no PostgreSQL to measure on: install it (Debian: apt-get install \
                       postgresql), set MUSTER_TEST_POSTGRES, or say --sqlite-only";

impl Server {
    /// Takes the server of the tests, or starts one below `folder`.
    pub(crate) fn find_or_start(folder: &Path) -> anyhow::Result<Self> {
        if let Some(url) = std::env::var_os("MUSTER_TEST_POSTGRES") {
            let url = url
                .into_string()
                .ok()
                .context("MUSTER_TEST_POSTGRES is not text")?;
            let server = Self { url, own: None };
            server
                .setting("fsync")
                .context("the PostgreSQL of MUSTER_TEST_POSTGRES")?;
            return Ok(server);
        }
        let programs = programs().context(MISSING)?;
        let data = folder.join("postgres");
        std::fs::create_dir(&data)?;
        if is_root() {
            // It refuses to run as root; its package made a user for it.
            quiet(Command::new("chown").arg("postgres").arg(&data))?;
            quiet(Command::new("chmod").arg("a+x").arg(folder))?;
        }
        quiet(
            as_postgres(&programs.join("initdb"))
                .arg("-D")
                .arg(&data)
                .args([
                    "-U",
                    "postgres",
                    "-A",
                    "trust",
                    "-E",
                    "UTF8",
                    "--locale=C.UTF-8",
                ]),
        )?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let settings =
            format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''");
        let own = Own { programs, data };
        quiet(
            own.pg_ctl()
                .args(["-w", "-o", &settings, "-l"])
                .arg(own.data.join("log"))
                .arg("start"),
        )?;
        Ok(Self {
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            own: Some(own),
        })
    }

    /// Its first process, if it is ours to look at.
    pub(crate) fn process(&self) -> Option<u32> {
        let file = std::fs::read_to_string(self.own.as_ref()?.data.join("postmaster.pid")).ok()?;
        file.lines().next()?.parse().ok()
    }

    /// One of its settings.
    pub(crate) fn setting(&self, name: &str) -> anyhow::Result<String> {
        let statement = format!("SHOW {name}");
        block_on(async {
            let mut connection = PgConnection::connect(&self.url).await?;
            let (value,): (String,) = sqlx::query_as(AssertSqlSafe(statement))
                .fetch_one(&mut connection)
                .await?;
            connection.close().await?;
            Ok(value)
        })
    }

    /// Makes an empty database; answers its address.
    pub(crate) fn create_database(&self, name: &str) -> anyhow::Result<String> {
        self.drop_database(name)?;
        self.execute(format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        let (address, _) = self
            .url
            .rsplit_once('/')
            .context("the address names no database")?;
        Ok(format!("{address}/{name}"))
    }

    /// Drops a database of ours.
    pub(crate) fn drop_database(&self, name: &str) -> anyhow::Result<()> {
        self.execute(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    }

    fn execute(&self, statement: String) -> anyhow::Result<()> {
        block_on(async {
            let mut connection = PgConnection::connect(&self.url).await?;
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await?;
            Ok(connection.close().await?)
        })
    }
}

impl Own {
    fn pg_ctl(&self) -> Command {
        let mut command = as_postgres(&self.programs.join("pg_ctl"));
        command.arg("-D").arg(&self.data);
        command
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Err(error) = quiet(self.pg_ctl().args(["-m", "immediate", "stop"])) {
            eprintln!("fanout: {error:#}");
        }
    }
}

/// Ends a server of ours at once, by its first process.
pub(crate) fn end(process: u32) {
    let ended = quiet(Command::new("kill").arg("-QUIT").arg(process.to_string()));
    // It writes into its folder until it is gone.
    while ended.is_ok() && Path::new(&format!("/proc/{process}")).exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Where the newest installed server's programs are.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let newest = versions
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| folder(*version).join("initdb").exists())
        .max()?;
    Some(folder(newest))
}

fn folder(version: u32) -> PathBuf {
    format!("/usr/lib/postgresql/{version}/bin").into()
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn as_postgres(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // It must not matter that the current folder is closed to that user.
    command.current_dir("/");
    command
}

/// Runs a command; its words are shown only if it fails.
fn quiet(command: &mut Command) -> anyhow::Result<()> {
    let words = tempfile::tempfile()?;
    let status = command
        .stdin(Stdio::null())
        .stdout(words.try_clone()?)
        .stderr(words.try_clone()?)
        .status()
        .with_context(|| format!("{} does not start", command.get_program().display()))?;
    if status.success() {
        return Ok(());
    }
    let (mut words, mut said) = (words, String::new());
    words.rewind()?;
    words.read_to_string(&mut said)?;
    anyhow::bail!("{command:?} failed: {}", said.trim())
}

/// Runs one piece of asynchronous work on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
