//! F16: the database server is lost and a standby takes its place, by the lines of the guide.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::book::Book;
use super::node::{Node, Place, Site};
use super::restarts::{all_there, launch_on};
use super::server::{Server, Stop, is_root, programs};
use super::switch::Switch;

/// The blocks of shell lines in the guide: role and slot, copy, start, wait for it, promote.
fn recipe() -> Vec<String> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/several-servers.md");
    let text = std::fs::read_to_string(guide).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let blocks: Vec<String> = blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect();
    assert_eq!(blocks.len(), 5, "{blocks:?}");
    blocks
}

/// Runs lines of the guide as whoever looks after the database does, beside `server`. `DATA` is the standby's.
fn run(lines: &str, server: &Server, standby: &Server) {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "env"]);
        command
    } else {
        Command::new("env")
    };
    let path = format!("{}:{}", programs().display(), "/usr/bin:/bin");
    let log = standby.folder().join("lines.log");
    let told = std::fs::File::options()
        .create(true)
        .append(true)
        .open(&log)
        .unwrap();
    let status = command
        .args([
            format!("PATH={path}"),
            format!("PGHOST={}", server.folder().display()),
            format!("PGPORT={}", server.port),
            "PGUSER=postgres".to_owned(),
            "PRIMARY=127.0.0.1".to_owned(),
            format!("DATA={}", standby.data()),
        ])
        .args(["bash", "-euc", lines])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(told.try_clone().unwrap())
        .stderr(told)
        .status()
        .unwrap();
    let said = std::fs::read_to_string(log).unwrap();
    assert!(status.success(), "{lines}:\n{said}");
}

/// A standby that was copied and started as the guide says.
fn standby_of(primary: &Server, recipe: &[String]) -> Server {
    let standby = Server::prepare("");
    run(&recipe[0], primary, &standby);
    run(&recipe[1], primary, &standby);
    let file = Path::new(&standby.data()).join("postgresql.conf");
    let mut settings = std::fs::File::options().append(true).open(file).unwrap();
    // Two servers on one machine: what the guide's reader need not say.
    for setting in standby.options().split(" -c ") {
        let setting = setting
            .strip_prefix("-p ")
            .map_or(setting.to_owned(), |port| format!("port={port}"));
        let (name, value) = setting.trim().split_once('=').unwrap();
        writeln!(settings, "{name} = '{value}'").unwrap();
    }
    run(&recipe[2], primary, &standby);
    standby
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_when_the_primary_is_lost_nothing_is_lost_with_a_synchronous_standby() {
    let recipe = recipe();
    let primary = Server::start("-c listen_addresses=127.0.0.1");
    let standby = tokio::task::block_in_place(|| standby_of(&primary, &recipe));
    let switch = Switch::to(primary.port).await;
    let book = Book::open(Duration::from_millis(30)).await;
    let site = Site {
        database: Some(switch.url("postgres")),
        slots: 5,
        more: String::new(),
    };
    let mut one = Node::first(&site, "one", &book).await;
    let mut two = one.beside(&site, "two", &book, &Place::here());
    one.import("few", 0, 20).await;
    one.serve().await;
    two.serve().await;
    let (_, found) = one.try_run(&["doctor"]).await;
    assert!(
        found.contains("synchronous_standby_names is empty"),
        "{found}"
    );
    tokio::task::block_in_place(|| run(&recipe[3], &primary, &standby));
    let is_waited_for = "SELECT COALESCE(max(sync_state), '') FROM pg_stat_replication";
    one.wait_until("waiting for the standby", async || {
        primary.ask(is_waited_for).await == "sync"
    })
    .await;
    let (_, found) = one.try_run(&["doctor"]).await;
    assert!(
        found.contains("every commit waits for a standby"),
        "{found}"
    );

    let over = AtomicBool::new(false);
    let failing_over = async {
        book.wait_for(100).await;
        tokio::task::block_in_place(|| primary.stop(Stop::Kill));
        // The address may lead to the standby before it is promoted.
        switch.turn(standby.port);
        let log = || format!("{}{}", one.log(), two.log());
        one.wait_until("told that it only reads", async || {
            log().contains("only reads")
        })
        .await;
        tokio::task::block_in_place(|| run(&recipe[4], &standby, &standby));
        book.wait_for(book.count() + 100).await;
        over.store(true, Ordering::SeqCst);
    };
    let ((), first, second) =
        tokio::join!(failing_over, launch_on(&one, &over), launch_on(&two, &over));
    one.all_accepted().await;

    let there = one.count("SELECT count(*) FROM alert").await;
    let launched = first.launched.union(&second.launched).cloned().collect();
    all_there(&one, &launched).await;
    let told = i64::try_from(launched.len()).unwrap();
    let in_doubt = i64::try_from(first.in_doubt + second.in_doubt).unwrap();
    assert!(
        (told..=told + in_doubt).contains(&there),
        "{there} exist, {told} were said to be out"
    );
    assert_eq!(one.count("SELECT count(*) FROM delivery").await, there * 20);
    let known = one.ask("SELECT id FROM delivery").await;
    assert!(
        book.copies().keys().all(|sent| known.contains(sent)),
        "nothing sent is forgotten"
    );
    one.compare(&book).await;
    one.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_server_that_only_reads_is_written_to_by_nobody_and_used_again_when_it_writes() {
    let server = Server::start("");
    let book = Book::open(Duration::ZERO).await;
    let site = Site {
        database: Some(server.url()),
        slots: 5,
        more: String::new(),
    };
    let mut node = Node::first(&site, "one", &book).await;
    node.import("few", 0, 20).await;
    node.serve().await;
    node.launch("few").await;
    node.all_accepted().await;
    let set = |value: &str| {
        let lines = format!(
            "psql -c 'ALTER SYSTEM SET default_transaction_read_only = {value}'
             psql -c 'SELECT pg_reload_conf()'"
        );
        // What may be set must be settable again.
        run(
            &lines.replace(
                "psql",
                "PGOPTIONS='-c default_transaction_read_only=off' psql",
            ),
            &server,
            &server,
        );
    };
    set("on");
    node.wait_until("not ready", async || node.ready().await.0 == 503)
        .await;
    let asked = Instant::now();
    let (status, told) = node.try_launch("few", "all-at-once", None).await;
    assert!(
        asked.elapsed() < Duration::from_secs(11),
        "told after {:?}",
        asked.elapsed()
    );
    assert_eq!(status, 503);
    assert!(
        told["detail"]
            .as_str()
            .unwrap()
            .contains("nothing was sent"),
        "{told}"
    );
    set("off");
    node.wait_until("ready", async || node.ready().await.0 == 200)
        .await;
    node.launch("few").await;
    node.all_accepted().await;
    assert_eq!(book.copies().len(), 40);
    assert!(
        !node.log().contains("25006"),
        "a connection that only reads was used:\n{}",
        node.log()
    );
    node.audit().await;
}
