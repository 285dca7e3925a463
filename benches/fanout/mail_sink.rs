//! The mail server that takes everything: counts the letters and answers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Prints its port, then answers until it is killed; on one thread, as the other sink.
///
/// Besides the commands of a mail server it knows `SEEN`, which it answers with the count of letters.
pub(crate) fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?.port());
        let letters = Arc::new(AtomicU64::new(0));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let letters = Arc::clone(&letters);
            tokio::spawn(async move {
                // A client that hangs up is none of the sink's business.
                drop(converse(stream, &letters).await);
            });
        }
    })
}

async fn converse(mut stream: TcpStream, letters: &AtomicU64) -> std::io::Result<()> {
    stream.write_all(b"220 sink ESMTP\r\n").await?;
    let mut input: Vec<u8> = Vec::with_capacity(64 * 1024);
    let mut output: Vec<u8> = Vec::with_capacity(4096);
    let mut is_letter = false;
    loop {
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        let mut done = 0;
        loop {
            let rest = &input[done..];
            if is_letter {
                let Some(end) = find(rest, b"\r\n.\r\n") else {
                    break;
                };
                done += end + 5;
                is_letter = false;
                letters.fetch_add(1, Ordering::Relaxed);
                output.extend_from_slice(b"250 2.0.0 taken\r\n");
                continue;
            }
            let Some(end) = find(rest, b"\r\n") else {
                break;
            };
            let command = &rest[..end];
            done += end + 2;
            match command.get(..4).unwrap_or_default() {
                b"EHLO" => {
                    output.extend_from_slice(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
                }
                b"DATA" => {
                    is_letter = true;
                    output.extend_from_slice(b"354 go on\r\n");
                }
                b"QUIT" => {
                    output.extend_from_slice(b"221 bye\r\n");
                    return stream.write_all(&output).await;
                }
                b"SEEN" => {
                    let count = letters.load(Ordering::Relaxed);
                    output.extend_from_slice(format!("250 {count}\r\n").as_bytes());
                }
                _ => output.extend_from_slice(b"250 ok\r\n"),
            }
        }
        input.drain(..done);
        if !output.is_empty() {
            stream.write_all(&output).await?;
            output.clear();
        }
    }
}

/// Looks at the end first where a whole letter has come: that is where it nearly always is.
fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// How many letters the sink on that port has taken.
pub(crate) async fn ask(port: u16) -> anyhow::Result<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"SEEN\r\nQUIT\r\n").await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    let count = said
        .lines()
        .nth(1)
        .and_then(|line| line.strip_prefix("250 "));
    Ok(count.unwrap_or_default().trim().parse()?)
}
