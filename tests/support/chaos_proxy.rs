//! A TCP proxy that spoils connections: one task for each. Its toxics have the names and the
//! meaning that toxiproxy gave them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Which way of a connection a toxic spoils.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    Downstream,
}

/// One way of spoiling a connection. Every sleep below is what the toxic does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toxic {
    /// Everything comes later by this much.
    Latency(Duration),
    /// At most so many bytes a second.
    Bandwidth(u64),
    /// The end of the data is passed on later by this much.
    SlowClose(Duration),
    /// No data passes, and after this long the connection is closed; after zero it never is.
    Timeout(Duration),
    /// After this long the connection is reset.
    ResetPeer(Duration),
    /// Data comes in slices of so many bytes, with a pause after each.
    Slicer(usize, Duration),
    /// After so many bytes the connection is closed.
    LimitData(u64),
}

/// What is to be spoiled, each with the way it is spoiled on.
type Toxics = Vec<(Direction, Toxic)>;

/// The running proxy; stops when dropped.
#[derive(Debug)]
pub struct ChaosProxy {
    port: u16,
    toxics: Arc<Mutex<Toxics>>,
    server: JoinHandle<()>,
}

impl ChaosProxy {
    /// Starts on a free port of 127.0.0.1 in front of a server on 127.0.0.1; spoils nothing yet.
    pub async fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let toxics = Arc::new(Mutex::new(Toxics::new()));
        let shared = Arc::clone(&toxics);
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let toxics = shared.lock().expect("nobody panics with it").clone();
                tokio::spawn(carry(client, upstream, toxics));
            }
        });
        Self {
            port,
            toxics,
            server,
        }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Spoils the connections to come.
    pub fn add(&self, direction: Direction, toxic: Toxic) {
        self.lock().push((direction, toxic));
    }

    /// Leaves the connections to come alone.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Toxics> {
        self.toxics.lock().expect("nobody panics with it")
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One connection from its beginning to its end.
async fn carry(mut client: TcpStream, upstream: u16, toxics: Toxics) {
    let address = SocketAddr::from(([127, 0, 0, 1], upstream));
    let Ok(mut server) = TcpStream::connect(address).await else {
        return;
    };
    let way = |wanted| {
        let own = toxics.iter().filter(move |(way, _)| *way == wanted);
        own.map(|(_, toxic)| *toxic).collect::<Vec<_>>()
    };
    let (up, down) = (way(Direction::Upstream), way(Direction::Downstream));
    let reset = toxics.iter().find_map(|(_, toxic)| match toxic {
        Toxic::ResetPeer(after) => Some(*after),
        _ => None,
    });
    let is_reset = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both = async {
            let up = pump(from_client, to_server, &up);
            let down = pump(from_server, to_client, &down);
            // Either way cut off ends both; either way ended quietly leaves the other.
            drop(tokio::try_join!(up, down));
        };
        tokio::select! {
            () = both => false,
            () = async { sleep(reset.unwrap_or_default()).await }, if reset.is_some() => true,
        }
    };
    if is_reset {
        client.set_zero_linger().ok();
        server.set_zero_linger().ok();
    }
}

/// The connection is cut off here.
struct Cut;

/// One way of a connection.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, toxics: &[Toxic]) -> Result<(), Cut> {
    let mut left = toxics.iter().find_map(|toxic| match toxic {
        Toxic::LimitData(bytes) => Some(*bytes),
        _ => None,
    });
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await.map_err(|_| Cut)?;
        if count == 0 {
            break;
        }
        let mut data = &buffer[..count];
        for toxic in toxics {
            match toxic {
                Toxic::Latency(late) => sleep(*late).await,
                Toxic::Timeout(after) if after.is_zero() => std::future::pending().await,
                Toxic::Timeout(after) => {
                    sleep(*after).await;
                    return Err(Cut);
                }
                _ => {}
            }
        }
        if let Some(left) = &mut left {
            let most = usize::try_from(*left).unwrap_or(usize::MAX);
            data = &data[..count.min(most)];
            *left -= data.len() as u64;
        }
        write(&mut to, data, toxics).await.map_err(|_| Cut)?;
        if left == Some(0) {
            return Err(Cut);
        }
    }
    for toxic in toxics {
        if let Toxic::SlowClose(late) = toxic {
            sleep(*late).await;
        }
    }
    to.shutdown().await.map_err(|_| Cut)
}

/// Writes data as slowly, and in as small pieces, as the toxics want it.
async fn write(to: &mut WriteHalf<'_>, data: &[u8], toxics: &[Toxic]) -> std::io::Result<()> {
    let (mut size, mut pause) = (data.len().max(1), Duration::ZERO);
    for toxic in toxics {
        match toxic {
            Toxic::Slicer(bytes, after) => (size, pause) = (*bytes, *after),
            // A tenth of a second's worth at a time.
            Toxic::Bandwidth(rate) => {
                size = usize::try_from(rate.div_ceil(10)).unwrap_or(usize::MAX);
                pause = Duration::from_millis(100);
            }
            _ => {}
        }
    }
    for slice in data.chunks(size) {
        to.write_all(slice).await?;
        to.flush().await?;
        sleep(pause).await;
    }
    Ok(())
}
