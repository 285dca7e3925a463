//! A gateway's book: one line for each message that it took, on disk before it says so.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::mpsc;

use muster::clock::Clock;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// What a gateway can do about a message that it may have already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Desk {
    /// Nothing: it takes it for another one.
    Blind,
    /// It knows it again by its key.
    Keyed,
    /// It can be asked what it has.
    Asked,
    /// It is a mail server.
    Mail,
}

/// One message that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Where.
    pub desk: Desk,
    /// To which number or address.
    pub to: String,
    /// What it said; of a mail all of it, headers too.
    pub text: String,
    /// It came under a known key: nobody is told again.
    pub again: bool,
    /// It came under the key of a message that had other bytes.
    pub differs: bool,
}

/// Now, in milliseconds since 1970.
pub fn now() -> i64 {
    Clock::system().now().0
}

/// Writes a book. Many lines that come at once share one trip to the disk.
pub struct Book(mpsc::Sender<(Entry, oneshot::Sender<()>)>);

impl Book {
    /// An empty book.
    pub fn create(path: &Path) -> Self {
        let mut file = File::create(path).expect("the folder is ours");
        let (lines, queue) = mpsc::channel::<(Entry, oneshot::Sender<()>)>();
        std::thread::spawn(move || {
            while let Ok(first) = queue.recv() {
                let lines: Vec<_> = std::iter::once(first).chain(queue.try_iter()).collect();
                let mut bytes = Vec::new();
                for (entry, _) in &lines {
                    serde_json::to_writer(&mut bytes, entry).expect("an entry is JSON");
                    bytes.push(b'\n');
                }
                file.write_all(&bytes).expect("the disk is not full");
                file.sync_data().expect("the disk works");
                for (_, written) in lines {
                    // Whoever waited may be gone.
                    written.send(()).unwrap_or(());
                }
            }
        });
        Self(lines)
    }

    /// Writes a line; it is on disk when this returns.
    pub async fn write(&self, entry: Entry) {
        let (written, wait) = oneshot::channel();
        self.0
            .send((entry, written))
            .expect("the writer lives as long as its book");
        wait.await.expect("the writer answers");
    }
}

/// Reads a book while it is written.
pub struct Reader {
    file: File,
    rest: Vec<u8>,
}

impl Reader {
    /// From the beginning.
    pub fn open(path: &Path) -> Self {
        Self {
            file: File::open(path).expect("the book is there"),
            rest: Vec::new(),
        }
    }

    /// The whole lines that were written since the last time.
    pub fn news(&mut self) -> Vec<Entry> {
        self.file
            .read_to_end(&mut self.rest)
            .expect("the book can be read");
        let whole = self
            .rest
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("a line is an entry"))
            .collect()
    }
}
