//! A gateway that speaks HTTP and misbehaves as it is told: it refuses, hangs, drips, hangs up in the
//! middle, lies. It keeps a book of every message that it took, whatever it said of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What it does with one request that came in whole.
#[derive(Debug, Clone)]
pub enum Act {
    /// Takes the message and says so.
    Accept,
    /// Answers this without taking it: status line, header lines (each with its line end), body.
    Refuse(&'static str, &'static str, &'static str),
    /// Takes it, and answers this all the same.
    TakeAndSay(&'static str, &'static str, &'static str),
    /// Takes it and never answers.
    TakeAndHang,
    /// Takes it and writes its acceptance one byte at a time, with this pause between two.
    TakeAndDrip(Duration),
    /// Takes it, writes half of its acceptance and closes.
    TakeAndSayHalf,
    /// Takes it, writes half of its acceptance and resets the connection.
    TakeAndReset,
    /// Closes without a word, and without taking it.
    HangUp,
}

/// One request: its head and its body.
#[derive(Debug, Clone)]
pub struct Request {
    /// The request line and the headers.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Request {
    /// The form's or the query's field of that name, decoded.
    pub fn field(&self, name: &str) -> Option<String> {
        let query = self.head.split_whitespace().nth(1)?.split_once('?');
        let query = query.map(|(_, query)| query).unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .chain(form_urlencoded::parse(self.body.as_bytes()))
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            (key.to_ascii_lowercase() == name).then(|| value.to_owned())
        })
    }
}

/// Writes an acceptance: the whole answer, given how many messages were taken before.
pub type Acceptance = fn(usize) -> String;

/// The acceptance of a gateway of kind `http` with `message_id = "/id"`.
pub fn json(number: usize) -> String {
    answer("202 Accepted", "", &format!("{{\"id\":\"rude-{number}\"}}"))
}

/// Twilio's acceptance.
pub fn twilio(number: usize) -> String {
    let body = format!("{{\"sid\":\"SM{number:032}\",\"status\":\"queued\"}}");
    answer("201 Created", "Content-Type: application/json\r\n", &body)
}

/// Kannel's acceptance.
pub fn kannel(_number: usize) -> String {
    answer("202 Accepted", "", "0: Accepted for delivery")
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    )
}

/// The running gateway; stops when dropped.
#[derive(Debug)]
pub struct RudeGateway {
    port: u16,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    acceptance: Acceptance,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    orders: VecDeque<Act>,
    always: Act,
    /// Every request, taken or not.
    requests: Vec<Request>,
    /// What it took.
    taken: Vec<Request>,
}

impl RudeGateway {
    /// Starts on a free port of 127.0.0.1. Until it is told otherwise it is polite.
    pub async fn start(acceptance: Acceptance) -> Self {
        Self::listen(acceptance, None).await
    }

    /// The same behind TLS.
    pub async fn start_tls(acceptance: Acceptance, tls: TlsAcceptor) -> Self {
        Self::listen(acceptance, Some(tls)).await
    }

    async fn listen(acceptance: Acceptance, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Mutex::new(State {
            orders: VecDeque::new(),
            always: Act::Accept,
            requests: Vec::new(),
            taken: Vec::new(),
        });
        let shared = Arc::new(Shared { acceptance, state });
        let behind = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (Arc::clone(&behind), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &shared).await,
                        // A client that does not trust us hangs up here.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &shared).await,
                            Err(error) => Err(error),
                        },
                    }
                });
            }
        });
        Self {
            port,
            shared,
            server,
        }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it does with the next requests, in order.
    pub fn next(&self, acts: impl IntoIterator<Item = Act>) {
        self.lock().orders.extend(acts);
    }

    /// What it does with every request for which it has no other order.
    pub fn always(&self, act: Act) {
        self.lock().always = act;
    }

    /// Every request that came in whole, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    /// Every message that it took, oldest first.
    pub fn taken(&self) -> Vec<Request> {
        self.lock().taken.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().expect("nobody panics with it")
    }
}

impl Drop for RudeGateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A connection that can be torn down.
pub trait Wire: AsyncRead + AsyncWrite + Unpin {
    /// Closes so that the other side sees a reset.
    fn reset(self);
}

impl Wire for TcpStream {
    fn reset(self) {
        reset(&self);
    }
}

impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset(self) {
        reset(self.get_ref().0);
    }
}

/// Has a connection end in a reset when it is dropped.
pub fn reset(stream: &TcpStream) {
    stream.set_zero_linger().expect("the socket is open");
}

async fn serve<S: Wire>(mut stream: S, shared: &Shared) -> std::io::Result<()> {
    let request = read(&mut stream).await?;
    let (act, number) = {
        let mut state = shared.state.lock().expect("nobody panics with it");
        let act = state.orders.pop_front().unwrap_or(state.always.clone());
        state.requests.push(request.clone());
        if !matches!(act, Act::Refuse(..) | Act::HangUp) {
            state.taken.push(request);
        }
        (act, state.taken.len())
    };
    let acceptance = (shared.acceptance)(number);
    let half = acceptance.len() / 2;
    match act {
        Act::Accept => stream.write_all(acceptance.as_bytes()).await?,
        Act::Refuse(status, headers, body) | Act::TakeAndSay(status, headers, body) => {
            let answer = answer(status, headers, body);
            stream.write_all(answer.as_bytes()).await?;
        }
        Act::TakeAndHang => std::future::pending().await,
        Act::TakeAndDrip(pause) => {
            for byte in acceptance.as_bytes() {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(pause).await; // the drip
            }
        }
        Act::TakeAndSayHalf => stream.write_all(&acceptance.as_bytes()[..half]).await?,
        Act::TakeAndReset => {
            stream.write_all(&acceptance.as_bytes()[..half]).await?;
            stream.reset();
            return Ok(());
        }
        Act::HangUp => return Ok(()),
    }
    stream.shutdown().await
}

/// Reads one request to its end; one that breaks off was never a message.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let request = Request {
            head: head.to_owned(),
            body: body.to_owned(),
        };
        let length = request.header("content-length");
        let length = length.and_then(|it| it.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            return Ok(request);
        }
    }
}
