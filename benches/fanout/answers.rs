//! How fast answers are taken: by link, each durable before the page says so, beside requests to the
//! same server that do nothing; and while an alert goes out.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::child::Child;
use crate::on_both;
use crate::options::{Options, Task};
use crate::postgres::Server;

/// Where the server writes the links' tokens, in the data folder.
pub(crate) const TOKENS: &str = "tokens";
/// The file that lets the server launch a second alert.
pub(crate) const GO: &str = "go";

/// Both databases.
pub(crate) fn answers(options: &Options, folder: &Path, server: &Server) -> anyhow::Result<()> {
    println!(
        "{} answers by {} connections",
        options.recipients, options.slots
    );
    println!("| database | requests | a second | share of nothing, % | p50, ms | p99, ms |");
    on_both("answers", options, folder, server, 0, on)
}

fn on(name: &str, task: &Task) -> anyhow::Result<()> {
    let mut house = Child::start("house", task)?;
    let port: u16 = house.line()?.parse().context("the server's port")?;
    let tokens = std::fs::read_to_string(task.data.join(TOKENS))?;
    let tokens: Vec<String> = tokens.lines().map(str::to_owned).collect();
    let (first, second) = tokens.split_at(tokens.len() / 2);
    crate::runtime()?.block_on(async {
        let nothing = vec!["GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(); first.len()];
        let nothing = ask(port, task.slots.get(), nothing).await?;
        nothing.print(name, "that do nothing", &nothing);
        let quiet = ask(port, task.slots.get(), posts(first)).await?;
        quiet.print(name, "answers", &nothing);
        std::fs::write(task.data.join(GO), "")?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let busy = ask(port, task.slots.get(), posts(second)).await?;
        busy.print(name, "answers while an alert goes out", &nothing);
        Ok(())
    })
}

fn posts(tokens: &[String]) -> Vec<String> {
    let body = "o=safe";
    let post = |token: &String| {
        format!(
            "POST /a/{token} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    tokens.iter().map(post).collect()
}

/// What a number of requests took.
struct Took {
    per_second: f64,
    each: Vec<Duration>,
}

impl Took {
    fn print(&self, database: &str, what: &str, nothing: &Self) {
        let at = |share: usize| {
            let index = (self.each.len() * share / 100).min(self.each.len() - 1);
            self.each[index].as_secs_f64() * 1e3
        };
        println!(
            "| {database} | {what} | {:.0} | {:.1} | {:.2} | {:.2} |",
            self.per_second,
            100.0 * self.per_second / nothing.per_second,
            at(50),
            at(99)
        );
    }
}

/// Sends these requests, each connection one after the other; all must be answered with 200.
async fn ask(port: u16, connections: usize, requests: Vec<String>) -> anyhow::Result<Took> {
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..connections {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        clients.spawn(async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await?;
            stream.set_nodelay(true)?;
            let mut stream = BufReader::new(stream);
            let mut each = Vec::new();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let asked = Instant::now();
                stream.get_mut().write_all(request.as_bytes()).await?;
                answer(&mut stream).await?;
                each.push(asked.elapsed());
            }
            anyhow::Ok(each)
        });
    }
    let mut each = Vec::new();
    while let Some(one) = clients.join_next().await {
        each.extend(one??);
    }
    let took = begun.elapsed().as_secs_f64();
    each.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let per_second = each.len() as f64 / took;
    Ok(Took { per_second, each })
}

async fn answer(stream: &mut BufReader<TcpStream>) -> anyhow::Result<()> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    anyhow::ensure!(line.starts_with("HTTP/1.1 200"), "{line}");
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        if line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(())
}
