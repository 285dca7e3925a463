//! A mail server that misbehaves as it is told: it greylists, closes down in the middle of a list,
//! refuses some, loses its own answer, hides that it can encrypt. It keeps a book of what it took.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How it misbehaves; by default not at all.
#[derive(Debug, Clone, Default)]
pub struct Manners {
    /// It refuses every recipient the first time: 451, come back later.
    pub greylists: bool,
    /// It says 421 and closes after so many messages of one connection.
    pub closes_after: Option<usize>,
    /// It refuses these recipients, with these replies.
    pub refuses: Vec<(&'static str, &'static str)>,
    /// It takes the first message for these recipients and closes without its 250.
    pub loses_250_for: Vec<String>,
    /// It offers STARTTLS, or, since someone stripped it, does not.
    pub offers_starttls: bool,
}

/// A message that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// The whole message.
    pub content: String,
}

impl Taken {
    /// Its Message-ID.
    pub fn message_id(&self) -> &str {
        let line = |line: &&str| line.starts_with("Message-ID:");
        self.content.lines().find(line).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Book {
    taken: Vec<Taken>,
    greylisted: HashSet<String>,
    /// Every command that it heard.
    heard: Vec<String>,
}

/// The running server; stops when dropped.
#[derive(Debug)]
pub struct RudeSmtp {
    port: u16,
    book: Arc<Mutex<Book>>,
    server: JoinHandle<()>,
}

impl RudeSmtp {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let book = Arc::new(Mutex::new(Book::default()));
        let shared = Arc::clone(&book);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, manners.clone(), Arc::clone(&shared)));
            }
        });
        Self { port, book, server }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Every message that it took, oldest first.
    pub fn taken(&self) -> Vec<Taken> {
        self.lock().taken.clone()
    }

    /// Every command that it heard, oldest first.
    pub fn heard(&self) -> Vec<String> {
        self.lock().heard.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().expect("nobody panics with it")
    }
}

impl Drop for RudeSmtp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn talk(stream: TcpStream, manners: Manners, book: Arc<Mutex<Book>>) -> std::io::Result<()> {
    let mut wire = BufReader::new(stream);
    wire.write_all(b"220 rude.example ESMTP\r\n").await?;
    let (mut to, mut count) = (Vec::<String>::new(), 0);
    loop {
        let mut line = String::new();
        if wire.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end().to_owned();
        let word = line.split([' ', ':']).next().unwrap_or_default();
        book.lock()
            .expect("nobody panics")
            .heard
            .push(word.to_owned());
        let reply = match word {
            "EHLO" if manners.offers_starttls => "250-rude.example\r\n250 STARTTLS",
            "EHLO" => "250 rude.example",
            "MAIL" if manners.closes_after.is_some_and(|most| count >= most) => {
                wire.write_all(b"421 4.3.2 closing down\r\n").await?;
                return Ok(());
            }
            "RCPT" => {
                let start = line.find('<').map_or(0, |at| at + 1);
                let address = line[start..].trim_end_matches('>').to_owned();
                let refusal = manners.refuses.iter().find(|(one, _)| *one == address);
                let is_new = book
                    .lock()
                    .expect("nobody panics")
                    .greylisted
                    .insert(address.clone());
                match refusal {
                    Some((_, reply)) => reply,
                    None if manners.greylists && is_new => "451 4.7.1 greylisted, come back later",
                    None => {
                        to.push(address);
                        "250 ok"
                    }
                }
            }
            "DATA" => {
                wire.write_all(b"354 go on\r\n").await?;
                let mut content = String::new();
                while !content.ends_with("\r\n.\r\n") {
                    if wire.read_line(&mut content).await? == 0 {
                        return Ok(());
                    }
                }
                count += 1;
                let message = Taken {
                    to: std::mem::take(&mut to),
                    content,
                };
                let is_first = {
                    let mut book = book.lock().expect("nobody panics");
                    let before = book.taken.iter().any(|one| one.to == message.to);
                    book.taken.push(message.clone());
                    !before
                };
                if is_first
                    && manners
                        .loses_250_for
                        .iter()
                        .any(|one| message.to.contains(one))
                {
                    return Ok(());
                }
                "250 2.0.0 queued"
            }
            "RSET" => {
                to.clear();
                "250 ok"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        wire.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}
