//! The phones behind Kannel's fake carrier: this code is every handset of the test at once.
//!
//! Kannel's fake carrier speaks lines over TCP, one per message part: `FROM TO text BODY`, or, for
//! what is not plain text, `FROM TO ucs-2 BODY` and `FROM TO udh HEADER data BODY`, url-coded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::inbox::Inbox;

/// A text message as the handset shows it: parts joined, characters decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The number that sent it.
    pub from: String,
    /// The handset's number.
    pub to: String,
    /// What the person reads.
    pub body: String,
    /// How many message parts it took: what the clinic pays for.
    pub parts: usize,
}

/// All handsets. Unplugged (as if the carrier were gone) when dropped.
#[derive(Debug)]
pub struct Phones {
    texts: Inbox<Text>,
    senders: Arc<Mutex<BTreeMap<String, String>>>,
    carrier: tokio::sync::Mutex<OwnedWriteHalf>,
    reading: tokio::task::JoinHandle<()>,
}

impl Phones {
    /// Takes over a connection to the fake carrier's port.
    pub(super) fn on(carrier: TcpStream) -> Self {
        let texts = Inbox::default();
        let senders = Arc::default();
        let (reader, writer) = carrier.into_split();
        let reading = tokio::spawn(read(reader, texts.clone(), Arc::clone(&senders)));
        Self {
            texts,
            senders,
            carrier: tokio::sync::Mutex::new(writer),
            reading,
        }
    }

    /// The oldest text to `number` that was not read yet, waited for if need be.
    pub async fn expect_text(&self, number: &str) -> Text {
        self.texts
            .take(&format!("a text to {number}"), |text| text.to == number)
            .await
    }

    /// Sends a text from `number` to whoever last texted it, or to 13013 if nobody has. One line:
    /// the fake carrier cannot carry a line break this way.
    pub async fn reply(&self, number: &str, body: &str) {
        let to = lock(&self.senders)
            .get(number)
            .cloned()
            .unwrap_or_else(|| "13013".to_owned());
        self.send(number, &to, body).await;
    }

    /// Sends a text from `number` to `to`.
    pub async fn send(&self, number: &str, to: &str, body: &str) {
        let line = format!("{number} {to} text {body}\n");
        let mut carrier = self.carrier.lock().await;
        carrier
            .write_all(line.as_bytes())
            .await
            .expect("Kannel closed the carrier's connection");
    }

    /// How many texts arrived and were not read.
    pub fn unread(&self) -> usize {
        self.texts.len()
    }
}

impl Drop for Phones {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn read(
    mut carrier: OwnedReadHalf,
    texts: Inbox<Text>,
    senders: Arc<Mutex<BTreeMap<String, String>>>,
) {
    let mut assembly = Assembly::default();
    let mut pending = Vec::new();
    while let Ok(count) = carrier.read_buf(&mut pending).await {
        if count == 0 {
            return;
        }
        // A text may hold line breaks of its own. Kannel writes a message at one stroke, so what
        // is here is whole as soon as it ends with a line's end.
        if pending.last() != Some(&b'\n') {
            continue;
        }
        let lines = String::from_utf8_lossy(&pending).into_owned();
        pending.clear();
        for message in messages(&lines) {
            if let Some(text) = assembly.add(&message) {
                lock(&senders).insert(text.to.clone(), text.from.clone());
                texts.put(text);
            }
        }
    }
}

/// Splits what was read into messages: a line that does not begin one belongs to the text before.
fn messages(lines: &str) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for line in lines.trim_end_matches('\n').split('\n') {
        let begins = matches!(
            line.split(' ').nth(2),
            Some("text" | "ucs-2" | "udh" | "data")
        );
        match messages.last_mut() {
            Some(last) if !begins => {
                last.push('\n');
                last.push_str(line);
            }
            _ => messages.push(line.to_owned()),
        }
    }
    messages
}

/// Joins the parts of long texts.
#[derive(Debug, Default)]
struct Assembly {
    parts: BTreeMap<(String, String, u8), BTreeMap<u8, Vec<u8>>>,
}

impl Assembly {
    /// The whole text, if this part was the last that it lacked.
    fn add(&mut self, line: &str) -> Option<Text> {
        let mut words = line.splitn(4, ' ');
        let (from, to) = (words.next()?.to_owned(), words.next()?.to_owned());
        let (kind, rest) = (words.next()?, words.next().unwrap_or_default());
        if kind != "udh" {
            let body = match kind {
                "text" => rest.to_owned(),
                _ => characters(&url_decoded(rest)),
            };
            return Some(Text {
                from,
                to,
                body,
                parts: 1,
            });
        }
        let mut words = rest.splitn(3, ' ');
        let header = url_decoded(words.next()?);
        let part = url_decoded(words.nth(1).unwrap_or_default());
        // Information element 0: reference, number of parts, this part.
        let [_, 0, 3, reference, total, index] = header[..] else {
            return None;
        };
        let key = (from, to, reference);
        let parts = self.parts.entry(key.clone()).or_default();
        parts.insert(index, part);
        if parts.len() < usize::from(total) {
            return None;
        }
        let parts = self.parts.remove(&key)?;
        // Joined first and decoded then: Kannel may cut an emoji in two.
        let body = characters(&parts.values().flatten().copied().collect::<Vec<u8>>());
        Some(Text {
            from: key.0,
            to: key.1,
            body,
            parts: parts.len(),
        })
    }
}

/// A part does not say how it is coded; UTF-16 betrays itself, as no text is UTF-8 with zeros.
fn characters(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => {
            let units = bytes
                .chunks_exact(2)
                .map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
            char::decode_utf16(units)
                .map(|unit| unit.unwrap_or('\u{fffd}'))
                .collect()
        }
    }
}

fn url_decoded(coded: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(coded.len());
    let mut rest = coded.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, after) = match (first, byte) {
            (b'%', Some(byte)) => (byte, &tail[2..]),
            (b'+', _) => (b' ', tail),
            (other, _) => (*other, tail),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
